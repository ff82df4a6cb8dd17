//! One table per module.

use scxml::AttributeKind::{Expr, Location, Token};

use super::{Element, Module};

/// Declares elements: `action name: attribute Kind, ...;` or `part name: ...;`.
macro_rules! elements {
    ($($kind:ident $name:literal: $($attribute:literal $how:ident),*;)*) => {
        &[$(Element {
            name: $name,
            is_action: elements!(@$kind),
            attributes: &[$(($attribute, $how)),*],
        }),*]
    };
    (@action) => { true };
    (@part) => { false };
}

pub(super) const MODULES: &[Module] = &[
    // Spec: ORS reference §4
    Module {
        prefix: "queue",
        namespace: "www.genesyslab.com/modules/queue",
        event_prefix: "queue",
        elements: elements! {
            action "submit": "requestid" Location, "interactionid" Expr, "queue" Expr, "priority" Expr,
                "ordertype" Expr, "orderstat" Expr, "timeout" Expr, "clearontimeout" Expr, "clearqueue" Expr,
                "route" Expr;
            action "cancel": "requestid" Expr, "interactionid" Expr, "queue" Expr;
            action "query": "requestid" Expr;
            part "targets": "type" Token, "statserver" Expr;
            part "target": "name" Expr, "type" Token, "statserver" Expr, "weight" Expr, "threshold" Expr,
                "skillexpr" Expr;
            part "targetid": "expr" Expr;
        },
    },
    // Spec: ORS reference §6
    Module {
        prefix: "dialog",
        namespace: "www.genesyslab.com/modules/dialog",
        event_prefix: "dialog",
        elements: elements! {
            action "play": "requestid" Location, "interactionid" Expr, "language" Expr;
            action "collect": "requestid" Location, "interactionid" Expr, "language" Expr;
            action "playandcollect": "requestid" Location, "interactionid" Expr, "language" Expr;
            action "playsound": "requestid" Location, "interactionid" Expr, "type" Expr, "resource" Expr,
                "duration" Expr;
            action "stop": "requestid" Expr, "interactionid" Expr;
            part "runtreatments":;
            part "prompts": "type" Token;
            part "prompt": "intid" Expr, "number" Expr, "userannid" Expr, "text" Expr, "interrupt" Expr;
            part "input": "max_digits" Expr, "abort_digits" Expr, "term_digits" Expr, "total_timeout" Expr,
                "start_timeout" Expr, "digit_timeout" Expr, "backspace_digits" Expr, "ignore_digits" Expr,
                "reset_digits" Expr;
        },
    },
    // Spec: ORS reference §5
    Module {
        prefix: "ixn",
        namespace: "www.genesyslab.com/modules/interaction",
        event_prefix: "interaction",
        elements: elements! {
            action "redirect": "requestid" Location, "interactionid" Expr, "from" Expr, "to" Expr, "type" Expr,
                "detach" Expr, "hints" Expr, "reason" Expr;
            action "terminate": "requestid" Location, "interactionid" Expr, "reason" Expr, "resource" Expr,
                "hints" Expr;
        },
    },
];
