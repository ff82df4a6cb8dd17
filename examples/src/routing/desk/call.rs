//! What the desk remembers of a call.

use std::time::Instant;

use orchestration::InteractionId;
use tlib::{AgentId, ConnId};

use super::submit::ActiveSubmit;
use super::treatment::Treatments;

/// A call that asked for a route.
#[derive(Debug)]
pub(super) struct Call {
    /// Its name in the strategies.
    pub(super) interaction: InteractionId,
    conn: ConnId,
    /// The routing point that it came to.
    pub(super) point: String,
    /// Whether it waits there now.
    pub(super) at_point: bool,
    /// Whether a destination answered.
    pub(super) established: bool,
    /// When the desk gives it up, after a destination did not answer.
    pub(super) returns_by: Option<Instant>,
    pub(super) treatments: Treatments,
    pub(super) submit: Option<ActiveSubmit>,
    /// The agent that it was routed to last.
    pub(super) agent: Option<AgentId>,
}

impl Call {
    pub(super) fn new(conn: ConnId, interaction: InteractionId, point: &str) -> Self {
        Self {
            interaction,
            conn,
            point: point.to_owned(),
            at_point: true,
            established: false,
            returns_by: None,
            treatments: Treatments::default(),
            submit: None,
            agent: None,
        }
    }

    /// Its name in the router.
    pub(super) fn routing_id(&self) -> routing::InteractionId {
        routing::InteractionId::new(self.conn.to_string())
    }
}
