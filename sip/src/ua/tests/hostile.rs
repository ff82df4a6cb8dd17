//! What peers do that they should not, and challenges.

use super::support::*;
use crate::auth::{DigestServer, Verdict};
use crate::header::HeaderName;
use crate::message::Message;
use crate::method::Method;
use crate::status::StatusCode;
use crate::testing::{NetworkConfig, Pair, Side};
use crate::transport::{ConnectionId, Destination, Flow};
use crate::ua::{
    Account, CallKey, CommandError, FailureCause, Seed, UaCommand, UaConfig, UaEvent, UserAgent,
};

/// A request to Bob, with that first line and those headers.
fn request(method: &str, uri: &str, to: &str, more: &str) -> Message {
    parse(&format!(
        "{method} {uri} SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{method}{}\nMax-Forwards: 70\n\
         From: <sip:x@10.0.0.1>;tag=x\nTo: {to}\nCall-ID: hostile\nCSeq: 10 {method}\n\
         Contact: <sip:x@10.0.0.1:5060>\n{more}\n",
        more.len()
    ))
}

fn response_to(message: Message) -> Message {
    let mut pair = perfect();
    pair.inject(Side::Bob, message);
    pair.sent.last().expect("no response").2.clone()
}

const BOB: &str = "sip:bob@10.0.0.2";
const TO: &str = "<sip:bob@10.0.0.2>";

#[test]
fn requests_that_cannot_be_served_get_the_right_refusal() {
    let cases = [
        (
            request("BYE", BOB, "<sip:bob@10.0.0.2>;tag=nobody", ""),
            481,
            "unknown dialog",
        ),
        (request("BYE", BOB, TO, ""), 481, "no dialog"),
        (request("CANCEL", BOB, TO, ""), 481, "nothing to cancel"),
        (request("FOOBAR", BOB, TO, ""), 501, "unknown method"),
        (request("MESSAGE", BOB, TO, ""), 405, "known method"),
        (request("REGISTER", "sip:10.0.0.2", TO, ""), 405, "no registrar"),
        (request("INVITE", "tel:+15551234", TO, ""), 416, "scheme"),
        (
            request("INVITE", BOB, TO, "Require: 100rel, foo\n"),
            420,
            "extension",
        ),
        (
            request(
                "INVITE",
                BOB,
                TO,
                "Content-Type: text/plain\nContent-Length: 1\n\nx",
            ),
            415,
            "media type",
        ),
        (request("OPTIONS", BOB, TO, ""), 200, "options"),
    ];
    for (message, status, what) in cases {
        assert_eq!(response_to(message).status(), Some(StatusCode(status)), "{what}");
    }
}

#[test]
fn refusals_say_what_would_have_been_served() {
    let refused = response_to(request("PUBLISH", BOB, TO, ""));
    assert!(
        refused.has_token(&HeaderName::ALLOW, "INVITE") && !refused.has_token(&HeaderName::ALLOW, "PUBLISH")
    );
    let refused = response_to(request("INVITE", BOB, TO, "Require: 100rel, foo\n"));
    assert_eq!(
        refused.tokens(&HeaderName::UNSUPPORTED).collect::<Vec<_>>(),
        ["100rel", "foo"]
    );
    let options = response_to(request("OPTIONS", BOB, TO, ""));
    assert_eq!(options.header(&HeaderName::ACCEPT), Some("application/sdp"));
    assert_eq!(
        options.tokens(&HeaderName::SUPPORTED).count(),
        0,
        "nothing is promised that is not kept"
    );
    assert!(options.to().unwrap().tag().is_some());
}

#[test]
fn malformed_headers_are_answered_with_400_and_counted() {
    let mut message = request("INVITE", BOB, TO, "");
    message.remove_header(&HeaderName::CALL_ID);
    let mut pair = perfect();
    pair.inject(Side::Bob, message);
    assert_eq!(
        pair.sent.last().unwrap().2.status(),
        Some(StatusCode::BAD_REQUEST)
    );
    assert_eq!(pair.agent(Side::Bob).stats().malformed, 1);
    let mut message = request("OPTIONS", BOB, TO, "X: 1\n");
    message.set_header(&HeaderName::CSEQ, "10 INVITE");
    assert_eq!(response_to(message).status(), Some(StatusCode::BAD_REQUEST));
}

#[test]
fn the_same_invite_along_two_ways_is_one_call() {
    // Spec: RFC 3261 §8.2.2.2
    let mut pair = perfect();
    pair.inject(Side::Bob, request("INVITE", BOB, TO, ""));
    let mut twin = request("INVITE", BOB, TO, "");
    twin.replace_first_value(&HeaderName::VIA, "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKother");
    pair.inject(Side::Bob, twin);
    assert_eq!(
        pair.sent.last().unwrap().2.status(),
        Some(StatusCode::LOOP_DETECTED)
    );
    assert_eq!(pair.agent(Side::Bob).stats().calls, 1);
}

#[test]
fn a_lower_number_inside_the_dialog_is_refused_with_500_and_changes_nothing() {
    // Spec: RFC 3261 §12.2.2
    let mut pair = talking();
    let mut bye = last(&pair, Side::Alice, "ACK");
    let text = String::from_utf8(bye.to_bytes().to_vec())
        .unwrap()
        .replace("ACK", "BYE");
    bye = Message::parse(text.into(), &crate::message::Limits::default()).unwrap();
    bye.set_header(&HeaderName::CSEQ, "0 BYE");
    pair.inject(Side::Bob, bye);
    assert_eq!(
        pair.sent.last().unwrap().2.status(),
        Some(StatusCode::SERVER_INTERNAL_ERROR)
    );
    assert_eq!(pair.agent(Side::Bob).stats().calls, 1);
}

#[test]
fn answers_of_other_branches_are_acknowledged_and_ended() {
    // Spec: RFC 3261 §13.2.2.4
    let mut pair = perfect();
    call(&mut pair, invite().with_sdp(OFFER));
    pair.run_for(ms(0));
    pair.command(Side::Bob, UaCommand::ringing(B)).unwrap();
    pair.command(Side::Bob, UaCommand::accept(B, ANSWER)).unwrap();
    pair.run_for(ms(0));
    let mut fork = last(&pair, Side::Bob, "200");
    fork.set_header(&HeaderName::TO, "<sip:bob@10.0.0.2>;tag=fork");
    for _ in 0..3 {
        pair.inject(Side::Alice, fork.clone());
    }
    let of_fork = |method: &str| {
        let of = |m: &&(_, Side, Message)| m.2.method().is_some_and(|own| own.as_str() == method);
        let kept = pair.sent.iter().filter(of);
        kept.filter(|(_, _, m)| m.to().unwrap().tag() == Some("fork"))
            .count()
    };
    assert_eq!((of_fork("ACK"), of_fork("BYE")), (3, 1));
    assert_eq!(names(&pair.events(Side::Alice)), ["Progress", "Answered"]);
    assert_eq!(pair.agent(Side::Alice).stats().calls, 1);
}

#[test]
fn a_bye_before_the_ack_ends_the_call() {
    let mut pair = perfect();
    pair.set_rule(|_, message| {
        message
            .is_method(&Method::ACK)
            .then_some(crate::testing::Fault::Drop)
    });
    call(&mut pair, invite().with_sdp(OFFER));
    pair.run_for(ms(0));
    pair.command(Side::Bob, UaCommand::accept(B, ANSWER)).unwrap();
    pair.run_for(ms(0));
    pair.command(Side::Alice, UaCommand::hangup(A)).unwrap();
    pair.run_for(ms(0));
    assert_eq!(names(&pair.events(Side::Bob)), ["Incoming", "Ended"]);
    assert_eq!(
        pair.times_of(Side::Bob, "200").len(),
        2,
        "no more repeats of the first"
    );
    assert_empty(&mut pair);
}

#[test]
fn calls_beyond_the_limit_are_refused_with_503() {
    let config = |number| UaConfig::new(Seed::from_number(number)).with_max_calls(1);
    let mut pair = Pair::with_configs(NetworkConfig::perfect(), config(1), config(2));
    call(&mut pair, invite());
    pair.run_for(ms(0));
    let second = UaCommand::Invite {
        call: CallKey::outgoing(2),
        invite: Box::new(invite()),
    };
    assert_eq!(pair.command(Side::Alice, second), Err(CommandError::TooManyCalls));
    pair.inject(Side::Bob, request("INVITE", BOB, TO, ""));
    let refused = &pair.sent.last().unwrap().2;
    assert_eq!(refused.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(refused.header(&HeaderName::RETRY_AFTER), Some("5"));
    assert_eq!(pair.agent(Side::Bob).stats().overload_refusals, 1);
}

#[test]
fn commands_that_do_not_fit_change_nothing() {
    let mut pair = talking();
    let wrong = [
        (UaCommand::accept(B, ANSWER), CommandError::WrongState),
        (UaCommand::ringing(B), CommandError::WrongState),
        (UaCommand::reject(B, StatusCode::OK), CommandError::BadStatus),
        (
            UaCommand::AcceptReinvite { call: B, sdp: ANSWER },
            CommandError::WrongState,
        ),
        (UaCommand::Ack { call: B, sdp: None }, CommandError::WrongState),
        (
            UaCommand::hangup(CallKey::incoming(77)),
            CommandError::UnknownCall,
        ),
        (
            UaCommand::Hangup {
                call: B,
                headers: vec![(HeaderName::REASON, "x\r\nVia: y".to_owned())],
            },
            CommandError::BadHeader,
        ),
        (
            UaCommand::InDialog {
                call: B,
                method: Method::BYE,
                headers: Vec::new(),
                body: None,
            },
            CommandError::BadMethod,
        ),
    ];
    for (command, error) in wrong {
        assert_eq!(
            pair.command(Side::Bob, command.clone()),
            Err(error),
            "{command:?}"
        );
    }
    let target = crate::ua::Invite::new(
        "sip:bob@bob.example".parse().unwrap(),
        "<sip:a@b>".parse().unwrap(),
    );
    let unresolved = UaCommand::Invite {
        call: CallKey::outgoing(5),
        invite: Box::new(target),
    };
    assert_eq!(
        pair.command(Side::Bob, unresolved),
        Err(CommandError::NoDestination)
    );
    assert!(pair.events(Side::Bob).is_empty());
}

/// Challenges every INVITE and BYE of Alice; hands those with the right credentials on.
fn challenged_call(password: &str) -> (UserAgent, Vec<UaEvent>, Vec<String>) {
    let now = crate::testing::start();
    let mut server = DigestServer::new("example", [9; 32], now);
    let mut agent = UserAgent::new(UaConfig::new(Seed::from_number(1)));
    agent.handle_bound(Side::Alice.address());
    let invite = invite()
        .with_sdp(OFFER)
        .with_account(Account::new("alice", password));
    agent
        .handle_command(
            now,
            UaCommand::Invite {
                call: A,
                invite: Box::new(invite),
            },
        )
        .unwrap();
    let flow = Flow::udp(Side::Alice.address(), Side::Bob.address());
    let (mut events, mut log) = (Vec::new(), Vec::new());
    while let Some(transmit) = agent.poll_transmit() {
        let message = Message::parse(transmit.payload, &crate::message::Limits::default()).unwrap();
        let cseq = message.cseq().unwrap();
        log.push(format!(
            "{} {}",
            cseq.method,
            message.has_header(&HeaderName::AUTHORIZATION)
        ));
        if message.is_method(&Method::ACK) {
            continue;
        }
        let lookup =
            |user: &str| (user == "alice").then(|| crate::auth::Secret::Password("secret".to_owned()));
        let mut response = match server.verify(now, &message, &HeaderName::AUTHORIZATION, lookup) {
            Verdict::Ok { .. } => Message::response(&message, StatusCode::OK),
            verdict => {
                let mut response = Message::response(&message, StatusCode::UNAUTHORIZED);
                for challenge in server.challenges(now, matches!(verdict, Verdict::Stale)) {
                    response.push_header(&HeaderName::WWW_AUTHENTICATE, challenge.to_string());
                }
                response
            }
        };
        response.set_to_tag("b");
        response.push_header(&HeaderName::CONTACT, "<sip:bob@10.0.0.2:5060>");
        agent.handle_message(now, flow, response);
        while let Some(event) = agent.poll_event() {
            if matches!(event, UaEvent::Answered { .. }) {
                agent.handle_command(now, UaCommand::hangup(A)).unwrap();
            }
            events.push(event);
        }
    }
    (agent, events, log)
}

#[test]
fn a_challenge_is_answered_and_later_requests_carry_credentials_at_once() {
    // Spec: RFC 3261 §22.2
    let (agent, events, log) = challenged_call("secret");
    assert_eq!(names(&events), ["Answered", "Ended"]);
    assert_eq!(
        log,
        ["INVITE false", "ACK false", "INVITE true", "ACK true", "BYE true"]
    );
    assert_eq!(agent.stats().calls, 0);
}

#[test]
fn a_wrong_password_is_tried_once() {
    let (agent, events, log) = challenged_call("wrong");
    assert!(matches!(
        &events[..],
        [UaEvent::Failed {
            cause: FailureCause::Unauthorized,
            status: StatusCode::UNAUTHORIZED,
            ..
        }]
    ));
    assert_eq!(log, ["INVITE false", "ACK false", "INVITE true", "ACK false"]);
    assert_eq!(agent.stats().calls, 0);
}

#[test]
fn requests_inside_a_dialog_take_the_connection_of_the_caller() {
    // A phone that opened the connection cannot be reached by its Contact.
    let now = crate::testing::start();
    let mut agent = UserAgent::new(UaConfig::new(Seed::from_number(2)));
    agent.handle_bound(Side::Bob.address());
    let source = std::net::SocketAddr::from(([10, 0, 0, 1], 49_000));
    let flow = Flow::tcp(Side::Bob.address(), source, ConnectionId(7));
    agent.handle_message(now, flow, request("INVITE", BOB, TO, ""));
    agent.handle_command(now, UaCommand::accept(B, ANSWER)).unwrap();
    let ok = loop {
        let transmit = agent.poll_transmit().unwrap();
        assert_eq!(transmit.destination, Destination::Flow(flow));
        let message = Message::parse(transmit.payload, &crate::message::Limits::default()).unwrap();
        if message.status() == Some(StatusCode::OK) {
            break message;
        }
    };
    let tag = ok.to().unwrap().tag().unwrap().to_owned();
    let mut ack = request("ACK", BOB, &format!("<sip:bob@10.0.0.2>;tag={tag}"), "X: ack\n");
    ack.set_header(&HeaderName::CSEQ, "10 ACK");
    agent.handle_message(now, flow, ack);
    agent.handle_command(now, UaCommand::hangup(B)).unwrap();
    assert_eq!(
        agent.poll_transmit().unwrap().destination,
        Destination::Flow(flow)
    );
}

#[test]
fn a_closed_connection_fails_a_ringing_call_at_once() {
    let mut pair = perfect();
    call(&mut pair, over_tcp(invite()));
    let now = pair.now;
    let mut agent = UserAgent::new(UaConfig::new(Seed::from_number(3)));
    agent.handle_bound(Side::Alice.address());
    agent
        .handle_command(
            now,
            UaCommand::Invite {
                call: A,
                invite: Box::new(over_tcp(invite())),
            },
        )
        .unwrap();
    agent.handle_transport_error(now, Destination::tcp(Side::Bob.address()));
    let event = agent.poll_event();
    assert!(
        matches!(
            event,
            Some(UaEvent::Failed {
                cause: FailureCause::Transport,
                ..
            })
        ),
        "{event:?}"
    );
    assert_eq!((agent.stats().calls, agent.stats().transactions), (0, 0));
}

#[test]
fn debug_output_shows_neither_bodies_nor_addresses() {
    let mut pair = perfect();
    call(&mut pair, invite().with_sdp(OFFER));
    pair.run_for(ms(0));
    let shown = format!(
        "{:?} {:?} {:?}",
        pair.events(Side::Bob),
        pair.agent(Side::Alice),
        pair.agent(Side::Bob)
    );
    assert!(shown.contains("Incoming"), "{shown}");
    for secret in ["alice", "Alice", "bob", "v=0", "10.0.0.1"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
