//! One call: its task owns the audio and follows the plan of the caller or of the line.

use std::future::pending;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::phone::{PhoneStats, Phones, RtpEndpoint, Talk};
use sip::endpoint::EndpointHandle;
use sip::header::HeaderName;
use sip::message::Message;
use sip::method::Method;
use sip::sdp::SessionDescription;
use sip::status::StatusCode;
use sip::ua::{CallKey, EndCause, Invite, RequestKey, UaCommand, UaEvent};
use tokio::sync::{mpsc, oneshot};

use super::event::{Ending, EventSender, Happening, now};
use super::line_filter::{FilterCommand, LineFilter};
use super::{Behavior, CallId, CallOptions, Goal, Line, Presses};

/// How long a key is pressed.
const PRESS: Duration = Duration::from_millis(100);

/// What a handle asks of a call.
pub(super) enum CallCommand {
    Answer,
    HangUp,
    HangUpIn(Duration),
    Hold(bool),
    Digits(String),
    Stats(oneshot::Sender<PhoneStats>),
    Vanish(bool),
}

/// What comes into a call's task.
pub(super) enum Input {
    Ua(Box<UaEvent>),
    Command(CallCommand),
}

/// How a call begins.
pub(super) enum Start {
    Outgoing(Box<Invite>),
    Incoming { offer: Option<Bytes>, asks_answer: bool },
}

/// What the phone does by itself.
pub(super) struct Plan {
    behavior: Behavior,
    goal: Goal,
    patience: Option<Duration>,
    talk_time: Option<Duration>,
    presses: Option<Presses>,
    talk: Talk,
    record: bool,
}

impl Plan {
    pub(super) fn caller(options: CallOptions) -> Self {
        Self {
            behavior: Behavior::Manual,
            goal: options.goal,
            patience: options.patience,
            talk_time: options.talk_time,
            presses: options.presses,
            talk: options.talk,
            record: options.record,
        }
    }

    pub(super) fn callee(line: Line) -> Self {
        Self {
            behavior: line.behavior,
            goal: Goal::Answered,
            patience: None,
            talk_time: line.hang_up_after,
            presses: None,
            talk: line.talk,
            record: line.record,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Our INVITE has no final answer.
    Calling,
    /// Their INVITE has no final answer.
    Ringing,
    /// Our 200 has no ACK.
    Accepted,
    Talking,
    Over,
}

/// When the phone acts by itself.
#[derive(Default)]
struct Deadlines {
    answer: Option<Instant>,
    give_up: Option<Instant>,
    hang_up: Option<Instant>,
    press: Option<Instant>,
}

/// Takes a deadline that is reached.
fn due(deadline: &mut Option<Instant>, now: Instant) -> bool {
    deadline.take_if(|at| *at <= now).is_some()
}

pub(super) struct Call {
    key: CallKey,
    endpoint: EndpointHandle<LineFilter>,
    phones: Phones,
    events: EventSender,
    plan: Plan,
    phase: Phase,
    began: Instant,
    /// The offer of their INVITE.
    offer: Option<Bytes>,
    audio: Option<RtpEndpoint>,
    /// Our 200 to them carried the offer; its ACK brings the answer.
    offered: bool,
    remote: Option<SocketAddr>,
    held_by_peer: bool,
    holding: bool,
    /// The hold or retrieve that the peer has not answered.
    changing: Option<bool>,
    joined: bool,
    deadlines: Deadlines,
    /// Why we hung up, if we did.
    leaving: Option<Ending>,
}

impl Call {
    pub(super) fn new(
        key: CallKey,
        endpoint: EndpointHandle<LineFilter>,
        phones: Phones,
        events: EventSender,
        plan: Plan,
    ) -> Self {
        Self {
            key,
            endpoint,
            phones,
            events,
            plan,
            phase: Phase::Calling,
            began: now(),
            offer: None,
            audio: None,
            offered: false,
            remote: None,
            held_by_peer: false,
            holding: false,
            changing: None,
            joined: false,
            deadlines: Deadlines::default(),
            leaving: None,
        }
    }

    /// Runs to the end of the call.
    pub(super) async fn run(mut self, start: Start, mut inputs: mpsc::Receiver<Input>) -> CallKey {
        match start {
            Start::Outgoing(invite) => self.dial(invite).await,
            Start::Incoming { offer, asks_answer } => self.ring(offer, asks_answer).await,
        }
        while self.phase != Phase::Over {
            let Deadlines {
                answer,
                give_up,
                hang_up,
                press,
            } = &self.deadlines;
            let deadline = [answer, give_up, hang_up, press]
                .into_iter()
                .flatten()
                .min()
                .copied();
            let timer = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                input = inputs.recv() => match input {
                    Some(Input::Ua(event)) => self.handle_event(*event).await,
                    Some(Input::Command(command)) => self.handle_command(command).await,
                    None => self.end(Ending::Lost).await,
                },
                () = timer => self.handle_timeout().await,
            }
        }
        self.key
    }

    async fn dial(&mut self, mut invite: Box<Invite>) {
        if !self.open_audio().await {
            return self.fail(StatusCode::SERVICE_UNAVAILABLE);
        }
        invite.sdp = self.audio.as_mut().map(RtpEndpoint::offer);
        self.began = now();
        self.deadlines.give_up = self.plan.patience.map(|patience| self.began + patience);
        self.send(UaCommand::Invite {
            call: self.key,
            invite,
        })
        .await;
    }

    async fn ring(&mut self, offer: Option<Bytes>, asks_answer: bool) {
        self.phase = Phase::Ringing;
        self.offer = offer;
        match self.plan.behavior {
            Behavior::Busy => {
                self.send(UaCommand::reject(self.key, StatusCode::BUSY_HERE))
                    .await;
                return self.fail(StatusCode::BUSY_HERE);
            }
            Behavior::AutoAnswer { after } => self.deadlines.answer = Some(self.began + after),
            Behavior::Manual if asks_answer => self.deadlines.answer = Some(self.began),
            Behavior::Manual | Behavior::RingForever | Behavior::Gone => {}
        }
        self.send(UaCommand::ringing(self.key)).await;
    }

    /// Sends 200: the answer to their offer, or an offer.
    async fn answer(&mut self) {
        if self.phase != Phase::Ringing {
            return;
        }
        self.deadlines.answer = None;
        if !self.open_audio().await {
            return self.refuse(StatusCode::SERVICE_UNAVAILABLE).await;
        }
        let Some(audio) = &mut self.audio else { return };
        let sdp = match self.offer.take() {
            Some(offer) => match audio.answer(&offer) {
                Ok(answer) => {
                    self.look_at(&offer);
                    answer
                }
                Err(error) => {
                    tracing::info!(%error, "no common audio");
                    return self.refuse(StatusCode::NOT_ACCEPTABLE_HERE).await;
                }
            },
            None => {
                self.offered = true;
                audio.offer()
            }
        };
        self.phase = Phase::Accepted;
        self.send(UaCommand::accept(self.key, sdp)).await;
    }

    async fn refuse(&mut self, status: StatusCode) {
        self.send(UaCommand::reject(self.key, status)).await;
        self.fail(status);
    }

    async fn open_audio(&mut self) -> bool {
        match self.phones.endpoint().await {
            Ok(audio) => {
                if self.plan.record {
                    audio.record(true);
                }
                audio.talk(self.plan.talk.clone());
                self.audio = Some(audio);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "a phone has no audio");
                false
            }
        }
    }

    async fn handle_event(&mut self, event: UaEvent) {
        match event {
            UaEvent::Progress { sdp, .. } => {
                if let (Some(audio), Some(sdp)) = (&mut self.audio, &sdp) {
                    // Early media that cannot be heard is no reason to end the call.
                    let _ = audio.take_answer(sdp);
                }
                self.tell(Happening::Ringing {
                    call: CallId(self.key),
                });
            }
            UaEvent::Answered {
                sdp, offer: false, ..
            } => match sdp {
                Some(sdp) if self.take_answer(&sdp) => self.answered(),
                _ => self.leave(Ending::Lost).await,
            },
            UaEvent::Confirmed { sdp, .. } => self.confirmed(sdp).await,
            UaEvent::Reinvited { sdp, .. } => self.reinvited(sdp).await,
            UaEvent::ReinviteAnswered { sdp, .. } => self.change_answered(sdp.as_deref()),
            UaEvent::ReinviteFailed { status, .. } => self.change_failed(status),
            UaEvent::InDialog { request, message, .. } => self.asked(request, &message).await,
            UaEvent::Failed { status, .. } => match self.leaving {
                Some(ending) => self.end(ending).await,
                None => self.fail(status),
            },
            UaEvent::Cancelled { .. } => self.end(self.leaving.unwrap_or(Ending::ByPeer)).await,
            UaEvent::Ended { cause, .. } => {
                let ending = match cause {
                    EndCause::Remote => Ending::ByPeer,
                    EndCause::Local => self.leaving.unwrap_or(Ending::ByUs),
                    _ => Ending::Lost,
                };
                self.end(ending).await;
            }
            UaEvent::CommandFailed {
                command: "invite", ..
            } => self.fail(StatusCode::SERVICE_UNAVAILABLE),
            UaEvent::CommandFailed {
                command: "reinvite", ..
            } => {
                self.change_failed(StatusCode::REQUEST_PENDING);
            }
            UaEvent::CommandFailed { command, error, .. } => {
                tracing::debug!(command, %error, "crossed with the peer");
            }
            _ => {}
        }
    }

    /// The ACK of our 200.
    async fn confirmed(&mut self, sdp: Option<Bytes>) {
        if std::mem::take(&mut self.offered) {
            let taken = sdp.is_some_and(|sdp| self.take_answer(&sdp));
            if !taken && self.phase == Phase::Accepted {
                return self.leave(Ending::Lost).await;
            }
        }
        if self.phase == Phase::Accepted {
            self.answered();
        }
    }

    fn answered(&mut self) {
        self.phase = Phase::Talking;
        let Some(local_rtp) = self.audio.as_ref().map(RtpEndpoint::local_address) else {
            return;
        };
        let after = now().saturating_duration_since(self.began);
        self.tell(Happening::Answered {
            call: CallId(self.key),
            after,
            local_rtp,
        });
        self.deadlines.press = self.plan.presses.as_ref().map(|presses| now() + presses.after);
        if self.plan.goal == Goal::Answered {
            self.goal_reached();
        }
    }

    fn goal_reached(&mut self) {
        self.deadlines.give_up = None;
        let talk_until = self.plan.talk_time.map(|time| now() + time);
        self.deadlines.hang_up = self.deadlines.hang_up.or(talk_until);
    }

    fn take_answer(&mut self, sdp: &[u8]) -> bool {
        let Some(audio) = &mut self.audio else {
            return false;
        };
        if let Err(error) = audio.take_answer(sdp) {
            tracing::info!(%error, "the answer cannot be used");
            return false;
        }
        self.look_at(sdp);
        true
    }

    /// Notices in the peer's description where its audio is and whether we are on hold.
    fn look_at(&mut self, sdp: &[u8]) {
        let Some(audio) = SessionDescription::parse(sdp).ok().and_then(|sdp| sdp.audio()) else {
            return;
        };
        let moved = audio.remote.is_some() && audio.remote != self.remote;
        if let Some(remote_rtp) = audio.remote {
            self.remote = Some(remote_rtp);
            if moved && self.phase == Phase::Talking {
                self.tell(Happening::MediaChanged {
                    call: CallId(self.key),
                    remote_rtp,
                });
                if !std::mem::replace(&mut self.joined, true) && self.plan.goal == Goal::Joined {
                    self.goal_reached();
                }
            }
        }
        // While we hold the peer, its direction answers ours and says nothing of its own.
        let held = audio.remote.is_none() || !audio.direction.receives();
        if !self.holding && self.changing.is_none() && held != self.held_by_peer {
            self.held_by_peer = held;
            let call = CallId(self.key);
            self.tell(match held {
                true => Happening::Held { call, by_peer: true },
                false => Happening::Retrieved { call, by_peer: true },
            });
        }
    }

    /// The peer's re-INVITE: the answer to its offer, or an offer.
    async fn reinvited(&mut self, sdp: Option<Bytes>) {
        let Some(audio) = &mut self.audio else { return };
        let answer = match &sdp {
            Some(offer) => audio.answer(offer),
            None => Ok(audio.offer()),
        };
        match answer {
            Ok(answer) => {
                self.offered = sdp.is_none();
                self.send(UaCommand::AcceptReinvite {
                    call: self.key,
                    sdp: answer,
                })
                .await;
                if let Some(offer) = &sdp {
                    self.look_at(offer);
                }
            }
            Err(error) => {
                tracing::info!(%error, "re-INVITE refused");
                let status = StatusCode::NOT_ACCEPTABLE_HERE;
                self.send(UaCommand::RejectReinvite {
                    call: self.key,
                    status,
                })
                .await;
            }
        }
    }

    async fn hold(&mut self, hold: bool) {
        if self.phase != Phase::Talking || self.changing.is_some() {
            let status = StatusCode::REQUEST_PENDING;
            return self.tell(Happening::ChangeFailed {
                call: CallId(self.key),
                status,
            });
        }
        let Some(audio) = &mut self.audio else { return };
        let offer = audio.offer_hold(hold);
        self.changing = Some(hold);
        self.send(UaCommand::reinvite(self.key, Some(offer))).await;
    }

    fn change_answered(&mut self, sdp: Option<&[u8]>) {
        let taken = sdp.is_some_and(|sdp| self.take_answer(sdp));
        let Some(hold) = self.changing else { return };
        if !taken {
            return self.change_failed(StatusCode::NOT_ACCEPTABLE_HERE);
        }
        self.changing = None;
        self.holding = hold;
        let call = CallId(self.key);
        self.tell(match hold {
            true => Happening::Held { call, by_peer: false },
            false => Happening::Retrieved { call, by_peer: false },
        });
    }

    fn change_failed(&mut self, status: StatusCode) {
        if self.changing.take().is_none() {
            return;
        }
        if let Some(audio) = &mut self.audio {
            // The offers to come are again as agreed; this one is not sent.
            audio.offer_hold(self.holding);
        }
        self.tell(Happening::ChangeFailed {
            call: CallId(self.key),
            status,
        });
    }

    /// NOTIFY and INFO.
    async fn asked(&mut self, request: RequestKey, message: &Message) {
        let event = message.header(&HeaderName::EVENT).unwrap_or_default();
        let event = event.split(';').next().unwrap_or_default().trim();
        let notify = message.is_method(&Method::NOTIFY);
        let known = !notify || event.eq_ignore_ascii_case("talk") || event.eq_ignore_ascii_case("hold");
        let status = if known {
            StatusCode::OK
        } else {
            StatusCode::BAD_EVENT
        };
        self.send(UaCommand::Respond {
            request,
            status,
            headers: Vec::new(),
            body: None,
        })
        .await;
        if !notify || !known {
            return;
        }
        match (event.eq_ignore_ascii_case("talk"), self.phase) {
            (true, Phase::Ringing) => self.answer().await,
            (true, _) if self.holding => self.hold(false).await,
            (false, Phase::Talking) if !self.holding => self.hold(true).await,
            _ => {}
        }
    }

    async fn handle_command(&mut self, command: CallCommand) {
        match command {
            CallCommand::Answer => self.answer().await,
            CallCommand::HangUp => self.leave(Ending::ByUs).await,
            CallCommand::HangUpIn(after) => self.deadlines.hang_up = Some(now() + after),
            CallCommand::Hold(hold) => self.hold(hold).await,
            CallCommand::Digits(digits) => self.press(&digits),
            CallCommand::Stats(reply) => {
                if let Some(audio) = &self.audio
                    && let Ok(stats) = audio.stats().await
                {
                    // The asker may be gone.
                    let _ = reply.send(stats);
                }
            }
            CallCommand::Vanish(gone) => {
                let talk = if gone {
                    Talk::Nothing
                } else {
                    self.plan.talk.clone()
                };
                if let Some(audio) = &self.audio {
                    audio.talk(talk);
                }
            }
        }
    }

    fn press(&self, digits: &str) {
        if let Some(audio) = &self.audio {
            audio.send_digits(digits, PRESS);
        }
    }

    async fn handle_timeout(&mut self) {
        let now = now();
        if due(&mut self.deadlines.press, now)
            && let Some(presses) = &self.plan.presses
        {
            let waits = self.plan.goal == Goal::Joined && !self.joined;
            self.deadlines.press = presses.every.filter(|_| waits).map(|every| now + every);
            if waits || self.plan.goal == Goal::Answered {
                self.press(&presses.digits);
            }
        }
        if due(&mut self.deadlines.answer, now) {
            self.answer().await;
        }
        if due(&mut self.deadlines.give_up, now) {
            self.leave(Ending::GaveUp).await;
        }
        if due(&mut self.deadlines.hang_up, now) {
            self.leave(Ending::ByUs).await;
        }
    }

    /// Hangs up; the core tells when the call is over.
    async fn leave(&mut self, ending: Ending) {
        if self.leaving.is_none() {
            self.leaving = Some(ending);
            self.deadlines = Deadlines::default();
            self.send(UaCommand::hangup(self.key)).await;
        }
    }

    async fn end(&mut self, ending: Ending) {
        let answered = self.phase == Phase::Talking;
        self.phase = Phase::Over;
        let (mut stats, mut recording) = (PhoneStats::default(), None);
        if let Some(audio) = self.audio.take() {
            stats = audio.stats().await.unwrap_or_default();
            if self.plan.record {
                recording = audio.recording().await.ok();
            }
        }
        let call = CallId(self.key);
        self.tell(Happening::Ended {
            call,
            ending,
            answered,
            stats: Box::new(stats),
            recording,
        });
    }

    fn fail(&mut self, status: StatusCode) {
        self.phase = Phase::Over;
        self.tell(Happening::Failed {
            call: CallId(self.key),
            status,
        });
    }

    fn tell(&self, what: Happening) {
        self.events.send(what);
    }

    async fn send(&mut self, command: UaCommand) {
        if self.endpoint.send(FilterCommand::Ua(command)).await.is_err() {
            // The endpoint has stopped; the closed inbox ends the call.
            tracing::debug!("the SIP endpoint has stopped");
        }
    }
}
