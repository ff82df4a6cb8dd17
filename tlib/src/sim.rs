//! A simulated switch: scripted endpoints and callers, no network, no media, no clock of its own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::id::Dn;
use crate::switch::{Cause, LegId, OfferedCall, Switch, SwitchCommand, SwitchEvent, Treatment, TreatmentId};

mod treatment;

use treatment::{Playing, Step};

/// How an endpoint takes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SimReply {
    /// Rings, then answers after this time.
    AnswersAfter(Duration),
    /// Rings; answers only if [`SwitchCommand::Answer`] or [`SimSwitch::answer`] says so.
    Rings,
    /// Is busy.
    Busy,
    /// Refuses.
    Rejects,
    /// Cannot be reached.
    Unreachable,
}

/// A scripted endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SimEndpoint {
    /// How it takes a call.
    pub reply: SimReply,
    /// How long after the answer it hangs up; `None`: never by itself.
    pub hangs_up_after: Option<Duration>,
    /// Whether it is a phone of ours, whose coming and going is reported; default true.
    pub registers: bool,
    /// Whether it answers on command (auto-answer, [`SwitchCommand::Answer`]); default true.
    pub obeys: bool,
}

/// A deterministic [`Switch`] with scripted endpoints.
///
/// The same calls in the same order with the same times give the same events. Endpoints are named by DN;
/// numbers outside are endpoints that do not register. Callers are injected with [`SimSwitch::call`].
///
/// ```
/// use std::time::{Duration, Instant};
/// use tlib::sim::{SimEndpoint, SimSwitch};
/// use tlib::switch::{LegId, OfferMedia, Switch, SwitchCommand, SwitchEvent};
///
/// # #[expect(clippy::disallowed_methods, reason = "an example")]
/// let now = Instant::now();
/// let mut switch = SimSwitch::new();
/// switch.add("1001", SimEndpoint::answers_after(Duration::from_secs(2)));
/// let leg = LegId::from_engine(1);
/// switch.handle_command(now, SwitchCommand::Offer {
///     leg,
///     to: "1001".into(),
///     from: "0301234".into(),
///     media: OfferMedia::Late,
///     auto_answer: false,
///     timeout: Duration::from_secs(20),
///     headers: Vec::new(),
/// });
/// assert_eq!(switch.next_event(), Some(SwitchEvent::EndpointUp { dn: "1001".into() }));
/// assert_eq!(switch.next_event(), Some(SwitchEvent::Ringing { leg }));
/// switch.handle_timeout(now + Duration::from_secs(2));
/// assert_eq!(switch.next_event(), Some(SwitchEvent::Answered { leg }));
/// ```
#[derive(Debug, Default)]
pub struct SimSwitch {
    endpoints: BTreeMap<Dn, SimEndpoint>,
    down: BTreeSet<Dn>,
    legs: BTreeMap<LegId, Leg>,
    due: BTreeMap<(Instant, u64), Due>,
    events: VecDeque<SwitchEvent>,
    missing: BTreeSet<String>,
    callers: u64,
    armed: u64,
}

#[derive(Debug)]
struct Leg {
    number: Dn,
    up: bool,
    peer: Option<LegId>,
    held: bool,
    playing: Option<Playing>,
}

#[derive(Debug)]
enum Due {
    Answer(LegId),
    NoAnswer(LegId),
    HangUp(LegId),
    Treatment(LegId, TreatmentId, u32),
}

impl SimEndpoint {
    /// An endpoint that takes calls as `reply` says.
    pub fn new(reply: SimReply) -> Self {
        Self {
            reply,
            hangs_up_after: None,
            registers: true,
            obeys: true,
        }
    }

    /// An endpoint that rings and answers after a time.
    pub fn answers_after(time: Duration) -> Self {
        Self::new(SimReply::AnswersAfter(time))
    }

    /// Makes it hang up some time after the answer.
    #[must_use]
    pub fn with_hang_up_after(mut self, time: Duration) -> Self {
        self.hangs_up_after = Some(time);
        self
    }

    /// Makes it a number outside, which does not register.
    #[must_use]
    pub fn outside(mut self) -> Self {
        self.registers = false;
        self
    }

    /// Makes it ignore commands to answer.
    #[must_use]
    pub fn disobedient(mut self) -> Self {
        self.obeys = false;
        self
    }
}

impl SimSwitch {
    /// A switch without endpoints.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an endpoint, or changes its script; a new phone of ours is reported as up.
    pub fn add(&mut self, dn: impl Into<Dn>, endpoint: SimEndpoint) {
        let dn = dn.into();
        let registers = endpoint.registers;
        let known = self.endpoints.insert(dn.clone(), endpoint).is_some();
        if registers && !known {
            self.events.push_back(SwitchEvent::EndpointUp { dn });
        }
    }

    /// Makes a source of audio unknown, so that treatments that play it fail.
    pub fn remove_source(&mut self, source: impl Into<String>) {
        self.missing.insert(source.into());
    }

    /// Somebody calls. `origin` is the DN of the phone if it is one of ours.
    pub fn call(&mut self, origin: Option<&str>, from: &str, to: &str) -> LegId {
        self.callers += 1;
        let leg = LegId::from_switch(self.callers);
        let number = Dn::from(origin.unwrap_or(from));
        self.legs.insert(leg, Leg::new(number));
        let call = OfferedCall {
            origin: origin.map(Dn::from),
            from: from.to_owned(),
            to: Dn::from(to),
            headers: Vec::new(),
        };
        self.events.push_back(SwitchEvent::Offered { leg, call });
        leg
    }

    /// The endpoint of a ringing leg answers by hand.
    pub fn answer(&mut self, now: Instant, leg: LegId) {
        self.answered(now, leg);
    }

    /// The endpoint of a leg hangs up, or gives up waiting for an answer.
    pub fn hang_up(&mut self, leg: LegId) {
        if let Some(gone) = self.take(leg) {
            let cause = if gone.up { Cause::Normal } else { Cause::Abandoned };
            self.events.push_back(SwitchEvent::Released { leg, cause });
        }
    }

    /// The endpoint of a leg presses digits.
    pub fn press(&mut self, now: Instant, leg: LegId, digits: &str) {
        for digit in digits.chars() {
            let playing = self.legs.get_mut(&leg).and_then(|leg| leg.playing.as_mut());
            if let Some(step) = playing.map(|playing| playing.press(now, digit)) {
                self.treatment_step(now, leg, step);
            }
        }
    }

    /// The endpoint of a leg puts it on hold, or takes it off.
    pub fn hold(&mut self, leg: LegId, held: bool) {
        let Some(state) = self
            .legs
            .get_mut(&leg)
            .filter(|state| state.up && state.held != held)
        else {
            return;
        };
        state.held = held;
        self.events.push_back(if held {
            SwitchEvent::Held { leg }
        } else {
            SwitchEvent::Retrieved { leg }
        });
    }

    /// The endpoint of a DN vanishes: its ringing legs fail, its others are lost.
    pub fn vanish(&mut self, dn: &str) {
        if !self.endpoints.contains_key(dn) || !self.down.insert(Dn::from(dn)) {
            return;
        }
        let dn = Dn::from(dn);
        self.events
            .push_back(SwitchEvent::EndpointDown { dn: dn.clone() });
        let of_dn = self.legs.iter().filter(|(_, leg)| leg.number == dn);
        let legs: Vec<LegId> = of_dn.map(|(leg, _)| *leg).collect();
        for leg in legs {
            let Some(gone) = self.take(leg) else { continue };
            self.events.push_back(if gone.up {
                let cause = Cause::Lost;
                SwitchEvent::Released { leg, cause }
            } else {
                let cause = Cause::Unreachable;
                SwitchEvent::Failed { leg, cause }
            });
        }
    }

    /// The endpoint of a DN comes back.
    pub fn come_back(&mut self, dn: &str) {
        if self.down.remove(dn) {
            self.events
                .push_back(SwitchEvent::EndpointUp { dn: Dn::from(dn) });
        }
    }

    /// Number of legs.
    pub fn legs(&self) -> usize {
        self.legs.len()
    }

    /// The latest leg of an endpoint or caller.
    pub fn leg_of(&self, number: &str) -> Option<LegId> {
        let mut legs = self.legs.iter().rev();
        legs.find(|(_, leg)| leg.number.as_str() == number)
            .map(|(leg, _)| *leg)
    }

    /// The leg that a leg is connected to.
    pub fn peer(&self, leg: LegId) -> Option<LegId> {
        self.legs.get(&leg)?.peer
    }

    /// What a leg hears instead of a peer.
    pub fn treatment(&self, leg: LegId) -> Option<&Treatment> {
        Some(self.legs.get(&leg)?.playing.as_ref()?.action())
    }

    /// The next event; the same as [`Switch::poll_event`] for hosts without tasks.
    pub fn next_event(&mut self) -> Option<SwitchEvent> {
        self.events.pop_front()
    }
}

impl SimSwitch {
    fn arm(&mut self, at: Instant, due: Due) {
        self.armed += 1;
        self.due.insert((at, self.armed), due);
    }

    fn take(&mut self, leg: LegId) -> Option<Leg> {
        let gone = self.legs.remove(&leg)?;
        let peer = gone.peer.and_then(|peer| self.legs.get_mut(&peer));
        if let Some(peer) = peer {
            peer.peer = None;
        }
        Some(gone)
    }

    fn fail(&mut self, leg: LegId, cause: Cause) {
        if self.take(leg).is_some() {
            self.events.push_back(SwitchEvent::Failed { leg, cause });
        }
    }

    fn offer(&mut self, now: Instant, leg: LegId, to: Dn, auto_answer: bool, timeout: Duration) {
        let down = self.down.contains(&to);
        let endpoint = self.endpoints.get(&to).cloned();
        self.legs.insert(leg, Leg::new(to));
        let Some(endpoint) = endpoint else {
            return self.fail(leg, Cause::InvalidNumber);
        };
        let reply = if down {
            SimReply::Unreachable
        } else {
            endpoint.reply
        };
        let answer = match reply {
            SimReply::Busy => return self.fail(leg, Cause::Busy),
            SimReply::Rejects => return self.fail(leg, Cause::Rejected),
            SimReply::Unreachable => return self.fail(leg, Cause::Unreachable),
            SimReply::Rings => None,
            SimReply::AnswersAfter(time) => Some(time),
        };
        if auto_answer && endpoint.obeys {
            return self.answered(now, leg);
        }
        self.events.push_back(SwitchEvent::Ringing { leg });
        match answer.filter(|time| *time < timeout) {
            Some(time) => self.arm(now + time, Due::Answer(leg)),
            None => self.arm(now + timeout, Due::NoAnswer(leg)),
        }
    }

    fn answered(&mut self, now: Instant, leg: LegId) {
        let Some(state) = self.legs.get_mut(&leg).filter(|state| !state.up) else {
            return;
        };
        state.up = true;
        let endpoint = self.endpoints.get(&state.number);
        let hang_up = endpoint.and_then(|endpoint| endpoint.hangs_up_after);
        self.events.push_back(SwitchEvent::Answered { leg });
        if let Some(time) = hang_up {
            self.arm(now + time, Due::HangUp(leg));
        }
    }

    fn answer_command(&mut self, now: Instant, leg: LegId) {
        let Some(state) = self.legs.get(&leg) else {
            return;
        };
        let obeys = self
            .endpoints
            .get(&state.number)
            .is_some_and(|endpoint| endpoint.obeys);
        if state.up || !obeys {
            let cause = Cause::Rejected;
            self.events.push_back(SwitchEvent::CommandFailed { leg, cause });
        } else {
            self.answered(now, leg);
        }
    }

    fn connect(&mut self, now: Instant, a: LegId, b: LegId) {
        let (Some(first), Some(second)) = (self.legs.get(&a), self.legs.get(&b)) else {
            // The end of the missing leg is on its way to the engine.
            return;
        };
        for (leg, up) in [(a, first.up), (b, second.up)] {
            if is_engine_leg(leg) && !up {
                let cause = Cause::Media;
                self.events.push_back(SwitchEvent::CommandFailed { leg, cause });
                return;
            }
        }
        for (leg, peer) in [(a, b), (b, a)] {
            self.answered(now, leg);
            if let Some(state) = self.legs.get_mut(&leg) {
                state.playing = None;
                state.peer = Some(peer);
            }
        }
    }

    fn treat(&mut self, now: Instant, leg: LegId, treatment: TreatmentId, action: Treatment) {
        if !self.legs.contains_key(&leg) {
            return;
        }
        self.answered(now, leg);
        let missing = treatment::sources(&action).find(|source| self.missing.contains(*source));
        if let Some(source) = missing {
            let reason = format!("no audio source {source}");
            let result = crate::switch::TreatmentResult::Failed { reason };
            self.events.push_back(SwitchEvent::TreatmentEnded {
                leg,
                treatment,
                result,
            });
            return;
        }
        self.events
            .push_back(SwitchEvent::TreatmentStarted { leg, treatment });
        let (playing, step) = Playing::start(now, treatment, action);
        if let Some(state) = self.legs.get_mut(&leg) {
            state.playing = Some(playing);
        }
        self.treatment_step(now, leg, step);
    }

    fn treatment_step(&mut self, now: Instant, leg: LegId, step: Step) {
        let Some(state) = self.legs.get_mut(&leg) else {
            return;
        };
        let Some(playing) = &state.playing else {
            return;
        };
        let treatment = playing.id();
        match step {
            Step::Unchanged => {}
            Step::Until(at) => {
                let generation = playing.generation();
                self.arm(at.max(now), Due::Treatment(leg, treatment, generation));
            }
            Step::Ended(result) => {
                state.playing = None;
                self.events.push_back(SwitchEvent::TreatmentEnded {
                    leg,
                    treatment,
                    result,
                });
            }
        }
    }

    fn set_held(&mut self, leg: LegId, held: bool) {
        if let Some(state) = self.legs.get_mut(&leg) {
            state.held = held;
        }
    }

    fn fire(&mut self, at: Instant, due: Due) {
        match due {
            Due::Answer(leg) => self.answered(at, leg),
            Due::NoAnswer(leg) if self.legs.get(&leg).is_some_and(|state| !state.up) => {
                self.fail(leg, Cause::NoAnswer);
            }
            Due::NoAnswer(_) => {}
            Due::HangUp(leg) => self.hang_up(leg),
            Due::Treatment(leg, id, generation) => {
                let playing = self.legs.get_mut(&leg).and_then(|state| state.playing.as_mut());
                let current =
                    playing.filter(|playing| playing.id() == id && playing.generation() == generation);
                if let Some(step) = current.map(|playing| playing.time_passed(at)) {
                    self.treatment_step(at, leg, step);
                }
            }
        }
    }
}

fn is_engine_leg(leg: LegId) -> bool {
    leg.get() % 2 == 1
}

impl Leg {
    fn new(number: Dn) -> Self {
        Self {
            number,
            up: false,
            peer: None,
            held: false,
            playing: None,
        }
    }
}

impl Switch for SimSwitch {
    fn handle_command(&mut self, now: Instant, command: SwitchCommand) {
        match command {
            SwitchCommand::Offer {
                leg,
                to,
                auto_answer,
                timeout,
                ..
            } => self.offer(now, leg, to, auto_answer, timeout),
            SwitchCommand::Ring { .. } => {}
            SwitchCommand::Answer { leg } => self.answer_command(now, leg),
            SwitchCommand::Connect { a, b } => self.connect(now, a, b),
            SwitchCommand::Hold { leg, .. } => self.set_held(leg, true),
            SwitchCommand::Retrieve { leg, .. } => self.set_held(leg, false),
            SwitchCommand::Treat {
                leg,
                treatment,
                action,
            } => self.treat(now, leg, treatment, action),
            SwitchCommand::StopTreatment { leg } => {
                if let Some(state) = self.legs.get_mut(&leg) {
                    state.playing = None;
                }
            }
            SwitchCommand::Redirect { leg, .. }
            | SwitchCommand::Reject { leg, .. }
            | SwitchCommand::Release { leg, .. } => {
                self.take(leg);
            }
        }
    }

    fn poll_event(&mut self, _now: Instant, _cx: &mut Context<'_>) -> Poll<SwitchEvent> {
        // Nothing happens outside of calls to this switch, so there is nobody to wake.
        self.events.pop_front().map_or(Poll::Pending, Poll::Ready)
    }

    fn handle_timeout(&mut self, now: Instant) {
        while let Some(entry) = self.due.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let ((at, _), due) = entry.remove_entry();
            self.fire(at, due);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }
}
