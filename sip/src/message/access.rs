//! Typed access: values are read when they are asked for.

use crate::header::text::Text;
use crate::header::{
    CSeq, HeaderError, HeaderId, HeaderName, ListValues, NameAddr, Shape, ValueError, Via, scan,
};
use crate::uri::Uri;

use super::table::{Entry, Place};
use super::{Message, StartLine};

/// One header field as it stands in the message.
#[derive(Clone, Copy)]
pub struct Header<'a> {
    id: HeaderId,
    name: &'a str,
    value: &'a [u8],
}

impl<'a> Header<'a> {
    /// Name as written, which may be a compact form.
    pub const fn written_name(&self) -> &'a str {
        self.name
    }

    /// The name.
    pub fn name(&self) -> Option<HeaderName> {
        self.id.name().or_else(|| HeaderName::from_name(self.name))
    }

    /// The value: octets, without white space on both sides, folded lines joined.
    pub const fn value(&self) -> &'a [u8] {
        self.value
    }

    /// The value, if it is UTF-8.
    pub fn text(&self) -> Option<&'a str> {
        std::str::from_utf8(self.value).ok()
    }

    pub(super) fn is_content_length(&self) -> bool {
        self.id == HeaderId::CONTENT_LENGTH
    }

    pub(super) fn long_name(&self) -> String {
        self.name()
            .map_or_else(|| self.name.to_owned(), |name| name.as_str().to_owned())
    }
}

impl std::fmt::Debug for Header<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, crate::pii::REDACTED)
    }
}

/// The header fields of a message, in order.
#[derive(Clone)]
pub struct Headers<'a> {
    message: &'a Message,
    entries: std::slice::Iter<'a, Entry>,
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next()?;
        let Message { table, buf, .. } = self.message;
        Some(Header {
            id: entry.id,
            name: table.name(buf, entry),
            value: table.value(buf, entry),
        })
    }
}

impl Message {
    /// Every header field, in order.
    pub fn headers(&self) -> Headers<'_> {
        Headers {
            message: self,
            entries: self.table.entries.iter(),
        }
    }

    /// Entries of that name, with their places in the table.
    pub(super) fn entries_of(&self, name: &HeaderName) -> impl Iterator<Item = (usize, &Entry)> {
        self.table
            .entries
            .iter()
            .enumerate()
            .filter(move |(_, entry)| self.is_named(entry, name))
    }

    fn is_named(&self, entry: &Entry, name: &HeaderName) -> bool {
        let id = name.id();
        let written = || self.table.name(&self.buf, entry);
        entry.id == id && (id != HeaderId::OTHER || written().eq_ignore_ascii_case(name.as_str()))
    }

    /// Value of the first field of that name, whole (a comma list is not split); `None` when there is none or it is
    /// not UTF-8 (see [`Message::header_bytes`]).
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.header_bytes(name)
            .and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Octets of the first field of that name.
    pub fn header_bytes(&self, name: &HeaderName) -> Option<&[u8]> {
        let (_, entry) = self.entries_of(name).next()?;
        Some(self.table.value(&self.buf, entry))
    }

    /// Whether a field of that name is there.
    pub fn has_header(&self, name: &HeaderName) -> bool {
        self.entries_of(name).next().is_some()
    }

    /// The values of all fields of that name, in order; comma lists are split where the header is a list. Values that
    /// are not UTF-8 are left out.
    pub fn header_values(&self, name: &HeaderName) -> impl Iterator<Item = &str> {
        let split = name.is_list();
        let texts = self
            .entries_of(name)
            .filter_map(|(_, entry)| std::str::from_utf8(self.table.value(&self.buf, entry)).ok());
        texts.flat_map(move |text| ListValues::new(text, split))
    }

    /// Values of a list of tokens (Supported, Require, Allow, ...), empty ones left out.
    pub fn tokens(&self, name: &HeaderName) -> impl Iterator<Item = &str> {
        self.header_values(name).filter(|token| !token.is_empty())
    }

    /// Whether a list of tokens has that one, without case.
    pub fn has_token(&self, name: &HeaderName, token: &str) -> bool {
        self.tokens(name).any(|found| found.eq_ignore_ascii_case(token))
    }

    /// The Request-URI.
    ///
    /// # Errors
    /// When it is not a URI, or this is a response.
    pub fn request_uri(&self) -> Result<Uri, HeaderError> {
        match &self.start {
            StartLine::Request { uri, .. } => Uri::from_text(uri.clone()).map_err(HeaderError::RequestUri),
            StartLine::Response { .. } => Err(HeaderError::RequestUri(ValueError::new(0, "a request"))),
        }
    }

    /// The topmost Via value.
    ///
    /// # Errors
    /// When there is none or it is malformed.
    pub fn top_via(&self) -> Result<Via, HeaderError> {
        self.vias()
            .next()
            .unwrap_or(Err(HeaderError::Missing(HeaderName::VIA)))
    }

    /// Every Via value, topmost first.
    pub fn vias(&self) -> impl Iterator<Item = Result<Via, HeaderError>> {
        self.typed(HeaderName::VIA, |text| Via::from_bytes(text.into_bytes()))
    }

    /// Who sent the request.
    ///
    /// # Errors
    /// When the field is missing, malformed or repeated.
    pub fn from(&self) -> Result<NameAddr, HeaderError> {
        self.single(HeaderName::FROM, NameAddr::from_text)
    }

    /// Whom the request was meant for.
    ///
    /// # Errors
    /// When the field is missing, malformed or repeated.
    pub fn to(&self) -> Result<NameAddr, HeaderError> {
        self.single(HeaderName::TO, NameAddr::from_text)
    }

    /// The Call-ID.
    ///
    /// # Errors
    /// When the field is missing, malformed or repeated.
    pub fn call_id(&self) -> Result<&str, HeaderError> {
        let value = self.single_text(&HeaderName::CALL_ID)?;
        let wrong = value.bytes().position(|octet| !octet.is_ascii_graphic());
        match wrong {
            None if !value.is_empty() => Ok(value),
            at => Err(malformed(HeaderName::CALL_ID)(ValueError::new(
                at.unwrap_or(0),
                "a word",
            ))),
        }
    }

    /// Sequence number and method.
    ///
    /// # Errors
    /// When the field is missing, malformed or repeated.
    pub fn cseq(&self) -> Result<CSeq, HeaderError> {
        CSeq::parse(self.single_text(&HeaderName::CSEQ)?).map_err(malformed(HeaderName::CSEQ))
    }

    /// The Contact values; `*` (see [`Message::is_contact_star`]) is left out.
    pub fn contacts(&self) -> impl Iterator<Item = Result<NameAddr, HeaderError>> {
        let star = self.is_contact_star();
        self.name_addrs(&HeaderName::CONTACT).filter(move |_| !star)
    }

    /// Whether the one Contact value is `*`: remove all bindings.
    ///
    /// Spec: RFC 3261 §10.2.2
    pub fn is_contact_star(&self) -> bool {
        self.header_values(&HeaderName::CONTACT).eq(["*"])
    }

    /// The Route values, first hop first.
    pub fn routes(&self) -> impl Iterator<Item = Result<NameAddr, HeaderError>> {
        self.name_addrs(&HeaderName::ROUTE)
    }

    /// The Record-Route values, topmost first.
    pub fn record_routes(&self) -> impl Iterator<Item = Result<NameAddr, HeaderError>> {
        self.name_addrs(&HeaderName::RECORD_ROUTE)
    }

    /// The addresses in all fields of that name (Path, P-Asserted-Identity, Refer-To, ...).
    pub fn name_addrs(&self, name: &HeaderName) -> impl Iterator<Item = Result<NameAddr, HeaderError>> {
        self.typed(name.clone(), NameAddr::from_text)
    }

    /// Max-Forwards; `None` when the field is not there.
    ///
    /// # Errors
    /// When the value is no number from 0 to 255 or the field is repeated.
    pub fn max_forwards(&self) -> Result<Option<u8>, HeaderError> {
        let wrong = malformed(HeaderName::MAX_FORWARDS)(ValueError::new(0, "a number up to 255"));
        match self.number(&HeaderName::MAX_FORWARDS)? {
            None => Ok(None),
            Some(number) => u8::try_from(number).map(Some).map_err(|_| wrong),
        }
    }

    /// Expires in seconds; `None` when the field is not there.
    ///
    /// # Errors
    /// When the value is no number below 2^32 or the field is repeated.
    pub fn expires(&self) -> Result<Option<u32>, HeaderError> {
        self.number(&HeaderName::EXPIRES)
    }

    /// The number in a field; parameters behind `;` and a comment are not looked at (Retry-After, Session-Expires).
    ///
    /// # Errors
    /// When the value is no number below 2^32 or the field is repeated.
    pub fn number(&self, name: &HeaderName) -> Result<Option<u32>, HeaderError> {
        let value = match self.single_text(name) {
            Ok(value) => value,
            Err(HeaderError::Missing(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let digits = value.split([';', '(', ' ', '\t']).next().unwrap_or_default();
        let number = scan::decimal(digits).ok_or(ValueError::new(0, "a number below 2^32"));
        number.map(Some).map_err(malformed(name.clone()))
    }

    /// Type and subtype of the body, without parameters: `application/sdp`.
    pub fn content_type(&self) -> Option<&str> {
        let value = self.header(&HeaderName::CONTENT_TYPE)?;
        Some(scan::trim(value.split(';').next().unwrap_or_default())).filter(|kind| !kind.is_empty())
    }

    /// Whether the body has that type, without case.
    pub fn is_content_type(&self, kind: &str) -> bool {
        self.content_type()
            .is_some_and(|found| found.eq_ignore_ascii_case(kind))
    }

    /// Text of a field that may stand only once.
    pub(super) fn single_text(&self, name: &HeaderName) -> Result<&str, HeaderError> {
        let value = self.table.value(&self.buf, self.single_entry(name)?);
        std::str::from_utf8(value)
            .map_err(|error| malformed(name.clone())(ValueError::new(error.valid_up_to(), "utf-8")))
    }

    fn single_entry(&self, name: &HeaderName) -> Result<&Entry, HeaderError> {
        let mut entries = self.entries_of(name);
        let (_, first) = entries.next().ok_or_else(|| HeaderError::Missing(name.clone()))?;
        match entries.next() {
            None => Ok(first),
            Some(_) => Err(HeaderError::Repeated(name.clone())),
        }
    }

    fn single<T>(&self, name: HeaderName, read: fn(Text) -> Result<T, ValueError>) -> Result<T, HeaderError> {
        let entry = self.single_entry(&name)?;
        let text = self.single_text(&name)?;
        read(self.share(entry, text)).map_err(malformed(name))
    }

    fn typed<T>(
        &self,
        name: HeaderName,
        read: fn(Text) -> Result<T, ValueError>,
    ) -> impl Iterator<Item = Result<T, HeaderError>> {
        let split = name.id().shape() == Shape::List;
        let wanted = name.clone();
        let entries = self
            .table
            .entries
            .iter()
            .filter(move |entry| self.is_named(entry, &wanted));
        entries.flat_map(move |entry| {
            let name = name.clone();
            // What is not UTF-8 is one malformed value.
            let text = std::str::from_utf8(self.table.value(&self.buf, entry)).unwrap_or("\u{fffd}");
            ListValues::new(text, split)
                .map(move |part| read(self.share(entry, part)).map_err(malformed(name.clone())))
        })
    }

    /// A part of an entry's value as a text on the message's buffer, where it lies there.
    fn share(&self, entry: &Entry, part: &str) -> Text {
        match entry.value_in {
            Place::Buffer => Text::part_of(&self.buf, part),
            Place::Extra => Text::from(part),
        }
    }
}

pub(super) fn malformed(name: HeaderName) -> impl FnOnce(ValueError) -> HeaderError {
    move |source| HeaderError::Malformed { name, source }
}
