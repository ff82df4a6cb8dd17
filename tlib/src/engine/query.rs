//! Queries and snapshots: what a client learns without waiting for events.

use std::time::Instant;

use super::TServer;
use super::client::DnState;
use super::control::no_call;
use super::emit::Refused;
use super::event::call_head;
use super::request::Request;
use crate::agent::AgentState;
use crate::call::{Party, PartyStep};
use crate::catalog::{
    AddressInfoType, AddressStatusInfoType, AttributeId, CallInfoType, ErrorCode, MessageType,
};
use crate::engine::DnKind;
use crate::id::{ConnId, Dn};
use crate::kv::KvList;
use crate::message::Message;

/// Most calls in a snapshot, so that it fits the 64 KiB of a list.
///
/// Spec: T-Library reference §9
const MAX_SNAPSHOT_CALLS: usize = 500;

/// Largest reasons in a snapshot, in packed bytes.
const MAX_SNAPSHOT_REASONS: usize = 16_384;

impl TServer {
    /// The snapshot of a DN: calls, party states, status, agent.
    ///
    /// Spec: T-Library reference §5 (keys of a DN snapshot)
    pub(super) fn snapshot(&self, dn: &Dn) -> KvList {
        let mut list = KvList::new();
        let Some(state) = self.dns.get(dn) else {
            return list;
        };
        let parties = self.parties_at(dn, state).take(MAX_SNAPSHOT_CALLS);
        for (index, (conn_id, party)) in parties.enumerate() {
            let number = index + 1;
            let call_type = self.calls.get(&conn_id).map_or(0, |call| call.call_type.0);
            let party_state = i32::try_from(party.state().0 & 0xffff).unwrap_or(0);
            list.push(format!("conn-{number}"), conn_id.to_string());
            list.push(format!("ct-{number}"), call_type);
            list.push(format!("ps-{number}"), party_state);
        }
        list.push("DNStatus", self.address_status(dn, state).0);
        if state.kind != DnKind::Extension {
            return list;
        }
        let status = state.agent.as_ref().map_or(0, |agent| agent.status());
        list.push("AgentStatus", status);
        if let Some(agent) = &state.agent {
            list.push("AgentID", agent.id.as_str());
            list.push("WorkMode", agent.work_mode.0);
            for (index, queue) in agent.queues.iter().enumerate() {
                list.push(format!("q-{}", index + 1), queue.as_str());
            }
            if let Some(reasons) = &agent.reasons
                && reasons.packed_len() <= MAX_SNAPSHOT_REASONS
            {
                list.push("Reasons", reasons.clone());
            }
        }
        list
    }

    fn parties_at<'a>(&'a self, dn: &'a Dn, state: &'a DnState) -> impl Iterator<Item = (ConnId, &'a Party)> {
        state.calls.iter().filter_map(|conn_id| {
            let party = self.calls.get(conn_id)?.at(dn.as_str())?;
            Some((*conn_id, party))
        })
    }

    fn address_status(&self, dn: &Dn, state: &DnState) -> AddressStatusInfoType {
        if !state.in_service {
            return AddressStatusInfoType::MAINTENANCE;
        }
        let status = |step| match step {
            PartyStep::Null | PartyStep::Queued => AddressStatusInfoType::IDLE,
            PartyStep::Initiated => AddressStatusInfoType::ORIGINATION,
            PartyStep::Dialing => AddressStatusInfoType::DIALING,
            PartyStep::Alerting => AddressStatusInfoType::RINGING,
            PartyStep::Connected => AddressStatusInfoType::TALKING,
            PartyStep::Held => AddressStatusInfoType::HELD,
        };
        // What the phone does now comes before what it holds.
        let steps = self.parties_at(dn, state).map(|(_, party)| party.step);
        let busiest = steps.max_by_key(|step| match step {
            PartyStep::Null | PartyStep::Queued => 0,
            PartyStep::Held => 1,
            PartyStep::Alerting => 2,
            PartyStep::Initiated | PartyStep::Dialing => 3,
            PartyStep::Connected => 4,
        });
        status(busiest.unwrap_or(PartyStep::Null))
    }

    /// Serves `RequestQueryAddress`. The DN is `ThisDN`, or `ThisQueue` if that is missing.
    ///
    /// Spec: T-Library reference §4, §5 (EventAddressInfo)
    pub(super) fn query_address(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let dn = request
            .message
            .this_dn()
            .or(request.message.str(AttributeId::THIS_QUEUE));
        let dn = dn
            .map(Dn::from)
            .ok_or_else(|| super::request::missing(AttributeId::THIS_DN))?;
        let info_type = request
            .message
            .int(AttributeId::ADDRESS_INFO_TYPE)
            .map(AddressInfoType);
        let info_type = info_type.ok_or_else(|| super::request::missing(AttributeId::ADDRESS_INFO_TYPE))?;
        let state = self
            .dns
            .get(&dn)
            .ok_or_else(|| super::session::not_configured(&dn))?;
        let mut message = Message::new(MessageType::EVENT_ADDRESS_INFO)
            .with(AttributeId::THIS_DN, &dn)
            .with(AttributeId::ADDRESS_INFO_TYPE, info_type.0);
        let status = match info_type {
            AddressInfoType::ADDRESS_STATUS => self.address_status(&dn, state).0,
            AddressInfoType::ADDRESS_TYPE => state.kind.address_type().0,
            AddressInfoType::AGENT_STATUS => state.agent.as_ref().map_or(0, |agent| agent.status()),
            AddressInfoType::NUMBER_OF_AGENTS_IN_QUEUE => self.agents_in_queue(&dn, false),
            AddressInfoType::NUMBER_OF_AVAILABLE_AGENTS_IN_QUEUE => self.agents_in_queue(&dn, true),
            AddressInfoType::NUMBER_OF_CALLS_IN_QUEUE => number(state.calls.len()),
            AddressInfoType::CALLS_QUERY => {
                let find = |wanted: fn(PartyStep) -> bool| {
                    let mut parties = self.parties_at(&dn, state);
                    parties
                        .find(|(_, party)| wanted(party.step))
                        .map(|(conn_id, _)| conn_id)
                };
                message = message
                    .with_opt(AttributeId::CONN_ID, find(|step| step != PartyStep::Held))
                    .with_opt(
                        AttributeId::PREVIOUS_CONN_ID,
                        find(|step| step == PartyStep::Held),
                    );
                number(state.calls.len())
            }
            AddressInfoType::DN_STATUS | AddressInfoType::QUEUE_STATUS => {
                message.push(AttributeId::EXTENSIONS, self.snapshot(&dn));
                self.address_status(&dn, state).0
            }
            other => {
                let text = format!("AddressInfoType {other} is not supported");
                return Err(Refused::new(ErrorCode::NOT_SUPPORTED, text));
            }
        };
        message.push(AttributeId::ADDRESS_INFO_STATUS, status);
        self.reply(now, request.by, message);
        Ok(())
    }

    fn agents_in_queue(&self, queue: &Dn, available: bool) -> i32 {
        let agents = self.dns.values().filter_map(|state| state.agent.as_ref());
        let inside = agents.filter(|agent| agent.queues.contains(queue));
        number(
            inside
                .filter(|agent| !available || agent.state == AgentState::Ready)
                .count(),
        )
    }

    /// Serves `RequestQueryCall`: the parties in `Extensions`, from 1: `party-N` = list{`DN`, `Role`, `State`}.
    ///
    /// Spec: T-Library reference §4 (EventPartyInfo; the form of the list is ours)
    pub(super) fn query_call(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let conn_id = request.conn_id()?;
        let call = self.calls.get(&conn_id).ok_or_else(|| no_call(conn_id))?;
        let info_type = request.message.int(AttributeId::CALL_INFO_TYPE);
        let info_type = info_type.map_or(CallInfoType::PARTIES_QUERY, CallInfoType);
        if !CallInfoType::ALL.contains(&info_type) {
            let text = format!("CallInfoType {info_type} is unknown");
            return Err(Refused::new(ErrorCode::INVALID_ATTRIBUTE, text));
        }
        let mut parties = KvList::new();
        for (index, party) in call.parties.iter().enumerate() {
            let state = i32::try_from(party.state().0 & 0xffff).unwrap_or(0);
            let entry = KvList::new()
                .with("DN", party.dn.as_str())
                .with("Role", party.role.0)
                .with("State", state);
            parties.push(format!("party-{}", index + 1), entry);
        }
        let user_data = Some(call.user_data.clone()).filter(|data| !data.is_empty());
        let message = call_head(MessageType::EVENT_PARTY_INFO, call)
            .with_opt(AttributeId::THIS_DN, request.message.this_dn())
            .with(AttributeId::CALL_INFO_TYPE, info_type.0)
            .with_opt(AttributeId::USER_DATA, user_data)
            .with(AttributeId::EXTENSIONS, parties);
        self.reply(now, request.by, message);
        Ok(())
    }
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
