//! The null data model: no data, `In()` as the only condition.

use std::collections::BTreeSet;

use super::{DataError, DataModel, HostFunction};
use crate::event::Event;
use crate::value::Value;

/// The null data model.
///
/// Conditions are `In('state')` or `In("state")`, optionally negated with `!`, and the literals `true` and `false`.
///
/// Spec: SCXML appendix B.1
#[derive(Debug, Default)]
pub struct NullDataModel {
    active: BTreeSet<String>,
}

impl NullDataModel {
    /// A data model without data.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

const fn unsupported<T>(feature: &'static str) -> Result<T, DataError> {
    Err(DataError::Unsupported {
        feature,
        model: "null",
    })
}

impl DataModel for NullDataModel {
    fn name(&self) -> &'static str {
        "null"
    }

    fn set_system(&mut self, _name: &str, _value: &Value) -> Result<(), DataError> {
        Ok(())
    }

    fn set_event(&mut self, _event: &Event) -> Result<(), DataError> {
        Ok(())
    }

    fn set_active(&mut self, state: &str, active: bool) {
        if active {
            self.active.insert(state.to_owned());
        } else {
            self.active.remove(state);
        }
    }

    fn declare(&mut self, _id: &str) -> Result<(), DataError> {
        unsupported("<data>")
    }

    fn eval(&mut self, _expr: &str) -> Result<Value, DataError> {
        unsupported("a value expression")
    }

    fn eval_bool(&mut self, expr: &str) -> Result<bool, DataError> {
        let expr = expr.trim();
        if let Some(rest) = expr.strip_prefix('!') {
            return self.eval_bool(rest).map(|value| !value);
        }
        match expr {
            "true" => return Ok(true),
            "false" => return Ok(false),
            _ => {}
        }
        let argument = expr
            .strip_prefix("In")
            .map(str::trim)
            .and_then(|rest| rest.strip_prefix('('))
            .and_then(|rest| rest.strip_suffix(')'))
            .map(str::trim);
        let state = argument.and_then(|a| {
            ['\'', '"']
                .into_iter()
                .find_map(|quote| a.strip_prefix(quote).and_then(|a| a.strip_suffix(quote)))
        });
        match state {
            Some(state) if !state.contains(['\'', '"']) => Ok(self.active.contains(state)),
            _ => Err(DataError::evaluation("expected In('state')")),
        }
    }

    fn assign(&mut self, _location: &str, _expr: &str) -> Result<(), DataError> {
        unsupported("<assign>")
    }

    fn set(&mut self, _location: &str, _value: &Value) -> Result<(), DataError> {
        unsupported("<assign>")
    }

    fn inline(&mut self, text: &str) -> Value {
        Value::String(text.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
    }

    fn script(&mut self, _source: &str) -> Result<(), DataError> {
        unsupported("<script>")
    }

    fn begin_foreach(&mut self, _array: &str, _item: &str, _index: Option<&str>) -> Result<usize, DataError> {
        unsupported("<foreach>")
    }

    fn foreach_item(&mut self, _i: usize) -> Result<(), DataError> {
        unsupported("<foreach>")
    }

    fn end_foreach(&mut self) {}

    fn set_host_function(&mut self, _path: &str, _function: HostFunction) -> Result<(), DataError> {
        unsupported("a host function")
    }

    fn set_host_value(&mut self, _path: &str, _value: &Value) -> Result<(), DataError> {
        unsupported("a host value")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: SCXML appendix B.1.1
    #[test]
    fn the_only_condition_is_the_in_predicate() {
        let mut model = NullDataModel::new();
        model.set_active("a", true);
        assert_eq!(model.eval_bool("In('a')"), Ok(true));
        assert_eq!(model.eval_bool("In ( \"b\" )"), Ok(false));
        assert_eq!(model.eval_bool("!In('b')"), Ok(true));
        assert!(model.eval_bool("1 == 1").is_err());
        assert!(model.eval_bool("In('a') || In('b')").is_err());
        model.set_active("a", false);
        assert_eq!(model.eval_bool("In('a')"), Ok(false));
    }
}
