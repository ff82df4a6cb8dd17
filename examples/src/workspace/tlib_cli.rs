//! The body of `tlib-cli`: one request at a T-Server, with the events it causes printed.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use tlib::catalog::{AgentWorkMode, ErrorCode};
use tlib::client::{Client, ClientConfig, ClientTls, ConnectError, Events};
use tlib::{AttributeId, CallControl, CallControlExt, ConnId, KvList, Message, MessageType, RequestError};

mod arguments;
mod raw;

pub use arguments::{Arguments, Command};

/// Why the tool ends with an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// No connection.
    #[error("{error}{}", source_of(error))]
    Connect {
        /// Why.
        #[from]
        error: ConnectError,
    },
    /// The trusted authorities cannot be read.
    #[error("{0}")]
    Tls(#[from] tlib::tls::TlsError),
    /// The request failed.
    #[error("{0}")]
    Request(#[from] RequestError),
    /// The DN has no call and `--conn` was not given.
    #[error("no call at {0}; name one with --conn")]
    NoCall(String),
    /// `send-raw` with something that is not in the catalogue.
    #[error("{0}")]
    Raw(#[from] raw::RawError),
    /// The server closed the connection.
    #[error("the server closed the connection")]
    Closed,
    /// Standard output is gone.
    #[error("{0}")]
    Output(#[from] io::Error),
}

fn source_of(error: &ConnectError) -> String {
    std::error::Error::source(error)
        .map(|source| format!(": {source}"))
        .unwrap_or_default()
}

/// Runs one command; events go to `out`.
///
/// # Errors
///
/// [`CliError`] is one line for the user.
pub async fn run(arguments: Arguments, out: &mut (dyn Write + Send)) -> Result<(), CliError> {
    let mut config = ClientConfig::new(arguments.server.clone(), "tlib-cli");
    if let Some(ca) = &arguments.tls_ca {
        let host = arguments
            .server
            .rsplit_once(':')
            .map_or(arguments.server.as_str(), |(host, _)| host);
        let name = arguments
            .tls_name
            .as_deref()
            .unwrap_or_else(|| host.trim_matches(['[', ']']));
        config = config.with_tls(ClientTls::new(tlib::tls::client_config(ca, None)?, name));
    }
    let (client, events) = config.build();
    client.connect().await?;
    let mut tool = Tool {
        client,
        events,
        json: arguments.json,
        out,
    };
    let watch = tool.execute(arguments.command).await?;
    if watch {
        tool.watch().await
    } else {
        tool.drain().await
    }
}

struct Tool<'a> {
    client: Client,
    events: Events,
    json: bool,
    out: &'a mut (dyn Write + Send),
}

impl Tool<'_> {
    /// Carries a command out; answers whether to go on watching.
    async fn execute(&mut self, command: Command) -> Result<bool, CliError> {
        match command {
            Command::Watch { dn } => {
                for dn in &dn {
                    self.client.register_address(dn).await?;
                }
                return Ok(true);
            }
            Command::Login {
                dn,
                agent,
                queue,
                ready,
                watch,
            } => {
                self.client.register_address(&dn).await?;
                let login = self.client.agent_login(&dn, &agent, queue.as_deref()).await;
                already_done(login)?;
                if ready {
                    self.client.agent_ready(&dn, AgentWorkMode::AUTO_IN).await?;
                }
                return Ok(watch);
            }
            Command::Logout { dn } => {
                self.client.register_address(&dn).await?;
                self.client.agent_logout(&dn, None).await?;
            }
            Command::Ready { dn, manual_in } => {
                let mode = if manual_in {
                    AgentWorkMode::MANUAL_IN
                } else {
                    AgentWorkMode::AUTO_IN
                };
                self.client.register_address(&dn).await?;
                self.client.agent_ready(&dn, mode).await?;
            }
            Command::NotReady {
                dn,
                after_call_work,
                reason,
            } => {
                let mode = if after_call_work {
                    AgentWorkMode::AFTER_CALL_WORK
                } else {
                    AgentWorkMode::AUX_WORK
                };
                self.client.register_address(&dn).await?;
                self.client.agent_not_ready(&dn, mode, list(reason)).await?;
            }
            Command::MakeCall { dn, to, data, watch } => {
                self.client.register_address(&dn).await?;
                self.client.make_call(&dn, &to, list(data)).await?;
                return Ok(watch);
            }
            Command::Answer(_)
            | Command::Hold(_)
            | Command::Retrieve(_)
            | Command::Release(_)
            | Command::Attach { .. } => self.act_on_call(command).await?,
            Command::SendRaw {
                message,
                attributes,
                register,
                watch,
            } => {
                let message = raw::message(&message, &attributes)?;
                if let Some(dn) = register {
                    self.client.register_address(&dn).await?;
                }
                self.client.request(message).await?;
                return Ok(watch);
            }
        }
        Ok(false)
    }

    /// The commands about a call that is there.
    async fn act_on_call(&mut self, command: Command) -> Result<(), CliError> {
        let (Command::Answer(call)
        | Command::Hold(call)
        | Command::Retrieve(call)
        | Command::Release(call)
        | Command::Attach { call, .. }) = &command
        else {
            return Ok(());
        };
        let dn = call.dn.as_str();
        let conn = self.call_at(dn, call.conn).await?;
        match &command {
            Command::Answer(_) => self.client.answer_call(dn, conn).await?,
            Command::Hold(_) => self.client.hold_call(dn, conn).await?,
            Command::Retrieve(_) => self.client.retrieve_call(dn, conn).await?,
            Command::Release(_) => self.client.release_call(dn, conn).await?,
            Command::Attach { data, .. } => {
                self.client.attach_user_data(dn, conn, list(data.clone())).await?
            }
            _ => return Ok(()),
        };
        Ok(())
    }

    /// Registers for a DN and finds the call to act on: the named one, or the newest of the snapshot.
    async fn call_at(&self, dn: &str, conn: Option<ConnId>) -> Result<ConnId, CliError> {
        let registered = self.client.register_address(dn).await?;
        if let Some(conn) = conn {
            return Ok(conn);
        }
        let newest = registered.kv(AttributeId::EXTENSIONS).and_then(|snapshot| {
            let calls = snapshot.iter().filter(|pair| pair.key.starts_with("conn-"));
            calls
                .filter_map(|pair| snapshot.get_str(&pair.key))
                .next_back()
                .and_then(arguments::conn_id)
        });
        newest.ok_or_else(|| CliError::NoCall(dn.to_owned()))
    }

    /// Prints events until Ctrl-C or the end of the connection.
    async fn watch(&mut self) -> Result<(), CliError> {
        loop {
            tokio::select! {
                event = self.events.next() => match event {
                    Some(event) => self.print(&event)?,
                    None => return Err(CliError::Closed),
                },
                _ = tokio::signal::ctrl_c() => return Ok(()),
            }
        }
    }

    /// Prints what the request caused: the events that follow it closely.
    async fn drain(&mut self) -> Result<(), CliError> {
        while let Ok(Some(event)) = tokio::time::timeout(Duration::from_millis(200), self.events.next()).await
        {
            self.print(&event)?;
        }
        Ok(())
    }

    fn print(&mut self, event: &Arc<Message>) -> Result<(), CliError> {
        let written = if self.json {
            writeln!(self.out, "{}", event.json().with_personal_data(true))
        } else {
            writeln!(self.out, "{}\n", event.log().with_personal_data(true))
        };
        written.and_then(|()| self.out.flush())?;
        if event.message_type == MessageType::EVENT_SERVER_DISCONNECTED {
            return Err(CliError::Closed);
        }
        Ok(())
    }
}

/// A login of an agent who is logged in already is no failure.
fn already_done(answer: Result<Arc<Message>, RequestError>) -> Result<(), RequestError> {
    match answer {
        Ok(_)
        | Err(RequestError::Refused {
            code: ErrorCode::ALREADY_IN_STATE,
            ..
        }) => Ok(()),
        Err(error) => Err(error),
    }
}

fn list(pairs: Vec<(String, String)>) -> KvList {
    pairs
        .into_iter()
        .fold(KvList::new(), |list, (key, value)| list.with(key, value))
}
