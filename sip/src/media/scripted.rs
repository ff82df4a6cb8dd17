//! A media server without sound: it keeps the rules of the seam exactly, and does what a test tells it to.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{MediaCommand, MediaEvent, MediaId, MediaRequest, MediaResult, MediaServer, OpId, RefusalKind};
use crate::sdp::{Capabilities, SessionDescription};

/// What a [`ScriptedMedia`] does with the next command it has a choice about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScriptedOutcome {
    /// Refuses the next `Open`, for this reason.
    RefuseOpen(RefusalKind),
    /// Says nothing to the next `Open`: the server hangs.
    IgnoreOpen,
    /// Ends the next `Run` with this result, after so long.
    End(Duration, MediaResult),
}

/// A deterministic [`MediaServer`] for tests: answers every open at once with a description of port
/// `20000 + 2 * id`, plays a second per prompt, and collects the digits that [`ScriptedMedia::press`] gives it.
/// Descriptions without G.711 over plain RTP are refused.
///
/// Clones share the same state, so that a test keeps one while a B2BUA owns the other.
#[derive(Clone, Default)]
pub struct ScriptedMedia {
    shared: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    open: BTreeMap<MediaId, Endpoint>,
    script: VecDeque<ScriptedOutcome>,
    events: VecDeque<MediaEvent>,
    log: Vec<MediaCommand>,
    waker: Option<Waker>,
}

#[derive(Default)]
struct Endpoint {
    running: Option<Running>,
    peer: Option<Bytes>,
}

struct Running {
    op: OpId,
    ends: Option<(Instant, MediaResult)>,
    collect: Option<Collecting>,
}

struct Collecting {
    digits: String,
    max: usize,
    terminators: String,
    between: Duration,
    total_end: Option<Instant>,
}

impl ScriptedMedia {
    /// A server without endpoints and script.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds to what it shall do; each outcome is used by the first command that it fits.
    pub fn script(&self, outcome: ScriptedOutcome) {
        self.state().script.push_back(outcome);
    }

    /// The endpoints that are open.
    #[must_use]
    pub fn open_ids(&self) -> Vec<MediaId> {
        self.state().open.keys().copied().collect()
    }

    /// The operation that runs on an endpoint.
    #[must_use]
    pub fn running(&self, id: MediaId) -> Option<OpId> {
        self.state()
            .open
            .get(&id)
            .and_then(|endpoint| endpoint.running.as_ref().map(|running| running.op))
    }

    /// The far side's description, as last told.
    #[must_use]
    pub fn peer(&self, id: MediaId) -> Option<Bytes> {
        self.state()
            .open
            .get(&id)
            .and_then(|endpoint| endpoint.peer.clone())
    }

    /// All commands so far.
    #[must_use]
    pub fn commands(&self) -> Vec<MediaCommand> {
        self.state().log.clone()
    }

    /// The far side presses a key.
    pub fn press(&self, now: Instant, id: MediaId, digit: char) {
        self.state().press(now, id, digit);
    }

    /// The description that an endpoint gives; a fixed address and the port of the endpoint.
    #[must_use]
    pub fn description(id: MediaId) -> Bytes {
        let port = 20_000 + 2 * (id.0 % 10_000);
        Bytes::from(format!(
            "v=0\r\no=media {} 1 IN IP4 192.0.2.200\r\ns=-\r\nc=IN IP4 192.0.2.200\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
             a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n",
            id.0
        ))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn report(&mut self, event: MediaEvent) {
        self.events.push_back(event);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn press(&mut self, now: Instant, id: MediaId, digit: char) {
        if !matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D') {
            return;
        }
        let Some(running) = self
            .open
            .get_mut(&id)
            .and_then(|endpoint| endpoint.running.as_mut())
        else {
            return;
        };
        let Some(collect) = running.collect.as_mut() else {
            return;
        };
        let ended = if collect.terminators.contains(digit) {
            Some(MediaResult::Digits {
                digits: collect.digits.clone(),
                last: Some(digit),
            })
        } else {
            collect.digits.push(digit);
            (collect.digits.len() >= collect.max).then(|| MediaResult::Digits {
                digits: collect.digits.clone(),
                last: None,
            })
        };
        let op = running.op;
        if ended.is_none() {
            let until = now + collect.between;
            let until = collect.total_end.map_or(until, |total| total.min(until));
            running.ends = Some((
                until,
                MediaResult::Timeout {
                    digits: collect.digits.clone(),
                },
            ));
        }
        self.report(MediaEvent::Digit { id, digit });
        if let Some(result) = ended {
            self.end(id, op, result);
        }
    }

    fn end(&mut self, id: MediaId, op: OpId, result: MediaResult) {
        if let Some(endpoint) = self.open.get_mut(&id) {
            endpoint.running = None;
        }
        self.report(MediaEvent::Ended { id, op, result });
    }

    fn stop(&mut self, id: MediaId) {
        let Some(running) = self
            .open
            .get_mut(&id)
            .and_then(|endpoint| endpoint.running.take())
        else {
            return;
        };
        let result = match running.collect {
            Some(collect) => MediaResult::Digits {
                digits: collect.digits,
                last: None,
            },
            None => MediaResult::Completed,
        };
        self.report(MediaEvent::Ended {
            id,
            op: running.op,
            result,
        });
    }

    fn scripted(&mut self, fits: impl Fn(&ScriptedOutcome) -> bool) -> Option<ScriptedOutcome> {
        let at = self.script.iter().position(fits)?;
        self.script.remove(at)
    }

    fn open(&mut self, id: MediaId, offer: Option<Bytes>) {
        if self.open.contains_key(&id) {
            self.refuse(id, RefusalKind::IdInUse);
            return;
        }
        match self.scripted(|outcome| !matches!(outcome, ScriptedOutcome::End(..))) {
            Some(ScriptedOutcome::RefuseOpen(kind)) => self.refuse(id, kind),
            outcome => {
                if let Some(Err(kind)) = offer.as_ref().map(check) {
                    self.refuse(id, kind);
                    return;
                }
                self.open.insert(
                    id,
                    Endpoint {
                        peer: offer,
                        running: None,
                    },
                );
                if outcome.is_none() {
                    self.report(MediaEvent::Opened {
                        id,
                        sdp: ScriptedMedia::description(id),
                    });
                }
            }
        }
    }

    fn answer(&mut self, id: MediaId, sdp: Bytes) {
        if !self.open.contains_key(&id) {
            return;
        }
        if let Err(kind) = check(&sdp) {
            self.stop(id);
            self.open.remove(&id);
            self.refuse(id, kind);
        } else if let Some(endpoint) = self.open.get_mut(&id) {
            endpoint.peer = Some(sdp);
        }
    }

    fn refuse(&mut self, id: MediaId, kind: RefusalKind) {
        let reason = format!("{kind:?}");
        self.report(MediaEvent::Refused { id, kind, reason });
    }

    fn run(&mut self, now: Instant, id: MediaId, op: OpId, request: MediaRequest) {
        if !self.open.contains_key(&id) {
            return;
        }
        self.stop(id);
        let after = |time: Duration, result| Some((now + time, result));
        let prompts = |count: usize| Duration::from_secs(u64::try_from(count).unwrap_or(u64::MAX >> 32));
        let mut collect = None;
        let mut ends = match request {
            MediaRequest::Play { prompts: list } => after(prompts(list.len()), MediaResult::Completed),
            MediaRequest::Collect {
                prompts: list,
                max_digits,
                terminators,
                first_timeout,
                digit_timeout,
                total_timeout,
            } => {
                let start = now + prompts(list.len());
                let total_end = total_timeout.map(|total| start + total);
                collect = Some(Collecting {
                    digits: String::new(),
                    max: usize::from(max_digits.max(1)),
                    terminators,
                    between: digit_timeout,
                    total_end,
                });
                let until = start + first_timeout;
                let until = total_end.map_or(until, |total| total.min(until));
                Some((
                    until,
                    MediaResult::Timeout {
                        digits: String::new(),
                    },
                ))
            }
            MediaRequest::Music { duration, .. }
            | MediaRequest::Silence { duration }
            | MediaRequest::Tone { duration, .. } => {
                duration.and_then(|time| after(time, MediaResult::Completed))
            }
        };
        if let Some(ScriptedOutcome::End(time, result)) =
            self.scripted(|outcome| matches!(outcome, ScriptedOutcome::End(..)))
        {
            ends = after(time, result);
        }
        self.report(MediaEvent::Started { id, op });
        if let Some(endpoint) = self.open.get_mut(&id) {
            endpoint.running = Some(Running { op, ends, collect });
        }
        self.let_time_pass(now);
    }

    fn let_time_pass(&mut self, now: Instant) {
        let due: Vec<_> = self
            .open
            .iter()
            .filter_map(|(id, endpoint)| {
                let running = endpoint.running.as_ref()?;
                let (at, result) = running.ends.as_ref()?;
                (*at <= now).then(|| (*id, running.op, result.clone()))
            })
            .collect();
        for (id, op, result) in due {
            self.end(id, op, result);
        }
    }
}

impl MediaServer for ScriptedMedia {
    fn handle_command(&mut self, now: Instant, command: MediaCommand) {
        let mut state = self.state();
        state.log.push(command.clone());
        match command {
            MediaCommand::Open { id, offer } => state.open(id, offer),
            MediaCommand::Answer { id, sdp } => state.answer(id, sdp),
            MediaCommand::Run { id, op, request } => state.run(now, id, op, request),
            MediaCommand::Press { id, digit } => state.press(now, id, digit),
            MediaCommand::Stop { id } => state.stop(id),
            MediaCommand::Close { id } => {
                state.open.remove(&id);
                state.events.retain(|event| event.id() != id);
            }
        }
    }

    fn poll_event(&mut self, _now: Instant, cx: &mut Context<'_>) -> Poll<MediaEvent> {
        let mut state = self.state();
        match state.events.pop_front() {
            Some(event) => Poll::Ready(event),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.state().let_time_pass(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let state = self.state();
        state
            .open
            .values()
            .filter_map(|endpoint| Some(endpoint.running.as_ref()?.ends.as_ref()?.0))
            .min()
    }
}

/// Whether a server of G.711 can use a description.
fn check(sdp: &Bytes) -> Result<(), RefusalKind> {
    let description = SessionDescription::parse(sdp).map_err(|_| RefusalKind::BadDescription)?;
    let own = Capabilities::g711(SocketAddr::from(([192, 0, 2, 200], 20_000)), 1);
    crate::sdp::answer(&description, &own)
        .map(drop)
        .map_err(|_| RefusalKind::NoCommonMedia)
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::media_suite!(|| crate::media::suite::Virtual::new(ScriptedMedia::new()));
}
