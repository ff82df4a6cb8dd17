//! Positions, inline content and word lists.

use roxmltree::Node;

use crate::document::Inline;

/// Where each line starts, so that positions are found without scanning from the top.
pub(super) struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    pub(super) fn new(text: &str) -> Self {
        let newlines = text
            .bytes()
            .enumerate()
            .filter(|(_, b)| *b == b'\n')
            .map(|(i, _)| i + 1);
        Self {
            starts: std::iter::once(0).chain(newlines).collect(),
        }
    }

    /// Line and column (in characters), both from 1.
    pub(super) fn position(&self, text: &str, offset: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let before = text.get(self.starts[line - 1]..offset).unwrap_or_default();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        (count(line), count(before.chars().count() + 1))
    }
}

/// The words of a list attribute.
pub(super) fn words(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default().split_ascii_whitespace()
}

/// Content between the tags: one element becomes XML, anything else text; `None` if there is only white space.
pub(super) fn inline_of(source: &str, node: Node<'_, '_>) -> Option<Inline> {
    let elements: Vec<Node<'_, '_>> = node.children().filter(Node::is_element).collect();
    let text: String = node
        .children()
        .filter(Node::is_text)
        .filter_map(|t| t.text())
        .collect();
    match elements.as_slice() {
        [] if text.trim().is_empty() => None,
        [] => Some(Inline::Text(text)),
        [element] if text.trim().is_empty() => Some(Inline::Xml(element_text(source, *element))),
        [first, .., last] => {
            let range = first.range().start..last.range().end;
            Some(Inline::Text(source.get(range).unwrap_or_default().to_owned()))
        }
        [element] => Some(Inline::Text(
            source.get(element.range()).unwrap_or_default().to_owned(),
        )),
    }
}

/// An element's text with the namespace declarations that it inherits written on it.
fn element_text(source: &str, node: Node<'_, '_>) -> String {
    let text = source.get(node.range()).unwrap_or_default();
    let name_end = text
        .find(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/')
        .unwrap_or(text.len());
    let (head, rest) = text.split_at(name_end);
    let own = own_declarations(rest);
    let mut out = head.to_owned();
    for namespace in node.namespaces() {
        let attribute = match namespace.name() {
            None => "xmlns".to_owned(),
            Some("xml") => continue,
            Some(prefix) => format!("xmlns:{prefix}"),
        };
        if !own.contains(&attribute.as_str()) {
            let uri = namespace
                .uri()
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('"', "&quot;");
            out.push_str(&format!(" {attribute}=\"{uri}\""));
        }
    }
    out.push_str(rest);
    out
}

/// Names of the attributes in the rest of a start tag that start with `xmlns`.
fn own_declarations(rest: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut at = rest;
    loop {
        at = at.trim_start();
        if at.is_empty() || at.starts_with(['>', '/']) {
            return names;
        }
        let Some((name, after)) = at.split_once('=') else {
            return names;
        };
        let name = name.trim();
        if name.starts_with("xmlns") {
            names.push(name);
        }
        let after = after.trim_start();
        let Some(quote) = after.chars().next() else {
            return names;
        };
        let Some((_, next)) = after[quote.len_utf8()..].split_once(quote) else {
            return names;
        };
        at = next;
    }
}
