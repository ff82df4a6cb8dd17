//! The user agent core of all lines, with lines that can vanish: nothing reaches them and nothing leaves them.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Instant;

use sip::endpoint::Core;
use sip::message::{Limits, Message};
use sip::transport::{Destination, Flow, Transmit};
use sip::ua::{UaCommand, UaEvent, UaStats, UserAgent};

/// What the host asks of the core.
pub(super) enum FilterCommand {
    /// Something of the user agent.
    Ua(UaCommand),
    /// The line vanishes, or is back.
    Gone { line: String, gone: bool },
}

/// [`UserAgent`] with lines that can vanish.
pub(super) struct LineFilter {
    ua: UserAgent,
    gone: BTreeSet<String>,
}

impl LineFilter {
    pub(super) const fn new(ua: UserAgent) -> Self {
        Self {
            ua,
            gone: BTreeSet::new(),
        }
    }

    /// Whether a message is to or from a line that vanished. The line stands in From of what it asks, and in To or the
    /// request-URI of what it is asked.
    fn is_gone(&self, message: &Message, came_in: bool) -> bool {
        if self.gone.is_empty() {
            return false;
        }
        let request = message.method().is_some();
        let address = if request == came_in {
            message.to()
        } else {
            message.from()
        };
        let is_gone = |user: Option<&str>| user.is_some_and(|user| self.gone.contains(user));
        let target = request && came_in && message.request_uri().is_ok_and(|uri| is_gone(uri.user()));
        target || address.is_ok_and(|address| is_gone(address.uri().user()))
    }
}

impl Core for LineFilter {
    type Command = FilterCommand;
    type Event = UaEvent;
    type Stats = UaStats;

    fn handle_bound(&mut self, _now: Instant, local: SocketAddr) {
        self.ua.handle_bound(local);
    }

    fn handle_message(&mut self, now: Instant, flow: Flow, message: Message) {
        if !self.is_gone(&message, true) {
            self.ua.handle_message(now, flow, message);
        }
    }

    fn handle_transport_error(&mut self, now: Instant, destination: Destination) {
        self.ua.handle_transport_error(now, destination);
    }

    fn handle_command(&mut self, now: Instant, command: FilterCommand) {
        match command {
            FilterCommand::Ua(command) => Core::handle_command(&mut self.ua, now, command),
            FilterCommand::Gone { line, gone: true } => {
                self.gone.insert(line);
            }
            FilterCommand::Gone { line, gone: false } => {
                self.gone.remove(&line);
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.ua.handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.ua.poll_timeout()
    }

    fn poll_transmit(&mut self) -> Option<Transmit> {
        while let Some(transmit) = self.ua.poll_transmit() {
            let shown = self.gone.is_empty()
                || !Message::parse(transmit.payload.clone(), &Limits::default())
                    .is_ok_and(|message| self.is_gone(&message, false));
            if shown {
                return Some(transmit);
            }
        }
        None
    }

    fn poll_event(&mut self) -> Option<UaEvent> {
        self.ua.poll_event()
    }

    fn stats(&self) -> UaStats {
        self.ua.stats()
    }

    fn handle_shutdown(&mut self, now: Instant) {
        self.ua.handle_shutdown(now);
    }

    fn is_idle(&self) -> bool {
        self.ua.is_idle()
    }
}
