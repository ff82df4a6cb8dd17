//! Sends.
use super::Session;
impl Session {
    pub(super) fn fire_timers(&mut self) {}
}
