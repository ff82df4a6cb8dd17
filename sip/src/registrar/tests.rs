//! The rules of REGISTER, one request at a time.

use std::time::{Duration, Instant};

use super::{Answer, MemoryCredentials, Registrar, RegistrarConfig, RegistrarEvent, UnregisterReason};
use crate::header::HeaderName;
use crate::message::Message;
use crate::method::Method;
use crate::transport::{ConnectionId, Flow};
use crate::ua::Seed;
use crate::uri::Uri;

struct Desk {
    now: Instant,
    registrar: Registrar,
    flow: Flow,
    cseq: u32,
}

/// A registrar with the users `open` (no password) and `closed` (one).
fn desk() -> Desk {
    desk_with(|config| config)
}

fn desk_with(change: impl FnOnce(RegistrarConfig) -> RegistrarConfig) -> Desk {
    let users = MemoryCredentials::new()
        .with_open("open")
        .with_password("closed", "pw");
    let config = change(RegistrarConfig::new("example.com", Seed::from_number(1)));
    let flow = Flow::tcp(
        "192.0.2.1:5060".parse().unwrap(),
        "192.0.2.7:40000".parse().unwrap(),
        ConnectionId(3),
    );
    Desk {
        now: crate::testing::start(),
        registrar: Registrar::new(config, Box::new(users)),
        flow,
        cseq: 0,
    }
}

impl Desk {
    fn message(&mut self, user: &str, call_id: &str, headers: &[(HeaderName, &str)]) -> Message {
        self.cseq += 1;
        let uri: Uri = "sip:example.com".parse().unwrap();
        let mut request = Message::request(Method::REGISTER, &uri);
        request.push_header(&HeaderName::TO, format!("<sip:{user}@example.com>"));
        request.push_header(&HeaderName::FROM, format!("<sip:{user}@example.com>;tag=1"));
        request.push_header(&HeaderName::CALL_ID, call_id);
        request.push_header(&HeaderName::CSEQ, format!("{} REGISTER", self.cseq));
        for (name, value) in headers {
            request.push_header(name, value);
        }
        request
    }

    fn register(&mut self, contact: &str) -> Answer {
        self.ask(&[(HeaderName::CONTACT, contact)])
    }

    fn ask(&mut self, headers: &[(HeaderName, &str)]) -> Answer {
        let request = self.message("open", "a", headers);
        self.registrar
            .handle_register(self.now, self.flow, true, &request)
    }

    fn contacts(&self) -> Vec<String> {
        self.registrar
            .location()
            .lookup("open")
            .iter()
            .map(|binding| binding.contact.to_string())
            .collect()
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.registrar.handle_timeout(self.now);
    }

    fn events(&mut self) -> Vec<RegistrarEvent> {
        std::iter::from_fn(|| self.registrar.poll_event()).collect()
    }
}

fn status(answer: &Answer) -> u16 {
    answer.status.0
}

fn registered() -> RegistrarEvent {
    RegistrarEvent::Registered { user: "open".into() }
}

fn unregistered(why: UnregisterReason) -> RegistrarEvent {
    RegistrarEvent::Unregistered {
        user: "open".into(),
        why,
    }
}

/// Spec: RFC 3261 §10.3 item 8
#[test]
fn the_answer_lists_all_contacts_with_the_time_they_have_left() {
    let mut desk = desk();
    desk.register("<sip:open@192.0.2.7>;expires=100");
    desk.wait(40);
    let answer = desk.register("<sip:open@192.0.2.8>;expires=200");
    let values: Vec<_> = answer.headers.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(
        values,
        [
            "<sip:open@192.0.2.7>;expires=60",
            "<sip:open@192.0.2.8>;expires=200"
        ]
    );
    assert_eq!(desk.events(), [registered()]);
    assert_eq!(status(&desk.ask(&[])), 200, "a request without contact only asks");
    assert_eq!(desk.contacts().len(), 2);
}

/// Spec: RFC 3261 §10.3 item 7
#[test]
fn lifetimes_come_from_the_contact_the_header_or_the_default_within_bounds() {
    let mut desk = desk();
    let lifetime = |answer: &Answer| answer.headers[0].1.rsplit('=').next().unwrap().to_owned();
    let contact = "<sip:open@192.0.2.7>";
    let with_header = |value| [(HeaderName::CONTACT, contact), (HeaderName::EXPIRES, value)];
    assert_eq!(lifetime(&desk.register(contact)), "3600");
    assert_eq!(lifetime(&desk.ask(&with_header("90"))), "90");
    assert_eq!(lifetime(&desk.ask(&with_header("999999"))), "3600");
    let both = [
        (HeaderName::CONTACT, "<sip:open@192.0.2.7>;expires=70"),
        (HeaderName::EXPIRES, "90"),
    ];
    assert_eq!(lifetime(&desk.ask(&both)), "70");
    let brief = desk.ask(&with_header("59"));
    assert_eq!(
        (status(&brief), brief.headers),
        (423, vec![(HeaderName::MIN_EXPIRES, "60".to_owned())])
    );
    assert_eq!(desk.contacts().len(), 1, "a refused request changes nothing");
}

/// Spec: RFC 3261 §10.3 item 6
#[test]
fn a_star_removes_all_contacts_and_needs_expires_zero_and_to_stand_alone() {
    let mut desk = desk();
    desk.register("<sip:open@192.0.2.7>");
    desk.register("<sip:open@192.0.2.8>");
    assert_eq!(status(&desk.register("*")), 400);
    assert_eq!(
        status(&desk.ask(&[(HeaderName::CONTACT, "*"), (HeaderName::EXPIRES, "60")])),
        400
    );
    let mixed = "*, <sip:open@192.0.2.9>";
    assert_eq!(
        status(&desk.ask(&[(HeaderName::CONTACT, mixed), (HeaderName::EXPIRES, "0")])),
        400
    );
    assert_eq!(desk.contacts().len(), 2);
    assert_eq!(
        status(&desk.ask(&[(HeaderName::CONTACT, "*"), (HeaderName::EXPIRES, "0")])),
        200
    );
    assert!(desk.contacts().is_empty());
    assert_eq!(
        desk.events(),
        [registered(), unregistered(UnregisterReason::Removed)]
    );
    assert!(desk.registrar.poll_timeout().is_none());
}

/// Spec: RFC 3261 §10.3 item 7: Call-ID and CSeq
#[test]
fn an_older_request_of_the_same_registration_is_refused_and_one_of_a_new_start_is_not() {
    let mut desk = desk();
    desk.register("<sip:open@192.0.2.7>;expires=100");
    desk.cseq = 0;
    assert_eq!(status(&desk.register("<sip:open@192.0.2.7>;expires=0")), 500);
    assert_eq!(desk.contacts().len(), 1);
    desk.cseq = 0;
    let star = [(HeaderName::CONTACT, "*"), (HeaderName::EXPIRES, "0")];
    assert_eq!(status(&desk.ask(&star)), 500);
    desk.cseq = 0;
    let request = desk.message(
        "open",
        "restarted",
        &[(HeaderName::CONTACT, "<sip:open@192.0.2.7>;expires=0")],
    );
    assert_eq!(
        status(
            &desk
                .registrar
                .handle_register(desk.now, desk.flow, true, &request)
        ),
        200
    );
    assert!(desk.contacts().is_empty());
}

#[test]
fn equivalent_contacts_are_one_and_contacts_are_bounded_per_user_and_in_all() {
    let mut desk = desk_with(|config| config.with_max_contacts(2).with_max_bindings(3));
    desk.register("<sip:open@phone.example.com>");
    desk.register("<sip:open@PHONE.example.com>");
    assert_eq!(desk.contacts().len(), 1);
    assert_eq!(
        status(&desk.register("<sip:open@192.0.2.2>, <sip:open@192.0.2.3>")),
        403
    );
    assert_eq!(desk.contacts().len(), 1, "all of a request or nothing");
    assert_eq!(status(&desk.register("<sip:open@192.0.2.2>")), 200);
    let mut full = desk_with(|config| config.with_max_bindings(1));
    full.register("<sip:open@192.0.2.2>");
    assert_eq!(status(&full.register("<sip:open@192.0.2.3>")), 503);
    assert_eq!(
        status(&full.register("<sip:open@192.0.2.2>")),
        200,
        "a refresh needs no room"
    );
}

#[test]
fn contacts_expire_one_by_one_and_the_user_with_the_last() {
    let mut desk = desk();
    desk.register("<sip:open@192.0.2.7>;expires=100, <sip:open@192.0.2.8>;expires=200");
    assert_eq!(
        desk.registrar.poll_timeout(),
        Some(desk.now + Duration::from_secs(100))
    );
    desk.wait(100);
    assert_eq!(desk.contacts(), ["sip:open@192.0.2.8"]);
    assert_eq!(desk.events(), [registered()]);
    desk.wait(100);
    assert_eq!(desk.events(), [unregistered(UnregisterReason::Expired)]);
    assert_eq!(
        (desk.registrar.location().len(), desk.registrar.poll_timeout()),
        (0, None)
    );
}

/// Spec: RFC 5626 §5.3.1
#[test]
fn a_lost_flow_takes_the_contacts_that_came_along_it() {
    let mut desk = desk();
    desk.register("<sip:open@192.0.2.7>");
    let first = desk.flow;
    desk.flow.connection = ConnectionId(4);
    desk.register("<sip:open@192.0.2.8>");
    assert!(desk.registrar.location().is_bound(&first, "open"));
    desk.registrar.handle_flow_lost(&first);
    assert_eq!(desk.contacts(), ["sip:open@192.0.2.8"]);
    assert!(!desk.registrar.location().is_bound(&first, "open"));
    let second = desk.flow;
    desk.registrar.handle_flow_lost(&second);
    desk.registrar.handle_flow_lost(&second);
    assert_eq!(
        desk.events(),
        [registered(), unregistered(UnregisterReason::FlowLost)]
    );
}

#[test]
fn strangers_foreign_domains_and_broken_contacts_are_refused() {
    let mut desk = desk_with(|config| config.with_domains(vec!["example.com".into()]));
    let now = desk.now;
    let flow = desk.flow;
    let contact = [(HeaderName::CONTACT, "<sip:x@192.0.2.7>")];
    let stranger = desk.message("nobody", "a", &contact);
    assert_eq!(
        status(&desk.registrar.handle_register(now, flow, true, &stranger)),
        404
    );
    let mut foreign = desk.message("open", "a", &contact);
    foreign.set_header(&HeaderName::TO, "<sip:open@elsewhere.example>");
    assert_eq!(
        status(&desk.registrar.handle_register(now, flow, true, &foreign)),
        404
    );
    let open = desk.message("open", "a", &contact);
    assert_eq!(
        status(&desk.registrar.handle_register(now, flow, false, &open)),
        403
    );
    assert_eq!(status(&desk.register("<tel:+15551000>")), 400);
    assert_eq!(status(&desk.register("<sip:broken")), 400);
    let closed = desk.message("closed", "a", &contact);
    let challenge = desk.registrar.handle_register(now, flow, true, &closed);
    assert_eq!(status(&challenge), 401);
    assert!(
        challenge
            .headers
            .iter()
            .all(|(name, _)| *name == HeaderName::WWW_AUTHENTICATE)
    );
    assert!(!challenge.headers.is_empty());
    assert!(desk.registrar.location().is_empty());
}
