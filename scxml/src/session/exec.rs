//! Executable content.
//!
//! Spec: SCXML §4 and §5

use std::sync::Arc;

use super::Session;
use crate::action::{ActionHandler, AttributeKind};
use crate::data_model::{DataError, ScriptCall};
use crate::document::{
    Arg, Block, Branch, ContentDef, CustomAction, Dialect, Document, DoneData, Exec, Expr, ForeachDef,
    Inline, LogDef, Param, ParamSource,
};
use crate::event::Event;
use crate::output::{Action, ActionElement, LogRecord, Output};
use crate::value::Value;

/// A failed evaluation with the line of the document that caused it.
pub(super) type Failure = (DataError, u32);

impl Session {
    /// Runs the elements in order; `false` if an error stopped the block.
    pub(super) fn run_block(&mut self, doc: &Document, block: &Block) -> bool {
        for element in block {
            let ok = self.run_element(doc, element);
            self.collect_calls(doc);
            if !ok || self.stop.is_some() {
                return false;
            }
        }
        true
    }

    fn run_element(&mut self, doc: &Document, element: &Exec) -> bool {
        match element {
            Exec::Raise { event, params } => {
                let values = self.eval_params(params);
                let event = Event::internal(event.as_str()).with_data(merge(&values));
                self.push_internal(event);
                true
            }
            Exec::If(branches) => self.run_if(doc, branches),
            Exec::Foreach(def) => self.run_foreach(doc, def),
            Exec::Log(def) => self.run_log(def),
            Exec::Assign { location, value } => self.assign_source(&location.text, value),
            Exec::Send(def) => self.run_send(doc, def),
            Exec::Cancel { send_id } => match self.eval_arg(send_id) {
                Ok(id) => {
                    self.cancel_sends(&id);
                    true
                }
                Err((error, line)) => self.stop_block(&error, line),
            },
            Exec::Script(source) => match self.data.script(&source.text) {
                Ok(()) => true,
                Err(error) => self.stop_block(&error, source.line),
            },
            Exec::Action(action) => self.run_action(action),
        }
    }

    fn stop_block(&mut self, error: &DataError, line: u32) -> bool {
        self.fail(error, line);
        false
    }

    fn run_if(&mut self, doc: &Document, branches: &[Branch]) -> bool {
        for branch in branches {
            let chosen = match &branch.cond {
                None => true,
                Some(cond) => self.data.eval_bool(&cond.text).unwrap_or_else(|error| {
                    self.fail(&error, cond.line);
                    false
                }),
            };
            if self.stop.is_some() {
                return false;
            }
            if chosen {
                return self.run_block(doc, &branch.block);
            }
        }
        true
    }

    fn run_foreach(&mut self, doc: &Document, def: &ForeachDef) -> bool {
        let count = match self
            .data
            .begin_foreach(&def.array.text, &def.item, def.index.as_deref())
        {
            Ok(count) => count,
            Err(error) => return self.stop_block(&error, def.array.line),
        };
        let mut ok = true;
        for i in 0..count {
            ok = match self.data.foreach_item(i) {
                Ok(()) => self.run_block(doc, &def.block),
                Err(error) => self.stop_block(&error, def.array.line),
            };
            if !ok {
                break;
            }
        }
        self.data.end_foreach();
        ok
    }

    fn run_log(&mut self, def: &LogDef) -> bool {
        let result = (|| {
            let value = match &def.expr {
                Some(expr) => self.eval(expr)?,
                None => Value::Undefined,
            };
            let level = match &def.level {
                Some(level) => self.eval(level)?.as_f64(),
                None => None,
            };
            Ok((value, level))
        })();
        match result {
            Ok((value, level)) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "levels are small; the cast saturates"
                )]
                let level = level.map(|l| l as i32);
                let label = def.label.clone().unwrap_or_default();
                self.push_output(Output::Log(LogRecord { label, value, level }));
                true
            }
            Err((error, line)) => self.stop_block(&error, line),
        }
    }

    fn run_action(&mut self, def: &CustomAction) -> bool {
        let handler = Arc::clone(&self.config.actions);
        if !handler.knows(&def.namespace) {
            return true;
        }
        match self.eval_element(&*handler, def) {
            Ok(element) => {
                let request_id = self.make_id("request.");
                if let Some((location, line)) = request_location(&*handler, def)
                    && let Err(error) = self.data.set(location, &Value::from(request_id.as_str()))
                {
                    return self.stop_block(&error, line);
                }
                self.push_output(Output::Action(Action { request_id, element }));
                true
            }
            Err((error, line)) => self.stop_block(&error, line),
        }
    }

    fn eval_element(
        &mut self,
        handler: &dyn ActionHandler,
        def: &CustomAction,
    ) -> Result<ActionElement, Failure> {
        let mut attributes = Vec::with_capacity(def.attributes.len());
        for (name, text) in &def.attributes {
            let value = match handler.attribute(&def.namespace, &def.name, name) {
                AttributeKind::Expr => self.eval(text)?,
                AttributeKind::Token | AttributeKind::Location => Value::from(text.text.as_str()),
            };
            attributes.push((name.clone(), value));
        }
        let params = self.eval_params_strict(&def.params)?;
        let content = def.content.as_ref().map(|c| self.eval_content(c)).transpose()?;
        let children = def
            .children
            .iter()
            .map(|c| self.eval_element(handler, c))
            .collect::<Result<_, _>>()?;
        Ok(ActionElement {
            namespace: def.namespace.clone(),
            name: def.name.clone(),
            attributes,
            params,
            content,
            children,
            text: def.text.clone(),
        })
    }

    pub(super) fn eval(&mut self, expr: &Expr) -> Result<Value, Failure> {
        self.data.eval(&expr.text).map_err(|error| (error, expr.line))
    }

    pub(super) fn eval_arg(&mut self, arg: &Arg) -> Result<String, Failure> {
        match arg {
            Arg::Literal(text) => Ok(text.clone()),
            Arg::Expr(expr) => match self.eval(expr)? {
                Value::Undefined | Value::Null => Err((DataError::evaluation("no value"), expr.line)),
                value => Ok(value.to_text()),
            },
        }
    }

    pub(super) fn eval_optional(&mut self, arg: Option<&Arg>) -> Result<Option<String>, Failure> {
        arg.map(|a| self.eval_arg(a)).transpose()
    }

    /// Values of a `namelist`; any failure fails the whole.
    pub(super) fn eval_names(
        &mut self,
        names: &[String],
        line: u32,
    ) -> Result<Vec<(String, Value)>, Failure> {
        names
            .iter()
            .map(|name| {
                self.data
                    .eval(name)
                    .map(|value| (name.clone(), value))
                    .map_err(|e| (e, line))
            })
            .collect()
    }

    /// Values of `<param>` elements; those that fail raise `error.execution` and are left out.
    pub(super) fn eval_params(&mut self, params: &[Param]) -> Vec<(String, Value)> {
        let mut values = Vec::with_capacity(params.len());
        for param in params {
            match self.eval_param(param) {
                Ok(value) => values.push((param.name.clone(), value)),
                Err((error, line)) => self.fail(&error, line),
            }
        }
        values
    }

    fn eval_params_strict(&mut self, params: &[Param]) -> Result<Vec<(String, Value)>, Failure> {
        params
            .iter()
            .map(|p| Ok((p.name.clone(), self.eval_param(p)?)))
            .collect()
    }

    fn eval_param(&mut self, param: &Param) -> Result<Value, Failure> {
        match &param.source {
            ParamSource::Expr(expr) | ParamSource::Location(expr) => self.eval(expr),
        }
    }

    pub(super) fn eval_content(&mut self, content: &ContentDef) -> Result<Value, Failure> {
        match content {
            ContentDef::Expr(expr) => self.eval(expr),
            ContentDef::Inline(inline) => Ok(self.inline_value(inline)),
        }
    }

    pub(super) fn inline_value(&mut self, inline: &Inline) -> Value {
        match inline {
            Inline::Text(text) => self.data.inline(text),
            Inline::Xml(text) => Value::Xml(text.clone()),
        }
    }

    /// The value of a `<donedata>`; failures raise `error.execution` and leave it undefined.
    pub(super) fn done_data(&mut self, def: &DoneData) -> Value {
        if let Some(content) = &def.content {
            return self.eval_content(content).unwrap_or_else(|(error, line)| {
                self.fail(&error, line);
                Value::Undefined
            });
        }
        let values = self.eval_params(&def.params);
        merge(&values)
    }

    /// Carries out what scripts asked for with `__Log` and `__Raise`.
    pub(super) fn collect_calls(&mut self, doc: &Document) {
        if doc.dialect != Dialect::Ors {
            return;
        }
        for call in self.data.take_calls() {
            match call {
                ScriptCall::Log { text, label, level } => {
                    let level = (level != 0).then_some(level);
                    self.push_output(Output::Log(LogRecord {
                        label,
                        value: Value::from(text),
                        level,
                    }));
                }
                ScriptCall::Raise { name, data } => self.push_internal(Event::internal(name).with_data(data)),
            }
        }
    }
}

/// Event data made of named values; `undefined` if there is none.
pub(super) fn merge(values: &[(String, Value)]) -> Value {
    let mut data = Value::Undefined;
    for (name, value) in values {
        data.set(name.as_str(), value.clone());
    }
    data
}

fn request_location<'d>(handler: &dyn ActionHandler, def: &'d CustomAction) -> Option<(&'d str, u32)> {
    let (name, location) = def.attributes.iter().find(|(name, _)| name == "requestid")?;
    let kind = handler.attribute(&def.namespace, &def.name, name);
    (kind == AttributeKind::Location).then_some((location.text.as_str(), location.line))
}
