//! What the user asks for, and how it is carried out.

use std::time::{Duration, Instant};

use super::command::{B2buaCommand, LegKey, OfferSource, Target};
use super::core::B2bua;
use super::event::{B2buaError, B2buaEvent};
use super::job::{Request, Work};
use super::leg::{Leg, Link};
use super::requests;
use super::state::{LegInput, LegState};
use crate::header::{HeaderName, NameAddr};
use crate::media::{MediaCommand, MediaRequest, OpId};
use crate::method::Method;
use crate::sdp::Direction;
use crate::status::StatusCode;
use crate::transport::Destination;
use crate::ua::{CallKey, Invite, MAX_FORWARDS, UaCommand};
use crate::uri::Uri;

/// The parts of an INVITE that do not depend on the binding.
struct NewCall {
    from_user: String,
    from_display: Option<String>,
    media: OfferSource,
    auto_answer: bool,
    timeout: Duration,
    headers: Vec<(String, String)>,
}

impl B2bua {
    pub(super) fn carry_out(&mut self, now: Instant, command: B2buaCommand) {
        let (name, key) = (command.name(), command.leg());
        let outcome = match command {
            B2buaCommand::Invite {
                leg,
                target,
                from_user,
                from_display,
                media,
                auto_answer,
                timeout,
                headers,
            } => {
                let call = NewCall {
                    from_user,
                    from_display,
                    media,
                    auto_answer,
                    timeout,
                    headers,
                };
                self.invite(now, leg, &target, call)
            }
            _ if !self.legs.contains_key(&key) => Err(B2buaError::UnknownLeg),
            B2buaCommand::Ring { leg } => self.ring(now, leg),
            B2buaCommand::Talk { leg } => self.talk(now, leg),
            B2buaCommand::Connect { a, b } => self.connect(a, b, name),
            B2buaCommand::Hold { leg, partner } => self.hold(leg, partner),
            B2buaCommand::Retrieve {
                leg,
                partner: Some(partner),
            } => self.connect(leg, partner, name),
            B2buaCommand::Retrieve { leg, partner: None } => self.enqueue(
                leg,
                None,
                name,
                Work::Direct {
                    direction: Direction::SendRecv,
                },
            ),
            B2buaCommand::Treat { leg, op, request } => self.treat(now, leg, op, request),
            B2buaCommand::StopTreatment { leg } => {
                self.stop_treatment(now, leg);
                Ok(())
            }
            B2buaCommand::Redirect { leg, uri } => self.redirect(now, leg, uri),
            B2buaCommand::Reject { leg, status } => self.reject(now, leg, status),
            B2buaCommand::Release { leg, status } => {
                self.release(now, leg, status);
                Ok(())
            }
        };
        if let Err(why) = outcome {
            self.fail(key, name, why);
        }
    }

    fn invite(
        &mut self,
        now: Instant,
        key: LegKey,
        target: &Target,
        call: NewCall,
    ) -> Result<(), B2buaError> {
        if !key.is_outgoing() || self.legs.contains_key(&key) {
            return Err(B2buaError::BadKey);
        }
        let outcome = if self.stopping || self.legs.len() >= self.config.max_legs {
            Err(StatusCode(503))
        } else {
            self.start_forks(now, key, target, call)
        };
        self.stats.outgoing_legs += 1;
        if let Err(status) = outcome {
            self.legs.remove(&key);
            self.emit(B2buaEvent::Failed { leg: key, status });
        }
        Ok(())
    }

    /// Where to send the INVITE: Request-URI and next hop of each fork.
    fn destinations(&self, target: &Target) -> Result<Vec<(Uri, Option<Destination>)>, StatusCode> {
        match target {
            Target::Aor(user) => {
                let bindings = self.registrar.location().lookup(user);
                if bindings.is_empty() {
                    let known = self.registrar.is_user(user);
                    return Err(StatusCode(if known { 480 } else { 404 }));
                }
                Ok(bindings
                    .iter()
                    .map(|b| (b.contact.clone(), Some(Destination::Flow(b.flow))))
                    .collect())
            }
            Target::Uri(uri) => Ok(vec![(uri.clone(), self.config.trunk)]),
        }
    }

    fn start_forks(
        &mut self,
        now: Instant,
        key: LegKey,
        target: &Target,
        call: NewCall,
    ) -> Result<(), StatusCode> {
        let domain = self
            .config
            .domain
            .clone()
            .unwrap_or_else(|| self.config.registrar.realm.clone());
        let user = Some(call.from_user.as_str()).filter(|user| !user.is_empty());
        let from = Uri::sip(user, &domain).map_err(|_| StatusCode(484))?;
        let from = NameAddr::new(from).with_display(call.from_display.as_deref());
        let to = match target {
            Target::Aor(user) => Uri::sip(Some(user), &domain).ok().map(NameAddr::new),
            Target::Uri(_) => None,
        };
        let destinations = self.destinations(target)?;
        let mut leg = Leg::new(key, LegState::Calling);
        let hops = self.pass_on(call.media, &mut leg)?;
        let offer = match call.media {
            OfferSource::Late => None,
            OfferSource::Peer(peer) => self.legs.get(&peer).and_then(|peer| {
                leg.session.propose(
                    &peer.session.active_offer()?,
                    Some((peer.key, peer.session.revision())),
                )
            }),
        };
        let (mut headers, dropped) = requests::checked_headers(call.headers);
        self.stats.headers_dropped += dropped;
        if call.auto_answer {
            headers.push((HeaderName::CALL_INFO, format!("<sip:{domain}>;answer-after=0")));
            let alert = "<http://127.0.0.1>;info=alert-autoanswer;delay=0".to_owned();
            headers.push((HeaderName::ALERT_INFO, alert));
        }
        self.legs.insert(key, leg);
        for (uri, destination) in destinations {
            let mut invite = Invite::new(uri, from.clone())
                .with_timeout(call.timeout)
                .with_max_forwards(hops);
            invite.to.clone_from(&to);
            invite.destination = destination;
            invite.headers.clone_from(&headers);
            invite.sdp.clone_from(&offer);
            let call = self.next_call();
            if self
                .command(
                    now,
                    UaCommand::Invite {
                        call,
                        invite: Box::new(invite),
                    },
                )
                .is_ok()
            {
                self.calls.insert(call, key);
                if let Some(leg) = self.legs.get_mut(&key) {
                    leg.forks.push(call);
                }
            }
        }
        if self.legs.get(&key).is_none_or(|leg| leg.forks.is_empty()) {
            return Err(StatusCode(503));
        }
        Ok(())
    }

    /// Max-Forwards of a leg that is made for another one; 483 when that one's request may not be passed on.
    ///
    /// Spec: RFC 3261 §16.3 item 3, RFC 7332 §4
    fn pass_on(&mut self, media: OfferSource, leg: &mut Leg) -> Result<u8, StatusCode> {
        let OfferSource::Peer(peer) = media else {
            return Ok(MAX_FORWARDS);
        };
        let Some(peer) = self.legs.get_mut(&peer) else {
            return Ok(MAX_FORWARDS);
        };
        leg.returns = peer.returns;
        if peer.key.is_outgoing() {
            return Ok(MAX_FORWARDS);
        }
        let left = peer.hops.checked_sub(1);
        if left.is_none() {
            peer.out_of_hops = true;
            self.stats.loops += 1;
        }
        left.ok_or(StatusCode::TOO_MANY_HOPS)
    }

    fn ring(&mut self, now: Instant, key: LegKey) -> Result<(), B2buaError> {
        let leg = self.legs.get_mut(&key).ok_or(B2buaError::UnknownLeg)?;
        let call = leg.call.ok_or(B2buaError::WrongState)?;
        if !leg.step(LegInput::SendRinging) {
            return Err(B2buaError::WrongState);
        }
        self.command(now, UaCommand::ringing(call))
            .map_err(|_| B2buaError::WrongState)
    }

    /// A phone that has not said that it rings is asked when it does: there is no dialog before.
    fn talk(&mut self, now: Instant, key: LegKey) -> Result<(), B2buaError> {
        let leg = self.legs.get(&key).ok_or(B2buaError::UnknownLeg)?;
        let unanswered = leg.state.is_unanswered_outgoing();
        let calls: Vec<_> = leg.call.into_iter().chain(leg.forks.iter().copied()).collect();
        let (asked, silent): (Vec<_>, Vec<_>) =
            calls.into_iter().partition(|call| self.ask_to_talk(now, *call));
        if unanswered && let Some(leg) = self.legs.get_mut(&key) {
            leg.to_talk = silent;
            return Ok(());
        }
        if asked.is_empty() {
            return Err(B2buaError::WrongState);
        }
        Ok(())
    }

    /// Sends what [`B2buaCommand::Talk`] asked for before the phone rang.
    pub(super) fn talk_at_last(&mut self, now: Instant, key: LegKey, call: CallKey) {
        let waits = self.legs.get(&key).is_some_and(|leg| leg.to_talk.contains(&call));
        if waits
            && self.ask_to_talk(now, call)
            && let Some(leg) = self.legs.get_mut(&key)
        {
            leg.to_talk.retain(|other| *other != call);
        }
    }

    fn ask_to_talk(&mut self, now: Instant, call: CallKey) -> bool {
        let command = UaCommand::InDialog {
            call,
            method: Method::NOTIFY,
            headers: vec![
                (HeaderName::EVENT, "talk".to_owned()),
                (HeaderName::SUBSCRIPTION_STATE, "active".to_owned()),
            ],
            body: None,
        };
        self.command(now, command).is_ok()
    }

    fn connect(&mut self, a: LegKey, b: LegKey, name: &'static str) -> Result<(), B2buaError> {
        if a == b {
            return Err(B2buaError::WrongState);
        }
        self.enqueue(a, Some(b), name, Work::Join { passed_on: false })
    }

    fn hold(&mut self, key: LegKey, partner: Option<LegKey>) -> Result<(), B2buaError> {
        if partner == Some(key) {
            return Err(B2buaError::WrongState);
        }
        if partner.is_some_and(|partner| !self.legs.contains_key(&partner)) {
            return Err(B2buaError::PartnerGone);
        }
        self.enqueue(
            key,
            None,
            "hold",
            Work::Direct {
                direction: Direction::Inactive,
            },
        )?;
        if let Some(partner) = partner {
            let music = MediaRequest::Music {
                source: self.config.hold_music.clone(),
                duration: None,
            };
            let work = Work::Park {
                request: Some(Request {
                    user: None,
                    request: music,
                }),
            };
            self.enqueue(partner, None, "hold", work)?;
        }
        Ok(())
    }

    fn treat(
        &mut self,
        now: Instant,
        key: LegKey,
        op: OpId,
        request: MediaRequest,
    ) -> Result<(), B2buaError> {
        // What was asked for before is replaced, whether it runs or still waits for its session.
        self.cancel_requests(key);
        let leg = self.legs.get(&key).ok_or(B2buaError::UnknownLeg)?;
        if leg.link == Link::Media && leg.jobs.is_empty() {
            self.run_on_media(now, key, Some(op), request);
            return Ok(());
        }
        self.enqueue(
            key,
            None,
            "treat",
            Work::Park {
                request: Some(Request {
                    user: Some(op),
                    request,
                }),
            },
        )
    }

    fn cancel_requests(&mut self, key: LegKey) {
        let jobs = self
            .legs
            .get(&key)
            .map(|leg| leg.jobs.clone())
            .unwrap_or_default();
        for id in jobs {
            if let Some(job) = self.jobs.get_mut(&id)
                && let Work::Park { request } = &mut job.work
            {
                *request = None;
            }
        }
    }

    fn stop_treatment(&mut self, now: Instant, key: LegKey) {
        self.cancel_requests(key);
        let Some(leg) = self.legs.get_mut(&key) else {
            return;
        };
        if leg.operation.take().is_some()
            && let Some(id) = leg.media
        {
            self.media(now, MediaCommand::Stop { id });
        }
    }

    fn redirect(&mut self, now: Instant, key: LegKey, uri: Uri) -> Result<(), B2buaError> {
        let call = self.unanswered(key)?;
        let command = UaCommand::Redirect {
            call,
            contacts: vec![uri],
        };
        self.command(now, command).map_err(|_| B2buaError::WrongState)?;
        self.drop_leg(now, key, LegInput::Release);
        Ok(())
    }

    fn reject(&mut self, now: Instant, key: LegKey, status: StatusCode) -> Result<(), B2buaError> {
        let call = self.unanswered(key)?;
        let status = self.refusal(key, status);
        self.command(now, UaCommand::reject(call, status))
            .map_err(|_| B2buaError::WrongState)?;
        self.drop_leg(now, key, LegInput::Release);
        Ok(())
    }

    /// The status for a caller who is refused: 483 when its request could not be passed on, whatever the application
    /// made of that.
    pub(super) fn refusal(&self, key: LegKey, status: StatusCode) -> StatusCode {
        match self.legs.get(&key) {
            Some(leg) if leg.out_of_hops => StatusCode::TOO_MANY_HOPS,
            _ => status,
        }
    }

    fn unanswered(&self, key: LegKey) -> Result<CallKey, B2buaError> {
        let leg = self.legs.get(&key).ok_or(B2buaError::UnknownLeg)?;
        leg.call
            .filter(|_| leg.state.is_unanswered_incoming())
            .ok_or(B2buaError::WrongState)
    }
}
