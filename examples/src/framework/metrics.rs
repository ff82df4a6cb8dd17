//! Metrics in the text exposition format that Prometheus reads.

use std::fmt::{Display, Write};

/// Collects metrics of one request.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
}

impl Exposition {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { text: String::new() }
    }

    /// A value that only grows.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.write(name, help, "counter", value);
    }

    /// A value of now.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.write(name, help, "gauge", value);
    }

    /// The text.
    pub fn into_text(self) -> String {
        self.text
    }

    fn write(&mut self, name: &str, help: &str, kind: &str, value: impl Display) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            self.text,
            "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}"
        );
    }
}
