//! Client registrations against a scripted registrar.

use std::time::{Duration, Instant};

use super::support::names;
use crate::header::HeaderName;
use crate::message::{Limits, Message};
use crate::status::StatusCode;
use crate::testing::Side;
use crate::transport::Flow;
use crate::ua::{Registration, RegistrationKey, Seed, UaCommand, UaConfig, UaEvent, UserAgent};

const KEY: RegistrationKey = RegistrationKey(1);

struct Client {
    agent: UserAgent,
    now: Instant,
    start: Instant,
}

impl Client {
    fn new() -> Self {
        let now = crate::testing::start();
        let mut agent = UserAgent::new(UaConfig::new(Seed::from_number(1)));
        agent.handle_bound(Side::Alice.address());
        let registration = Registration::new(
            "sip:10.0.0.2".parse().unwrap(),
            "<sip:1001@10.0.0.2>".parse().unwrap(),
        )
        .with_expires(Duration::from_secs(600));
        let command = UaCommand::Register {
            key: KEY,
            registration: Box::new(registration),
        };
        agent.handle_command(now, command).unwrap();
        Self {
            agent,
            now,
            start: now,
        }
    }

    /// The next REGISTER, when it goes out and what it says about its lifetime.
    fn request(&mut self) -> Option<(Duration, Message)> {
        loop {
            if let Some(transmit) = self.agent.poll_transmit() {
                let message = Message::parse(transmit.payload, &Limits::default()).unwrap();
                return Some((self.now - self.start, message));
            }
            self.now = self.agent.poll_timeout()?;
            self.agent.handle_timeout(self.now);
        }
    }

    fn answer(
        &mut self,
        request: &Message,
        status: StatusCode,
        headers: &[(HeaderName, &str)],
    ) -> Vec<UaEvent> {
        let mut response = Message::response(request, status);
        for (name, value) in headers {
            response.push_header(name, value);
        }
        let flow = Flow::udp(Side::Alice.address(), Side::Bob.address());
        self.agent.handle_message(self.now, flow, response);
        std::iter::from_fn(|| self.agent.poll_event()).collect()
    }
}

#[test]
fn a_registration_is_refreshed_before_the_granted_lifetime_ends_and_removed_on_demand() {
    let mut client = Client::new();
    let (_, first) = client.request().unwrap();
    assert_eq!(first.header(&HeaderName::EXPIRES), Some("600"));
    let events = client.answer(
        &first,
        StatusCode::OK,
        &[(HeaderName::CONTACT, "<sip:1001@10.0.0.1:5060>;expires=100")],
    );
    assert!(matches!(
        &events[..],
        [UaEvent::Registered {
            expires_secs: 100,
            ..
        }]
    ));
    let (at, second) = client.request().unwrap();
    assert_eq!(at, Duration::from_secs(80));
    assert_eq!(second.call_id().unwrap(), first.call_id().unwrap());
    assert_eq!(second.cseq().unwrap().number, first.cseq().unwrap().number + 1);
    client.answer(&second, StatusCode::OK, &[]);
    client
        .agent
        .handle_command(client.now, UaCommand::Unregister { key: KEY })
        .unwrap();
    let (_, last) = client.request().unwrap();
    assert_eq!(last.header(&HeaderName::EXPIRES), Some("0"));
    assert_eq!(
        names(&client.answer(&last, StatusCode::OK, &[])),
        ["Unregistered"]
    );
    assert!(client.agent.is_idle());
}

#[test]
fn a_registrar_that_is_away_is_tried_again_at_growing_intervals() {
    let mut client = Client::new();
    let mut tries = Vec::new();
    for _ in 0..5 {
        let (at, request) = client.request().unwrap();
        tries.push(at);
        let events = client.answer(&request, StatusCode::SERVICE_UNAVAILABLE, &[]);
        assert!(
            matches!(
                &events[..],
                [UaEvent::RegistrationFailed { will_retry: true, .. }]
            ),
            "{events:?}"
        );
    }
    for (n, pair) in tries.windows(2).enumerate() {
        let (wait, full) = (pair[1] - pair[0], Duration::from_secs(2 << n));
        assert!(wait >= full / 2 && wait <= full, "wait {n} is {wait:?}");
    }
}

#[test]
fn a_lifetime_that_is_too_short_is_raised_and_a_forbidden_registration_is_not_repeated() {
    let mut client = Client::new();
    let (_, first) = client.request().unwrap();
    client.answer(
        &first,
        StatusCode::INTERVAL_TOO_BRIEF,
        &[(HeaderName::MIN_EXPIRES, "1800")],
    );
    let (_, second) = client.request().unwrap();
    assert_eq!(second.header(&HeaderName::EXPIRES), Some("1800"));
    let events = client.answer(&second, StatusCode::FORBIDDEN, &[]);
    assert!(
        matches!(
            &events[..],
            [UaEvent::RegistrationFailed {
                will_retry: false,
                ..
            }]
        ),
        "{events:?}"
    );
    assert!(client.request().is_none());
    assert!(client.agent.is_idle());
}

#[test]
fn a_silent_registrar_is_a_failure_after_32_s() {
    let mut client = Client::new();
    while client.agent.poll_event().is_none() {
        while client.agent.poll_transmit().is_some() {}
        client.now = client.agent.poll_timeout().unwrap();
        client.agent.handle_timeout(client.now);
    }
    assert_eq!(client.now - client.start, Duration::from_secs(32));
}
