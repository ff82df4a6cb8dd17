//! Invocations.
use super::Session;
use crate::document::*;
impl Session {
    pub(super) fn start_invocations(&mut self, _doc: &Document) {}
    pub(super) fn cancel_invocations(&mut self, _state: StateId) {}
    pub(super) fn run_finalize(&mut self, _doc: &Document, _def: &InvokeDef) {}
}
