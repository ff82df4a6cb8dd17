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
use crate::message::{Message, Value};

/// Deepest nesting of a list; deeper ones are refused.
const MAX_DEPTH: usize = 16;

/// Most pairs of a list, nested ones counted. An event carries at most three lists that came from clients.
const MAX_PAIRS: usize = 4_096;

/// Most attributes of a request.
const MAX_ATTRIBUTES: usize = 512;

/// Most bytes of a list, packed.
///
/// Spec: T-Library reference §9
const MAX_BYTES: usize = 65_536;

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

/// Refuses user data beyond the limit of size, number or depth.
pub(super) fn check_size(data: &KvList, most: usize) -> Result<(), Refused> {
    check_list("user data", data)?;
    let size = data.packed_len();
    if size <= most {
        return Ok(());
    }
    let text = format!("user data would have {size} bytes, allowed are {most}");
    Err(Refused::new(ErrorCode::INVALID_ATTRIBUTE, text))
}

/// Refuses a request with more in it than any event could pass on.
pub(super) fn check_bounds(message: &Message) -> Result<(), Refused> {
    let attributes = message.attributes();
    if attributes.len() > MAX_ATTRIBUTES {
        let text = format!("request has more than {MAX_ATTRIBUTES} attributes");
        return Err(Refused::new(ErrorCode::INVALID_ATTRIBUTE, text));
    }
    for attribute in attributes {
        if let Value::KvList(list) = &attribute.value {
            check_list(&attribute.id.to_string(), list)?;
        }
    }
    Ok(())
}

fn check_list(name: &str, list: &KvList) -> Result<(), Refused> {
    let excess = if depth(list) > MAX_DEPTH {
        format!("is nested deeper than {MAX_DEPTH} lists")
    } else if pairs(list) > MAX_PAIRS {
        format!("has more than {MAX_PAIRS} pairs")
    } else if list.packed_len() > MAX_BYTES {
        format!("has more than {MAX_BYTES} bytes")
    } else {
        return Ok(());
    };
    Err(Refused::new(
        ErrorCode::INVALID_ATTRIBUTE,
        format!("{name} {excess}"),
    ))
}

fn pairs(list: &KvList) -> usize {
    let inner = |pair: &crate::kv::KvPair| match &pair.value {
        KvValue::List(list) => pairs(list),
        _ => 0,
    };
    list.len() + list.iter().map(inner).sum::<usize>()
}

fn depth(list: &KvList) -> usize {
    let deepest = |pair: &crate::kv::KvPair| match &pair.value {
        KvValue::List(list) => depth(list),
        _ => 0,
    };
    1 + list.iter().map(deepest).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_nested_too_deep_or_too_large_is_refused() {
        let mut list = KvList::new();
        for _ in 0..MAX_DEPTH {
            list = KvList::new().with("k", list);
        }
        assert!(check_size(&list, 65_536).is_err());
        let many: KvList = (0..=MAX_PAIRS)
            .map(|number| crate::kv::KvPair {
                key: String::new(),
                value: KvValue::Int(i32::try_from(number).unwrap()),
            })
            .collect();
        assert!(check_size(&many, 65_536).is_err());
        let list = KvList::new().with("k", "0123456789");
        assert!(check_size(&list, 18).is_ok());
        assert!(check_size(&list, 17).is_err());
    }
}
