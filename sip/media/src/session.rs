//! One endpoint of the media server, without socket or clock: a stream, and the operation that runs on it.
//!
//! [`Session`] plays prompts, music, tones and silence to its peer and collects the digits that the peer presses, by the
//! rules of [`sip::media::MediaRequest`]:
//!
//! - Prompts follow each other at frame boundaries; the end is reported when the last frame has been played out.
//! - A key ends an interruptible prompt and the interruptible ones after it. A key during one that is not interruptible
//!   is kept and counts when the prompts are over.
//! - The timers of a collection start with the end of the last prompt; the time between keys begins anew with each.
//! - Keys may be typed ahead: what is pressed during announcements and silence, between operations, or after a collection
//!   has all it wants, counts for the next collection, in order; its interruptible prompts are then skipped. The key that
//!   ended an announcement is one of them. At most [`MAX_TYPED_AHEAD`] keys are kept. Music and tones are played to
//!   callers who wait: they forget what was typed, and keys pressed during them are nobody's.
//! - Between operations silence is sent, so that the stream and the peer's address stay alive.
//! - An operation that is asked for before the peer's description is known waits for it.

mod operation;
#[cfg(test)]
mod tests;
mod typed;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use sip::media::{MediaRequest, MediaResult, OpId};

use crate::dtmf::{DIGITS, DtmfEvent};
use crate::prompt::PromptStore;
use crate::random::Random;
use crate::rtp::LatchPolicy;
use crate::session::operation::{Operation, Want};
use crate::session::typed::TypedAhead;
use crate::stream::{Agreed, AudioStream, Received, StreamStats, Transmit};

/// Most keys that are kept for a collection that has not begun; later ones are ignored.
pub const MAX_TYPED_AHEAD: usize = 32;

/// What a session reports.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEvent {
    /// The operation runs.
    Started {
        /// Which one.
        op: OpId,
    },
    /// It is over; said once.
    Ended {
        /// Which one.
        op: OpId,
        /// How it went.
        result: MediaResult,
    },
    /// A key counts for the collection that runs: pressed now, or typed ahead and reported when it begins.
    Digit(Digit),
}

/// A key; its `Debug` hides which.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a wrapper that hides")]
pub struct Digit(pub char);

impl std::fmt::Debug for Digit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digit")
    }
}

/// One endpoint; drive it with `handle_*`, `poll_transmit`, `poll_event` and `handle_timeout`.
#[derive(Debug)]
pub struct Session {
    stream: AudioStream,
    prompts: Arc<PromptStore>,
    running: Option<Operation>,
    waiting: Option<Operation>,
    typed: TypedAhead,
    events: VecDeque<SessionEvent>,
}

impl Session {
    /// A session without a peer.
    pub fn new(now: Instant, latch: LatchPolicy, prompts: Arc<PromptStore>, random: Random) -> Self {
        Session {
            stream: AudioStream::new(now, latch, "media".to_owned(), random),
            prompts,
            running: None,
            waiting: None,
            typed: TypedAhead::default(),
            events: VecDeque::new(),
        }
    }

    /// Takes what signaling agreed on, the first time or anew; starts the operation that waits for it.
    pub fn agree(&mut self, now: Instant, agreed: Agreed) {
        self.stream.agree(now, agreed);
        if let Some(operation) = self.waiting.take() {
            self.start(now, operation);
        }
    }

    /// What was agreed.
    pub fn agreed(&self) -> Option<&Agreed> {
        self.stream.agreed()
    }

    /// Runs an operation; the one that runs is ended with what it has so far.
    pub fn run(&mut self, now: Instant, op: OpId, request: MediaRequest) {
        self.stop();
        match Operation::new(op, request, &self.prompts) {
            Ok(operation) if self.stream.agreed().is_some() => self.start(now, operation),
            Ok(operation) => self.waiting = Some(operation),
            Err(error) => {
                let result = MediaResult::Failed {
                    reason: error.to_string(),
                };
                self.events.push_back(SessionEvent::Ended { op, result });
            }
        }
    }

    /// Ends the operation that runs or waits, if any, with what it has so far.
    pub fn stop(&mut self) {
        if let Some(operation) = self.running.take().or(self.waiting.take()) {
            let (op, result) = (operation.op(), operation.result_so_far());
            self.events.push_back(SessionEvent::Ended { op, result });
        }
    }

    /// Takes a datagram from the RTP port.
    pub fn handle_rtp(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        let Received::Events(events) = self.stream.handle_rtp(now, from, datagram) else {
            return;
        };
        for event in events.into_iter().flatten() {
            if let DtmfEvent::Started { digit } = event {
                self.press(now, digit);
            }
        }
    }

    /// A key of the peer, from the stream or told by signaling; what is no key is ignored.
    pub fn press(&mut self, now: Instant, digit: char) {
        if !DIGITS.contains(&digit) {
            return;
        }
        match self.running.as_ref().map(Operation::wants) {
            Some(Want::Key) => return self.collect(now, digit),
            Some(Want::Nothing) => return,
            Some(Want::Later) | None => self.typed.push(digit),
        }
        self.conclude(|operation| operation.press(now, digit));
    }

    /// Takes a datagram from the RTCP port.
    pub fn handle_rtcp(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        self.stream.handle_rtcp(now, from, datagram);
    }

    /// Lets time pass: timers of a collection.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.conclude(|operation| operation.handle_timeout(now));
    }

    /// The next datagram that is due; call until `None`.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit<'_>> {
        let Session {
            stream,
            running,
            events,
            ..
        } = self;
        stream.poll_transmit(now, &mut |frame| {
            if let Some(operation) = running
                && let Some(result) = operation.next_frame(now, frame)
            {
                events.push_back(SessionEvent::Ended {
                    op: operation.op(),
                    result,
                });
                *running = None;
            }
            true
        })
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// When the session wants `poll_transmit` and `handle_timeout` called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let timer = self.running.as_ref().and_then(Operation::deadline);
        [self.stream.poll_timeout(), timer].into_iter().flatten().min()
    }

    /// The farewell to send when the session is closed.
    pub fn goodbye(&mut self, now: Instant) -> Option<Transmit<'_>> {
        self.stream.goodbye(now)
    }

    /// The counters of the stream.
    pub fn stats(&self) -> StreamStats {
        self.stream.stats()
    }

    fn start(&mut self, now: Instant, operation: Operation) {
        self.events
            .push_back(SessionEvent::Started { op: operation.op() });
        if operation.wants() == Want::Nothing {
            self.typed.clear();
        }
        self.running = Some(operation);
        while self.wants_key()
            && let Some(digit) = self.typed.pop()
        {
            self.collect(now, digit);
        }
        self.conclude(|operation| operation.begin(now));
    }

    fn wants_key(&self) -> bool {
        self.running
            .as_ref()
            .is_some_and(|operation| operation.wants() == Want::Key)
    }

    /// A key counts for the collection that runs.
    fn collect(&mut self, now: Instant, digit: char) {
        self.events.push_back(SessionEvent::Digit(Digit(digit)));
        self.conclude(|operation| operation.press(now, digit));
    }

    fn conclude(&mut self, step: impl FnOnce(&mut Operation) -> Option<MediaResult>) {
        let Some(operation) = &mut self.running else {
            return;
        };
        if let Some(result) = step(operation) {
            self.events.push_back(SessionEvent::Ended {
                op: operation.op(),
                result,
            });
            self.running = None;
        }
    }
}
