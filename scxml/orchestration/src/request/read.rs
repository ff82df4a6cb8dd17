//! From evaluated elements to operations.

use std::time::Duration;

use scxml::{ActionElement, Value};

use super::{Operation, dialog, interaction, queue};
use crate::module::Module;

/// Why an element is not carried out: the code of the error event and a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bad {
    pub(crate) code: &'static str,
    pub(crate) description: String,
}

impl Bad {
    pub(super) fn attribute(element: &ActionElement, name: &str, expected: &str) -> Self {
        Self {
            code: "invalidattribute",
            description: format!("<{}> {name}: expected {expected}", element.name),
        }
    }

    pub(super) fn content(element: &ActionElement, problem: &str) -> Self {
        Self {
            code: "invalidattribute",
            description: format!("<{}>: {problem}", element.name),
        }
    }
}

/// The operation of an action element.
///
/// Spec: ORS reference §3, action contract
pub(crate) fn read(module: &Module, element: &ActionElement) -> Result<Operation, Bad> {
    match (module.prefix, element.name.as_str()) {
        ("queue", "submit") => queue::submit(element).map(Operation::Submit),
        ("queue", "cancel") => Ok(Operation::CancelSubmit {
            request: element.text_of("requestid"),
            queue: queue::queue(element),
        }),
        ("queue", "query") => Ok(Operation::QuerySubmit {
            request: element.required("requestid")?,
        }),
        ("dialog", "stop") => Ok(Operation::StopTreatment {
            request: element.required("requestid")?,
        }),
        ("dialog", action) if module.has_action(action) => dialog::treatment(element).map(Operation::Treat),
        ("ixn", "redirect") => interaction::redirect(element).map(Operation::Redirect),
        ("ixn", "terminate") => interaction::terminate(element).map(Operation::Terminate),
        (prefix, action) => Err(Bad {
            code: "unknown",
            description: format!("module {prefix} has no action {action}"),
        }),
    }
}

/// Attributes as Rust values.
pub(super) trait Attributes {
    /// Text; numbers and booleans are printed, no value and the empty text count as absent.
    fn text_of(&self, name: &str) -> Option<String>;
    /// [`Attributes::text_of`] that must be there.
    fn required(&self, name: &str) -> Result<String, Bad>;
    /// A finite number, also as text.
    fn number_of(&self, name: &str) -> Result<Option<f64>, Bad>;
    /// A whole number between `low` and `high`.
    fn integer_of(&self, name: &str, low: i32, high: i32) -> Result<Option<i32>, Bad>;
    /// A boolean, also as text.
    fn flag_of(&self, name: &str, default: bool) -> Result<bool, Bad>;
    /// Seconds, at most a year.
    fn seconds_of(&self, name: &str) -> Result<Option<Duration>, Bad>;
}

impl Attributes for ActionElement {
    fn text_of(&self, name: &str) -> Option<String> {
        match self.attribute(name)? {
            Value::Undefined | Value::Null => None,
            value => Some(value.to_text()).filter(|text| !text.is_empty()),
        }
    }

    fn required(&self, name: &str) -> Result<String, Bad> {
        self.text_of(name)
            .ok_or_else(|| Bad::attribute(self, name, "a value"))
    }

    fn number_of(&self, name: &str) -> Result<Option<f64>, Bad> {
        let Some(text) = self.text_of(name) else {
            return Ok(None);
        };
        match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(Bad::attribute(self, name, "a number")),
        }
    }

    fn integer_of(&self, name: &str, low: i32, high: i32) -> Result<Option<i32>, Bad> {
        let Some(number) = self.number_of(name)? else {
            return Ok(None);
        };
        if number.fract() != 0.0 || number < f64::from(low) || number > f64::from(high) {
            return Err(Bad::attribute(
                self,
                name,
                &format!("a whole number from {low} to {high}"),
            ));
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole and within the range of i32"
        )]
        Ok(Some(number as i32))
    }

    fn flag_of(&self, name: &str, default: bool) -> Result<bool, Bad> {
        match self.text_of(name).as_deref() {
            None => Ok(default),
            Some("true" | "1") => Ok(true),
            Some("false" | "0") => Ok(false),
            Some(_) => Err(Bad::attribute(self, name, "true or false")),
        }
    }

    fn seconds_of(&self, name: &str) -> Result<Option<Duration>, Bad> {
        let Some(seconds) = self.number_of(name)? else {
            return Ok(None);
        };
        if !(0.0..=31_536_000.0).contains(&seconds) {
            return Err(Bad::attribute(self, name, "seconds from 0 to a year"));
        }
        Ok(Some(Duration::from_secs_f64(seconds)))
    }
}
