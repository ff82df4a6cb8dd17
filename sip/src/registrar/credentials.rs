//! Who is a local user, and how one proves it.

use std::collections::BTreeMap;
use std::fmt;

/// What proves that somebody is a local user.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// Digest with this password.
    Password(String),
    /// Nothing: whoever is inside the trusted networks may be this user.
    Open,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password(_) => "Password(..)",
            Self::Open => "Open",
        })
    }
}

/// The local users: those who may register, and whose names nobody else may call under.
///
/// Asked in the path of every INVITE and REGISTER, so an implementation answers from memory.
pub trait CredentialStore: Send + Sync {
    /// The credential of a local user; `None`: there is no such user.
    fn credential(&self, user: &str) -> Option<Credential>;
}

/// A fixed set of local users.
///
/// ```
/// use sip::registrar::{Credential, CredentialStore, MemoryCredentials};
///
/// let users = MemoryCredentials::new().with_password("7001", "secret").with_open("lobby");
/// assert_eq!(users.credential("lobby"), Some(Credential::Open));
/// assert_eq!(users.credential("7002"), None);
/// ```
#[derive(Clone, Default)]
pub struct MemoryCredentials {
    users: BTreeMap<String, Credential>,
}

impl MemoryCredentials {
    /// No users.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a user with a password.
    #[must_use]
    pub fn with_password(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.users
            .insert(user.into(), Credential::Password(password.into()));
        self
    }

    /// Adds a user without password.
    #[must_use]
    pub fn with_open(mut self, user: impl Into<String>) -> Self {
        self.users.insert(user.into(), Credential::Open);
        self
    }
}

impl fmt::Debug for MemoryCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCredentials")
            .field("users", &self.users.len())
            .finish()
    }
}

impl CredentialStore for MemoryCredentials {
    fn credential(&self, user: &str) -> Option<Credential> {
        self.users.get(user).cloned()
    }
}
