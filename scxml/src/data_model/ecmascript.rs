//! The ECMAScript data model.

use std::rc::Rc;

use super::{DataError, DataModel, HostFunction, ScriptLimits};
use crate::document::Dialect;
use crate::event::Event;
use crate::value::Value;

/// How an ECMAScript data model is set up.
#[derive(Clone, Default)]
pub struct EcmaScriptConfig {
    /// Dialect of the document; `Ors` adds `_data`, `toSource` and `uneval`.
    pub dialect: Dialect,
    /// Resource limits.
    pub limits: ScriptLimits,
    /// Asked now and then while a script runs; `true` stops it.
    pub interrupt: Option<Rc<dyn Fn() -> bool>>,
}

/// The ECMAScript data model on QuickJS-NG.
///
/// Spec: SCXML appendix B.2
#[derive(Debug)]
pub struct EcmaScript {}

impl EcmaScript {
    /// Creates an engine of its own with an empty global scope.
    ///
    /// # Errors
    /// [`DataError::Setup`] if the engine cannot be created.
    pub fn new(_config: EcmaScriptConfig) -> Result<Self, DataError> {
        Ok(Self {})
    }
}

#[allow(unused_variables)]
impl DataModel for EcmaScript {
    fn name(&self) -> &'static str { "ecmascript" }
    fn set_system(&mut self, name: &str, value: &Value) -> Result<(), DataError> { Ok(()) }
    fn set_event(&mut self, event: &Event) -> Result<(), DataError> { Ok(()) }
    fn set_active(&mut self, state: &str, active: bool) {}
    fn declare(&mut self, id: &str) -> Result<(), DataError> { Ok(()) }
    fn eval(&mut self, expr: &str) -> Result<Value, DataError> { Ok(Value::Undefined) }
    fn eval_bool(&mut self, expr: &str) -> Result<bool, DataError> { Ok(false) }
    fn assign(&mut self, location: &str, expr: &str) -> Result<(), DataError> { Ok(()) }
    fn set(&mut self, location: &str, value: &Value) -> Result<(), DataError> { Ok(()) }
    fn inline(&mut self, text: &str) -> Value { Value::Undefined }
    fn script(&mut self, source: &str) -> Result<(), DataError> { Ok(()) }
    fn begin_foreach(&mut self, array: &str, item: &str, index: Option<&str>) -> Result<usize, DataError> { Ok(0) }
    fn foreach_item(&mut self, i: usize) -> Result<(), DataError> { Ok(()) }
    fn end_foreach(&mut self) {}
    fn set_host_function(&mut self, path: &str, function: HostFunction) -> Result<(), DataError> { Ok(()) }
    fn set_host_value(&mut self, path: &str, value: &Value) -> Result<(), DataError> { Ok(()) }
}
