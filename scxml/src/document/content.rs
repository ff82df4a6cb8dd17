//! Executable content and data definitions, as compiled.

/// Text of an expression or script with its place in the document.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub(crate) text: String,
    pub(crate) line: u32,
}

/// A sequence of executable elements; an error in one skips the rest.
pub(crate) type Block = Vec<Exec>;

/// One executable element.
#[derive(Debug)]
pub(crate) enum Exec {
    Raise { event: String, params: Vec<Param> },
    If(Vec<Branch>),
    Foreach(Box<ForeachDef>),
    Log(Box<LogDef>),
    Assign { location: Expr, value: DataSource },
    Send(Box<SendDef>),
    Cancel { send_id: Arg },
    Script(Expr),
    Action(Box<CustomAction>),
}

/// One branch of `<if>`; the `<else>` branch has no condition.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) cond: Option<Expr>,
    pub(crate) block: Block,
}

#[derive(Debug)]
pub(crate) struct ForeachDef {
    pub(crate) array: Expr,
    pub(crate) item: String,
    pub(crate) index: Option<String>,
    pub(crate) block: Block,
}

#[derive(Debug)]
pub(crate) struct LogDef {
    pub(crate) label: Option<String>,
    pub(crate) expr: Option<Expr>,
    pub(crate) level: Option<Expr>,
}

/// An attribute that is a literal in one form and an expression in another.
#[derive(Debug)]
pub(crate) enum Arg {
    Literal(String),
    Expr(Expr),
}

#[derive(Debug, Default)]
pub(crate) struct SendDef {
    pub(crate) event: Option<Arg>,
    pub(crate) target: Option<Arg>,
    pub(crate) processor: Option<Arg>,
    pub(crate) id: Option<String>,
    pub(crate) id_location: Option<Expr>,
    pub(crate) delay: Option<Arg>,
    pub(crate) namelist: Vec<String>,
    pub(crate) params: Vec<Param>,
    pub(crate) content: Option<ContentDef>,
    pub(crate) line: u32,
}

/// A `<param>`.
#[derive(Debug)]
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) source: ParamSource,
}

#[derive(Debug)]
pub(crate) enum ParamSource {
    Expr(Expr),
    Location(Expr),
}

/// A `<content>`.
#[derive(Debug)]
pub(crate) enum ContentDef {
    Expr(Expr),
    Inline(Inline),
}

/// Inline content of `<content>`, `<data>` or `<assign>`.
#[derive(Debug, Clone)]
pub(crate) enum Inline {
    Text(String),
    /// One element, with all namespaces in scope declared on it.
    Xml(String),
}

/// Where the value of a data item or assignment comes from.
#[derive(Debug)]
pub(crate) enum DataSource {
    Nothing,
    Expr(Expr),
    Inline(Inline, u32),
    /// External data that could not be fetched.
    Missing(String, u32),
}

/// A `<data>`.
#[derive(Debug)]
pub(crate) struct DataItem {
    pub(crate) id: String,
    pub(crate) value: DataSource,
    pub(crate) line: u32,
}

/// A `<donedata>`.
#[derive(Debug)]
pub(crate) struct DoneData {
    pub(crate) params: Vec<Param>,
    pub(crate) content: Option<ContentDef>,
}

/// An `<invoke>`.
#[derive(Debug, Default)]
pub(crate) struct InvokeDef {
    pub(crate) service: Option<Arg>,
    pub(crate) src: Option<Arg>,
    pub(crate) id: Option<String>,
    pub(crate) id_location: Option<Expr>,
    pub(crate) namelist: Vec<String>,
    pub(crate) autoforward: bool,
    pub(crate) params: Vec<Param>,
    pub(crate) content: Option<ContentDef>,
    pub(crate) finalize: Option<Block>,
    pub(crate) line: u32,
}

/// An executable element of a foreign namespace.
#[derive(Debug)]
pub(crate) struct CustomAction {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, Expr)>,
    pub(crate) params: Vec<Param>,
    pub(crate) content: Option<ContentDef>,
    pub(crate) children: Vec<CustomAction>,
    pub(crate) text: String,
}
