//! Personal data: values that stay out of logs unless somebody asks for them.

use std::fmt;

/// What stands in place of personal data.
pub(crate) const REDACTED: &str = "[redacted]";

/// Wraps a value that identifies a person or belongs to one: a number, a name, a message body.
///
/// `Debug` and `Display` print a placeholder; [`Pii::reveal`] is the way to the value, so every place
/// that shows personal data can be found by its name.
///
/// ```
/// use sip::pii::Pii;
///
/// let number = Pii::new("+14155550100");
/// assert_eq!(format!("{number:?} {number}"), "[redacted] [redacted]");
/// assert_eq!(*number.reveal(), "+14155550100");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pii<T>(T);

impl<T> Pii<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for code that was told to show or use it.
    pub const fn reveal(&self) -> &T {
        &self.0
    }

    /// Takes the value out.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> From<T> for Pii<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<T> fmt::Display for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}
