//! The ECMAScript data model.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;

use rquickjs::function::{Args, Rest};
use rquickjs::{
    CatchResultExt, CaughtError, Context, Ctx, Exception, Function, Object, Persistent, Result as JsResult,
    Runtime, Value as Js,
};

mod convert;

use self::convert::{CopyError, Exporter, import};
use super::{DataError, DataModel, HostFunction, ScriptCall, ScriptLimits};
use crate::document::Dialect;
use crate::event::Event;
use crate::value::Value;

/// How an ECMAScript data model is set up.
#[derive(Clone, Default)]
pub struct EcmaScriptConfig {
    /// Dialect of the document; `Ors` adds `_data`, `toSource`, `uneval`, `__Log` and `__Raise`.
    pub dialect: Dialect,
    /// Resource limits.
    pub limits: ScriptLimits,
    /// Asked now and then while a script runs; `true` stops it.
    pub interrupt: Option<crate::Interrupt>,
}

impl fmt::Debug for EcmaScriptConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EcmaScriptConfig")
            .field("dialect", &self.dialect)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// The ECMAScript data model on QuickJS-NG.
///
/// Each instance has an engine of its own. Promise callbacks never run, because a session has no job queue. `Date` and
/// `Math.random` are those of the engine.
///
/// Spec: SCXML appendix B.2
pub struct EcmaScript {
    // Handles into the engine go first: they must be dropped before it.
    bridge: Persistent<Object<'static>>,
    context: Context,
    _runtime: Runtime,
    limits: ScriptLimits,
    shared: Rc<Shared>,
}

/// What the engine's callbacks need.
#[derive(Default)]
struct Shared {
    active: RefCell<BTreeSet<String>>,
    calls: RefCell<Vec<ScriptCall>>,
    ticks_left: Cell<u64>,
    interrupted: Cell<bool>,
}

/// Calls of `__Log` and `__Raise` kept between two looks of the session.
const MAX_CALLS: usize = 1_000;

impl EcmaScript {
    /// Creates an engine of its own with an empty global scope.
    ///
    /// # Errors
    /// [`DataError::Setup`] if the engine cannot be created within its limits.
    pub fn new(config: EcmaScriptConfig) -> Result<Self, DataError> {
        let setup = |error: rquickjs::Error| DataError::Setup {
            message: error.to_string(),
        };
        let runtime = Runtime::new().map_err(setup)?;
        runtime.set_memory_limit(config.limits.memory_bytes);
        runtime.set_max_stack_size(config.limits.stack_bytes);
        let shared = Rc::new(Shared::default());
        shared.ticks_left.set(config.limits.budget_ticks);
        let handler = Rc::clone(&shared);
        let interrupt = config.interrupt;
        runtime.set_interrupt_handler(Some(Box::new(move || handler.tick(interrupt.as_deref()))));
        let context = Context::full(&runtime).map_err(setup)?;
        let ors = config.dialect == Dialect::Ors;
        let bridge = context.with(|ctx| install(&ctx, &shared, ors)).map_err(setup)?;
        Ok(Self {
            bridge,
            context,
            _runtime: runtime,
            limits: config.limits,
            shared,
        })
    }

    /// Calls a helper of the prelude.
    fn with<T>(
        &self,
        call: impl for<'js> FnOnce(&Bridge<'js>) -> Result<T, CopyError>,
    ) -> Result<T, DataError> {
        if self.shared.interrupted.get() {
            return Err(DataError::Interrupted);
        }
        self.context.with(|ctx| {
            let object = self
                .bridge
                .clone()
                .restore(&ctx)
                .map_err(|e| self.describe(&ctx, e))?;
            let bridge = Bridge {
                ctx: ctx.clone(),
                object,
            };
            call(&bridge).map_err(|error| match error {
                CopyError::Js(error) => self.describe(&ctx, error),
                CopyError::TooLarge => {
                    DataError::evaluation("value is nested too deeply or has too many parts")
                }
            })
        })
    }

    fn describe(&self, ctx: &Ctx<'_>, error: rquickjs::Error) -> DataError {
        if self.shared.interrupted.get() {
            return DataError::Interrupted;
        }
        let message = match Err::<(), _>(error).catch(ctx) {
            Err(CaughtError::Exception(exception)) => {
                let name: Option<String> = exception.as_object().get("name").ok();
                let message = exception.message().unwrap_or_default();
                if message == "out of memory" {
                    return DataError::OutOfMemory;
                }
                format!("{}: {message}", name.unwrap_or_else(|| "Error".to_owned()))
            }
            Err(CaughtError::Error(rquickjs::Error::Allocation)) => return DataError::OutOfMemory,
            Err(CaughtError::Value(_)) => "the script threw a value that is not an error".to_owned(),
            Err(CaughtError::Error(error)) => error.to_string(),
            Ok(()) => String::new(),
        };
        DataError::Evaluation { message }
    }
}

impl Shared {
    fn tick(&self, interrupt: Option<&dyn Fn() -> bool>) -> bool {
        let left = self.ticks_left.get();
        self.ticks_left.set(left.saturating_sub(1));
        if left == 0 || interrupt.is_some_and(|ask| ask()) {
            self.interrupted.set(true);
        }
        self.interrupted.get()
    }

    fn record(&self, call: ScriptCall) {
        let mut calls = self.calls.borrow_mut();
        if calls.len() < MAX_CALLS {
            calls.push(call);
        }
    }
}

/// Runs the prelude and returns its helpers.
fn install(ctx: &Ctx<'_>, shared: &Rc<Shared>, ors: bool) -> JsResult<Persistent<Object<'static>>> {
    let prelude: Function<'_> = ctx.eval(include_str!("ecmascript/prelude.js"))?;
    let active = Rc::clone(shared);
    let is_in = Function::new(ctx.clone(), move |id: String| {
        active.active.borrow().contains(&id)
    })?;
    let logged = Rc::clone(shared);
    let log = Function::new(ctx.clone(), move |text: String, label: String, level: i32| {
        logged.record(ScriptCall::Log { text, label, level });
    })?;
    let bridge: Object<'_> = prelude.call((is_in, ors, log, raise_function(ctx, shared)?))?;
    Ok(Persistent::save(ctx, bridge))
}

/// `__Raise(name, params)`; parameters that cannot be copied are an exception in the script.
fn raise_function<'js>(ctx: &Ctx<'js>, shared: &Rc<Shared>) -> JsResult<Function<'js>> {
    let raised = Rc::clone(shared);
    Function::new(
        ctx.clone(),
        move |ctx: Ctx<'js>, export_form: Function<'js>, name: String, params: Js<'js>| -> JsResult<()> {
            let data = copy_argument(&ctx, &export_form, &params)?;
            raised.record(ScriptCall::Raise { name, data });
            Ok(())
        },
    )
}

fn copy_argument<'js>(ctx: &Ctx<'js>, export_form: &Function<'js>, value: &Js<'js>) -> JsResult<Value> {
    Exporter::new(export_form)
        .copy(value, 0)
        .map_err(|error| match error {
            CopyError::Js(error) => error,
            CopyError::TooLarge => Exception::throw_message(ctx, "argument is too large"),
        })
}

/// The prelude's helpers inside one entry into the engine.
struct Bridge<'js> {
    ctx: Ctx<'js>,
    object: Object<'js>,
}

impl<'js> Bridge<'js> {
    fn function(&self, name: &str) -> JsResult<Function<'js>> {
        self.object.get(name)
    }

    fn import(&self, value: &Value) -> JsResult<Js<'js>> {
        import(&self.ctx, value, &self.function("buildXml")?)
    }

    fn export(&self, value: &Js<'js>) -> Result<Value, CopyError> {
        Exporter::new(&self.function("exportForm")?).copy(value, 0)
    }
}

/// An expression without the trailing semicolon that some authors write.
fn trimmed(expr: &str) -> &str {
    expr.trim_end_matches(|c: char| c == ';' || c.is_ascii_whitespace())
}

impl DataModel for EcmaScript {
    fn name(&self) -> &'static str {
        "ecmascript"
    }

    fn begin_macrostep(&mut self) {
        self.shared.ticks_left.set(self.limits.budget_ticks);
        self.shared.interrupted.set(false);
    }

    fn set_system(&mut self, name: &str, value: &Value) -> Result<(), DataError> {
        self.with(|b| Ok(b.function("setSystem")?.call((name, b.import(value)?))?))
    }

    fn set_event(&mut self, event: &Event) -> Result<(), DataError> {
        self.with(|b| {
            let mut args = Args::new(b.ctx.clone(), 8);
            args.push_arg(event.name.as_str())?;
            args.push_arg(event.kind.as_str())?;
            for text in [
                &event.send_id,
                &event.origin,
                &event.origin_type,
                &event.invoke_id,
            ] {
                args.push_arg(text.as_deref())?;
            }
            args.push_arg(b.import(&event.data)?)?;
            args.push_arg(event.raw.as_deref())?;
            Ok(b.function("setEvent")?.call_arg(args)?)
        })
    }

    fn set_active(&mut self, state: &str, active: bool) {
        let mut states = self.shared.active.borrow_mut();
        if active {
            states.insert(state.to_owned());
        } else {
            states.remove(state);
        }
    }

    fn declare(&mut self, id: &str) -> Result<(), DataError> {
        self.with(|b| Ok(b.function("declare")?.call((id,))?))
    }

    fn eval(&mut self, expr: &str) -> Result<Value, DataError> {
        self.with(|b| {
            let value: Js<'_> = b.function("evaluate")?.call((trimmed(expr),))?;
            b.export(&value)
        })
    }

    fn eval_bool(&mut self, expr: &str) -> Result<bool, DataError> {
        self.with(|b| Ok(b.function("truth")?.call((trimmed(expr),))?))
    }

    fn assign(&mut self, location: &str, expr: &str) -> Result<(), DataError> {
        self.with(|b| Ok(b.function("assign")?.call((location, trimmed(expr)))?))
    }

    fn set(&mut self, location: &str, value: &Value) -> Result<(), DataError> {
        self.with(|b| Ok(b.function("write")?.call((location, b.import(value)?))?))
    }

    fn inline(&mut self, text: &str) -> Value {
        let parsed = self.with(|b| {
            let value: Js<'_> = b.function("parse")?.call((text,))?;
            b.export(&value)
        });
        parsed.unwrap_or_else(|_| Value::String(text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")))
    }

    fn script(&mut self, source: &str) -> Result<(), DataError> {
        self.with(|b| {
            let mut options = rquickjs::context::EvalOptions::default();
            options.strict = false;
            let _: Js<'_> = b.ctx.eval_with_options(source, options)?;
            Ok(())
        })
    }

    fn begin_foreach(&mut self, array: &str, item: &str, index: Option<&str>) -> Result<usize, DataError> {
        self.with(|b| Ok(b.function("beginLoop")?.call((trimmed(array), item, index))?))
    }

    fn foreach_item(&mut self, i: usize) -> Result<(), DataError> {
        self.with(|b| Ok(b.function("loopItem")?.call((i,))?))
    }

    fn end_foreach(&mut self) {
        // Fails only when the session is about to end by a limit.
        let _ = self.with(|b| Ok(b.function("endLoop")?.call::<_, ()>(())?));
    }

    fn set_host_function(&mut self, path: &str, function: HostFunction) -> Result<(), DataError> {
        self.with(|b| {
            Ok(b.function("setHostFunction")?
                .call((path, host_function(&b.ctx, function)?))?)
        })
    }

    fn set_host_value(&mut self, path: &str, value: &Value) -> Result<(), DataError> {
        self.with(|b| Ok(b.function("setHost")?.call((path, b.import(value)?))?))
    }

    fn take_calls(&mut self) -> Vec<ScriptCall> {
        std::mem::take(&mut *self.shared.calls.borrow_mut())
    }
}

/// The native half of a host function. It must not hold handles into the engine, which would be a cycle that the
/// engine cannot collect; the prelude passes what it needs.
fn host_function<'js>(ctx: &Ctx<'js>, function: HostFunction) -> JsResult<Function<'js>> {
    Function::new(
        ctx.clone(),
        move |ctx: Ctx<'js>, export_form: Function<'js>, build_xml: Function<'js>, args: Rest<Js<'js>>| {
            let args: Vec<Value> = args
                .iter()
                .map(|a| copy_argument(&ctx, &export_form, a))
                .collect::<JsResult<_>>()?;
            match function(&args) {
                Ok(value) => import(&ctx, &value, &build_xml),
                Err(message) => Err(Exception::throw_message(&ctx, &message)),
            }
        },
    )
}

impl fmt::Debug for EcmaScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EcmaScript")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
