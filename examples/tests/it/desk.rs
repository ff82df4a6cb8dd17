//! An application at the T-Library port: asks, and collects what it is told.

use std::sync::Arc;

use tlib::catalog::{AgentWorkMode, TreatmentType};
use tlib::{
    AttributeId, CallControl, CallControlExt, Client, ClientConfig, ConnId, Events, Message, MessageType,
};

use crate::mask::Mask;
use crate::site::{STEP, Site};

/// A connected T-Library client with DNs registered. Everything that it receives is kept, in order.
pub(crate) struct Desk {
    pub(crate) client: Client,
    events: Events,
    seen: Vec<Arc<Message>>,
    /// Events before it were waited for.
    read: usize,
    /// Events before it are not in [`Desk::log`].
    from: usize,
}

impl Desk {
    pub(crate) async fn connect(site: &Site, dns: &[&str]) -> Self {
        let address = site.cluster.addresses().tlib.to_string();
        let (client, events) = ClientConfig::new(address, "desk")
            .with_request_timeout(STEP)
            .build();
        client.connect().await.unwrap();
        let mut desk = Self {
            client,
            events,
            seen: Vec::new(),
            read: 0,
            from: 0,
        };
        for dn in dns {
            desk.client.register_address(dn).await.unwrap();
        }
        desk.fence().await;
        desk.mark();
        desk
    }

    /// Logs an agent in at its DN and makes it ready; what follows is in the log.
    pub(crate) async fn ready(&mut self, dn: &str) {
        self.client.agent_login(dn, dn, None).await.unwrap();
        self.client.agent_ready(dn, AgentWorkMode::UNKNOWN).await.unwrap();
        self.until(MessageType::EVENT_AGENT_READY, dn).await;
        self.mark_here();
    }

    /// Leaves what was received so far out of the log.
    pub(crate) fn mark(&mut self) {
        self.from = self.seen.len();
        self.read = self.seen.len();
    }

    /// Leaves what was waited for so far out of the log.
    pub(crate) fn mark_here(&mut self) {
        self.from = self.read;
    }

    /// The next event of this kind at a DN, which must come after those waited for before.
    pub(crate) async fn until(&mut self, kind: MessageType, dn: &str) -> Arc<Message> {
        self.until_that(&format!("{kind:?} at {dn}"), |event| {
            event.message_type == kind && event.this_dn() == Some(dn)
        })
        .await
    }

    pub(crate) async fn until_that(&mut self, what: &str, wanted: impl Fn(&Message) -> bool) -> Arc<Message> {
        let limit = tokio::time::sleep(STEP);
        tokio::pin!(limit);
        loop {
            while let Some(event) = self.seen.get(self.read) {
                self.read += 1;
                if wanted(event) {
                    return Arc::clone(event);
                }
            }
            tokio::select! {
                event = self.events.next() => self.seen.push(event.unwrap()),
                () = &mut limit => panic!("no {what} in\n{}", self.log()),
            }
        }
    }

    /// Waits until a treatment of this kind is applied at the routing point.
    pub(crate) async fn until_treatment(&mut self, kind: TreatmentType) {
        self.until_that(&format!("treatment {kind:?}"), |event| {
            event.message_type == MessageType::EVENT_TREATMENT_APPLIED && event.treatment_type() == Some(kind)
        })
        .await;
    }

    /// The connection id of the call that rings at a DN.
    pub(crate) async fn ringing(&mut self, dn: &str) -> ConnId {
        self.until(MessageType::EVENT_RINGING, dn)
            .await
            .conn_id()
            .unwrap()
    }

    /// Waits until every event that was made before has arrived.
    pub(crate) async fn fence(&mut self) {
        let answer = self
            .client
            .request(Message::new(MessageType::REQUEST_QUERY_SERVER))
            .await
            .unwrap();
        while let Some(event) = self.events.next().await {
            if Arc::ptr_eq(&event, &answer) || event.message_type == MessageType::EVENT_SERVER_INFO {
                return;
            }
            self.seen.push(event);
        }
        panic!("disconnected in\n{}", self.log());
    }

    /// The log of all calls and agents since the mark.
    pub(crate) fn log(&self) -> String {
        let mut mask = Mask::default();
        for event in &self.seen[self.from..] {
            mask.push(event);
        }
        mask.finish()
    }

    /// The log after every call has ended without a trace in any layer.
    pub(crate) async fn log_of_ended(&mut self, site: &Site) -> String {
        site.idle().await;
        self.fence().await;
        self.assert_sequence();
        self.log()
    }

    /// Names and DNs of the events since the mark, for what the full log of another test shows already.
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |event: &Arc<Message>| {
            let name = event.message_type.name().unwrap();
            format!("{} {name}", event.this_dn().unwrap_or("-"))
        };
        self.seen[self.from..].iter().map(name).collect()
    }

    /// The numbers of events grow.
    ///
    /// Spec: T-Library reference §6.16 rule 4
    fn assert_sequence(&self) {
        let numbers = self
            .seen
            .iter()
            .filter_map(|event| event.long(AttributeId::EVENT_SEQUENCE_NUMBER));
        let numbers: Vec<_> = numbers.collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }
}
