//! The objects and functions that scripts of a session see besides their own data.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use scxml::{DataError, Session, Value};

use crate::interaction::{Interaction, InteractionId};

/// Interactions of one session, shared with the functions that its scripts call.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// In the order in which they came.
    order: Vec<InteractionId>,
    interactions: BTreeMap<InteractionId, Interaction>,
    /// User data that scripts attached and the platform has not been told of.
    attached: Vec<(InteractionId, Value)>,
}

pub(crate) type SharedModel = Rc<RefCell<Model>>;

/// Most calls of `setuData` between two looks of the manager.
const MAX_ATTACHED: usize = 1_000;

/// Names of media; scripts compare them as opaque constants.
///
/// Spec: ORS reference §2, enumerations
const MEDIA_TYPES: &[&str] = &[
    "TMediaVoice",
    "TMediaVoIP",
    "TMediaEMail",
    "TMediaVMail",
    "TMediaSMail",
    "TMediaChat",
    "TMediaVideo",
    "TMediaCobrowsing",
    "TMediaWhiteboard",
    "TMediaAppSharing",
    "TMediaWebform",
    "TMediaWorkItem",
    "TMediaCallback",
    "TMediaFax",
    "TMediaIMChat",
    "TMediaBusinessEvent",
    "TMediaAlert",
    "TMediaSMS",
    "TMediaNativeSMS",
    "TMediaOpenMedia",
    "TMediaOutboundPreview",
];

/// Names of route types.
///
/// Spec: ORS reference §2, enumerations
const ROUTE_TYPES: &[&str] = &[
    "RouteTypeUnknown",
    "RouteTypeDefault",
    "RouteTypeLabel",
    "RouteTypeOverwriteDNIS",
    "RouteTypeDDD",
    "RouteTypeIDDD",
    "RouteTypeDirect",
    "RouteTypeReject",
    "RouteTypeAnnouncement",
    "RouteTypePostFeature",
    "RouteTypeDirectAgent",
    "RouteTypeGetFromDN",
];

impl Model {
    pub(crate) fn insert(&mut self, interaction: Interaction) {
        let id = interaction.id.clone();
        if self.interactions.insert(id.clone(), interaction).is_none() {
            self.order.push(id);
        }
    }

    pub(crate) fn remove(&mut self, id: &InteractionId) {
        self.interactions.remove(id);
        self.order.retain(|other| other != id);
        self.attached.retain(|(other, _)| other != id);
    }

    pub(crate) fn get_mut(&mut self, id: &InteractionId) -> Option<&mut Interaction> {
        self.interactions.get_mut(id)
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.order.iter().any(|other| other.as_str() == id)
    }

    pub(crate) fn first(&self) -> Option<&InteractionId> {
        self.order.first()
    }

    pub(crate) fn ids(&self) -> &[InteractionId] {
        &self.order
    }

    pub(crate) fn take_attached(&mut self) -> Vec<(InteractionId, Value)> {
        std::mem::take(&mut self.attached)
    }

    /// The interaction that a script names, or the first one.
    fn resolve(&self, id: Option<&Value>) -> Result<&InteractionId, String> {
        let wanted = match id {
            None | Some(Value::Undefined | Value::Null) => self.order.first(),
            Some(id) => {
                let text = id.to_text();
                self.order.iter().find(|other| other.as_str() == text)
            }
        };
        wanted.ok_or_else(|| "the session has no such interaction".to_owned())
    }

    /// `getuData(key, ixnid)`: the value, or undefined.
    fn get_user_data(&self, arguments: &[Value]) -> Result<Value, String> {
        let key = arguments.first().ok_or("a key is needed")?.to_text();
        let id = self.resolve(arguments.get(1))?;
        let data = self
            .interactions
            .get(id)
            .and_then(|interaction| interaction.user_data.get(&key));
        Ok(data.cloned().unwrap_or_default())
    }

    /// `setuData(object, ixnid)`: visible to `getuData` at once, sent to the platform after the step.
    fn set_user_data(&mut self, arguments: &[Value]) -> Result<Value, String> {
        let Some(data @ Value::Object(members)) = arguments.first() else {
            return Err("an object with the data is needed".to_owned());
        };
        let id = self.resolve(arguments.get(1))?.clone();
        if self.attached.len() >= MAX_ATTACHED {
            return Err("too much data attached in one step".to_owned());
        }
        if let Some(interaction) = self.interactions.get_mut(&id) {
            for (key, value) in members {
                interaction.user_data.set(key.as_str(), value.clone());
            }
        }
        self.attached.push((id, data.clone()));
        Ok(Value::Undefined)
    }

    /// Interactions by id, and the first one also by index 0.
    ///
    /// Spec: ORS reference §2
    fn to_value(&self) -> Value {
        let mut value = Value::object();
        for (index, id) in self.order.iter().enumerate() {
            let Some(interaction) = self.interactions.get(id) else {
                continue;
            };
            let object = interaction.to_value();
            if index == 0 {
                value.set("0", object.clone());
            }
            value.set(id.as_str(), object);
        }
        value
    }
}

/// Makes the objects and functions known to a new session.
pub(crate) fn install(session: &mut Session, model: &SharedModel) -> Result<(), DataError> {
    let data = session.data_mut();
    data.set_host_value("_genesys.ixn.mediaType", &constants(MEDIA_TYPES))?;
    data.set_host_value("_genesys.queue.rType", &constants(ROUTE_TYPES))?;
    let shared = Rc::clone(model);
    data.set_host_function(
        "_genesys.ixn.getuData",
        Box::new(move |arguments| shared.borrow().get_user_data(arguments)),
    )?;
    let shared = Rc::clone(model);
    data.set_host_function(
        "_genesys.ixn.setuData",
        Box::new(move |arguments| shared.borrow_mut().set_user_data(arguments)),
    )?;
    publish(session, model)
}

/// Makes the interactions visible as they are now; called only when an event is about to be delivered.
///
/// Spec: ORS reference §2, rules
pub(crate) fn publish(session: &mut Session, model: &SharedModel) -> Result<(), DataError> {
    let model = model.borrow();
    let data = session.data_mut();
    data.set_host_value("_genesys.ixn.interactions", &model.to_value())?;
    data.set_host_value(
        "_genesys.ixn.firstixnid",
        &Value::from(model.first().map(InteractionId::as_str)),
    )
}

fn constants(names: &[&str]) -> Value {
    names
        .iter()
        .fold(Value::object(), |object, name| object.with(*name, *name))
}
