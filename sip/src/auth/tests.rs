//! Digest: known answers, both sides against each other, replay and age.

use std::time::{Duration, Instant};

use super::digest::{Input, hex, hmac};
use super::*;
use crate::header::HeaderName;
use crate::message::Message;
use crate::method::Method;
use crate::status::StatusCode;

const WWW: HeaderName = HeaderName::WWW_AUTHENTICATE;
const AUTH: HeaderName = HeaderName::AUTHORIZATION;

/// Spec: RFC 7616 §3.9.1
#[test]
fn the_first_example_of_rfc_7616_is_answered_as_printed() {
    let input = Input {
        method: "GET",
        uri: "/dir/index.html",
        nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        counted: Some(("00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")),
    };
    let answer = |algorithm: Algorithm| {
        input.response(
            algorithm,
            &algorithm.ha1("Mufasa", "http-auth@example.org", "Circle of Life"),
        )
    };
    assert_eq!(answer(Algorithm::Md5), "8ca523f5e9506fed4657c9700eebdbec");
    assert_eq!(
        answer(Algorithm::Sha256),
        "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
    );
}

/// The printed response of the RFC was made with a truncated SHA-512; this is the corrected one.
///
/// Spec: RFC 7616 §3.9.2, erratum 4897
#[test]
fn the_second_example_of_rfc_7616_is_answered_as_corrected() {
    let input = Input {
        method: "GET",
        uri: "/doe.json",
        nonce: "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
        counted: Some(("00000001", "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v")),
    };
    let ha1 = Algorithm::Sha512_256.ha1("J\u{e4}s\u{f8}n Doe", "api@example.org", "Secret, or not?");
    assert_eq!(
        input.response(Algorithm::Sha512_256, &ha1),
        "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"
    );
}

/// Spec: RFC 2617 §3.5
#[test]
fn the_example_of_rfc_2617_is_answered_as_printed() {
    let input = Input {
        method: "GET",
        uri: "/dir/index.html",
        nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        counted: Some(("00000001", "0a4f113b")),
    };
    let ha1 = Algorithm::Md5.ha1("Mufasa", "testrealm@host.com", "Circle Of Life");
    assert_eq!(
        input.response(Algorithm::Md5, &ha1),
        "6629fae49393a05397450978507c4ef1"
    );
}

/// Key of 20 octets filled up with zeros. Spec: RFC 4231 §4.2 (test case 1)
#[test]
fn hmac_gives_the_known_answer() {
    let mut key = [0; 32];
    key[..20].fill(0x0b);
    assert_eq!(
        hex(&hmac(&key, b"Hi There")),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    );
}

struct Pair {
    server: DigestServer,
    client: DigestClient,
    now: Instant,
}

#[expect(clippy::disallowed_methods, reason = "any instant will do as origin")]
fn pair() -> Pair {
    let now = Instant::now();
    let server = DigestServer::new("example.com", [3; 32], now);
    Pair {
        server,
        client: DigestClient::new(Account::new("7001", "secret \"word\"")),
        now,
    }
}

impl Pair {
    fn challenge(&mut self, stale: bool) -> Message {
        let mut response = Message::response(&register(), StatusCode::UNAUTHORIZED);
        for challenge in self.server.challenges(self.now, stale) {
            response.push_header(&WWW, challenge.to_string());
        }
        response
    }

    fn answered(&mut self) -> Message {
        let response = self.challenge(false);
        let mut request = register();
        self.client.answer(&response, &mut request, "c0ffee").unwrap();
        request
    }

    fn verify(&mut self, request: &Message) -> Verdict {
        self.server.verify(self.now, request, &AUTH, |user| {
            (user == "7001").then(|| Secret::Password("secret \"word\"".into()))
        })
    }
}

fn register() -> Message {
    Message::request(Method::REGISTER, &"sip:example.com".parse().unwrap())
}

fn ok() -> Verdict {
    Verdict::Ok { user: "7001".into() }
}

#[test]
fn what_the_client_answers_the_server_accepts_once() {
    let mut pair = pair();
    assert_eq!(pair.verify(&register()), Verdict::Missing);
    let request = pair.answered();
    assert!(
        request.header(&AUTH).unwrap().contains("algorithm=SHA-256"),
        "the strongest is taken"
    );
    assert_eq!(pair.verify(&request), ok());
    assert_eq!(
        pair.verify(&request),
        Verdict::Stale,
        "the same count again is a replay"
    );
}

#[test]
fn later_requests_use_the_nonce_with_a_rising_count_in_any_order() {
    let mut pair = pair();
    let first = pair.answered();
    let later: Vec<_> = (0..3)
        .map(|_| {
            let mut request = register();
            pair.client.authorize(&mut request, "c0ffee");
            request
        })
        .collect();
    for request in [&later[1], &first, &later[2], &later[0]] {
        assert_eq!(pair.verify(request), ok());
    }
    assert_eq!(pair.verify(&later[0]), Verdict::Stale);
}

#[test]
fn a_nonce_grows_old_and_the_client_answers_the_stale_challenge() {
    let mut pair = pair();
    let mut request = pair.answered();
    pair.now += Duration::from_millis(300_001);
    assert_eq!(pair.verify(&request), Verdict::Stale);
    let response = pair.challenge(true);
    assert!(response.header(&WWW).unwrap().contains("stale=true"));
    pair.client.answer(&response, &mut request, "c0ffee").unwrap();
    assert_eq!(request.header_values(&AUTH).count(), 1);
    assert_eq!(pair.verify(&request), ok());
}

#[test]
fn wrong_passwords_users_uris_and_nonces_are_refused() {
    let mut pair = pair();
    let good = pair.answered();
    let value = good.header(&AUTH).unwrap().to_owned();
    let with = |value: String| {
        let mut request = register();
        request.push_header(&AUTH, value);
        request
    };
    let other_user = with(value.replace("7001", "7002"));
    assert_eq!(pair.verify(&other_user), Verdict::Wrong);
    let other_uri = with(value.replace("sip:example.com", "sip:example.org"));
    assert_eq!(pair.verify(&other_uri), Verdict::Wrong);
    let other_realm = with(value.replace("realm=\"example.com\"", "realm=\"other\""));
    assert_eq!(pair.verify(&other_realm), Verdict::Missing);
    let mut moved = Message::request(Method::REGISTER, &"sip:elsewhere.com".parse().unwrap());
    moved.push_header(&AUTH, &value);
    assert_eq!(
        pair.verify(&moved),
        Verdict::Wrong,
        "the uri is not the request-uri"
    );
    let mut invite = Message::request(Method::INVITE, &"sip:example.com".parse().unwrap());
    invite.push_header(&AUTH, &value);
    assert_eq!(
        pair.verify(&invite),
        Verdict::Wrong,
        "the method is part of the hash"
    );
    pair.client = DigestClient::new(Account::new("7001", "guess"));
    let guessed = pair.answered();
    assert_eq!(pair.verify(&guessed), Verdict::Wrong);
    assert_eq!(pair.verify(&good), ok(), "none of this used up the nonce");
}

#[test]
fn a_nonce_of_another_secret_is_stale_even_with_the_right_password() {
    let mut pair = pair();
    let request = pair.answered();
    pair.server = DigestServer::new("example.com", [4; 32], pair.now);
    assert_eq!(pair.verify(&request), Verdict::Stale);
}

#[test]
fn the_client_gives_up_when_its_answer_was_refused() {
    let mut pair = pair();
    let mut request = pair.answered();
    let again = pair.challenge(false);
    assert_eq!(
        pair.client.answer(&again, &mut request, "x"),
        Err(AuthError::Refused)
    );
    let busy = Message::response(&register(), StatusCode::BUSY_HERE);
    assert_eq!(
        pair.client.answer(&busy, &mut request, "x"),
        Err(AuthError::NotAChallenge)
    );
    let mut unknown = Message::response(&register(), StatusCode::UNAUTHORIZED);
    unknown.push_header(&WWW, "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-3");
    unknown.push_header(&WWW, "NoOneKnowsThisScheme opaque=\"x\"");
    unknown.push_header(&WWW, "Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"");
    assert_eq!(
        pair.client.answer(&unknown, &mut register(), "x"),
        Err(AuthError::Unsupported)
    );
}

#[test]
fn a_server_without_qop_is_answered_in_the_old_form_and_such_an_answer_is_good_once() {
    let mut pair = pair();
    let mut challenge = pair.server.challenges(pair.now, false).remove(1);
    (challenge.qop_auth, challenge.algorithm) = (false, None);
    let mut response = Message::response(&register(), StatusCode::UNAUTHORIZED);
    response.push_header(&WWW, challenge.to_string());
    let mut request = register();
    pair.client.answer(&response, &mut request, "x").unwrap();
    assert!(!request.header(&AUTH).unwrap().contains("cnonce"));
    assert_eq!(pair.verify(&request), ok());
    assert_eq!(pair.verify(&request), Verdict::Stale);
}

#[test]
fn the_memory_of_used_nonces_is_bounded_and_forgotten_ones_are_stale() {
    let mut pair = pair();
    pair.server = DigestServer::new("example.com", [3; 32], pair.now).with_capacity(2);
    let requests: Vec<_> = (0..3).map(|_| pair.answered()).collect();
    for request in &requests {
        assert_eq!(pair.verify(request), ok());
    }
    assert_eq!(pair.verify(&requests[0]), Verdict::Stale);
    let mut shown = format!("{:?}", pair.server);
    assert!(shown.contains("remembered: 2"), "{shown}");
    shown = format!(
        "{:?} {:?}",
        pair.client,
        requests[0].header(&AUTH).unwrap().parse::<Credentials>()
    );
    assert!(!shown.contains("7001") && !shown.contains("word"), "{shown}");
}

#[test]
fn values_are_read_back_as_they_are_written() {
    let credentials = Credentials {
        username: "a \"b\" \\c, d=e".into(),
        realm: "r, s".into(),
        nonce: "n".into(),
        uri: "sip:a,b@c".into(),
        response: "00".into(),
        opaque: Some(String::new()),
        algorithm: Some("SHA-512-256".into()),
        counted: Some(Nonced {
            nc: 0x1f,
            cnonce: "c".into(),
        }),
    };
    assert_eq!(credentials.to_string().parse(), Ok(credentials.clone()));
    for text in [
        "Basic x=y",
        "Digest",
        "Digest ",
        "Digest realm",
        "Digest realm=\"x",
        "Digest realm=\"x\"",
        "Digest nonce=\"x\"",
        "Digest realm=a, realm=b, nonce=c",
        "Digest realm=\"a\"b, nonce=c",
    ] {
        assert!(text.parse::<Challenge>().is_err(), "{text}");
    }
    let bad_count = credentials.to_string().replace("nc=0000001f", "nc=+000001f");
    assert!(bad_count.parse::<Credentials>().is_err());
}
