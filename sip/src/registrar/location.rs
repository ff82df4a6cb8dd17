//! Where local users can be reached now: bindings of contacts to addresses of record, with their flows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crate::transport::Flow;
use crate::uri::Uri;

/// One contact of a local user.
///
/// Spec: RFC 3261 §10.2.1
#[derive(Clone)]
#[non_exhaustive]
pub struct Binding {
    /// The contact, as it was registered.
    pub contact: Uri,
    /// The flow the registration came along; calls to the contact go back along it, which passes NATs and uses
    /// the connection that a TCP client opened.
    ///
    /// Spec: RFC 5626 §5.3
    pub flow: Flow,
    /// When the binding ends.
    pub expires_at: Instant,
    /// Call-ID of the registration.
    pub(crate) call_id: String,
    /// CSeq number of the registration.
    pub(crate) cseq: u32,
}

/// Why a binding was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// The request is older than the one that made the binding.
    #[error("registration is older than the binding")]
    OutOfOrder,
    /// The user has as many contacts as allowed.
    #[error("too many contacts for one user")]
    TooManyContacts,
    /// The store is full.
    #[error("too many bindings")]
    Full,
}

/// The contact, lifetime and origin of a change.
pub(crate) struct Update {
    /// The contact.
    pub(crate) contact: Uri,
    /// `None` removes it.
    pub(crate) expires_at: Option<Instant>,
}

/// The bindings of all local users, in memory.
///
/// Finding a user and finding the users of a flow are logarithmic in the number of users; expiry looks at the
/// bindings that are due only.
#[derive(Default)]
pub struct LocationService {
    users: BTreeMap<String, Vec<Binding>>,
    flows: BTreeMap<Flow, BTreeMap<String, usize>>,
    due: BTreeSet<(Instant, String)>,
    bindings: usize,
}

impl LocationService {
    /// A store without bindings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The contacts of a user; empty when the user is not registered.
    #[must_use]
    pub fn lookup(&self, user: &str) -> &[Binding] {
        self.users.get(user).map_or(&[], Vec::as_slice)
    }

    /// Whether the user has a binding along that flow.
    #[must_use]
    pub fn is_bound(&self, flow: &Flow, user: &str) -> bool {
        self.flows.get(flow).is_some_and(|users| users.contains_key(user))
    }

    /// The users with a binding along that flow, in order of their names.
    pub fn users_on(&self, flow: &Flow) -> impl Iterator<Item = &str> {
        self.flows
            .get(flow)
            .into_iter()
            .flat_map(|users| users.keys().map(String::as_str))
    }

    /// Number of bindings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bindings
    }

    /// Whether there is no binding.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bindings == 0
    }

    /// When the next binding expires.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Carries out all changes of one registration, or none of them.
    ///
    /// Spec: RFC 3261 §10.3 item 7
    pub(crate) fn apply(
        &mut self,
        user: &str,
        flow: Flow,
        call_id: &str,
        cseq: u32,
        updates: Vec<Update>,
        limits: (usize, usize),
    ) -> Result<(), LocationError> {
        let before = self.users.get(user).cloned().unwrap_or_default();
        let mut after = before.clone();
        for update in updates {
            let found = after
                .iter()
                .position(|binding| binding.contact.equivalent(&update.contact));
            if let Some(binding) = found.and_then(|at| after.get(at))
                && binding.call_id == call_id
                && binding.cseq >= cseq
            {
                return Err(LocationError::OutOfOrder);
            }
            match (found, update.expires_at) {
                (Some(at), None) => {
                    after.remove(at);
                }
                (None, None) => {}
                (found, Some(expires_at)) => {
                    let binding = Binding {
                        contact: update.contact,
                        flow,
                        expires_at,
                        call_id: call_id.to_owned(),
                        cseq,
                    };
                    match found.and_then(|at| after.get_mut(at)) {
                        Some(slot) => *slot = binding,
                        None => after.push(binding),
                    }
                }
            }
        }
        let (per_user, total) = limits;
        if after.len() > per_user && after.len() > before.len() {
            return Err(LocationError::TooManyContacts);
        }
        if after.len() > before.len() && self.bindings - before.len() + after.len() > total {
            return Err(LocationError::Full);
        }
        self.replace(user, after);
        Ok(())
    }

    /// Removes all contacts of a user, unless the request is older than one of them.
    ///
    /// Spec: RFC 3261 §10.3 item 6
    pub(crate) fn clear(&mut self, user: &str, call_id: &str, cseq: u32) -> Result<(), LocationError> {
        if self
            .lookup(user)
            .iter()
            .any(|binding| binding.call_id == call_id && binding.cseq >= cseq)
        {
            return Err(LocationError::OutOfOrder);
        }
        self.replace(user, Vec::new());
        Ok(())
    }

    /// Removes what is due; returns the users that have no contact any more.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<String> {
        let mut gone = Vec::new();
        while let Some((at, user)) = self.due.first().cloned() {
            if at > now {
                break;
            }
            let rest: Vec<_> = self
                .lookup(&user)
                .iter()
                .filter(|binding| binding.expires_at > now)
                .cloned()
                .collect();
            if rest.is_empty() {
                gone.push(user.clone());
            }
            self.replace(&user, rest);
        }
        gone
    }

    /// Removes the bindings of a flow that is lost; returns the users that have no contact any more.
    ///
    /// Spec: RFC 5626 §5.3.1
    pub(crate) fn lose_flow(&mut self, flow: &Flow) -> Vec<String> {
        let users: Vec<String> = self.users_on(flow).map(str::to_owned).collect();
        let mut gone = Vec::new();
        for user in users {
            let rest: Vec<_> = self
                .lookup(&user)
                .iter()
                .filter(|binding| binding.flow != *flow)
                .cloned()
                .collect();
            if rest.is_empty() {
                gone.push(user.clone());
            }
            self.replace(&user, rest);
        }
        gone
    }

    fn replace(&mut self, user: &str, after: Vec<Binding>) {
        for binding in self.users.remove(user).unwrap_or_default() {
            self.bindings -= 1;
            self.due.remove(&(binding.expires_at, user.to_owned()));
            if let Some(users) = self.flows.get_mut(&binding.flow) {
                if let Some(count) = users.get_mut(user) {
                    *count -= 1;
                    if *count == 0 {
                        users.remove(user);
                    }
                }
                if users.is_empty() {
                    self.flows.remove(&binding.flow);
                }
            }
        }
        for binding in &after {
            self.bindings += 1;
            self.due.insert((binding.expires_at, user.to_owned()));
            *self
                .flows
                .entry(binding.flow)
                .or_default()
                .entry(user.to_owned())
                .or_default() += 1;
        }
        if !after.is_empty() {
            self.users.insert(user.to_owned(), after);
        }
    }
}
