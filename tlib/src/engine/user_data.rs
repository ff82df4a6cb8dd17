//! User data of calls: attach, update, delete.

use std::time::Instant;

use super::TServer;
use super::control::no_call;
use super::emit::Refused;
use super::event::{CallEvent, call_head};
use super::request::Request;
use crate::call::{PartyId, PartyKind};
use crate::catalog::{AttributeId, DnRole, ErrorCode, MessageType};
use crate::id::{ConnId, Dn};
use crate::kv::{KvList, KvValue};

/// Deepest nesting of user data; deeper lists are refused.
const MAX_DEPTH: usize = 16;

impl TServer {
    /// Serves `RequestAttachUserData`: adds pairs, also under keys that exist.
    ///
    /// Spec: T-Library reference §4 (difference between the data requests)
    pub(super) fn attach_user_data(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let new = user_data(request)?;
        self.change_user_data(now, request, |data| {
            for pair in new {
                data.push(pair.key.clone(), pair.value.clone());
            }
        })
    }

    /// Serves `RequestUpdateUserData`: replaces keys that exist and adds the others.
    ///
    /// Spec: T-Library reference §4, §6.14
    pub(super) fn update_user_data(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let new = user_data(request)?;
        self.change_user_data(now, request, |data| update(data, new))
    }

    /// Serves `RequestDeletePair`.
    ///
    /// Spec: T-Library reference §4
    pub(super) fn delete_pair(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let key = request.text(AttributeId::DATA_KEY)?;
        self.change_user_data(now, request, |data| {
            data.remove(key);
        })
    }

    /// Serves `RequestDeleteUserData`: one key if `DataKey` is there, else everything.
    ///
    /// Spec: T-Library reference §4
    pub(super) fn delete_user_data(&mut self, now: Instant, request: &Request) -> Result<(), Refused> {
        let key = request.message.str(AttributeId::DATA_KEY);
        self.change_user_data(now, request, |data| match key {
            Some(key) => {
                data.remove(key);
            }
            None => *data = KvList::new(),
        })
    }

    /// Replaces keys by the request's `UserData`, without an event of its own.
    pub(super) fn merge_user_data(&mut self, conn_id: ConnId, request: &Request) -> Result<(), Refused> {
        let Some(new) = request.message.kv(AttributeId::USER_DATA) else {
            return Ok(());
        };
        let most = self.config.settings.limits.user_data_bytes;
        let call = self.calls.get_mut(&conn_id).ok_or_else(|| no_call(conn_id))?;
        let mut data = call.user_data.clone();
        update(&mut data, new);
        check_size(&data, most)?;
        call.user_data = data;
        Ok(())
    }

    fn change_user_data(
        &mut self,
        now: Instant,
        request: &Request,
        change: impl FnOnce(&mut KvList),
    ) -> Result<(), Refused> {
        let dn = request.this_dn()?;
        let conn_id = request.conn_id()?;
        self.check_control(request.by, &dn)?;
        let most = self.config.settings.limits.user_data_bytes;
        let call = self.calls.get_mut(&conn_id).ok_or_else(|| no_call(conn_id))?;
        let mut data = call.user_data.clone();
        change(&mut data);
        check_size(&data, most)?;
        call.user_data = data;
        self.user_data_changed(now, conn_id, &dn, request);
        Ok(())
    }

    /// Tells every party, and an initiator who is none.
    ///
    /// Spec: T-Library reference §6.14
    fn user_data_changed(&mut self, now: Instant, conn_id: ConnId, initiator: &Dn, request: &Request) {
        let Some(call) = self.calls.get(&conn_id) else {
            return;
        };
        let inside = call
            .parties
            .iter()
            .filter(|party| party.kind != PartyKind::Outside);
        let mut parties: Vec<(PartyId, bool)> =
            inside.map(|party| (party.id, party.dn == *initiator)).collect();
        parties.sort_by_key(|(_, own)| !own);
        let is_party = parties.iter().any(|(_, own)| *own);
        for (id, own) in parties {
            let mut event = CallEvent::new(MessageType::EVENT_ATTACHED_DATA_CHANGED)
                .third(initiator, DnRole::UNKNOWN)
                .reasons(request.reasons())
                .extensions(request.extensions());
            if own {
                event = event.by(Some(request.by));
            }
            self.emit(now, conn_id, id, event);
        }
        if is_party {
            return;
        }
        let Some(call) = self.calls.get(&conn_id) else {
            return;
        };
        let message = call_head(MessageType::EVENT_ATTACHED_DATA_CHANGED, call)
            .with(AttributeId::THIRD_PARTY_DN, initiator)
            .with(AttributeId::USER_DATA, call.user_data.clone())
            .with_opt(AttributeId::REASON, request.reasons())
            .with_opt(AttributeId::EXTENSIONS, request.extensions());
        self.publish(now, initiator.as_str(), message, Some(request.by));
    }
}

fn user_data(request: &Request) -> Result<&KvList, Refused> {
    let data = request.message.kv(AttributeId::USER_DATA);
    data.ok_or_else(|| super::request::missing(AttributeId::USER_DATA))
}

fn update(data: &mut KvList, new: &KvList) {
    for pair in new {
        data.set(&pair.key, pair.value.clone());
    }
}

/// Refuses data beyond the limit of size or depth.
pub(super) fn check_size(data: &KvList, most: usize) -> Result<(), Refused> {
    if depth(data) > MAX_DEPTH {
        let text = format!("user data is nested deeper than {MAX_DEPTH} lists");
        return Err(Refused::new(ErrorCode::INVALID_ATTRIBUTE, text));
    }
    let size = packed_size(data);
    if size <= most {
        return Ok(());
    }
    let text = format!("user data would have {size} bytes, allowed are {most}");
    Err(Refused::new(ErrorCode::INVALID_ATTRIBUTE, text))
}

fn depth(list: &KvList) -> usize {
    let deepest = |pair: &crate::kv::KvPair| match &pair.value {
        KvValue::List(list) => depth(list),
        _ => 0,
    };
    1 + list.iter().map(deepest).max().unwrap_or(0)
}

/// Packed size of a list in bytes: 2, and per pair 5, the key and the value.
///
/// Spec: T-Library reference §9
pub(super) fn packed_size(list: &KvList) -> usize {
    let pair = |pair: &crate::kv::KvPair| {
        let value = match &pair.value {
            KvValue::Str(text) | KvValue::Unicode(text) => text.len(),
            KvValue::Int(_) => 4,
            KvValue::Binary(bytes) | KvValue::Unknown { data: bytes, .. } => bytes.len(),
            KvValue::List(list) => 2 + packed_size(list),
        };
        5 + pair.key.len() + value
    };
    2 + list.iter().map(pair).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Spec: T-Library reference §9 (golden vectors)
    #[test]
    fn the_packed_size_agrees_with_the_sizes_printed_in_public_logs() {
        assert_eq!(packed_size(&KvList::new().with("RTR", 115)), 14);
        let group = KvList::new().with("RTargetAgentGroup", "VAG_Skill1");
        assert_eq!(packed_size(&group), 34);
        let session = KvList::new()
            .with("Session", "00PN8M303SBR7E9P04000VTAES000001+")
            .with("Node", "272")
            .with("Url", "http://co67.step:7005/scxml");
        let key = "ORSI:Cluster1:QK59HK4FS927D7FUU41G6IE468000004";
        assert_eq!(packed_size(&KvList::new().with(key, session)), 149);
    }

    #[test]
    fn data_nested_too_deep_or_too_large_is_refused() {
        let mut list = KvList::new();
        for _ in 0..MAX_DEPTH {
            list = KvList::new().with("k", list);
        }
        assert!(check_size(&list, 65_536).is_err());
        let list = KvList::new().with("k", "0123456789");
        assert!(check_size(&list, 18).is_ok());
        assert!(check_size(&list, 17).is_err());
    }
}
