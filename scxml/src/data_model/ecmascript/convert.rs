//! Copies between [`Value`] and the engine's values.

use rquickjs::object::Filter;
use rquickjs::{Array, Ctx, Function, IntoJs, Object, Result as JsResult, String as JsString, Value as Js};

use crate::value::Value;

/// Nesting of values that may cross the border.
const MAX_DEPTH: usize = 64;
/// Number of values in one copy.
const MAX_NODES: usize = 200_000;

/// Why a value cannot be copied out.
pub(super) enum CopyError {
    /// A getter or `toJSON` threw.
    Js(rquickjs::Error),
    /// Nested too deeply (or in a circle), or too many parts.
    TooLarge,
}

impl From<rquickjs::Error> for CopyError {
    fn from(error: rquickjs::Error) -> Self {
        Self::Js(error)
    }
}

/// Copies values out of the engine.
pub(super) struct Exporter<'a, 'js> {
    export_form: &'a Function<'js>,
    nodes: usize,
}

impl<'a, 'js> Exporter<'a, 'js> {
    pub(super) const fn new(export_form: &'a Function<'js>) -> Self {
        Self {
            export_form,
            nodes: 0,
        }
    }

    pub(super) fn copy(&mut self, js: &Js<'js>, depth: usize) -> Result<Value, CopyError> {
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return Err(CopyError::TooLarge);
        }
        if let Some(b) = js.as_bool() {
            return Ok(Value::Bool(b));
        }
        if let Some(n) = js.as_number() {
            return Ok(Value::Number(n));
        }
        if let Some(text) = js.as_string() {
            return Ok(Value::String(text_of(text)?));
        }
        if js.is_null() {
            return Ok(Value::Null);
        }
        if js.is_function() {
            return Ok(Value::Undefined);
        }
        if let Some(array) = js.as_array() {
            return self.copy_array(array, depth);
        }
        match js.as_object() {
            Some(object) => self.copy_object(object, depth),
            None => Ok(Value::Undefined),
        }
    }

    fn copy_array(&mut self, array: &Array<'js>, depth: usize) -> Result<Value, CopyError> {
        let length = array.len();
        if length > MAX_NODES {
            return Err(CopyError::TooLarge);
        }
        let mut items = Vec::new();
        for i in 0..length {
            items.push(self.copy(&array.get::<Js<'js>>(i)?, depth + 1)?);
        }
        Ok(Value::Array(items))
    }

    fn copy_object(&mut self, object: &Object<'js>, depth: usize) -> Result<Value, CopyError> {
        let form: Js<'js> = self.export_form.call((object.clone(),))?;
        if let Some(form) = form.as_object() {
            if form.contains_key("xml")? {
                return Ok(Value::Xml(form.get("xml")?));
            }
            return self.copy(&form.get::<_, Js<'js>>("plain")?, depth + 1);
        }
        let mut members = Vec::new();
        for entry in object.own_props::<JsString<'js>, Js<'js>>(Filter::new().string().enum_only()) {
            let (key, value) = entry?;
            members.push((text_of(&key)?, self.copy(&value, depth + 1)?));
        }
        Ok(Value::Object(members))
    }
}

/// Text of a string; one with unpaired surrogates, which UTF-8 cannot express, becomes U+FFFD.
fn text_of(text: &JsString<'_>) -> JsResult<String> {
    match text.to_string() {
        Err(rquickjs::Error::Utf8(_)) => Ok("\u{fffd}".to_owned()),
        other => other,
    }
}

/// Copies a value into the engine; `xml` turns a tree and its text into a DOM object.
pub(super) fn import<'js>(ctx: &Ctx<'js>, value: &Value, xml: &Function<'js>) -> JsResult<Js<'js>> {
    match value {
        Value::Undefined => Ok(Js::new_undefined(ctx.clone())),
        Value::Null => Ok(Js::new_null(ctx.clone())),
        Value::Bool(b) => Ok(Js::new_bool(ctx.clone(), *b)),
        Value::Number(n) => n.into_js(ctx),
        Value::String(text) => text.as_str().into_js(ctx),
        Value::Array(items) => {
            let array = Array::new(ctx.clone())?;
            for (i, item) in items.iter().enumerate() {
                array.set(i, import(ctx, item, xml)?)?;
            }
            Ok(array.into_value())
        }
        Value::Object(members) => {
            let object = Object::new(ctx.clone())?;
            for (key, member) in members {
                object.set(key.as_str(), import(ctx, member, xml)?)?;
            }
            Ok(object.into_value())
        }
        Value::Xml(text) => match roxmltree::Document::parse(text) {
            Ok(parsed) => {
                let tree = import(ctx, &tree_of(parsed.root_element(), 0), xml)?;
                xml.call((tree, text.as_str()))
            }
            Err(_) => text.as_str().into_js(ctx),
        },
    }
}

/// An XML element as `{name, attributes, children}` with texts as strings.
fn tree_of(node: roxmltree::Node<'_, '_>, depth: usize) -> Value {
    let attributes = node
        .attributes()
        .map(|a| (a.name().to_owned(), Value::from(a.value())))
        .collect();
    let children = node
        .children()
        .filter_map(|child| {
            if child.is_element() && depth < MAX_DEPTH {
                Some(tree_of(child, depth + 1))
            } else {
                child.text().filter(|_| child.is_text()).map(Value::from)
            }
        })
        .collect();
    Value::object()
        .with("name", node.tag_name().name())
        .with("attributes", Value::Object(attributes))
        .with("children", Value::Array(children))
}
