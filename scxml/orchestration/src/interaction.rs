//! Interactions as sessions see them, and what happens to them.

use std::fmt;
use std::sync::Arc;

use scxml::Value;

/// Id of an interaction: a call's UUID, a message's id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InteractionId(Arc<str>);

impl InteractionId {
    /// Wraps a text; cloning the id is cheap.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InteractionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for InteractionId {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for InteractionId {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// An interaction. `Debug` shows the id only: the rest is personal data.
///
/// Spec: ORS reference §2, interaction object
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Interaction {
    /// Its id, `g_uid`.
    pub id: InteractionId,
    /// Id of the interaction it grew out of.
    pub parent: Option<InteractionId>,
    /// Tenant.
    pub tenant: Option<String>,
    /// Media by the published name, for example `TMediaVoice`.
    pub media: String,
    /// Where it comes from.
    pub ani: Option<String>,
    /// User data, an object.
    pub user_data: Value,
    /// Parties.
    pub parties: Vec<Party>,
    /// What only calls have.
    pub voice: Option<Voice>,
}

/// What only calls have.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Voice {
    /// Direction: `inbound`, `internal`, `outbound`, `consult`.
    pub call_type: String,
    /// Call id of the switch.
    pub call_id: Option<String>,
    /// Connection id, 16 hex digits.
    pub conn_id: String,
    /// Number of the caller.
    pub ani: Option<String>,
    /// Number called.
    pub dnis: Option<String>,
}

/// A party of an interaction.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Party {
    /// Its device.
    pub device: String,
    /// `routepoint`, `queue`, `agent` or `unknown`.
    pub device_type: String,
}

impl Party {
    /// A device and what it is: `routepoint`, `queue`, `agent` or `unknown`.
    pub fn new(device: impl Into<String>, device_type: impl Into<String>) -> Self {
        Self {
            device: device.into(),
            device_type: device_type.into(),
        }
    }
}

impl Interaction {
    /// A call.
    pub fn call(id: impl Into<InteractionId>, voice: Voice) -> Self {
        Self {
            id: id.into(),
            parent: None,
            tenant: None,
            media: "TMediaVoice".to_owned(),
            ani: voice.ani.clone(),
            user_data: Value::object(),
            parties: Vec::new(),
            voice: Some(voice),
        }
    }

    /// Sets the user data; values that are not an object count as none.
    #[must_use]
    pub fn with_user_data(mut self, user_data: Value) -> Self {
        self.set_user_data(user_data);
        self
    }

    /// Adds a party.
    #[must_use]
    pub fn with_party(mut self, device: impl Into<String>, device_type: impl Into<String>) -> Self {
        self.parties.push(Party::new(device, device_type));
        self
    }

    pub(crate) fn set_user_data(&mut self, user_data: Value) {
        self.user_data = if user_data.as_object().is_some() {
            user_data
        } else {
            Value::object()
        };
    }

    /// The object that scripts see.
    pub(crate) fn to_value(&self) -> Value {
        let mut parties = Value::object();
        for party in &self.parties {
            let value = Value::object()
                .with("device", party.device.as_str())
                .with("devicetype", party.device_type.as_str());
            parties.set(party.device.as_str(), value);
        }
        Value::object()
            .with("g_uid", self.id.as_str())
            .with("parentid", self.parent.as_ref().map(InteractionId::as_str))
            .with("tenantid", self.tenant.as_deref())
            .with("media", self.media.as_str())
            .with("ani", self.ani.as_deref())
            .with("udata", self.user_data.clone())
            .with("parties", parties)
            .with(
                "voice",
                self.voice.as_ref().map(|voice| voice.to_value(&self.media)),
            )
    }
}

impl Voice {
    /// An inbound call.
    pub fn inbound(conn_id: impl Into<String>, ani: Option<String>, dnis: Option<String>) -> Self {
        Self {
            call_type: "inbound".to_owned(),
            call_id: None,
            conn_id: conn_id.into(),
            ani,
            dnis,
        }
    }

    fn to_value(&self, media: &str) -> Value {
        Value::object()
            .with("type", self.call_type.as_str())
            .with("callid", self.call_id.as_deref())
            .with("connid", self.conn_id.as_str())
            .with("ani", self.ani.as_deref())
            .with("dnis", self.dnis.as_deref())
            .with("media", media)
    }
}

impl fmt::Debug for Interaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interaction")
            .field("id", &self.id)
            .field("media", &self.media)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Voice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Voice")
            .field("call_type", &self.call_type)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Party")
            .field("device_type", &self.device_type)
            .finish_non_exhaustive()
    }
}

/// What happened to an interaction.
///
/// Spec: ORS reference §5, unsolicited events
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum InteractionEvent {
    /// Available for processing again: `interaction.present`.
    Present,
    /// A route request is outstanding: `interaction.onrouterequest`.
    RouteRequested,
    /// The caller gave up: `interaction.abandoned`.
    Abandoned,
    /// Gone from the session: `interaction.deleted`. What still runs for it fails with `cancelled`.
    Deleted {
        /// What caused it, for example `deletion` or `detach`.
        result_of: Option<String>,
    },
    /// User data changed to this object: `interaction.udata.changed`.
    UserDataChanged(Value),
    /// Parties changed to these: `interaction.partystatechanged`.
    PartyStateChanged {
        /// Device whose state changed.
        focus_device: String,
        /// All parties now.
        parties: Vec<Party>,
    },
}

impl InteractionEvent {
    /// Name of the event that the session gets.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Present => "interaction.present",
            Self::RouteRequested => "interaction.onrouterequest",
            Self::Abandoned => "interaction.abandoned",
            Self::Deleted { .. } => "interaction.deleted",
            Self::UserDataChanged(_) => "interaction.udata.changed",
            Self::PartyStateChanged { .. } => "interaction.partystatechanged",
        }
    }

    pub(crate) fn data(&self, interaction: &InteractionId) -> Value {
        let data = Value::object().with("interactionid", interaction.as_str());
        match self {
            Self::Deleted {
                result_of: Some(result_of),
            } => data.with("resultof", result_of.as_str()),
            Self::PartyStateChanged { focus_device, .. } => data.with("focusdeviceid", focus_device.as_str()),
            _ => data,
        }
    }
}
