//! `ixn:redirect` and `ixn:terminate`.
//!
//! Spec: ORS reference §5

use scxml::{ActionElement, Value};

use super::read::{Attributes as _, Bad};
use super::{Redirect, Terminate};

pub(super) fn redirect(element: &ActionElement) -> Result<Redirect, Bad> {
    Ok(Redirect {
        from: address(element, "from"),
        to: address(element, "to").ok_or_else(|| Bad::attribute(element, "to", "a number or resource"))?,
        route_type: element.text_of("type"),
        detach: element.flag_of("detach", false)?,
        reason: element.text_of("reason"),
        hints: hints(element),
    })
}

pub(super) fn terminate(element: &ActionElement) -> Result<Terminate, Bad> {
    Ok(Terminate {
        reason: element.text_of("reason"),
        resource: address(element, "resource"),
        hints: hints(element),
    })
}

/// A number, or the `dn` of a resource object.
fn address(element: &ActionElement, name: &str) -> Option<String> {
    match element.attribute(name)? {
        resource @ Value::Object(_) => resource.get("dn").map(Value::to_text).filter(|dn| !dn.is_empty()),
        _ => element.text_of(name),
    }
}

fn hints(element: &ActionElement) -> Value {
    element.attribute("hints").cloned().unwrap_or_default()
}
