//! `queue:submit`.
//!
//! Spec: ORS reference §4

use scxml::ActionElement;

use super::read::{Attributes as _, Bad};
use super::{OrderType, Submit, dialog};
use crate::module::is_in;

/// Most targets of one submit.
const MAX_TARGETS: usize = 64;

pub(super) fn submit(element: &ActionElement) -> Result<Submit, Bad> {
    let mut targets = Vec::new();
    let mut treatments = Vec::new();
    for child in &element.children {
        match child.name.as_str() {
            "targets" if is_in(child, "queue") => read_targets(child, &mut targets)?,
            "runtreatments" if is_in(child, "dialog") => {
                for treatment in &child.children {
                    treatments.push(dialog::treatment(treatment)?);
                }
            }
            other => return Err(Bad::content(element, &format!("unexpected <{other}>"))),
        }
    }
    if targets.is_empty() {
        return Err(Bad::content(element, "no targets"));
    }
    if targets.len() > MAX_TARGETS || treatments.len() > MAX_TARGETS {
        return Err(Bad::content(element, "too many targets or treatments"));
    }
    Ok(Submit {
        targets,
        queue: queue(element),
        priority: element
            .integer_of("priority", i32::MIN, i32::MAX)?
            .unwrap_or_default(),
        timeout: element.seconds_of("timeout")?,
        clear_on_timeout: element.flag_of("clearontimeout", false)?,
        clear_queue: element.flag_of("clearqueue", false)?,
        route: element.flag_of("route", true)?,
        order: order(element)?,
        treatments,
    })
}

/// The virtual queue; `none` means none.
pub(super) fn queue(element: &ActionElement) -> Option<String> {
    element.text_of("queue").filter(|queue| queue != "none")
}

fn order(element: &ActionElement) -> Result<Option<(OrderType, String)>, Bad> {
    let order = match element.text_of("ordertype").as_deref() {
        None | Some("any") => OrderType::Any,
        Some("max") => OrderType::Max,
        Some("min") => OrderType::Min,
        Some("percentage") => OrderType::Percentage,
        Some(_) => {
            return Err(Bad::attribute(
                element,
                "ordertype",
                "max, min, any or percentage",
            ));
        }
    };
    let statistic = element
        .text_of("orderstat")
        .filter(|statistic| statistic != "none");
    Ok(statistic.map(|statistic| (order, statistic)))
}

fn read_targets(element: &ActionElement, targets: &mut Vec<String>) -> Result<(), Bad> {
    let default_type = element.text_of("type");
    let default_server = element.text_of("statserver");
    for child in &element.children {
        match child.name.as_str() {
            "targetid" => targets.extend(split_list(&child.required("expr")?)),
            "target" => {
                targets.push(target(child, default_type.as_deref(), default_server.as_deref())?);
            }
            other => return Err(Bad::content(element, &format!("unexpected <{other}>"))),
        }
    }
    Ok(())
}

/// A `<queue:target>` in the published text format.
fn target(
    element: &ActionElement,
    default_type: Option<&str>,
    default_server: Option<&str>,
) -> Result<String, Bad> {
    let mut text = String::new();
    if let Some(threshold) = element.text_of("threshold") {
        text.push_str(&format!("{{{threshold}}}"));
    }
    if let Some(weight) = element.integer_of("weight", 0, i32::MAX)? {
        text.push_str(&format!("[{weight}]"));
    }
    let target_type = element
        .text_of("type")
        .or_else(|| default_type.map(str::to_owned));
    let (suffix, skill) = match target_type.as_deref() {
        Some("agent") | None => ("A", false),
        Some("place") => ("AP", false),
        Some("agentgroup") => ("GA", false),
        Some("placegroup") => ("GP", false),
        Some("queue") => ("Q", false),
        Some("dn") => ("DN", false),
        Some("skill") => ("GA", true),
        Some("campaigngroup") => ("GC", false),
        Some("routepoint") => ("RP", false),
        Some("label") => ("DL", false),
        Some(_) => return Err(Bad::attribute(element, "type", "a target type")),
    };
    let expression = element.text_of("skillexpr");
    match (skill, expression) {
        (true, Some(expression)) => {
            text.push_str(&format!(
                "?{}:{expression}",
                element.text_of("name").unwrap_or_default()
            ));
        }
        (true, None) => text.push_str(&format!("?:{}", element.required("name")?)),
        (false, _) => text.push_str(&element.required("name")?),
    }
    if let Some(server) = element
        .text_of("statserver")
        .or_else(|| default_server.map(str::to_owned))
    {
        text.push_str(&format!("@{server}"));
    }
    Ok(format!("{text}.{suffix}"))
}

/// Parts of a comma-separated list; commas inside quotes and braces do not separate.
fn split_list(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut braces) = (false, false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '{' if !quoted => braces = true,
            '}' if !quoted => braces = false,
            ',' if !quoted && !braces => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
        .iter()
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}
