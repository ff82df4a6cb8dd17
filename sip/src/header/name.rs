//! Header names: an open set, from one table with compact forms.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::scan::is_token;

/// How the field may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// At most one field with one value.
    Single,
    /// A comma list over one or more fields.
    List,
    /// One value per field (commas belong to the value), any number of fields.
    Repeated,
}

struct Row {
    name: &'static str,
    compact: u8,
    shape: Shape,
}

macro_rules! header_names {
    ($( $constant:ident = $name:literal $compact:literal $shape:ident $spec:literal; )*) => {
        static ROWS: &[Row] = &[$( Row { name: $name, compact: $compact, shape: Shape::$shape } ),*];

        #[repr(u8)]
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "generated from the constants")]
        enum Index { $($constant),* }

        impl HeaderName {
            $(
                #[doc = concat!("`", $name, "`. Spec: ", $spec)]
                pub const $constant: Self = Self(Repr::Known(Index::$constant as u8));
            )*

            /// Every name of the table.
            pub const ALL: &[Self] = &[$(Self::$constant),*];
        }
    };
}

/// Name of a header field. Any token is a name; those of the table are constants.
///
/// Names are compared without case, and a compact form is the same name as its long form.
///
/// Spec: RFC 3261 §7.3.1, §20
#[derive(Clone)]
pub struct HeaderName(Repr);

#[derive(Clone)]
enum Repr {
    Known(u8),
    Other(Arc<str>),
}

header_names! {
    VIA = "Via" b'v' List "RFC 3261 §20.42";
    FROM = "From" b'f' Single "RFC 3261 §20.20";
    TO = "To" b't' Single "RFC 3261 §20.39";
    CALL_ID = "Call-ID" b'i' Single "RFC 3261 §20.8";
    CSEQ = "CSeq" 0 Single "RFC 3261 §20.16";
    CONTACT = "Contact" b'm' List "RFC 3261 §20.10";
    MAX_FORWARDS = "Max-Forwards" 0 Single "RFC 3261 §20.22";
    CONTENT_LENGTH = "Content-Length" b'l' Single "RFC 3261 §20.14";
    CONTENT_TYPE = "Content-Type" b'c' Single "RFC 3261 §20.15";
    ROUTE = "Route" 0 List "RFC 3261 §20.34";
    RECORD_ROUTE = "Record-Route" 0 List "RFC 3261 §20.30";
    EXPIRES = "Expires" 0 Single "RFC 3261 §20.19";
    ALLOW = "Allow" 0 List "RFC 3261 §20.5";
    SUPPORTED = "Supported" b'k' List "RFC 3261 §20.37";
    REQUIRE = "Require" 0 List "RFC 3261 §20.32";
    UNSUPPORTED = "Unsupported" 0 List "RFC 3261 §20.40";
    USER_AGENT = "User-Agent" 0 Single "RFC 3261 §20.41";
    SERVER = "Server" 0 Single "RFC 3261 §20.35";
    AUTHORIZATION = "Authorization" 0 Repeated "RFC 3261 §20.7";
    PROXY_AUTHORIZATION = "Proxy-Authorization" 0 Repeated "RFC 3261 §20.28";
    WWW_AUTHENTICATE = "WWW-Authenticate" 0 Repeated "RFC 3261 §20.44";
    PROXY_AUTHENTICATE = "Proxy-Authenticate" 0 Repeated "RFC 3261 §20.27";
    AUTHENTICATION_INFO = "Authentication-Info" 0 Repeated "RFC 3261 §20.6";
    ACCEPT = "Accept" 0 List "RFC 3261 §20.1";
    ACCEPT_ENCODING = "Accept-Encoding" 0 List "RFC 3261 §20.2";
    ACCEPT_LANGUAGE = "Accept-Language" 0 List "RFC 3261 §20.3";
    ALERT_INFO = "Alert-Info" 0 List "RFC 3261 §20.4";
    CALL_INFO = "Call-Info" 0 List "RFC 3261 §20.9";
    CONTENT_DISPOSITION = "Content-Disposition" 0 Single "RFC 3261 §20.11";
    CONTENT_ENCODING = "Content-Encoding" b'e' List "RFC 3261 §20.12";
    CONTENT_LANGUAGE = "Content-Language" 0 List "RFC 3261 §20.13";
    DATE = "Date" 0 Single "RFC 3261 §20.17";
    ERROR_INFO = "Error-Info" 0 List "RFC 3261 §20.18";
    IN_REPLY_TO = "In-Reply-To" 0 List "RFC 3261 §20.21";
    MIN_EXPIRES = "Min-Expires" 0 Single "RFC 3261 §20.23";
    MIME_VERSION = "MIME-Version" 0 Single "RFC 3261 §20.24";
    ORGANIZATION = "Organization" 0 Single "RFC 3261 §20.25";
    PRIORITY = "Priority" 0 Single "RFC 3261 §20.26";
    PROXY_REQUIRE = "Proxy-Require" 0 List "RFC 3261 §20.29";
    REPLY_TO = "Reply-To" 0 Single "RFC 3261 §20.31";
    RETRY_AFTER = "Retry-After" 0 Single "RFC 3261 §20.33";
    SUBJECT = "Subject" b's' Single "RFC 3261 §20.36";
    TIMESTAMP = "Timestamp" 0 Single "RFC 3261 §20.38";
    WARNING = "Warning" 0 List "RFC 3261 §20.43";
    RACK = "RAck" 0 Single "RFC 3262 §7.2";
    RSEQ = "RSeq" 0 Single "RFC 3262 §7.1";
    EVENT = "Event" b'o' Single "RFC 6665 §8.2.1";
    ALLOW_EVENTS = "Allow-Events" b'u' List "RFC 6665 §8.2.2";
    SUBSCRIPTION_STATE = "Subscription-State" 0 Single "RFC 6665 §8.2.3";
    REFER_TO = "Refer-To" b'r' Single "RFC 3515 §2.1";
    REFERRED_BY = "Referred-By" b'b' Single "RFC 3892 §3";
    REFER_SUB = "Refer-Sub" 0 Single "RFC 4488 §4";
    REPLACES = "Replaces" 0 Single "RFC 3891 §6.1";
    JOIN = "Join" 0 Single "RFC 3911 §7.1";
    TARGET_DIALOG = "Target-Dialog" 0 Single "RFC 4538 §7";
    SESSION_EXPIRES = "Session-Expires" b'x' Single "RFC 4028 §4";
    MIN_SE = "Min-SE" 0 Single "RFC 4028 §5";
    PATH = "Path" 0 List "RFC 3327 §4";
    SERVICE_ROUTE = "Service-Route" 0 List "RFC 3608 §5";
    FLOW_TIMER = "Flow-Timer" 0 Single "RFC 5626 §4.4";
    REASON = "Reason" 0 List "RFC 3326 §2";
    PRIVACY = "Privacy" 0 Single "RFC 3323 §4.2";
    P_ASSERTED_IDENTITY = "P-Asserted-Identity" 0 List "RFC 3325 §9.1";
    P_PREFERRED_IDENTITY = "P-Preferred-Identity" 0 List "RFC 3325 §9.2";
    SIP_ETAG = "SIP-ETag" 0 Single "RFC 3903 §11.3.1";
    SIP_IF_MATCH = "SIP-If-Match" 0 Single "RFC 3903 §11.3.2";
    REQUEST_DISPOSITION = "Request-Disposition" b'd' List "RFC 3841 §9.1";
    ACCEPT_CONTACT = "Accept-Contact" b'a' List "RFC 3841 §9.2";
    REJECT_CONTACT = "Reject-Contact" b'j' List "RFC 3841 §9.2";
    IDENTITY = "Identity" b'y' Repeated "RFC 8224 §4";
    IDENTITY_INFO = "Identity-Info" b'n' Single "RFC 4474 §9";
    DIVERSION = "Diversion" 0 List "RFC 5806 §4";
    HISTORY_INFO = "History-Info" 0 List "RFC 7044 §5";
    USER_TO_USER = "User-to-User" 0 List "RFC 7433 §4";
    SESSION_ID = "Session-ID" 0 Single "RFC 7989 §5";
    INFO_PACKAGE = "Info-Package" 0 Single "RFC 6086 §7";
    RECV_INFO = "Recv-Info" 0 List "RFC 6086 §7";
    ANSWER_MODE = "Answer-Mode" 0 Single "RFC 5373 §4";
    MAX_BREADTH = "Max-Breadth" 0 Single "RFC 5393 §5";
    RESOURCE_PRIORITY = "Resource-Priority" 0 List "RFC 4412 §3.1";
}

/// Longest name of the table, plus one.
const LENGTHS: usize = 24;
/// Most names of one length.
const BUCKET: usize = 16;
const NONE: u8 = u8::MAX;

/// First eight octets of the name with the case bit set, as one number.
const fn key(name: &[u8]) -> u64 {
    let mut key = 0u64;
    let mut at = 0;
    while at < name.len() && at < 8 {
        key |= ((name[at] | 0x20) as u64) << (8 * at);
        at += 1;
    }
    key
}

/// Names of each length, with their keys: what a lookup looks at.
static BY_LENGTH: [[(u64, u8); BUCKET]; LENGTHS] = {
    let mut table = [[(0, NONE); BUCKET]; LENGTHS];
    let mut row = 0;
    while row < ROWS.len() {
        let name = ROWS[row].name.as_bytes();
        let mut slot = 0;
        while table[name.len()][slot].1 != NONE {
            slot += 1;
        }
        table[name.len()][slot] = (key(name), row as u8);
        row += 1;
    }
    table
};

static BY_COMPACT: [u8; 256] = {
    let mut table = [NONE; 256];
    let mut row = 0;
    while row < ROWS.len() {
        let compact = ROWS[row].compact;
        if compact != 0 {
            table[compact as usize] = row as u8;
            table[compact.to_ascii_uppercase() as usize] = row as u8;
        }
        row += 1;
    }
    table
};

/// What an entry of a header table keeps of a name: the row, or that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeaderId(u8);

impl HeaderId {
    pub(crate) const OTHER: Self = Self(NONE);
    pub(crate) const CONTENT_LENGTH: Self = Self(Index::CONTENT_LENGTH as u8);

    /// Finds a name by its length and first octets. Long and compact forms, without case.
    pub(crate) fn find(name: &[u8]) -> Self {
        if let [letter] = name {
            return Self(BY_COMPACT[usize::from(*letter)]);
        }
        let Some(bucket) = BY_LENGTH.get(name.len()) else {
            return Self::OTHER;
        };
        let wanted = key(name);
        for (key, row) in bucket {
            if *row == NONE {
                break;
            }
            if *key == wanted && ROWS[usize::from(*row)].name.as_bytes().eq_ignore_ascii_case(name) {
                return Self(*row);
            }
        }
        Self::OTHER
    }

    /// The name of the table.
    pub(crate) fn name(self) -> Option<HeaderName> {
        (self != Self::OTHER).then_some(HeaderName(Repr::Known(self.0)))
    }

    pub(crate) fn shape(self) -> Shape {
        ROWS.get(usize::from(self.0))
            .map_or(Shape::Repeated, |row| row.shape)
    }
}

impl HeaderName {
    /// The header with that name, long or compact, in any case; `None` when it is not a token.
    pub fn from_name(name: &str) -> Option<Self> {
        let id = HeaderId::find(name.as_bytes());
        id.name()
            .or_else(|| is_token(name.as_bytes()).then(|| Self(Repr::Other(name.into()))))
    }

    /// The long form of the name, as it is registered (unknown names: as they were given).
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Repr::Known(row) => ROWS[usize::from(*row)].name,
            Repr::Other(name) => name,
        }
    }

    /// The one-letter form, if there is one.
    pub fn compact(&self) -> Option<char> {
        match &self.0 {
            Repr::Known(row) => Some(ROWS[usize::from(*row)].compact)
                .filter(|c| *c != 0)
                .map(char::from),
            Repr::Other(_) => None,
        }
    }

    /// Whether values of the field may be joined with commas.
    pub fn is_list(&self) -> bool {
        self.id().shape() == Shape::List
    }

    /// Whether the field may stand in a message only once.
    pub fn is_single(&self) -> bool {
        self.id().shape() == Shape::Single
    }

    pub(crate) const fn id(&self) -> HeaderId {
        match &self.0 {
            Repr::Known(row) => HeaderId(*row),
            Repr::Other(_) => HeaderId::OTHER,
        }
    }
}

impl PartialEq for HeaderName {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Repr::Known(a), Repr::Known(b)) => a == b,
            (Repr::Other(a), Repr::Other(b)) => a.eq_ignore_ascii_case(b),
            _ => false,
        }
    }
}

impl Eq for HeaderName {}

impl std::hash::Hash for HeaderName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        for octet in self.as_str().bytes() {
            state.write_u8(octet.to_ascii_lowercase());
        }
    }
}

impl PartialOrd for HeaderName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for HeaderName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let lower = |name: &Self| name.as_str().to_ascii_lowercase();
        lower(self).cmp(&lower(other))
    }
}

impl fmt::Debug for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not a token, so it names no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("header name is not a token")]
pub struct NotAHeaderName;

impl FromStr for HeaderName {
    type Err = NotAHeaderName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::from_name(name).ok_or(NotAHeaderName)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_table_is_found_in_any_case_and_in_its_compact_form() {
        for name in HeaderName::ALL {
            assert_eq!(
                HeaderName::from_name(&name.as_str().to_ascii_uppercase()).as_ref(),
                Some(name)
            );
            assert_eq!(
                HeaderName::from_name(&name.as_str().to_ascii_lowercase()).as_ref(),
                Some(name)
            );
            if let Some(compact) = name.compact() {
                assert_eq!(HeaderName::from_name(&compact.to_string()).as_ref(), Some(name));
                assert_eq!(
                    HeaderName::from_name(&compact.to_ascii_uppercase().to_string()).as_ref(),
                    Some(name)
                );
            }
        }
        assert_eq!(HeaderName::ALL.len(), 80);
    }

    #[test]
    fn no_name_and_no_compact_form_is_there_twice() {
        let mut names: Vec<_> = ROWS.iter().map(|row| row.name.to_ascii_lowercase()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROWS.len());
        let mut compact: Vec<_> = ROWS.iter().map(|row| row.compact).filter(|c| *c != 0).collect();
        let count = compact.len();
        compact.sort_unstable();
        compact.dedup();
        assert_eq!(compact.len(), count);
    }

    #[test]
    fn unknown_names_are_kept_and_compared_without_case() {
        let name = HeaderName::from_name("X-Some-Thing").unwrap();
        assert_eq!(name, HeaderName::from_name("x-some-thing").unwrap());
        assert_eq!(name.as_str(), "X-Some-Thing");
        assert_eq!(
            HeaderName::from_name("Subjecz")
                .map(|name| name.as_str().to_owned())
                .as_deref(),
            Some("Subjecz")
        );
        assert_eq!(HeaderName::from_name("no name"), None);
        assert_eq!(HeaderName::from_name("\u{e9}"), None);
    }
}
