//! Executable content.
use super::Session;
use crate::document::*;
use crate::value::Value;
impl Session {
    pub(super) fn run_block(&mut self, _doc: &Document, _block: &Block) -> bool { true }
    pub(super) fn inline_value(&mut self, _inline: &Inline) -> Value { Value::Undefined }
    pub(super) fn done_data(&mut self, _d: &DoneData) -> Value { Value::Undefined }
}
