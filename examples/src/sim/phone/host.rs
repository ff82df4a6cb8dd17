//! The task of a host: lines, registrations, and which call an event belongs to.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use media::phone::Phones;
use sip::endpoint::{EndpointEvent, EndpointEvents, EndpointHandle};
use sip::header::{HeaderName, NameAddr, ValueError};
use sip::message::Message;
use sip::status::StatusCode;
use sip::transport::{Destination, TransportProtocol};
use sip::ua::{Account, CallKey, Invite, Registration, RegistrationKey, UaCommand, UaEvent};
use sip::uri::Uri;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::call::{Call, CallCommand, Input, Plan, Start};
use super::event::{EventSender, Happening};
use super::line_filter::{FilterCommand, LineFilter};
use super::{Behavior, CallId, CallOptions, Line};

/// Events and commands that wait for one call.
const INBOX: usize = 64;
/// How long the last handle's drop leaves for good-byes.
const DRAIN: Duration = Duration::from_secs(2);

/// What a handle asks of the host.
pub(super) enum HostCommand {
    SetLine(String, Line),
    Register(String, Box<Registration>),
    Unregister(String),
    Call {
        call: CallKey,
        invite: Box<Invite>,
        options: Box<CallOptions>,
        reply: oneshot::Sender<bool>,
    },
    ToCall(CallKey, CallCommand),
}

/// A call, seen from the host.
struct Link {
    line: String,
    inbox: mpsc::Sender<Input>,
}

pub(super) struct Host {
    endpoint: EndpointHandle<LineFilter>,
    phones: Phones,
    events: EventSender,
    max_calls: usize,
    lines: BTreeMap<String, Line>,
    registrations: BTreeMap<String, RegistrationKey>,
    registered: BTreeMap<RegistrationKey, String>,
    calls: HashMap<CallKey, Link>,
    tasks: JoinSet<CallKey>,
}

impl Host {
    pub(super) fn new(
        endpoint: EndpointHandle<LineFilter>,
        phones: Phones,
        events: EventSender,
        max_calls: usize,
    ) -> Self {
        Self {
            endpoint,
            phones,
            events,
            max_calls,
            lines: BTreeMap::new(),
            registrations: BTreeMap::new(),
            registered: BTreeMap::new(),
            calls: HashMap::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Runs until the endpoint has stopped, by command or because the last handle is gone.
    pub(super) async fn run(
        mut self,
        mut commands: mpsc::Receiver<HostCommand>,
        mut incoming: EndpointEvents<LineFilter>,
    ) {
        let mut has_handles = true;
        loop {
            tokio::select! {
                event = incoming.recv() => match event {
                    Some(EndpointEvent::Core(event)) => self.handle_event(event).await,
                    Some(EndpointEvent::Overflowed { lost }) => {
                        tracing::error!(lost, "SIP events were lost, calls may hang");
                    }
                    None => break,
                },
                command = commands.recv(), if has_handles => match command {
                    Some(command) => self.handle_command(command).await,
                    None => {
                        has_handles = false;
                        self.endpoint.shutdown(DRAIN).await;
                    }
                },
                Some(ended) = self.tasks.join_next() => self.forget(ended),
            }
        }
        // Without their inboxes the calls end; their audio is still there to be accounted for.
        self.calls.clear();
        while self.tasks.join_next().await.is_some() {}
        self.phones.shutdown().await;
    }

    fn forget(&mut self, ended: Result<CallKey, tokio::task::JoinError>) {
        match ended {
            Ok(call) => {
                self.calls.remove(&call);
            }
            Err(error) => tracing::error!(%error, "a call of a phone ended badly"),
        }
    }

    async fn handle_command(&mut self, command: HostCommand) {
        match command {
            HostCommand::SetLine(line, how) => self.set_line(line, how).await,
            HostCommand::Register(line, registration) => {
                let next = RegistrationKey(self.registrations.len() as u64);
                let key = *self.registrations.entry(line.clone()).or_insert(next);
                self.registered.insert(key, line);
                self.send(UaCommand::Register { key, registration }).await;
            }
            HostCommand::Unregister(line) => {
                if let Some(key) = self.registrations.get(&line) {
                    self.send(UaCommand::Unregister { key: *key }).await;
                }
            }
            HostCommand::Call {
                call,
                invite,
                options,
                reply,
            } => {
                let room = self.calls.len() < self.max_calls;
                if reply.send(room).is_ok() && room {
                    let line = options.from.clone();
                    self.start(call, line, Plan::caller(*options), Start::Outgoing(invite));
                }
            }
            HostCommand::ToCall(call, command) => self.to_call(call, Input::Command(command)).await,
        }
    }

    async fn set_line(&mut self, line: String, how: Line) {
        let was_gone = self
            .lines
            .get(&line)
            .is_some_and(|line| line.behavior == Behavior::Gone);
        let gone = how.behavior == Behavior::Gone;
        self.lines.insert(line.clone(), how);
        if gone == was_gone {
            return;
        }
        let calls: Vec<_> = self
            .calls
            .iter()
            .filter(|(_, link)| link.line == line)
            .map(|(call, _)| *call)
            .collect();
        for call in calls {
            self.to_call(call, Input::Command(CallCommand::Vanish(gone)))
                .await;
        }
        // An error means that the endpoint has stopped, which ends the host.
        let _ = self.endpoint.send(FilterCommand::Gone { line, gone }).await;
    }

    async fn handle_event(&mut self, event: UaEvent) {
        match event {
            UaEvent::Incoming { call, request, .. } => self.incoming(call, &request).await,
            UaEvent::Registered { key, .. } => {
                if let Some(line) = self.registered.get(&key).cloned() {
                    self.events.send(Happening::Registered { line });
                }
            }
            UaEvent::RegistrationFailed {
                key,
                status,
                will_retry,
            } => {
                if let Some(line) = self.registered.get(&key).cloned() {
                    self.events.send(Happening::RegistrationFailed {
                        line,
                        status,
                        will_retry,
                    });
                }
            }
            UaEvent::Unregistered { key } => {
                if let Some(line) = self.registered.get(&key).cloned() {
                    self.events.send(Happening::Unregistered { line });
                }
            }
            event => {
                if let Some(call) = call_of(&event) {
                    self.to_call(call, Input::Ua(Box::new(event))).await;
                }
            }
        }
    }

    async fn incoming(&mut self, call: CallKey, request: &Message) {
        let line = user(request.request_uri().ok().as_ref());
        let Some(how) = self.lines.get(&line).cloned() else {
            return self.send(UaCommand::reject(call, StatusCode::NOT_FOUND)).await;
        };
        let from = user(request.from().ok().map(|from| from.uri().clone()).as_ref());
        self.events.send(Happening::Incoming {
            call: CallId(call),
            line: line.clone(),
            from,
        });
        if self.calls.len() >= self.max_calls {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            self.events.send(Happening::Failed {
                call: CallId(call),
                status,
            });
            return self.send(UaCommand::reject(call, status)).await;
        }
        let offer = (!request.body().is_empty()).then(|| request.body().clone());
        let start = Start::Incoming {
            offer,
            asks_answer: asks_answer(request),
        };
        self.start(call, line, Plan::callee(how), start);
    }

    fn start(&mut self, key: CallKey, line: String, plan: Plan, start: Start) {
        let (inbox, inputs) = mpsc::channel(INBOX);
        let call = Call::new(
            key,
            self.endpoint.clone(),
            self.phones.clone(),
            self.events.clone(),
            plan,
        );
        self.calls.insert(key, Link { line, inbox });
        self.tasks.spawn(call.run(start, inputs));
    }

    async fn to_call(&self, call: CallKey, input: Input) {
        if let Some(link) = self.calls.get(&call) {
            // An error means that the call is over.
            let _ = link.inbox.send(input).await;
        }
    }

    async fn send(&self, command: UaCommand) {
        // An error means that the endpoint has stopped, which ends the host.
        let _ = self.endpoint.send(FilterCommand::Ua(command)).await;
    }
}

/// The registration of a line.
pub(super) fn registration(
    line: &str,
    account: Account,
    server: Destination,
) -> Result<Registration, ValueError> {
    let aor = NameAddr::new(Uri::sip(Some(line), &server.remote().to_string())?);
    Ok(Registration::new(server_uri(None, server)?, aor)
        .with_destination(server)
        .with_account(account))
}

/// The INVITE of an outgoing call, without its offer.
pub(super) fn invite(options: &CallOptions, server: Destination) -> Result<Invite, ValueError> {
    let target = server_uri(Some(&options.to), server)?;
    let from = NameAddr::new(Uri::sip(Some(&options.from), &server.remote().to_string())?);
    let invite = Invite::new(target, from).with_destination(server);
    Ok(match &options.account {
        Some(account) => invite.with_account(account.clone()),
        None => invite,
    })
}

fn server_uri(user: Option<&str>, server: Destination) -> Result<Uri, ValueError> {
    let uri = Uri::sip(user, &server.remote().to_string())?;
    let tcp = server.protocol() == TransportProtocol::Tcp;
    Ok(if tcp {
        uri.with_param("transport", Some("tcp"))
    } else {
        uri
    })
}

fn user(uri: Option<&Uri>) -> String {
    uri.and_then(Uri::user).unwrap_or_default().to_owned()
}

/// Whether the caller asks the phone to answer by itself: `Call-Info` with `answer-after=0`, or `Alert-Info` with
/// `info=alert-autoanswer`.
fn asks_answer(request: &Message) -> bool {
    let mut info = request.header_values(&HeaderName::CALL_INFO);
    let mut alert = request.header_values(&HeaderName::ALERT_INFO);
    info.any(|value| value.contains("answer-after=0"))
        || alert.any(|value| value.contains("info=alert-autoanswer"))
}

fn call_of(event: &UaEvent) -> Option<CallKey> {
    match event {
        UaEvent::Incoming { call, .. }
        | UaEvent::Progress { call, .. }
        | UaEvent::Answered { call, .. }
        | UaEvent::Failed { call, .. }
        | UaEvent::Confirmed { call, .. }
        | UaEvent::Cancelled { call }
        | UaEvent::Ended { call, .. }
        | UaEvent::Reinvited { call, .. }
        | UaEvent::ReinviteCancelled { call }
        | UaEvent::ReinviteAnswered { call, .. }
        | UaEvent::ReinviteFailed { call, .. }
        | UaEvent::InDialog { call, .. }
        | UaEvent::InDialogResult { call, .. } => Some(*call),
        UaEvent::CommandFailed { call, .. } => *call,
        _ => None,
    }
}
