//! Clients and their registrations for DNs.

use std::collections::{BTreeMap, BTreeSet};

use super::{ClientId, DnKind};
use crate::agent::Agent;
use crate::catalog::{MessageType, RegisterMode};
use crate::id::{ConnId, Dn};

/// Bytes of an input or capability mask.
///
/// Spec: T-Library reference §1.12
pub(super) const MASK_BYTES: usize = 64;

/// The connected clients.
#[derive(Default)]
pub(super) struct Clients {
    map: BTreeMap<ClientId, Client>,
}

/// One client.
#[derive(Default)]
pub(super) struct Client {
    /// Whether it sent `RequestRegisterClient`.
    pub(super) registered: bool,
    /// Events it wants; all of them without a mask.
    pub(super) mask: Option<[u8; MASK_BYTES]>,
    /// DNs it registered.
    pub(super) dns: BTreeSet<Dn>,
}

impl Clients {
    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    pub(super) fn contains(&self, client: ClientId) -> bool {
        self.map.contains_key(&client)
    }

    pub(super) fn insert(&mut self, client: ClientId) {
        self.map.insert(client, Client::default());
    }

    pub(super) fn get(&self, client: ClientId) -> Option<&Client> {
        self.map.get(&client)
    }

    pub(super) fn get_mut(&mut self, client: ClientId) -> Option<&mut Client> {
        self.map.get_mut(&client)
    }

    pub(super) fn remove(&mut self, client: ClientId) -> Option<Client> {
        self.map.remove(&client)
    }

    /// Whether the client's input mask lets a type through.
    pub(super) fn wants(&self, client: ClientId, message_type: MessageType) -> bool {
        let Some(client) = self.map.get(&client) else {
            return false;
        };
        client.mask.is_none_or(|mask| mask_bit(&mask, message_type))
    }
}

/// Bit of a message type in a mask: byte `id / 8`, bit `1 << (id % 8)`.
pub(super) fn mask_bit(mask: &[u8; MASK_BYTES], message_type: MessageType) -> bool {
    let byte = mask.get(usize::from(message_type.0 / 8)).copied();
    byte.is_some_and(|byte| byte & (1 << (message_type.0 % 8)) != 0)
}

/// What the server knows of a DN besides its configuration.
pub(super) struct DnState {
    pub(super) kind: DnKind,
    /// Whether its endpoint is reachable; routing points and queues always are.
    pub(super) in_service: bool,
    /// The agent who is logged in.
    pub(super) agent: Option<Agent>,
    /// Calls with a party here, oldest first: connection ids rise with the age of calls.
    pub(super) calls: BTreeSet<ConnId>,
    registrations: BTreeMap<ClientId, RegisterMode>,
}

impl DnState {
    pub(super) fn new(kind: DnKind) -> Self {
        Self {
            kind,
            in_service: kind != DnKind::Extension,
            agent: None,
            calls: BTreeSet::new(),
            registrations: BTreeMap::new(),
        }
    }

    /// Clients that receive events of this DN.
    pub(super) fn receivers(&self) -> Vec<ClientId> {
        self.registrations.keys().copied().collect()
    }

    pub(super) fn has_receivers(&self) -> bool {
        !self.registrations.is_empty()
    }

    pub(super) fn mode(&self, client: ClientId) -> Option<RegisterMode> {
        self.registrations.get(&client).copied()
    }

    pub(super) fn register(&mut self, client: ClientId, mode: RegisterMode) {
        self.registrations.insert(client, mode);
    }

    pub(super) fn unregister(&mut self, client: ClientId) {
        self.registrations.remove(&client);
    }

    /// Whether another client's registration stands against this one.
    ///
    /// Spec: T-Library reference §6.16 rule 1
    pub(super) fn conflicts(&self, client: ClientId, mode: RegisterMode) -> bool {
        self.registrations.iter().any(|(other, held)| {
            *other != client
                && match mode {
                    RegisterMode::MODE_PRIVATE => *held != RegisterMode::MODE_MONITOR,
                    RegisterMode::MODE_SHARE => *held == RegisterMode::MODE_PRIVATE,
                    _ => false,
                }
        })
    }
}
