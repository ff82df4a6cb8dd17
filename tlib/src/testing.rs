//! Contract suites for implementations of this crate's traits, and their fixtures. Feature `testing`.

use std::time::{Duration, Instant};

use crate::id::Dn;
use crate::sim::{SimEndpoint, SimReply, SimSwitch};
use crate::switch::{Switch, SwitchCommand, SwitchEvent};

pub mod switch;

/// A switch under test with a world around it: endpoints of known behaviour, and one caller.
///
/// The suite is [`switch_suite!`](crate::switch_suite); every test gets a new fixture.
pub trait SwitchFixture {
    /// Passes a command to the switch.
    fn command(&mut self, command: SwitchCommand);

    /// The next event; lets at most `within` pass until there is one.
    fn next_event(&mut self, within: Duration) -> Option<SwitchEvent>;

    /// The number of an endpoint that behaves like this.
    fn endpoint(&self, behavior: Behavior) -> Dn;

    /// A caller from outside calls this number.
    fn call(&mut self, to: &str);

    /// The caller hangs up, or gives up waiting.
    fn caller_hangs_up(&mut self);

    /// The caller presses digits.
    fn caller_presses(&mut self, digits: &str);

    /// The endpoint that was offered a leg last hangs up.
    fn endpoint_hangs_up(&mut self);
}

/// What the suite needs of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Behavior {
    /// Answers after at most a second.
    Answers,
    /// Rings until it gives up.
    Rings,
    /// Is busy.
    Busy,
    /// Is known but not reachable.
    Unreachable,
}

/// The fixture of [`SimSwitch`].
#[derive(Debug)]
pub struct SimFixture {
    switch: SimSwitch,
    now: Instant,
}

/// Number of the simulated caller.
const CALLER: &str = "0304711";

impl SimFixture {
    /// A simulated switch with one endpoint of each behaviour, at `now`.
    pub fn new(now: Instant) -> Self {
        let mut switch = SimSwitch::new();
        for (dn, reply) in [
            ("1001", SimReply::AnswersAfter(Duration::from_secs(1))),
            ("1002", SimReply::Rings),
            ("1003", SimReply::Busy),
            ("1004", SimReply::Unreachable),
        ] {
            switch.add(dn, SimEndpoint::new(reply));
        }
        switch.remove_source(switch::MISSING_SOURCE);
        Self { switch, now }
    }
}

impl SwitchFixture for SimFixture {
    fn command(&mut self, command: SwitchCommand) {
        self.switch.handle_command(self.now, command);
    }

    fn next_event(&mut self, within: Duration) -> Option<SwitchEvent> {
        let until = self.now + within;
        loop {
            if let Some(event) = self.switch.next_event() {
                return Some(event);
            }
            match self.switch.poll_timeout().filter(|at| *at <= until) {
                Some(at) => self.now = at,
                None => {
                    self.now = until;
                    return None;
                }
            }
            self.switch.handle_timeout(self.now);
        }
    }

    fn endpoint(&self, behavior: Behavior) -> Dn {
        Dn::from(match behavior {
            Behavior::Answers => "1001",
            Behavior::Rings => "1002",
            Behavior::Busy => "1003",
            Behavior::Unreachable => "1004",
        })
    }

    fn call(&mut self, to: &str) {
        self.switch.call(None, CALLER, to);
    }

    fn caller_hangs_up(&mut self) {
        if let Some(leg) = self.switch.leg_of(CALLER) {
            self.switch.hang_up(leg);
        }
    }

    fn caller_presses(&mut self, digits: &str) {
        if let Some(leg) = self.switch.leg_of(CALLER) {
            self.switch.press(self.now, leg, digits);
        }
    }

    fn endpoint_hangs_up(&mut self) {
        let numbers = ["1001", "1002", "1003", "1004"];
        let legs = numbers.iter().filter_map(|number| self.switch.leg_of(number));
        if let Some(leg) = legs.max() {
            self.switch.hang_up(leg);
        }
    }
}
