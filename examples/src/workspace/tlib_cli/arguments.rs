//! Arguments of `tlib-cli`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tlib::ConnId;

/// Speaks T-Library to a server: one command, and the events it causes.
#[derive(Debug, Parser)]
#[command(name = "tlib-cli", version)]
pub struct Arguments {
    /// Address of the T-Library port.
    #[arg(long, default_value = "127.0.0.1:7001", global = true)]
    pub server: String,
    /// Speak TLS and trust the authorities in this PEM file.
    #[arg(long, value_name = "FILE", global = true)]
    pub tls_ca: Option<PathBuf>,
    /// Name that the server's certificate must carry; default: the host of --server.
    #[arg(long, value_name = "NAME", requires = "tls_ca", global = true)]
    pub tls_name: Option<String>,
    /// Print one JSON object a line instead of the SDK log format.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
#[expect(clippy::exhaustive_enums, reason = "the commands of one binary")]
pub enum Command {
    /// Print the events of one or more DNs until Ctrl-C.
    Watch {
        /// DN; may be given more than once.
        #[arg(long, required = true)]
        dn: Vec<String>,
    },
    /// Log an agent in.
    Login {
        /// DN of the phone.
        #[arg(long)]
        dn: String,
        /// Id of the agent.
        #[arg(long)]
        agent: String,
        /// Queue to log in to.
        #[arg(long)]
        queue: Option<String>,
        /// And make the agent ready.
        #[arg(long)]
        ready: bool,
        /// And print events until Ctrl-C.
        #[arg(long)]
        watch: bool,
    },
    /// Log the agent at a DN out.
    Logout {
        /// DN of the phone.
        #[arg(long)]
        dn: String,
    },
    /// Make the agent at a DN ready.
    Ready {
        /// DN of the phone.
        #[arg(long)]
        dn: String,
        /// Work mode ManualIn instead of AutoIn.
        #[arg(long)]
        manual_in: bool,
    },
    /// Make the agent at a DN not ready.
    NotReady {
        /// DN of the phone.
        #[arg(long)]
        dn: String,
        /// Work mode AfterCallWork instead of AuxWork.
        #[arg(long)]
        after_call_work: bool,
        /// Reason, as key=value; may be given more than once.
        #[arg(long, value_parser = pair)]
        reason: Vec<(String, String)>,
    },
    /// Call from a DN.
    MakeCall {
        /// DN of the phone.
        #[arg(long)]
        dn: String,
        /// Number to call.
        #[arg(long)]
        to: String,
        /// User data, as key=value; may be given more than once.
        #[arg(long, value_parser = pair)]
        data: Vec<(String, String)>,
        /// And print events until Ctrl-C.
        #[arg(long)]
        watch: bool,
    },
    /// Answer the ringing call.
    Answer(Call),
    /// Put the call on hold.
    Hold(Call),
    /// Take the call off hold.
    Retrieve(Call),
    /// Release the call.
    Release(Call),
    /// Attach user data to the call.
    Attach {
        /// The call.
        #[command(flatten)]
        call: Call,
        /// User data, as key=value; may be given more than once.
        #[arg(long, required = true, value_parser = pair)]
        data: Vec<(String, String)>,
    },
    /// Send a request by its name, with attributes as Name=value.
    SendRaw {
        /// Name or number, for example RequestQueryServer.
        message: String,
        /// Attributes, for example ThisDN=1001 or ConnID=006c02462a161006.
        attributes: Vec<String>,
        /// Register for this DN first.
        #[arg(long)]
        register: Option<String>,
        /// And print events until Ctrl-C.
        #[arg(long)]
        watch: bool,
    },
}

/// A call at a DN.
#[derive(Debug, Args)]
pub struct Call {
    /// DN of the phone.
    #[arg(long)]
    pub dn: String,
    /// Connection id, 16 hex digits; default: the newest call at the DN.
    #[arg(long, value_parser = parse_conn_id)]
    pub conn: Option<ConnId>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("not of the form key=value".to_owned()),
    }
}

fn parse_conn_id(text: &str) -> Result<ConnId, String> {
    conn_id(text).ok_or_else(|| "not up to 16 hex digits".to_owned())
}

pub(super) fn conn_id(text: &str) -> Option<ConnId> {
    u64::from_str_radix(text, 16).ok().map(ConnId)
}
