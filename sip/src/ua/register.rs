//! Client registrations: made, kept alive before they expire, tried again, removed.
//!
//! Spec: RFC 3261 §10.2

use std::time::{Duration, Instant};

use super::compose::destination_of;
use super::user_agent::{Owner, Purpose, UserAgent};
use super::{CommandError, Registration, RegistrationKey, UaEvent};
use crate::auth::DigestClient;
use crate::header::HeaderName;
use crate::message::Message;
use crate::method::Method;
use crate::status::StatusCode;
use crate::transaction::{ClientKey, Timers, state_table};
use crate::transport::{Destination, Flow};

state_table! {
    /// State of one client registration.
    BindingState {
        /// REGISTER was sent for the first time, or again after a failure.
        Registering,
        /// The binding stands.
        Registered,
        /// The binding stands and is being refreshed.
        Refreshing,
        /// The last try failed; the next one waits.
        Waiting,
        /// The user removes the binding while a REGISTER is under way.
        Stopping,
        /// REGISTER with lifetime 0 was sent.
        Unregistering,
        /// Over.
        Gone,
    }
    /// What a registration reacts to.
    BindingInput {
        /// 2xx.
        Success,
        /// Any other final response, or none.
        Failure,
        /// A failure after which trying again makes no sense.
        Refusal,
        /// Time to refresh or to try again.
        Due,
        /// The user removes it.
        Remove,
    }
    Success: Registering | Refreshing => Registered;
    Success: Stopping => Unregistering;
    Success: Unregistering => Gone;
    Failure: Registering | Refreshing => Waiting;
    Failure: Stopping | Unregistering => Gone;
    Refusal: Registering | Refreshing | Stopping | Unregistering => Gone;
    Due: Registered => Refreshing;
    Due: Waiting => Registering;
    Remove: Registered => Unregistering;
    Remove: Registering | Refreshing => Stopping;
    Remove: Waiting => Gone;
}

/// One client registration.
#[derive(Debug)]
pub(super) struct Binding {
    state: BindingState,
    registrar: crate::uri::Uri,
    aor: crate::header::NameAddr,
    contact: String,
    destination: Destination,
    expires: u32,
    digest: Option<DigestClient>,
    call_id: String,
    from_tag: String,
    cseq: u32,
    client: Option<ClientKey>,
    request: Option<Message>,
    failures: u32,
    /// The user was told that it failed for good.
    refused: bool,
    timers: Timers<1>,
}

impl UserAgent {
    pub(super) fn register(
        &mut self,
        now: Instant,
        key: RegistrationKey,
        registration: Registration,
    ) -> Result<(), CommandError> {
        if self.stopping {
            return Err(CommandError::ShuttingDown);
        }
        let destination = match registration.destination {
            Some(destination) => destination,
            None => destination_of(&registration.registrar).ok_or(CommandError::NoDestination)?,
        };
        if let Some(mut old) = self.bindings.remove(&key) {
            self.deadlines.remove(Owner::Binding(key), &mut old.timers);
            if let Some(client) = old.client {
                self.clients.insert(client, Purpose::Nothing);
            }
        }
        let contact = match &registration.contact {
            Some(contact) => format!("<{contact}>"),
            None => {
                let user = registration
                    .aor
                    .uri()
                    .user()
                    .unwrap_or(&self.identity.contact_user);
                self.identity.contact(user, destination.protocol())
            }
        };
        let binding = Binding {
            state: BindingState::Registering,
            registrar: registration.registrar.without_headers(),
            aor: registration.aor.without_param("tag"),
            contact,
            destination,
            expires: u32::try_from(registration.expires.as_secs())
                .unwrap_or(u32::MAX)
                .max(1),
            digest: registration.account.map(DigestClient::new),
            call_id: self.tokens.call_id(),
            from_tag: self.tokens.tag(),
            cseq: self.tokens.cseq(),
            client: None,
            request: None,
            failures: 0,
            refused: false,
            timers: Timers::new(),
        };
        self.bindings.insert(key, binding);
        self.send_register(now, key);
        Ok(())
    }

    pub(super) fn unregister(&mut self, now: Instant, key: RegistrationKey) -> Result<(), CommandError> {
        let binding = self
            .bindings
            .get_mut(&key)
            .ok_or(CommandError::UnknownRegistration)?;
        let next = binding
            .state
            .on(BindingInput::Remove)
            .ok_or(CommandError::WrongState)?;
        binding.state = next;
        binding.timers.clear_all();
        if next == BindingState::Unregistering {
            self.send_register(now, key);
        }
        self.settle_binding(key);
        Ok(())
    }

    /// Time to refresh or to try again.
    pub(super) fn binding_timer(&mut self, now: Instant, key: RegistrationKey) {
        let Some(binding) = self.bindings.get_mut(&key) else {
            return;
        };
        if binding.timers.take_due(now).is_some()
            && let Some(next) = binding.state.on(BindingInput::Due)
        {
            binding.state = next;
            self.send_register(now, key);
        }
        self.settle_binding(key);
    }

    fn send_register(&mut self, now: Instant, key: RegistrationKey) {
        let Some(binding) = self.bindings.get_mut(&key) else {
            return;
        };
        binding.cseq = binding.cseq.saturating_add(1);
        let expires = if binding.state == BindingState::Unregistering {
            0
        } else {
            binding.expires
        };
        let mut request = Message::request(Method::REGISTER, &binding.registrar);
        request.push_header(&HeaderName::MAX_FORWARDS, "70");
        request.push_header(
            &HeaderName::FROM,
            binding.aor.with_tag(&binding.from_tag).as_str(),
        );
        request.push_header(&HeaderName::TO, binding.aor.as_str());
        request.push_header(&HeaderName::CALL_ID, &binding.call_id);
        request.push_header(&HeaderName::CSEQ, format!("{} REGISTER", binding.cseq));
        request.push_header(&HeaderName::CONTACT, &binding.contact);
        request.push_header(&HeaderName::EXPIRES, expires.to_string());
        self.identity.describe(&mut request);
        if let Some(digest) = &mut binding.digest {
            digest.authorize(&mut request, &self.tokens.call_id());
        }
        self.send_register_request(now, key, request);
    }

    fn send_register_request(&mut self, now: Instant, key: RegistrationKey, request: Message) {
        let Some(binding) = self.bindings.get_mut(&key) else {
            return;
        };
        match self.layer.request(now, binding.destination, request.clone()) {
            Ok(client) => {
                binding.client = Some(client);
                binding.request = Some(request);
                self.clients.insert(client, Purpose::Register { key });
            }
            Err(_) => self.register_failed(now, key, StatusCode::SERVICE_UNAVAILABLE, None),
        }
        self.settle_binding(key);
    }

    pub(super) fn register_response(
        &mut self,
        now: Instant,
        key: RegistrationKey,
        flow: Flow,
        status: StatusCode,
        response: &Message,
    ) {
        let Some(binding) = self.bindings.get_mut(&key) else {
            return;
        };
        if status.is_success() {
            return self.register_done(now, key, flow, response);
        }
        let challenged = matches!(
            status,
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        );
        if challenged
            && binding.state != BindingState::Stopping
            && let (Some(digest), Some(mut request)) = (&mut binding.digest, binding.request.take())
        {
            let cnonce = self.tokens.call_id();
            if digest.answer(response, &mut request, &cnonce).is_ok() {
                binding.cseq = binding.cseq.saturating_add(1);
                request.set_header(&HeaderName::CSEQ, format!("{} REGISTER", binding.cseq));
                return self.send_register_request(now, key, request);
            }
        }
        if status == StatusCode::INTERVAL_TOO_BRIEF && binding.state != BindingState::Stopping {
            let min = response.number(&HeaderName::MIN_EXPIRES).ok().flatten();
            if let Some(min) = min.filter(|min| *min > binding.expires) {
                binding.expires = min;
                return self.send_register(now, key);
            }
        }
        self.register_failed(now, key, status, Some(response));
    }

    fn register_done(&mut self, now: Instant, key: RegistrationKey, flow: Flow, response: &Message) {
        let Some(binding) = self.bindings.get_mut(&key) else {
            return;
        };
        let Some(next) = binding.state.on(BindingInput::Success) else {
            return;
        };
        binding.state = next;
        binding.failures = 0;
        binding.client = None;
        match next {
            BindingState::Registered => {
                let granted = granted(response, &binding.contact).unwrap_or(binding.expires);
                let refresh = refresh_after(granted);
                binding.timers.set(0, now + refresh);
                self.events.push_back(UaEvent::Registered {
                    key,
                    expires_secs: granted,
                    flow,
                });
            }
            BindingState::Unregistering => self.send_register(now, key),
            _ => {}
        }
        self.settle_binding(key);
    }

    pub(super) fn register_failed(
        &mut self,
        now: Instant,
        key: RegistrationKey,
        status: StatusCode,
        response: Option<&Message>,
    ) {
        let Some(binding) = self.bindings.get_mut(&key) else {
            return;
        };
        let removing = matches!(
            binding.state,
            BindingState::Stopping | BindingState::Unregistering
        );
        let input = if is_permanent(status) {
            BindingInput::Refusal
        } else {
            BindingInput::Failure
        };
        let Some(next) = binding.state.on(input) else {
            return;
        };
        binding.state = next;
        binding.client = None;
        if next == BindingState::Waiting {
            let asked =
                response.and_then(|response| response.number(&HeaderName::RETRY_AFTER).ok().flatten());
            let doubled = self
                .config
                .register_retry
                .saturating_mul(1 << binding.failures.min(16));
            let wait = doubled.max(Duration::from_secs(u64::from(asked.unwrap_or(0))));
            let wait = wait.min(self.config.register_retry_max);
            binding.failures += 1;
            // Half of the wait is random, so that clients of a restarted registrar do not come all at once.
            let half = u64::try_from(wait.as_millis() / 2).unwrap_or(u64::MAX);
            let wait = Duration::from_millis(half + self.tokens.below(half.max(1)));
            binding.timers.set(0, now + wait);
        }
        if !removing {
            binding.refused = next == BindingState::Gone;
            let will_retry = next == BindingState::Waiting;
            self.events.push_back(UaEvent::RegistrationFailed {
                key,
                status,
                will_retry,
            });
        }
        self.settle_binding(key);
    }

    fn settle_binding(&mut self, key: RegistrationKey) {
        let Some(binding) = self.bindings.get_mut(&key) else {
            return;
        };
        if binding.state != BindingState::Gone {
            self.deadlines.update(Owner::Binding(key), &mut binding.timers);
            return;
        }
        if let Some(mut binding) = self.bindings.remove(&key) {
            self.deadlines.remove(Owner::Binding(key), &mut binding.timers);
            if !binding.refused {
                self.events.push_back(UaEvent::Unregistered { key });
            }
        }
    }
}

/// Lifetime that the registrar granted our contact.
///
/// Spec: RFC 3261 §10.2.4
fn granted(response: &Message, contact: &str) -> Option<u32> {
    let own: crate::header::NameAddr = contact.parse().ok()?;
    let listed = response
        .contacts()
        .flatten()
        .find(|listed| listed.uri().as_str() == own.uri().as_str());
    let only = || response.contacts().flatten().next();
    let expires = listed.or_else(only).and_then(|contact| contact.expires());
    expires
        .or_else(|| response.expires().ok().flatten())
        .filter(|expires| *expires > 0)
}

/// When to refresh: a fifth before the end, at most a minute before it, at least a second after the start.
fn refresh_after(granted: u32) -> Duration {
    let early = (granted / 5).clamp(1, 60);
    Duration::from_secs(u64::from(granted.saturating_sub(early).max(1)))
}

/// Whether the same request would fail the same way.
fn is_permanent(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::UNAUTHORIZED
            | StatusCode::PROXY_AUTHENTICATION_REQUIRED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::BAD_EXTENSION
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_is_refreshed_before_it_ends() {
        assert_eq!(refresh_after(3600), Duration::from_secs(3540));
        assert_eq!(refresh_after(60), Duration::from_secs(48));
        assert_eq!(refresh_after(1), Duration::from_secs(1));
    }

    #[test]
    fn the_table_of_registrations_is_as_reviewed() {
        let rows: Vec<String> = BindingState::ALL
            .iter()
            .flat_map(|state| BindingInput::ALL.iter().map(move |input| (state, input)))
            .filter_map(|(state, input)| {
                state
                    .on(*input)
                    .map(|to| format!("{state:?} + {input:?} = {to:?}"))
            })
            .collect();
        insta::assert_snapshot!(rows.join("\n"));
    }
}
