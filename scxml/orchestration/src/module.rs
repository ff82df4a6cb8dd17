//! The modules of the Ors dialect: namespaces, actions, and how each attribute is understood.

use scxml::{ActionElement, ActionHandler, AttributeKind};

mod tables;

/// A module: its prefix and its table.
///
/// Spec: ORS reference §3
#[derive(Debug)]
#[non_exhaustive]
pub struct Module {
    /// Prefix of its elements and of its actions' events.
    pub prefix: &'static str,
    /// Namespace without scheme.
    pub namespace: &'static str,
    /// First word of its events where it differs from the prefix.
    pub event_prefix: &'static str,
    elements: &'static [Element],
}

#[derive(Debug)]
struct Element {
    name: &'static str,
    /// Whether it is an action, or only occurs inside one.
    is_action: bool,
    attributes: &'static [(&'static str, AttributeKind)],
}

/// The modules that this version carries out, as the interpreter's table of custom elements.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Modules;

impl Module {
    /// The module of a namespace, written with or without `http://`.
    pub fn by_namespace(namespace: &str) -> Option<&'static Self> {
        let namespace = namespace.strip_prefix("http://").unwrap_or(namespace);
        let namespace = namespace.strip_suffix('/').unwrap_or(namespace);
        tables::MODULES
            .iter()
            .find(|module| module.namespace == namespace)
    }

    /// Whether `name` is one of the module's actions.
    pub fn has_action(&self, name: &str) -> bool {
        self.element(name).is_some_and(|element| element.is_action)
    }

    /// Names of the actions.
    pub fn actions(&self) -> impl Iterator<Item = &'static str> {
        self.elements
            .iter()
            .filter(|element| element.is_action)
            .map(|element| element.name)
    }

    /// Kind of an attribute; those outside the table are value expressions, the rule of the dialect.
    ///
    /// Spec: ORS reference §1
    pub fn attribute(&self, element: &str, attribute: &str) -> AttributeKind {
        let row = self.element(element).and_then(|element| {
            element
                .attributes
                .iter()
                .find(|(name, _)| *name == attribute)
                .map(|(_, kind)| *kind)
        });
        row.unwrap_or(AttributeKind::Expr)
    }

    fn element(&self, name: &str) -> Option<&'static Element> {
        self.elements.iter().find(|element| element.name == name)
    }
}

impl ActionHandler for Modules {
    fn knows(&self, namespace: &str) -> bool {
        Module::by_namespace(namespace).is_some()
    }

    fn attribute(&self, namespace: &str, element: &str, attribute: &str) -> AttributeKind {
        Module::by_namespace(namespace)
            .map_or(AttributeKind::Expr, |module| module.attribute(element, attribute))
    }
}

/// Whether an element belongs to the module with this prefix.
pub(crate) fn is_in(element: &ActionElement, prefix: &str) -> bool {
    Module::by_namespace(&element.namespace).is_some_and(|module| module.prefix == prefix)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn namespaces_are_known_with_and_without_scheme() {
        for namespace in [
            "www.genesyslab.com/modules/queue",
            "http://www.genesyslab.com/modules/queue/",
        ] {
            assert_eq!(Module::by_namespace(namespace).unwrap().prefix, "queue");
        }
        assert!(!Modules.knows("http://example.com/modules/queue"));
    }

    /// Spec: ORS reference §4 to §6
    #[test]
    fn the_attribute_tables_are_reviewed() {
        let mut table = String::new();
        for module in tables::MODULES {
            for element in module.elements {
                let kind = if element.is_action { "action" } else { "part" };
                write!(table, "{}:{} ({kind})", module.prefix, element.name).unwrap();
                for (name, kind) in element.attributes {
                    write!(table, " {name}={kind:?}").unwrap();
                }
                table.push('\n');
            }
        }
        insta::assert_snapshot!(table);
    }
}
