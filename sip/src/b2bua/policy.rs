//! Who may call, and as whom.

use std::time::Instant;

use super::core::B2bua;
use crate::header::HeaderName;
use crate::message::Message;
use crate::status::StatusCode;
use crate::transport::Flow;

/// Who calls whom.
pub(super) struct Caller {
    pub(super) from_user: String,
    pub(super) from_display: Option<String>,
    pub(super) to_user: String,
    pub(super) authenticated: Option<String>,
}

/// Decides about an INVITE.
///
/// | source | From | decision |
/// | --- | --- | --- |
/// | flow of a registration | a user registered along it | that user |
/// | flow of a registration | no local user | the user registered along it |
/// | any | a local user | that user, after a digest challenge |
/// | trusted network | no local user | a call from outside |
/// | any other | no local user | 403 |
pub(super) fn judge(
    core: &mut B2bua,
    now: Instant,
    request: &Message,
    flow: Flow,
) -> Result<Caller, (StatusCode, Vec<(HeaderName, String)>)> {
    let (Ok(from), Ok(target)) = (request.from(), request.request_uri()) else {
        return Err((StatusCode(400), Vec::new()));
    };
    let mut caller = Caller {
        from_user: from.uri().user_decoded().unwrap_or_default().into_owned(),
        from_display: from
            .display()
            .map(|name| name.into_owned())
            .filter(|name| !name.is_empty()),
        to_user: target.user_decoded().unwrap_or_default().into_owned(),
        authenticated: None,
    };
    let trusted = is_trusted(core, &flow);
    let local = core.registrar.is_user(&caller.from_user);
    if core.registrar.location().is_bound(&flow, &caller.from_user) {
        caller.authenticated = Some(caller.from_user.clone());
    } else if local {
        if let Err(answer) = core.registrar.prove(now, trusted, request, &caller.from_user) {
            if answer.status == StatusCode(403) {
                core.stats.forbidden += 1;
            }
            return Err((answer.status, answer.headers));
        }
        caller.authenticated = Some(caller.from_user.clone());
    } else if let Some(user) = core.registrar.location().users_on(&flow).next() {
        caller.authenticated = Some(user.to_owned());
    } else if !trusted {
        core.stats.forbidden += 1;
        return Err((StatusCode(403), Vec::new()));
    }
    Ok(caller)
}

/// Whether a flow comes from a network whose peers need no password.
pub(super) fn is_trusted(core: &B2bua, flow: &Flow) -> bool {
    core.config
        .peers
        .iter()
        .any(|network| network.contains(flow.remote.ip()))
}
