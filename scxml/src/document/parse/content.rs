//! From XML to tables: executable content, parameters and invocations.

use roxmltree::Node;

use super::text::{inline_of, words};
use super::{Parser, XINCLUDE, is_scxml};
use crate::NAMESPACE;
use crate::data_model::parse_delay;
use crate::document::{
    Arg, Block, Branch, ContentDef, CustomAction, Dialect, Exec, Expr, ForeachDef, InvokeDef, LogDef, Param,
    ParamSource, Rule, SendDef,
};

impl Parser<'_> {
    /// The executable children of an element.
    pub(super) fn block(&mut self, node: Node<'_, '_>) -> Block {
        let children: Vec<Node<'_, '_>> = node.children().filter(Node::is_element).collect();
        children
            .into_iter()
            .filter_map(|child| self.element(child, node.tag_name().name()))
            .collect()
    }

    fn element(&mut self, node: Node<'_, '_>, parent: &str) -> Option<Exec> {
        let tag = node.tag_name();
        if tag.namespace() != Some(NAMESPACE) {
            return self.custom(node, parent);
        }
        match tag.name() {
            "raise" => self.raise(node),
            "if" => Some(self.conditional(node)),
            "foreach" => self.foreach(node),
            "log" => Some(self.log(node)),
            "assign" => self.assign(node),
            "send" => Some(self.send(node)),
            "cancel" => self.cancel(node),
            "script" => Some(Exec::Script(self.script(node))),
            "event" if self.config.dialect == Dialect::Ors => {
                let event = self.required(node, "name")?;
                Some(Exec::Raise {
                    event,
                    params: Vec::new(),
                })
            }
            _ => {
                self.misplaced(node, parent);
                None
            }
        }
    }

    fn custom(&mut self, node: Node<'_, '_>, parent: &str) -> Option<Exec> {
        match node.tag_name().namespace() {
            None => {
                self.misplaced(node, parent);
                None
            }
            Some(XINCLUDE) => {
                self.find(node, Rule::Unsupported, "XInclude is not supported");
                None
            }
            Some(namespace) if self.strict && !self.config.actions.knows(namespace) => {
                let message = format!("namespace {namespace:?} is not known and exmode is strict");
                self.find(node, Rule::UnknownElement, message);
                None
            }
            Some(_) => Some(Exec::Action(Box::new(self.action(node)))),
        }
    }

    fn action(&mut self, node: Node<'_, '_>) -> CustomAction {
        let line = self.line(node);
        let attributes = node
            .attributes()
            .filter(|a| a.namespace().is_none())
            .map(|a| {
                (
                    a.name().to_owned(),
                    Expr {
                        text: a.value().to_owned(),
                        line,
                    },
                )
            })
            .collect();
        let foreign: Vec<Node<'_, '_>> = node
            .children()
            .filter(|c| c.is_element() && !is_scxml(*c, "param") && !is_scxml(*c, "content"))
            .collect();
        let own: Vec<Node<'_, '_>> = node
            .children()
            .filter(|c| is_scxml(*c, "param") || is_scxml(*c, "content"))
            .collect();
        let (params, content) = self.read_params(own, node);
        let mut children = Vec::new();
        for child in foreign {
            if child.tag_name().namespace().is_none_or(|n| n == NAMESPACE) {
                self.misplaced(child, node.tag_name().name());
            } else {
                children.push(self.action(child));
            }
        }
        let text: String = node
            .children()
            .filter(Node::is_text)
            .filter_map(|t| t.text())
            .collect();
        CustomAction {
            namespace: node.tag_name().namespace().unwrap_or_default().to_owned(),
            name: node.tag_name().name().to_owned(),
            attributes,
            params,
            content,
            children,
            text: text.trim().to_owned(),
        }
    }

    fn raise(&mut self, node: Node<'_, '_>) -> Option<Exec> {
        self.attributes(node, &["event"]);
        let params = if self.config.dialect == Dialect::Ors {
            self.params_and_content(node, &[]).0
        } else {
            self.no_children(node);
            Vec::new()
        };
        Some(Exec::Raise {
            event: self.required(node, "event")?,
            params,
        })
    }

    fn no_children(&mut self, node: Node<'_, '_>) {
        let children: Vec<Node<'_, '_>> = node.children().filter(Node::is_element).collect();
        for child in children {
            self.misplaced(child, node.tag_name().name());
        }
    }

    fn conditional(&mut self, node: Node<'_, '_>) -> Exec {
        self.attributes(node, &["cond"]);
        let cond = self.condition(node);
        let mut branches = vec![Branch {
            cond: Some(cond),
            block: Vec::new(),
        }];
        let children: Vec<Node<'_, '_>> = node.children().filter(Node::is_element).collect();
        for child in children {
            let closed = branches.last().is_some_and(|b| b.cond.is_none());
            if is_scxml(child, "elseif") || is_scxml(child, "else") {
                if closed {
                    self.find(
                        child,
                        Rule::MisplacedElement,
                        "nothing may follow the <else> branch",
                    );
                }
                let cond = is_scxml(child, "elseif").then(|| self.condition(child));
                self.attributes(child, if cond.is_some() { &["cond"] } else { &[] });
                branches.push(Branch {
                    cond,
                    block: Vec::new(),
                });
            } else if let Some(element) = self.element(child, "if")
                && let Some(branch) = branches.last_mut()
            {
                branch.block.push(element);
            }
        }
        Exec::If(branches)
    }

    fn condition(&mut self, node: Node<'_, '_>) -> Expr {
        let text = self.required(node, "cond").unwrap_or_default();
        Expr {
            text,
            line: self.line(node),
        }
    }

    fn foreach(&mut self, node: Node<'_, '_>) -> Option<Exec> {
        self.attributes(node, &["array", "item", "index"]);
        let array = self.required(node, "array");
        let item = self.required(node, "item");
        let block = self.block(node);
        let array = Expr {
            text: array?,
            line: self.line(node),
        };
        let index = node.attribute("index").map(str::to_owned);
        Some(Exec::Foreach(Box::new(ForeachDef {
            array,
            item: item?,
            index,
            block,
        })))
    }

    fn log(&mut self, node: Node<'_, '_>) -> Exec {
        self.attributes(node, &["label", "expr"]);
        self.no_children(node);
        let level = match self.config.dialect {
            Dialect::Ors => self.expr(node, "level"),
            Dialect::W3c => None,
        };
        let label = node.attribute("label").map(str::to_owned);
        Exec::Log(Box::new(LogDef {
            label,
            expr: self.expr(node, "expr"),
            level,
        }))
    }

    fn assign(&mut self, node: Node<'_, '_>) -> Option<Exec> {
        self.attributes(node, &["location", "expr"]);
        let value = self.data_source(node);
        let text = self.required(node, "location")?;
        Some(Exec::Assign {
            location: Expr {
                text,
                line: self.line(node),
            },
            value,
        })
    }

    fn cancel(&mut self, node: Node<'_, '_>) -> Option<Exec> {
        self.attributes(node, &["sendid", "sendidexpr"]);
        self.no_children(node);
        let older = if self.config.dialect == Dialect::Ors {
            Some("id")
        } else {
            None
        };
        let send_id = self.arg(node, "sendid", "sendidexpr", older);
        if send_id.is_none() {
            self.find(
                node,
                Rule::MissingAttribute,
                "<cancel> needs sendid or sendidexpr",
            );
        }
        Some(Exec::Cancel { send_id: send_id? })
    }

    /// Reads a pair of literal and expression attributes. In the Ors dialect the literal one, and its `older` name, are
    /// expressions too.
    fn arg(&mut self, node: Node<'_, '_>, literal: &str, expr: &str, older: Option<&str>) -> Option<Arg> {
        let plain = self
            .expr(node, literal)
            .or_else(|| older.and_then(|name| self.expr(node, name)))
            .map(|plain| match self.config.dialect {
                Dialect::Ors => Arg::Expr(plain),
                _ => Arg::Literal(plain.text),
            });
        self.one_of(node, literal, plain, expr)
    }

    /// The expression attribute of a pair, or else the plain one; both together are a mistake.
    fn one_of(&mut self, node: Node<'_, '_>, literal: &str, plain: Option<Arg>, expr: &str) -> Option<Arg> {
        let by_expr = self.expr(node, expr);
        if plain.is_some() && by_expr.is_some() {
            let message = format!("{literal} is given both literally and as expression");
            self.find(node, Rule::Exclusive, message);
        }
        by_expr.map(Arg::Expr).or(plain)
    }

    fn send(&mut self, node: Node<'_, '_>) -> Exec {
        self.attributes(
            node,
            &[
                "event",
                "eventexpr",
                "target",
                "targetexpr",
                "type",
                "typeexpr",
                "id",
                "idlocation",
                "delay",
                "delayexpr",
                "namelist",
            ],
        );
        let ors = self.config.dialect == Dialect::Ors;
        let older = |name: &'static str| ors.then_some(name);
        let id = node
            .attribute("id")
            .or_else(|| older("sendid").and_then(|name| node.attribute(name)));
        let (params, content) = self.params_and_content(node, &[]);
        let def = SendDef {
            event: self.arg(node, "event", "eventexpr", None),
            target: self.arg(node, "target", "targetexpr", None),
            processor: self.arg(node, "type", "typeexpr", older("targettype")),
            id: id.map(str::to_owned),
            id_location: self.expr(node, "idlocation"),
            delay: self.arg(node, "delay", "delayexpr", None),
            namelist: words(node.attribute("namelist")).map(str::to_owned).collect(),
            params,
            content,
            line: self.line(node),
        };
        self.check_send(node, &def);
        Exec::Send(Box::new(def))
    }

    fn check_send(&mut self, node: Node<'_, '_>, def: &SendDef) {
        if def.id.is_some() && def.id_location.is_some() {
            self.find(node, Rule::Exclusive, "id excludes idlocation");
        }
        if def.content.is_some() && (!def.namelist.is_empty() || !def.params.is_empty()) {
            self.find(node, Rule::Exclusive, "<content> excludes namelist and <param>");
        }
        if let (Some(Arg::Literal(target)), Some(_)) = (&def.target, &def.delay)
            && target == "#_internal"
        {
            self.find(node, Rule::Exclusive, "an internal message cannot be delayed");
        }
        if let Some(Arg::Literal(delay)) = &def.delay
            && parse_delay(delay).is_none()
        {
            self.find(
                node,
                Rule::BadAttribute,
                "delay is not a time such as 1.5s or 500ms",
            );
        }
    }

    /// Reads `<param>` and `<content>` children; elements named in `others` are left to the caller.
    pub(super) fn params_and_content(
        &mut self,
        node: Node<'_, '_>,
        others: &[&str],
    ) -> (Vec<Param>, Option<ContentDef>) {
        let mut own = Vec::new();
        let children: Vec<Node<'_, '_>> = node.children().filter(Node::is_element).collect();
        for child in children {
            if is_scxml(child, "param") || is_scxml(child, "content") {
                own.push(child);
            } else if !others.iter().any(|name| is_scxml(child, name)) {
                self.misplaced(child, node.tag_name().name());
            }
        }
        self.read_params(own, node)
    }

    fn read_params(
        &mut self,
        nodes: Vec<Node<'_, '_>>,
        parent: Node<'_, '_>,
    ) -> (Vec<Param>, Option<ContentDef>) {
        let mut params = Vec::new();
        let mut content = None;
        for node in nodes {
            if is_scxml(node, "param") {
                params.extend(self.param(node));
            } else if content.is_some() {
                self.find(node, Rule::MisplacedElement, "only one <content> is allowed");
            } else {
                content = self.content(node, parent);
            }
        }
        (params, content)
    }

    fn param(&mut self, node: Node<'_, '_>) -> Option<Param> {
        self.attributes(node, &["name", "expr", "location"]);
        let name = self.required(node, "name");
        let source = match (self.expr(node, "expr"), self.expr(node, "location")) {
            (Some(expr), None) => ParamSource::Expr(expr),
            (None, Some(location)) => ParamSource::Location(location),
            (Some(_), Some(_)) => {
                self.find(node, Rule::Exclusive, "expr excludes location");
                return None;
            }
            (None, None) => {
                self.find(node, Rule::MissingAttribute, "<param> needs expr or location");
                return None;
            }
        };
        Some(Param { name: name?, source })
    }

    fn content(&mut self, node: Node<'_, '_>, parent: Node<'_, '_>) -> Option<ContentDef> {
        self.attributes(node, &["expr"]);
        let foreign = parent.tag_name().namespace() != Some(NAMESPACE);
        let ors_form = if foreign { self.expr(node, "_expr") } else { None };
        let expr = self.expr(node, "expr").or(ors_form);
        match (expr, inline_of(self.text, node)) {
            (Some(_), Some(_)) => {
                self.find(node, Rule::Exclusive, "<content> has both expr and children");
                None
            }
            (Some(expr), None) => Some(ContentDef::Expr(expr)),
            (None, Some(inline)) => Some(ContentDef::Inline(inline)),
            (None, None) => Some(ContentDef::Inline(crate::document::Inline::Text(String::new()))),
        }
    }

    /// Text of a script, fetched if it is external.
    pub(super) fn script(&mut self, node: Node<'_, '_>) -> Expr {
        self.attributes(node, &["src"]);
        let line = self.line(node);
        // Comments are nodes of their own, so only script text is left.
        let mut text: String = node
            .children()
            .filter(Node::is_text)
            .filter_map(|t| t.text())
            .collect();
        if let Some(src) = node.attribute("src") {
            if !text.trim().is_empty() {
                self.find(node, Rule::Exclusive, "<script> has both src and text");
            }
            match self.config.source.fetch(src) {
                Ok(fetched) => text = fetched,
                Err(message) => self.find(node, Rule::Source, format!("script cannot be fetched: {message}")),
            }
        }
        Expr { text, line }
    }

    pub(super) fn invoke(&mut self, node: Node<'_, '_>) -> InvokeDef {
        self.attributes(
            node,
            &[
                "type",
                "typeexpr",
                "src",
                "srcexpr",
                "id",
                "idlocation",
                "namelist",
                "autoforward",
            ],
        );
        let (params, content) = self.params_and_content(node, &["finalize"]);
        let finalize = node
            .children()
            .find(|c| is_scxml(*c, "finalize"))
            .map(|f| self.block(f));
        let autoforward = self.choice(node, "autoforward", ["false", "true"]);
        let def = InvokeDef {
            service: self.invoke_arg(node, "type", "typeexpr"),
            src: self.invoke_arg(node, "src", "srcexpr"),
            id: node.attribute("id").map(str::to_owned),
            id_location: self.expr(node, "idlocation"),
            namelist: words(node.attribute("namelist")).map(str::to_owned).collect(),
            autoforward,
            params,
            content,
            finalize,
            line: self.line(node),
        };
        if def.id.is_some() && def.id_location.is_some() {
            self.find(node, Rule::Exclusive, "id excludes idlocation");
        }
        if def.src.is_some() && def.content.is_some() {
            self.find(node, Rule::Exclusive, "src excludes <content>");
        }
        if !def.namelist.is_empty() && !def.params.is_empty() {
            self.find(node, Rule::Exclusive, "namelist excludes <param>");
        }
        def
    }

    /// `<invoke>` keeps literals in both dialects.
    fn invoke_arg(&mut self, node: Node<'_, '_>, literal: &str, expr: &str) -> Option<Arg> {
        let plain = node.attribute(literal).map(|text| Arg::Literal(text.to_owned()));
        self.one_of(node, literal, plain, expr)
    }
}
