//! Request methods: an open set, from one table.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::header::scan::is_token;

macro_rules! methods {
    ($( $(#[$doc:meta])* $constant:ident = $name:literal; )*) => {
        /// The methods of the table, in its order.
        const NAMES: &[&str] = &[$($name),*];

        #[repr(u8)]
        #[expect(clippy::upper_case_acronyms, reason = "methods are written in capitals")]
        enum Index { $($constant),* }

        impl Method {
            $( $(#[$doc])* pub const $constant: Self = Self(Repr::Known(Index::$constant as u8)); )*

            /// Every method of the table.
            pub const ALL: &[Self] = &[$(Self::$constant),*];
        }
    };
}

/// Method of a request. Any token is a method; those of the table are constants.
///
/// Methods are compared with case, as they are on the wire: `invite` is not INVITE.
///
/// Spec: RFC 3261 §7.1
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Method(Repr);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Repr {
    Known(u8),
    Other(Arc<str>),
}

methods! {
    /// Starts or changes a session. Spec: RFC 3261 §13
    INVITE = "INVITE";
    /// Confirms a final response to INVITE. Spec: RFC 3261 §13
    ACK = "ACK";
    /// Ends a session. Spec: RFC 3261 §15
    BYE = "BYE";
    /// Gives up a pending request. Spec: RFC 3261 §9
    CANCEL = "CANCEL";
    /// Asks for capabilities. Spec: RFC 3261 §11
    OPTIONS = "OPTIONS";
    /// Binds an address of record to contacts. Spec: RFC 3261 §10
    REGISTER = "REGISTER";
    /// Application data inside a session. Spec: RFC 6086
    INFO = "INFO";
    /// Changes a session without a new INVITE. Spec: RFC 3311
    UPDATE = "UPDATE";
    /// Confirms a reliable provisional response. Spec: RFC 3262
    PRACK = "PRACK";
    /// Asks the peer to send a request elsewhere. Spec: RFC 3515
    REFER = "REFER";
    /// Tells a subscriber the state. Spec: RFC 6665
    NOTIFY = "NOTIFY";
    /// Asks to be told of a state. Spec: RFC 6665
    SUBSCRIBE = "SUBSCRIBE";
    /// An instant message. Spec: RFC 3428
    MESSAGE = "MESSAGE";
    /// Publishes event state. Spec: RFC 3903
    PUBLISH = "PUBLISH";
}

impl Method {
    /// The method with that name; `None` when the name is not a token.
    pub fn from_name(name: &str) -> Option<Self> {
        if let Some(known) = NAMES.iter().position(|known| *known == name) {
            return u8::try_from(known).ok().map(|known| Self(Repr::Known(known)));
        }
        is_token(name.as_bytes()).then(|| Self(Repr::Other(name.into())))
    }

    /// The name on the wire.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Repr::Known(known) => NAMES[usize::from(*known)],
            Repr::Other(name) => name,
        }
    }

    /// Whether the method is one of the table.
    pub const fn is_known(&self) -> bool {
        matches!(self.0, Repr::Known(_))
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not a token, so it names no method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("method is not a token")]
pub struct NotAMethod;

impl FromStr for Method {
    type Err = NotAMethod;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::from_name(name).ok_or(NotAMethod)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_of_the_table_is_found_by_its_name_and_the_names_differ() {
        for method in Method::ALL {
            assert_eq!(Method::from_name(method.as_str()).as_ref(), Some(method));
        }
        let mut names: Vec<_> = NAMES.to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 14);
    }

    #[test]
    fn any_token_is_a_method_and_case_matters() {
        assert_eq!(
            Method::from_name("FOOBAR")
                .map(|method| method.to_string())
                .as_deref(),
            Some("FOOBAR")
        );
        assert_ne!(Method::from_name("invite"), Some(Method::INVITE));
        assert!(Method::from_name("RE%47IST%45R").is_some_and(|method| method != Method::REGISTER));
        assert_eq!(Method::from_name(""), None);
        assert_eq!(Method::from_name("A B"), None);
    }
}
