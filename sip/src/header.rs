//! Header fields: names, and typed values read on demand.

mod name;
mod name_addr;
pub(crate) mod param;
pub(crate) mod scan;
pub(crate) mod text;
mod value;
mod via;

pub(crate) use name::{HeaderId, Shape};
pub use name::{HeaderName, NotAHeaderName};
pub use name_addr::NameAddr;
pub use param::{Param, Params};
pub(crate) use scan::ListValues;
pub use scan::{quote, unquote};
pub use value::{CSeq, HeaderError, ValueError};
pub use via::Via;
