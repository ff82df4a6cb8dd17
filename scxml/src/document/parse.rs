//! From XML to tables: the document element and the states.

use std::collections::{BTreeMap, HashMap};

use roxmltree::{Node, NodeId};

use super::validate::validate;
use super::{
    DataItem, DataSource, Dialect, Document, DocumentConfig, DocumentError, DoneData, Expr, Finding, Initial,
    Inline, LimitOverrides, Rule, ScriptDef, State, StateId, StateKind, Transition, TransitionId,
};
use crate::NAMESPACE;

mod content;
mod text;

use text::{LineIndex, inline_of, words};

const XINCLUDE: &str = "http://www.w3.org/2001/XInclude";

/// The highest limit that a document may set for its own sessions.
const MAX_OVERRIDE: u32 = 100_000;

/// Nesting that the parser follows at most, whatever the configured limit.
const MAX_DEPTH: usize = 200;

pub(super) fn parse(text: &str, config: &DocumentConfig) -> Result<Document, DocumentError> {
    let lines = LineIndex::new(text);
    if text.len() > config.limits.size_bytes {
        return Err(single(
            1,
            1,
            Rule::Limit,
            format!("document has {} bytes", text.len()),
        ));
    }
    let options = roxmltree::ParsingOptions {
        nodes_limit: config.limits.nodes,
        ..Default::default()
    };
    let xml = roxmltree::Document::parse_with_options(text, options).map_err(|error| {
        let rule = match error {
            roxmltree::Error::NodesLimitReached => Rule::Limit,
            _ => Rule::Xml,
        };
        let pos = error.pos();
        single(pos.row, pos.col, rule, error.to_string())
    })?;
    let mut parser = Parser {
        config,
        text,
        lines,
        findings: Vec::new(),
        numbers: HashMap::new(),
        ids: BTreeMap::new(),
        states: Vec::new(),
        transitions: Vec::new(),
        strict: false,
    };
    match parser.document(xml.root_element()) {
        Some(document) if parser.findings.is_empty() => Ok(document),
        _ => {
            let mut findings = parser.findings;
            findings.sort_by_key(|f| (f.line, f.column));
            Err(DocumentError { findings })
        }
    }
}

fn single(line: u32, column: u32, rule: Rule, message: String) -> DocumentError {
    DocumentError {
        findings: vec![Finding {
            line,
            column,
            rule,
            message,
        }],
    }
}

/// State of one reading.
pub(super) struct Parser<'a> {
    config: &'a DocumentConfig,
    text: &'a str,
    lines: LineIndex,
    pub(super) findings: Vec<Finding>,
    numbers: HashMap<NodeId, StateId>,
    ids: BTreeMap<String, StateId>,
    pub(super) states: Vec<State>,
    pub(super) transitions: Vec<Transition>,
    /// Whether custom elements of unknown namespaces are refused.
    strict: bool,
}

pub(super) fn is_scxml(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().namespace() == Some(NAMESPACE) && node.tag_name().name() == name
}

fn is_state_element(node: Node<'_, '_>) -> bool {
    ["state", "parallel", "final", "history"]
        .iter()
        .any(|name| is_scxml(node, name))
}

impl Parser<'_> {
    fn document(&mut self, root: Node<'_, '_>) -> Option<Document> {
        if !is_scxml(root, "scxml") {
            self.find(
                root,
                Rule::Root,
                "document element is not <scxml> of the SCXML namespace",
            );
            return None;
        }
        if !self.number_states(root) {
            return None;
        }
        self.attributes(
            root,
            &[
                "initial",
                "name",
                "version",
                "datamodel",
                "binding",
                "profile",
                "exmode",
                "id",
            ],
        );
        if root.attribute("version").is_some_and(|v| v != "1.0") {
            self.find(root, Rule::BadAttribute, "version must be 1.0");
        }
        let late_binding = self.choice(root, "binding", ["early", "late"]);
        self.strict = self.choice(root, "exmode", ["lax", "strict"]);
        let default_model = if self.config.dialect == Dialect::Ors {
            "ecmascript"
        } else {
            "null"
        };
        let data_model = root
            .attribute("datamodel")
            .or_else(|| root.attribute("profile"))
            .unwrap_or(default_model);
        let limits = self.limit_overrides(root);
        let scripts = self.top_level_scripts(root);
        self.fill_state(root);
        if self.states.first().is_some_and(|s| s.children.is_empty()) {
            self.find(root, Rule::Initial, "document has no state");
        }
        validate(self, root);
        Some(Document {
            name: root.attribute("name").unwrap_or_default().to_owned(),
            dialect: self.config.dialect,
            data_model: data_model.to_owned(),
            late_binding,
            states: std::mem::take(&mut self.states),
            transitions: std::mem::take(&mut self.transitions),
            scripts,
            limits,
        })
    }

    fn limit_overrides(&mut self, root: Node<'_, '_>) -> LimitOverrides {
        if self.config.dialect != Dialect::Ors {
            return LimitOverrides::default();
        }
        let mut read = |name: &str| {
            let text = root.attribute(name)?;
            let limit = text
                .parse()
                .ok()
                .filter(|limit| (1..=MAX_OVERRIDE).contains(limit));
            if limit.is_none() {
                self.find(
                    root,
                    Rule::BadAttribute,
                    format!("{name} must be a number from 1 to {MAX_OVERRIDE}"),
                );
            }
            limit
        };
        LimitOverrides {
            microsteps: read("_microStepLimit"),
            state_entries: read("_stateEntryLimit"),
            pending_events: read("_maxPendingEvents"),
        }
    }

    /// Gives every state its number and id; `false` if a limit makes it useless to go on.
    fn number_states(&mut self, root: Node<'_, '_>) -> bool {
        let depth_limit = self.config.limits.depth.min(MAX_DEPTH);
        let state_limit = self.config.limits.states.min(65_000);
        // Children are pushed in reverse, so that nodes come off the stack in document order.
        let mut stack = vec![(root, 1_usize)];
        while let Some((node, depth)) = stack.pop() {
            if depth > depth_limit {
                self.find(
                    node,
                    Rule::Limit,
                    format!("elements are nested more than {depth_limit} deep"),
                );
                return false;
            }
            let is_child_state =
                is_state_element(node) && node.parent().is_some_and(|p| self.numbers.contains_key(&p.id()));
            if node == root || is_child_state {
                if self.states.len() >= state_limit {
                    self.find(node, Rule::Limit, format!("more than {state_limit} states"));
                    return false;
                }
                self.add_state(node, node == root);
            }
            stack.extend(
                node.children()
                    .filter(Node::is_element)
                    .map(|c| (c, depth + 1))
                    .rev(),
            );
        }
        self.close_ranges();
        true
    }

    fn add_state(&mut self, node: Node<'_, '_>, is_root: bool) {
        let number = StateId(u16::try_from(self.states.len()).unwrap_or(u16::MAX));
        let id = match node.attribute("id") {
            _ if is_root => String::new(),
            Some(id) if id.is_empty() || id.contains(char::is_whitespace) => {
                self.find(node, Rule::BadAttribute, "id is empty or contains white space");
                format!("$state.{}", number.0)
            }
            Some(id) => id.to_owned(),
            None => format!("$state.{}", number.0),
        };
        if !is_root && self.ids.insert(id.clone(), number).is_some() {
            self.find(
                node,
                Rule::DuplicateId,
                format!("id {id:?} is used by another state"),
            );
        }
        let kind = match node.tag_name().name() {
            "parallel" => StateKind::Parallel,
            "final" => StateKind::Final,
            "history" if self.choice(node, "type", ["shallow", "deep"]) => StateKind::DeepHistory,
            "history" => StateKind::ShallowHistory,
            _ if is_root
                || node
                    .children()
                    .any(|c| is_state_element(c) && !is_scxml(c, "history")) =>
            {
                StateKind::Compound
            }
            _ => StateKind::Atomic,
        };
        let parent = node.parent().and_then(|p| self.numbers.get(&p.id()).copied());
        self.numbers.insert(node.id(), number);
        self.states.push(State {
            id,
            kind,
            parent: parent.filter(|_| !is_root),
            end: number.0 + 1,
            children: Vec::new(),
            histories: Vec::new(),
            transitions: Vec::new(),
            initial: Initial::default(),
            onentry: Vec::new(),
            onexit: Vec::new(),
            invokes: Vec::new(),
            data: Vec::new(),
            donedata: None,
        });
        if let Some(parent) = parent {
            let is_history = self.states[usize::from(number.0)].is_history();
            let parent = &mut self.states[usize::from(parent.0)];
            if is_history {
                parent.histories.push(number)
            } else {
                parent.children.push(number)
            }
        }
    }

    /// Descendants are numbered after their ancestors, so one pass from the end finds where each subtree ends.
    fn close_ranges(&mut self) {
        for i in (1..self.states.len()).rev() {
            let (end, parent) = (self.states[i].end, self.states[i].parent);
            if let Some(parent) = parent {
                let parent = &mut self.states[usize::from(parent.0)];
                parent.end = parent.end.max(end);
            }
        }
    }

    fn top_level_scripts(&mut self, root: Node<'_, '_>) -> Vec<ScriptDef> {
        let nodes: Vec<Node<'_, '_>> = root.children().filter(|c| is_scxml(*c, "script")).collect();
        nodes
            .into_iter()
            .map(|node| ScriptDef {
                source: self.script(node),
            })
            .collect()
    }

    /// Fills the tables of a state and, recursively, of its child states.
    fn fill_state(&mut self, node: Node<'_, '_>) {
        let Some(&number) = self.numbers.get(&node.id()) else {
            return;
        };
        let index = usize::from(number.0);
        let name = node.tag_name().name();
        match name {
            "scxml" => {}
            "state" => self.attributes(node, &["id", "initial"]),
            "history" => self.attributes(node, &["id", "type"]),
            _ => self.attributes(node, &["id"]),
        }
        if name == "state" && node.has_attribute("src") {
            self.find(node, Rule::Unsupported, "<state src> is not supported");
        }
        self.fill_initial(node, number);
        for child in node.children().filter(Node::is_element) {
            let tag = child.tag_name();
            if tag.namespace() != Some(NAMESPACE) {
                if tag.namespace() == Some(XINCLUDE) {
                    self.find(child, Rule::Unsupported, "XInclude is not supported");
                }
                continue;
            }
            if !allowed_in_state(name, tag.name()) {
                self.misplaced(child, name);
                continue;
            }
            match tag.name() {
                "state" | "parallel" | "final" | "history" => self.fill_state(child),
                "transition" if name == "history" => self.fill_history(child, number),
                "transition" => self.add_transition(child, number),
                "onentry" => {
                    let block = self.handler(child);
                    self.states[index].onentry.push(block);
                }
                "onexit" => {
                    let block = self.handler(child);
                    self.states[index].onexit.push(block);
                }
                "datamodel" => self.data_items(child, number),
                "invoke" => {
                    let invoke = self.invoke(child);
                    self.states[index].invokes.push(invoke);
                }
                "donedata" => self.states[index].donedata = Some(self.donedata(child)),
                // `initial` and top-level scripts were read before.
                _ => {}
            }
        }
    }

    fn handler(&mut self, node: Node<'_, '_>) -> super::Block {
        self.attributes(node, &[]);
        self.block(node)
    }

    /// Reads `initial` as attribute or child; the default is the first child state.
    fn fill_initial(&mut self, node: Node<'_, '_>, number: StateId) {
        let index = usize::from(number.0);
        if self.states[index].kind != StateKind::Compound {
            if node.has_attribute("initial") {
                self.find(
                    node,
                    Rule::Initial,
                    "initial is given but there are no child states",
                );
            }
            return;
        }
        let element = node.children().find(|c| is_scxml(*c, "initial"));
        let initial = match (node.attribute("initial"), element) {
            (Some(_), Some(element)) => {
                self.find(
                    element,
                    Rule::Exclusive,
                    "initial is given both as attribute and as element",
                );
                Initial::default()
            }
            (Some(targets), None) => Initial {
                targets: self.targets(node, targets, Rule::Initial),
                block: Vec::new(),
            },
            (None, Some(element)) => self.initial_element(element),
            (None, None) => {
                let first = self.states[index].children.first().copied();
                Initial {
                    targets: first.into_iter().collect(),
                    block: Vec::new(),
                }
            }
        };
        self.states[index].initial = initial;
    }

    fn initial_element(&mut self, node: Node<'_, '_>) -> Initial {
        let transitions: Vec<Node<'_, '_>> = node.children().filter(|c| is_scxml(*c, "transition")).collect();
        match transitions.as_slice() {
            [transition] => self.default_transition(*transition, Rule::Initial),
            _ => {
                self.find(node, Rule::Initial, "<initial> needs exactly one <transition>");
                Initial::default()
            }
        }
    }

    fn fill_history(&mut self, node: Node<'_, '_>, number: StateId) {
        let initial = self.default_transition(node, Rule::History);
        self.states[usize::from(number.0)].initial = initial;
    }

    fn default_transition(&mut self, node: Node<'_, '_>, rule: Rule) -> Initial {
        if node.has_attribute("event") || node.has_attribute("cond") {
            self.find(
                node,
                Rule::Transition,
                "a default transition has neither event nor cond",
            );
        }
        self.attributes(node, &["target", "type", "event", "cond"]);
        let targets = match node.attribute("target") {
            Some(targets) => self.targets(node, targets, rule),
            None => {
                self.find(
                    node,
                    Rule::MissingAttribute,
                    "a default transition needs a target",
                );
                Vec::new()
            }
        };
        Initial {
            targets,
            block: self.block(node),
        }
    }

    fn add_transition(&mut self, node: Node<'_, '_>, source: StateId) {
        self.attributes(node, &["event", "cond", "target", "type"]);
        let events: Vec<String> = words(node.attribute("event")).map(str::to_owned).collect();
        let targets = match node.attribute("target") {
            Some(targets) => self.targets(node, targets, Rule::UnknownTarget),
            None => Vec::new(),
        };
        let cond = self.expr(node, "cond");
        if events.is_empty() && cond.is_none() && !node.has_attribute("target") {
            self.find(node, Rule::Transition, "a transition needs event, cond or target");
        }
        let internal = self.choice(node, "type", ["external", "internal"]);
        let block = self.block(node);
        let Ok(number) = u16::try_from(self.transitions.len()) else {
            self.find(node, Rule::Limit, "more than 65,535 transitions");
            return;
        };
        self.transitions.push(Transition {
            source,
            events,
            cond,
            targets,
            internal,
            block,
        });
        self.states[usize::from(source.0)]
            .transitions
            .push(TransitionId(number));
    }

    fn targets(&mut self, node: Node<'_, '_>, text: &str, rule: Rule) -> Vec<StateId> {
        let mut targets = Vec::new();
        for name in words(Some(text)) {
            match self.ids.get(name) {
                Some(&id) => targets.push(id),
                None => self.find(node, Rule::UnknownTarget, format!("no state has the id {name:?}")),
            }
        }
        if words(Some(text)).next().is_none() {
            self.find(node, rule, "target is empty");
        }
        targets
    }

    fn data_items(&mut self, node: Node<'_, '_>, number: StateId) {
        self.attributes(node, &[]);
        for child in node.children().filter(Node::is_element) {
            if !is_scxml(child, "data") {
                self.misplaced(child, "datamodel");
                continue;
            }
            self.attributes(child, &["id", "expr", "src"]);
            let Some(id) = self.required(child, "id") else {
                continue;
            };
            let line = self.line(child);
            let value = self.data_source(child);
            self.states[usize::from(number.0)]
                .data
                .push(DataItem { id, value, line });
        }
    }

    /// Value of `<data>` or `<assign>`: one of `expr`, `src` and children.
    pub(super) fn data_source(&mut self, node: Node<'_, '_>) -> DataSource {
        let line = self.line(node);
        let inline = inline_of(self.text, node);
        let given = usize::from(node.has_attribute("expr"))
            + usize::from(node.has_attribute("src"))
            + usize::from(inline.is_some());
        if given > 1 {
            self.find(node, Rule::Exclusive, "more than one of expr, src and children");
        }
        if let Some(expr) = self.expr(node, "expr") {
            return DataSource::Expr(expr);
        }
        if let Some(src) = node.attribute("src") {
            return match self.config.source.fetch(src) {
                Ok(text) if roxmltree::Document::parse(&text).is_ok() => {
                    DataSource::Inline(Inline::Xml(text), line)
                }
                Ok(text) => DataSource::Inline(Inline::Text(text), line),
                Err(message) => DataSource::Missing(message, line),
            };
        }
        inline.map_or(DataSource::Nothing, |inline| DataSource::Inline(inline, line))
    }

    fn donedata(&mut self, node: Node<'_, '_>) -> DoneData {
        self.attributes(node, &[]);
        let (params, content) = self.params_and_content(node, &[]);
        if content.is_some() && !params.is_empty() {
            self.find(node, Rule::Exclusive, "<content> excludes <param>");
        }
        DoneData { params, content }
    }
}

impl Parser<'_> {
    /// Number of the state that the element defines.
    pub(super) fn number(&self, node: Node<'_, '_>) -> Option<StateId> {
        self.numbers.get(&node.id()).copied()
    }

    /// Targets of a transition element as far as they exist.
    pub(super) fn known_targets(&self, node: Node<'_, '_>) -> Vec<StateId> {
        words(node.attribute("target"))
            .filter_map(|name| self.ids.get(name).copied())
            .collect()
    }

    pub(super) fn find(&mut self, node: Node<'_, '_>, rule: Rule, message: impl Into<String>) {
        if self.findings.len() < self.config.limits.findings {
            let (line, column) = self.lines.position(self.text, node.range().start);
            self.findings.push(Finding {
                line,
                column,
                rule,
                message: message.into(),
            });
        }
    }

    fn line(&self, node: Node<'_, '_>) -> u32 {
        self.lines.position(self.text, node.range().start).0
    }

    fn expr(&self, node: Node<'_, '_>, name: &str) -> Option<Expr> {
        node.attribute(name).map(|text| Expr {
            text: text.to_owned(),
            line: self.line(node),
        })
    }

    /// Whether an attribute has the second of its two values; the first is the default.
    fn choice(&mut self, node: Node<'_, '_>, name: &str, [default, other]: [&str; 2]) -> bool {
        let value = node.attribute(name).unwrap_or(default);
        if value != default && value != other {
            let message = format!("{name} must be {default} or {other}");
            self.find(node, Rule::BadAttribute, message);
        }
        value == other
    }

    fn required(&mut self, node: Node<'_, '_>, name: &str) -> Option<String> {
        let value = node.attribute(name).filter(|v| !v.is_empty()).map(str::to_owned);
        if value.is_none() {
            let message = format!("<{}> needs {name}", node.tag_name().name());
            self.find(node, Rule::MissingAttribute, message);
        }
        value
    }

    /// Reports attributes without namespace that the Recommendation does not know; the Ors dialect ignores them.
    fn attributes(&mut self, node: Node<'_, '_>, known: &[&str]) {
        if self.config.dialect == Dialect::Ors {
            return;
        }
        for attribute in node.attributes() {
            let name = attribute.name();
            if attribute.namespace().is_none() && !name.starts_with('_') && !known.contains(&name) {
                let message = format!("<{}> has no attribute {name}", node.tag_name().name());
                self.find(node, Rule::UnknownAttribute, message);
            }
        }
    }

    fn misplaced(&mut self, node: Node<'_, '_>, parent: &str) {
        let name = node.tag_name().name();
        if node.tag_name().namespace() == Some(NAMESPACE) && ELEMENTS.contains(&name) {
            self.find(
                node,
                Rule::MisplacedElement,
                format!("<{name}> is not allowed in <{parent}>"),
            );
        } else {
            self.find(
                node,
                Rule::UnknownElement,
                format!("<{name}> is not known in <{parent}>"),
            );
        }
    }
}

/// Every element of the SCXML namespace.
const ELEMENTS: [&str; 31] = [
    "scxml",
    "state",
    "parallel",
    "transition",
    "initial",
    "final",
    "onentry",
    "onexit",
    "history",
    "raise",
    "if",
    "elseif",
    "else",
    "foreach",
    "log",
    "datamodel",
    "data",
    "assign",
    "donedata",
    "content",
    "param",
    "script",
    "send",
    "cancel",
    "invoke",
    "finalize",
    "event",
    "metadata",
    "var",
    "validate",
    "anchor",
];

fn allowed_in_state(parent: &str, child: &str) -> bool {
    match parent {
        "scxml" => {
            matches!(
                child,
                "state" | "parallel" | "final" | "datamodel" | "script" | "initial" | "metadata"
            )
        }
        "state" => matches!(
            child,
            "state"
                | "parallel"
                | "final"
                | "history"
                | "initial"
                | "transition"
                | "onentry"
                | "onexit"
                | "datamodel"
                | "invoke"
                | "metadata"
        ),
        "parallel" => matches!(
            child,
            "state"
                | "parallel"
                | "history"
                | "transition"
                | "onentry"
                | "onexit"
                | "datamodel"
                | "invoke"
                | "metadata"
        ),
        "final" => matches!(child, "onentry" | "onexit" | "donedata" | "metadata"),
        "history" => child == "transition",
        _ => false,
    }
}
