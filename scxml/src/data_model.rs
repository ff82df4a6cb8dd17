//! The seam between the algorithm and a scripting language.

use std::time::Duration;

use crate::event::Event;
use crate::value::Value;

mod null;
pub use null::NullDataModel;

#[cfg(feature = "ecmascript")]
mod ecmascript;
#[cfg(feature = "ecmascript")]
pub use ecmascript::{EcmaScript, EcmaScriptConfig};

/// A function that scripts can call; arguments and result are copies.
///
/// An `Err` becomes an exception in the script with that message.
pub type HostFunction = Box<dyn Fn(&[Value]) -> Result<Value, String>>;

/// Why an evaluation failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The expression is wrong or threw; the session raises `error.execution`.
    #[error("{message}")]
    Evaluation {
        /// What the language said. May quote the document, and whatever a script put into an error that it threw:
        /// treat it like data of the session.
        message: String,
    },
    /// The data model has no such feature; the session raises `error.execution`.
    #[error("{feature} is not available in the {model} data model")]
    Unsupported {
        /// What was asked for.
        feature: &'static str,
        /// Name of the data model.
        model: &'static str,
    },
    /// The instruction budget or deadline is used up; the session ends.
    #[error("script ran too long")]
    Interrupted,
    /// The memory limit is reached; the session ends.
    #[error("script used too much memory")]
    OutOfMemory,
    /// The data model could not be created.
    #[error("data model could not be set up: {message}")]
    Setup {
        /// What went wrong.
        message: String,
    },
}

impl DataError {
    /// An evaluation error with this message.
    #[must_use]
    pub fn evaluation(message: impl Into<String>) -> Self {
        Self::Evaluation {
            message: message.into(),
        }
    }
}

/// A scripting language with the variables of one session.
///
/// Data models need not be `Send`: a session lives and dies on the thread that made it.
///
/// Spec: SCXML §5 and appendix B
pub trait DataModel {
    /// Name as in the `datamodel` attribute.
    fn name(&self) -> &'static str;

    /// Called before each macrostep; renews budgets.
    fn begin_macrostep(&mut self) {}

    /// Makes a read-only system variable (`_sessionid`, `_name`, `_ioprocessors`).
    ///
    /// # Errors
    /// If the language refuses.
    fn set_system(&mut self, name: &str, value: &Value) -> Result<(), DataError>;

    /// Makes `_event` the given event.
    ///
    /// # Errors
    /// If the data cannot be represented.
    fn set_event(&mut self, event: &Event) -> Result<(), DataError>;

    /// Tells that a state was entered or left, for `In()`.
    fn set_active(&mut self, state: &str, active: bool);

    /// Creates a data item without value.
    ///
    /// # Errors
    /// If `id` is not a legal or allowed name.
    fn declare(&mut self, id: &str) -> Result<(), DataError>;

    /// Evaluates a value expression to a copy.
    ///
    /// # Errors
    /// If the expression fails.
    fn eval(&mut self, expr: &str) -> Result<Value, DataError>;

    /// Evaluates a condition by the language's rules of truth.
    ///
    /// # Errors
    /// If the expression fails.
    fn eval_bool(&mut self, expr: &str) -> Result<bool, DataError>;

    /// Evaluates `expr` and writes the result, with identity kept, to `location`.
    ///
    /// # Errors
    /// If the expression fails or the location does not exist or may not be written.
    fn assign(&mut self, location: &str, expr: &str) -> Result<(), DataError>;

    /// Writes a value to `location`.
    ///
    /// # Errors
    /// If the location does not exist or may not be written.
    fn set(&mut self, location: &str, value: &Value) -> Result<(), DataError>;

    /// Turns inline text of `<data>`, `<assign>` or `<content>` into a value.
    fn inline(&mut self, text: &str) -> Value;

    /// Runs a script in the global scope.
    ///
    /// # Errors
    /// If the script fails.
    fn script(&mut self, source: &str) -> Result<(), DataError>;

    /// Starts a loop over a shallow copy of the collection `array`; returns the number of items.
    ///
    /// # Errors
    /// If the expression fails, is not a collection, or `item` or `index` is not a legal name.
    fn begin_foreach(&mut self, array: &str, item: &str, index: Option<&str>) -> Result<usize, DataError>;

    /// Writes item `i` of the innermost loop to its variables.
    ///
    /// # Errors
    /// If a variable may not be written.
    fn foreach_item(&mut self, i: usize) -> Result<(), DataError>;

    /// Ends the innermost loop.
    fn end_foreach(&mut self);

    /// Makes a function that scripts can call at a dotted path below a read-only root, e.g. `_genesys.ixn.setuData`.
    ///
    /// # Errors
    /// [`DataError::Unsupported`] if the language has no functions.
    fn set_host_function(&mut self, path: &str, function: HostFunction) -> Result<(), DataError>;

    /// Sets or replaces a value at a dotted path below a read-only root, e.g. `_genesys.ixn.interactions`.
    ///
    /// # Errors
    /// [`DataError::Unsupported`] if the language has no objects.
    fn set_host_value(&mut self, path: &str, value: &Value) -> Result<(), DataError>;

    /// What scripts asked for by global functions since the last call.
    fn take_calls(&mut self) -> Vec<ScriptCall> {
        Vec::new()
    }
}

/// An effect that a script asked for by calling a global function of the Ors dialect.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ScriptCall {
    /// `__Log(text, label, level)`.
    Log {
        /// The text.
        text: String,
        /// The label, possibly empty.
        label: String,
        /// The level; 0 if none was given.
        level: i32,
    },
    /// `__Raise(name, params)`.
    Raise {
        /// Name of the event.
        name: String,
        /// Its data.
        data: Value,
    },
}

/// Resource limits of one data model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScriptLimits {
    /// Heap of the scripting engine. Unit: bytes; default 16 MiB.
    pub memory_bytes: usize,
    /// Native stack of the scripting engine. Unit: bytes; default 256 KiB.
    pub stack_bytes: usize,
    /// Instruction budget per macrostep. Unit: about 10,000 engine operations; default 5,000.
    pub budget_ticks: u64,
}

impl Default for ScriptLimits {
    fn default() -> Self {
        Self {
            memory_bytes: 16 << 20,
            stack_bytes: 256 << 10,
            budget_ticks: 5_000,
        }
    }
}

/// Parses a CSS2 time designation: `1s`, `.5s`, `1.5s`, `500ms`, and `0`.
///
/// At most ten years; `None` for anything else.
///
/// Spec: SCXML §6.2.2 (delay)
#[must_use]
pub fn parse_delay(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (number, scale) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => match text.strip_suffix('s') {
            Some(number) => (number, 1.0),
            None if text == "0" => (text, 1.0),
            None => return None,
        },
    };
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let seconds = number.parse::<f64>().ok()? * scale;
    (seconds <= 315_360_000.0)
        .then(|| Duration::try_from_secs_f64(seconds).ok())
        .flatten()
}
