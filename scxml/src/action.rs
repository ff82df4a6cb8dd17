//! How custom executable elements are evaluated.

/// How the text of an attribute is to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttributeKind {
    /// A value expression, evaluated at execution.
    Expr,
    /// A literal.
    Token,
    /// A location expression; the caller writes to it with
    /// [`Session::assign`](crate::Session::assign), `requestid` is written by the session itself.
    Location,
}

/// Table of the custom executable elements that an embedder understands.
///
/// The session evaluates and emits actions ([`Output::Action`](crate::Output::Action)); carrying them out is the
/// embedder's business.
pub trait ActionHandler: Send + Sync {
    /// Whether elements of this namespace are understood at all.
    ///
    /// Elements of other namespaces are ignored, or refused at load if the document asks for `exmode="strict"`.
    fn knows(&self, namespace: &str) -> bool;

    /// How `attribute` of `element` is evaluated.
    fn attribute(&self, namespace: &str, element: &str, attribute: &str) -> AttributeKind;
}

/// A handler that knows no element: everything foreign is ignored.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoActions;

impl ActionHandler for NoActions {
    fn knows(&self, _namespace: &str) -> bool {
        false
    }

    fn attribute(&self, _namespace: &str, _element: &str, _attribute: &str) -> AttributeKind {
        AttributeKind::Expr
    }
}
