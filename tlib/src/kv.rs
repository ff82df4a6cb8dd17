//! Key-value lists: ordered, keys may repeat, values may nest.

use std::fmt;

use bytes::Bytes;

use crate::pii::REDACTED;

/// An ordered list of key-value pairs, as carried by `UserData`, `Extensions` and `Reasons`.
///
/// Keys may repeat; [`KvList::get`] answers the first. Order is kept on the wire and in logs.
/// `Debug` shows keys and redacts values, which are personal data.
///
/// Spec: T-Library reference §3 (TKVType), §9
#[derive(Clone, Default, PartialEq, Eq)]
pub struct KvList {
    pairs: Vec<KvPair>,
}

/// One pair of a [`KvList`].
#[derive(Clone, PartialEq, Eq)]
pub struct KvPair {
    /// The key.
    pub key: String,
    /// The value.
    pub value: KvValue,
}

/// Value of a pair.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KvValue {
    /// Text.
    Str(String),
    /// 32-bit signed integer.
    Int(i32),
    /// Uninterpreted bytes.
    Binary(Bytes),
    /// A nested list.
    List(KvList),
    /// Text that the sender marked as Unicode.
    Unicode(String),
    /// A value of a kind outside the table, kept as it came.
    Unknown {
        /// Kind as sent, without the flag for large values; 5 to 127.
        kind: u8,
        /// The value's bytes.
        data: Bytes,
    },
}

impl KvList {
    /// Empty list.
    pub const fn new() -> Self {
        Self { pairs: Vec::new() }
    }

    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Adds a pair at the end, also if the key exists.
    pub fn push(&mut self, key: impl Into<String>, value: impl Into<KvValue>) {
        self.pairs.push(KvPair {
            key: key.into(),
            value: value.into(),
        });
    }

    /// [`KvList::push`] for building in one expression.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<KvValue>) -> Self {
        self.push(key, value);
        self
    }

    /// First value under `key`.
    pub fn get(&self, key: &str) -> Option<&KvValue> {
        self.pairs
            .iter()
            .find(|pair| pair.key == key)
            .map(|pair| &pair.value)
    }

    /// First value under `key` if it is text.
    pub fn get_str(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            KvValue::Str(text) | KvValue::Unicode(text) => Some(text),
            _ => None,
        }
    }

    /// First value under `key` if it is an integer.
    pub fn get_int(&self, key: &str) -> Option<i32> {
        match self.get(key)? {
            KvValue::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// First value under `key` if it is a list.
    pub fn get_list(&self, key: &str) -> Option<&KvList> {
        match self.get(key)? {
            KvValue::List(list) => Some(list),
            _ => None,
        }
    }

    /// Replaces the first value under `key` and drops its other values, or adds the pair at the end.
    pub fn set(&mut self, key: &str, value: impl Into<KvValue>) {
        let value = value.into();
        match self.pairs.iter().position(|pair| pair.key == key) {
            Some(first) => {
                self.pairs[first].value = value;
                let mut index = 0;
                self.pairs.retain(|pair| {
                    let keep = index <= first || pair.key != key;
                    index += 1;
                    keep
                });
            }
            None => self.push(key, value),
        }
    }

    /// Removes every pair with `key`; answers how many there were.
    pub fn remove(&mut self, key: &str) -> usize {
        let before = self.pairs.len();
        self.pairs.retain(|pair| pair.key != key);
        before - self.pairs.len()
    }

    /// The pairs in order.
    pub fn iter(&self) -> std::slice::Iter<'_, KvPair> {
        self.pairs.iter()
    }
}

impl KvValue {
    /// Name of the kind as the log formats print it.
    pub const fn log_class(&self) -> &'static str {
        match self {
            Self::Str(_) => "str",
            Self::Int(_) => "int",
            Self::Binary(_) => "binary",
            Self::List(_) => "bstr",
            Self::Unicode(_) => "unicode",
            Self::Unknown { .. } => "unknown",
        }
    }
}

impl fmt::Debug for KvList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for pair in self {
            map.entry(&pair.key, &pair.value);
        }
        map.finish()
    }
}

impl fmt::Debug for KvPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?}", self.key, self.value)
    }
}

impl fmt::Debug for KvValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(list) => list.fmt(f),
            _ => write!(f, "{}({REDACTED})", self.log_class()),
        }
    }
}

impl Extend<KvPair> for KvList {
    fn extend<I: IntoIterator<Item = KvPair>>(&mut self, pairs: I) {
        self.pairs.extend(pairs);
    }
}

impl IntoIterator for KvList {
    type Item = KvPair;
    type IntoIter = std::vec::IntoIter<KvPair>;

    fn into_iter(self) -> Self::IntoIter {
        self.pairs.into_iter()
    }
}

impl<'a> IntoIterator for &'a KvList {
    type Item = &'a KvPair;
    type IntoIter = std::slice::Iter<'a, KvPair>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<KvPair> for KvList {
    fn from_iter<I: IntoIterator<Item = KvPair>>(pairs: I) -> Self {
        Self {
            pairs: pairs.into_iter().collect(),
        }
    }
}

impl From<&str> for KvValue {
    fn from(value: &str) -> Self {
        Self::Str(value.to_owned())
    }
}

impl From<String> for KvValue {
    fn from(value: String) -> Self {
        Self::Str(value)
    }
}

impl From<i32> for KvValue {
    fn from(value: i32) -> Self {
        Self::Int(value)
    }
}

impl From<Bytes> for KvValue {
    fn from(value: Bytes) -> Self {
        Self::Binary(value)
    }
}

impl From<KvList> for KvValue {
    fn from(value: KvList) -> Self {
        Self::List(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_replaces_the_first_and_drops_the_rest() {
        let mut list = KvList::new().with("a", 1).with("b", 2).with("a", 3);
        list.set("a", 4);
        assert_eq!(list, KvList::new().with("a", 4).with("b", 2));
    }

    #[test]
    fn push_keeps_duplicates_and_get_answers_the_first() {
        let list = KvList::new().with("k", "one").with("k", "two");
        assert_eq!(list.len(), 2);
        assert_eq!(list.get_str("k"), Some("one"));
    }
}
