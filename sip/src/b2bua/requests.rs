//! Requests other than INVITE, and headers that pass between endpoints and the application.

use std::time::Instant;

use super::command::LegKey;
use super::core::B2bua;
use super::event::B2buaEvent;
use super::policy;
use crate::header::{HeaderName, NameAddr};
use crate::media::MediaCommand;
use crate::message::Message;
use crate::method::Method;
use crate::status::StatusCode;
use crate::transport::Flow;
use crate::ua::{Body, CallKey, RequestKey, UaCommand};
use crate::uri::unescape;

/// Application headers of one message, at most.
const MAX_HEADERS: usize = 64;

/// Headers that SIP itself, or this B2BUA, writes and reads: not for applications.
const OWN: &[HeaderName] = &[
    HeaderName::VIA,
    HeaderName::FROM,
    HeaderName::TO,
    HeaderName::CALL_ID,
    HeaderName::CSEQ,
    HeaderName::CONTACT,
    HeaderName::MAX_FORWARDS,
    HeaderName::CONTENT_LENGTH,
    HeaderName::CONTENT_TYPE,
    HeaderName::CONTENT_DISPOSITION,
    HeaderName::CONTENT_ENCODING,
    HeaderName::ROUTE,
    HeaderName::RECORD_ROUTE,
    HeaderName::ALLOW,
    HeaderName::SUPPORTED,
    HeaderName::REQUIRE,
    HeaderName::PROXY_REQUIRE,
    HeaderName::UNSUPPORTED,
    HeaderName::USER_AGENT,
    HeaderName::SERVER,
    HeaderName::AUTHORIZATION,
    HeaderName::PROXY_AUTHORIZATION,
    HeaderName::WWW_AUTHENTICATE,
    HeaderName::PROXY_AUTHENTICATE,
    HeaderName::ACCEPT,
    HeaderName::TIMESTAMP,
    HeaderName::EXPIRES,
    HeaderName::RACK,
    HeaderName::RSEQ,
    HeaderName::SESSION_EXPIRES,
    HeaderName::MIN_SE,
    HeaderName::REPLACES,
    HeaderName::PATH,
];

/// Headers of a request that an application may want, in order.
pub(super) fn application_headers(request: &Message) -> Vec<(String, String)> {
    request
        .headers()
        .filter_map(|header| {
            let name = header.name()?;
            (!OWN.contains(&name)).then_some(())?;
            Some((name.as_str().to_owned(), header.text()?.to_owned()))
        })
        .take(MAX_HEADERS)
        .collect()
}

/// Headers of an application that may go into a request, and the number of those that may not.
pub(super) fn checked_headers(headers: Vec<(String, String)>) -> (Vec<(HeaderName, String)>, u64) {
    let all = headers.len();
    let checked: Vec<_> = headers
        .into_iter()
        .filter_map(|(name, value)| {
            let name = HeaderName::from_name(&name)?;
            let clean = !value.contains(|c: char| c.is_control());
            (clean && !OWN.contains(&name)).then_some((name, value))
        })
        .take(MAX_HEADERS)
        .collect();
    let dropped = u64::try_from(all - checked.len()).unwrap_or(u64::MAX);
    (checked, dropped)
}

/// Answers a request inside a leg's dialog.
pub(super) fn handle_in_dialog(
    core: &mut B2bua,
    now: Instant,
    call: CallKey,
    request: RequestKey,
    message: &Message,
) {
    let leg = core.leg_of(call);
    let status = match message.method() {
        Some(method) if *method == Method::INFO => handle_info(core, now, leg, message),
        Some(method) if *method == Method::REFER => handle_refer(core, leg, message),
        Some(method) if *method == Method::NOTIFY => 200,
        _ => 405,
    };
    respond(core, now, request, StatusCode(status), Vec::new());
    if status == 202 {
        tell_progress(core, now, call);
    }
}

/// Answers a request outside of dialogs.
pub(super) fn handle_out_of_dialog(
    core: &mut B2bua,
    now: Instant,
    request: RequestKey,
    message: &Message,
    flow: Flow,
) {
    if !message.is_method(&Method::REGISTER) {
        respond(core, now, request, StatusCode(405), Vec::new());
        return;
    }
    let trusted = policy::is_trusted(core, &flow);
    let answer = core.registrar.handle_register(now, flow, trusted, message);
    respond(core, now, request, answer.status, answer.headers);
}

fn respond(
    core: &mut B2bua,
    now: Instant,
    request: RequestKey,
    status: StatusCode,
    headers: Vec<(HeaderName, String)>,
) {
    // Answered by the user agent itself in the meantime: nothing is left to do.
    let _ = core.command(
        now,
        UaCommand::Respond {
            request,
            status,
            headers,
            body: None,
        },
    );
}

fn handle_info(core: &mut B2bua, now: Instant, leg: Option<LegKey>, message: &Message) -> u16 {
    if message.body().is_empty() {
        return 200;
    }
    match (leg, info_digit(message)) {
        (Some(leg), Some(digit)) => {
            press(core, now, leg, digit);
            200
        }
        _ => 415,
    }
}

/// A key counts for what runs on the media server, as if it had been heard there; a collection reports it itself.
fn press(core: &mut B2bua, now: Instant, key: LegKey, digit: char) {
    let running = core
        .legs
        .get(&key)
        .and_then(|leg| Some((leg.media?, leg.operation?)));
    if let Some((id, _)) = running {
        core.media(now, MediaCommand::Press { id, digit });
    }
    if !running.is_some_and(|(_, operation)| operation.collects) {
        core.emit(B2buaEvent::Digit { leg: key, digit });
    }
}

/// The digit of an INFO: `Signal=5` in `application/dtmf-relay`, or the bare digit in `application/dtmf`.
fn info_digit(message: &Message) -> Option<char> {
    let body = std::str::from_utf8(message.body()).ok()?;
    let text = if message.is_content_type("application/dtmf-relay") {
        body.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            name.trim().eq_ignore_ascii_case("signal").then(|| value.trim())
        })?
    } else if message.is_content_type("application/dtmf") {
        body.trim()
    } else {
        return None;
    };
    let digit = match text {
        "10" => '*',
        "11" => '#',
        _ => text
            .chars()
            .next()
            .filter(|_| text.chars().count() == 1)?
            .to_ascii_uppercase(),
    };
    matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D').then_some(digit)
}

/// Spec: RFC 3515 §2.4.2
fn handle_refer(core: &mut B2bua, leg: Option<LegKey>, message: &Message) -> u16 {
    let Some(leg) = leg.filter(|key| core.legs.contains_key(key)) else {
        return 481;
    };
    if !core.config.transfer_requests {
        return 603;
    }
    let mut targets = message.name_addrs(&HeaderName::REFER_TO);
    let (Some(Ok(target)), None) = (targets.next(), targets.next()) else {
        return 400;
    };
    let Some(user) = target.uri().user_decoded().filter(|user| !user.is_empty()) else {
        return 400;
    };
    let replaces = match replaces_of(&target) {
        None => None,
        Some(wanted) => match find_replaced(core, &wanted) {
            Some(found) => Some(found),
            None => return 404,
        },
    };
    core.emit(B2buaEvent::TransferAsked {
        leg,
        target: user.into_owned(),
        replaces,
    });
    202
}

/// The Replaces header that the target of a REFER carries.
fn replaces_of(target: &NameAddr) -> Option<String> {
    target
        .uri()
        .header_params()
        .find(|param| param.name.eq_ignore_ascii_case("replaces"))
        .and_then(|param| Some(unescape(param.value?).into_owned()))
}

/// The leg of a dialog, by its Call-ID and the tag of its endpoint.
///
/// Spec: RFC 3891 §3
fn find_replaced(core: &B2bua, wanted: &str) -> Option<LegKey> {
    let mut parts = wanted.split(';').map(str::trim);
    let call_id = parts.next()?;
    let tags: Vec<&str> = parts
        .filter_map(|part| {
            part.strip_prefix("to-tag=")
                .or_else(|| part.strip_prefix("from-tag="))
        })
        .collect();
    core.legs
        .values()
        .find(|leg| leg.call_id == call_id && tags.contains(&leg.remote_tag.as_str()))
        .map(|leg| leg.key)
}

/// The first NOTIFY of the subscription that a REFER makes.
///
/// Spec: RFC 3515 §2.4.4
fn tell_progress(core: &mut B2bua, now: Instant, call: CallKey) {
    let command = UaCommand::InDialog {
        call,
        method: Method::NOTIFY,
        headers: vec![
            (HeaderName::EVENT, "refer".to_owned()),
            (HeaderName::SUBSCRIPTION_STATE, "active;expires=60".to_owned()),
        ],
        body: Some(Body::new("message/sipfrag", "SIP/2.0 100 Trying\r\n")),
    };
    // The leg may have ended by this very request.
    let _ = core.command(now, command);
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::uri::Uri;

    fn info(kind: &str, body: &'static str) -> Message {
        let uri: Uri = "sip:b2bua@192.0.2.1".parse().unwrap();
        let mut message = Message::request(Method::INFO, &uri);
        message.set_body(kind, Bytes::from_static(body.as_bytes()));
        message
    }

    #[test]
    fn digits_are_read_from_both_forms_of_info_and_nothing_else_is() {
        assert_eq!(
            info_digit(&info("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n")),
            Some('5')
        );
        assert_eq!(
            info_digit(&info("application/dtmf-relay", "Signal= #\r\n")),
            Some('#')
        );
        assert_eq!(info_digit(&info("application/dtmf", "b")), Some('B'));
        assert_eq!(info_digit(&info("application/dtmf", "10")), Some('*'));
        assert_eq!(info_digit(&info("application/dtmf", "55")), None);
        assert_eq!(
            info_digit(&info("application/dtmf-relay", "Duration=160\r\n")),
            None
        );
        assert_eq!(info_digit(&info("text/plain", "5")), None);
    }

    #[test]
    fn headers_of_the_dialog_and_broken_values_do_not_come_from_applications() {
        let given = [
            ("X-Case", "7"),
            ("via", "x"),
            ("X-Bad", "a\r\nInjected: 1"),
            ("no name", "1"),
            ("Subject", "s"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let (taken, dropped) = checked_headers(given.to_vec());
        let names: Vec<_> = taken.iter().map(|(name, _)| name.as_str().to_owned()).collect();
        assert_eq!(
            (names, dropped),
            (vec!["X-Case".to_owned(), "Subject".to_owned()], 3)
        );
    }
}
