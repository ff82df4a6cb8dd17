//! The one place where the call model and SIP meet: `tlib::Switch` over the B2BUA.

use std::collections::{BTreeSet, VecDeque};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use sip::b2bua::{B2bua, B2buaCommand, B2buaError, B2buaEvent, LegKey, Target};
use sip::endpoint::{EndpointEvent, EndpointEvents, EndpointHandle, SendError};
use sip::media::OpId;
use sip::uri::Uri;
use tlib::Dn;
use tlib::switch::{Cause, LegId, OfferedCall, Switch, SwitchCommand, SwitchEvent, TreatmentId};

mod translate;

/// Commands that wait while the endpoint's queue is full; beyond it they fail with [`Cause::Overload`].
const MAX_BACKLOG: usize = 65_536;
/// How soon a full queue is tried again.
const RETRY: Duration = Duration::from_millis(2);

/// Which numbers are phones of ours, and where the others go.
#[derive(Clone, Debug, Default)]
pub struct DialPlan {
    extensions: BTreeSet<String>,
    trunk: Option<String>,
}

impl DialPlan {
    /// Numbers of registered phones, and the host (with port) for every other number.
    pub fn new(extensions: impl IntoIterator<Item = String>, trunk: Option<String>) -> Self {
        Self {
            extensions: extensions.into_iter().collect(),
            trunk,
        }
    }

    /// Where a number leads; `None` for a number that nobody has.
    fn target(&self, number: &str) -> Option<Target> {
        if self.extensions.contains(number) {
            return Some(Target::Aor(number.to_owned()));
        }
        let trunk = self.trunk.as_deref()?;
        format!("sip:{number}@{trunk}").parse().ok().map(Target::Uri)
    }
}

/// [`Switch`] over a running B2BUA: legs keep their numbers, commands and events are translated one to one.
pub struct SipSwitch {
    endpoint: EndpointHandle<B2bua>,
    events: EndpointEvents<B2bua>,
    plan: DialPlan,
    own_host: String,
    made: VecDeque<SwitchEvent>,
    backlog: VecDeque<B2buaCommand>,
    retry_at: Option<Instant>,
}

impl SipSwitch {
    /// Takes over the endpoint's commands and events.
    pub fn new(endpoint: EndpointHandle<B2bua>, events: EndpointEvents<B2bua>, plan: DialPlan) -> Self {
        let own_host = endpoint.local_addr().to_string();
        Self {
            endpoint,
            events,
            plan,
            own_host,
            made: VecDeque::new(),
            backlog: VecDeque::new(),
            retry_at: None,
        }
    }

    fn send(&mut self, now: Instant, command: B2buaCommand) {
        if self.backlog.is_empty() {
            match self.endpoint.try_send(command) {
                Ok(()) => return,
                Err(SendError::Full(command)) => self.backlog.push_back(command),
                Err(_) => return,
            }
        } else if self.backlog.len() < MAX_BACKLOG {
            self.backlog.push_back(command);
        } else {
            tracing::error!(
                leg = command.leg().0,
                "the SIP endpoint does not keep up, command dropped"
            );
            self.made.push_back(SwitchEvent::CommandFailed {
                leg: leg_id(command.leg()),
                cause: Cause::Overload,
            });
        }
        self.retry_at = Some(now + RETRY);
    }

    fn offer(&mut self, now: Instant, command: SwitchCommand) {
        let SwitchCommand::Offer {
            leg,
            to,
            from,
            media,
            auto_answer,
            timeout,
            headers,
        } = command
        else {
            return;
        };
        let Some(target) = self.plan.target(to.as_str()) else {
            self.made.push_back(SwitchEvent::Failed {
                leg,
                cause: Cause::InvalidNumber,
            });
            return;
        };
        let command = B2buaCommand::Invite {
            leg: leg_key(leg),
            target,
            from_user: from,
            from_display: None,
            media: translate::offer_source(media),
            auto_answer,
            timeout,
            headers,
        };
        self.send(now, command);
    }

    fn redirect(&mut self, now: Instant, leg: LegId, to: &Dn) {
        match format!("sip:{to}@{}", self.own_host).parse::<Uri>() {
            Ok(uri) => self.send(
                now,
                B2buaCommand::Redirect {
                    leg: leg_key(leg),
                    uri,
                },
            ),
            Err(error) => {
                tracing::warn!(%error, "redirect to a number that is no SIP user");
                self.made.push_back(SwitchEvent::CommandFailed {
                    leg,
                    cause: Cause::InvalidNumber,
                });
            }
        }
    }

    fn flush(&mut self, now: Instant) {
        while let Some(command) = self.backlog.pop_front() {
            if let Err(SendError::Full(command)) = self.endpoint.try_send(command) {
                self.backlog.push_front(command);
                self.retry_at = Some(now + RETRY);
                return;
            }
        }
        self.retry_at = None;
    }
}

impl Switch for SipSwitch {
    fn handle_command(&mut self, now: Instant, command: SwitchCommand) {
        let command = match command {
            SwitchCommand::Offer { .. } => return self.offer(now, command),
            SwitchCommand::Redirect { leg, to } => return self.redirect(now, leg, &to),
            SwitchCommand::Ring { leg } => B2buaCommand::Ring { leg: leg_key(leg) },
            SwitchCommand::Answer { leg } => B2buaCommand::Talk { leg: leg_key(leg) },
            SwitchCommand::Connect { a, b } => B2buaCommand::Connect {
                a: leg_key(a),
                b: leg_key(b),
            },
            SwitchCommand::Hold { leg, partner } => B2buaCommand::Hold {
                leg: leg_key(leg),
                partner: partner.map(leg_key),
            },
            SwitchCommand::Retrieve { leg, partner } => B2buaCommand::Retrieve {
                leg: leg_key(leg),
                partner: partner.map(leg_key),
            },
            SwitchCommand::Treat {
                leg,
                treatment,
                action,
            } => B2buaCommand::Treat {
                leg: leg_key(leg),
                op: OpId(treatment.0),
                request: translate::request(action),
            },
            SwitchCommand::StopTreatment { leg } => B2buaCommand::StopTreatment { leg: leg_key(leg) },
            SwitchCommand::Reject { leg, cause } => B2buaCommand::Reject {
                leg: leg_key(leg),
                status: translate::status(cause),
            },
            SwitchCommand::Release { leg, cause } => B2buaCommand::Release {
                leg: leg_key(leg),
                status: translate::release_status(cause),
            },
            other => {
                tracing::error!(?other, "the SIP switch does not know this command");
                return;
            }
        };
        self.send(now, command);
    }

    fn poll_event(&mut self, _now: Instant, cx: &mut Context<'_>) -> Poll<SwitchEvent> {
        if let Some(event) = self.made.pop_front() {
            return Poll::Ready(event);
        }
        loop {
            match self.events.poll_recv(cx) {
                Poll::Ready(Some(EndpointEvent::Core(event))) => {
                    if let Some(event) = switch_event(event) {
                        return Poll::Ready(event);
                    }
                }
                Poll::Ready(Some(EndpointEvent::Overflowed { lost })) => {
                    tracing::error!(lost, "SIP events were lost, calls may hang until they time out");
                }
                // The endpoint has stopped; the process is going down with it.
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.retry_at.is_some_and(|at| at <= now) {
            self.flush(now);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.retry_at
    }
}

/// Both sides name legs alike: even numbers come from the switch, odd ones from the engine.
fn leg_key(leg: LegId) -> LegKey {
    LegKey(leg.get())
}

fn leg_id(leg: LegKey) -> LegId {
    if leg.is_outgoing() {
        LegId::from_engine(leg.0 >> 1)
    } else {
        LegId::from_switch(leg.0 >> 1)
    }
}

fn switch_event(event: B2buaEvent) -> Option<SwitchEvent> {
    Some(match event {
        B2buaEvent::Incoming {
            leg,
            from_user,
            authenticated,
            to_user,
            headers,
            ..
        } => SwitchEvent::Offered {
            leg: leg_id(leg),
            call: OfferedCall {
                origin: authenticated.map(Dn::from),
                from: from_user,
                to: Dn::from(to_user),
                headers,
            },
        },
        B2buaEvent::Ringing { leg } => SwitchEvent::Ringing { leg: leg_id(leg) },
        B2buaEvent::EarlyMedia { leg } => SwitchEvent::EarlyMedia { leg: leg_id(leg) },
        B2buaEvent::Answered { leg } => SwitchEvent::Answered { leg: leg_id(leg) },
        B2buaEvent::Failed { leg, status } => SwitchEvent::Failed {
            leg: leg_id(leg),
            cause: translate::failure(status),
        },
        B2buaEvent::Released { leg, why } => SwitchEvent::Released {
            leg: leg_id(leg),
            cause: translate::release_cause(why),
        },
        B2buaEvent::HeldByPeer { leg } => SwitchEvent::Held { leg: leg_id(leg) },
        B2buaEvent::RetrievedByPeer { leg } => SwitchEvent::Retrieved { leg: leg_id(leg) },
        B2buaEvent::TransferAsked {
            leg,
            target,
            replaces,
        } => SwitchEvent::TransferAsked {
            leg: leg_id(leg),
            to: Dn::from(target),
            replaces: replaces.map(leg_id),
        },
        B2buaEvent::TreatmentStarted { leg, op } => SwitchEvent::TreatmentStarted {
            leg: leg_id(leg),
            treatment: TreatmentId(op.0),
        },
        B2buaEvent::TreatmentEnded { leg, op, result } => SwitchEvent::TreatmentEnded {
            leg: leg_id(leg),
            treatment: TreatmentId(op.0),
            result: translate::result(result),
        },
        B2buaEvent::Registered { user } => SwitchEvent::EndpointUp { dn: Dn::from(user) },
        B2buaEvent::Unregistered { user } => SwitchEvent::EndpointDown { dn: Dn::from(user) },
        // The leg ended on its own while the command was on its way.
        B2buaEvent::CommandFailed {
            why: B2buaError::UnknownLeg | B2buaError::PartnerGone,
            ..
        } => return None,
        // The call goes on as it is.
        B2buaEvent::CommandFailed {
            command: "ring" | "stop_treatment",
            ..
        } => return None,
        B2buaEvent::CommandFailed { leg, command, why } => {
            tracing::warn!(leg = leg.0, command, %why, "command failed");
            SwitchEvent::CommandFailed {
                leg: leg_id(leg),
                cause: translate::command_cause(why),
            }
        }
        // Digits outside a collection concern nobody yet.
        B2buaEvent::Digit { .. } => return None,
        other => {
            tracing::debug!(?other, "event without a counterpart");
            return None;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legs_keep_their_numbers_in_both_directions() {
        for leg in [
            LegId::from_switch(0),
            LegId::from_switch(7),
            LegId::from_engine(0),
            LegId::from_engine(7),
        ] {
            assert_eq!(leg_id(leg_key(leg)), leg);
        }
    }

    #[test]
    fn the_dial_plan_knows_phones_and_sends_the_rest_to_the_trunk() {
        let plan = DialPlan::new(["1001".to_owned()], None);
        assert_eq!(plan.target("1001"), Some(Target::Aor("1001".to_owned())));
        assert_eq!(plan.target("5550100"), None);
        let plan = DialPlan::new([], Some("192.0.2.1:5070".to_owned()));
        let expected = "sip:5550100@192.0.2.1:5070".parse().unwrap();
        assert_eq!(plan.target("5550100"), Some(Target::Uri(expected)));
        assert_eq!(plan.target("a b"), None, "not a user part");
    }
}
