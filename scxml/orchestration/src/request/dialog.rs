//! Dialogs with the caller.
//!
//! Spec: ORS reference §6

use scxml::ActionElement;

use super::read::{Attributes as _, Bad};
use super::{Collect, Prompt, PromptSource, Sound, Treatment};
use crate::module::is_in;

/// Most prompts in a row.
///
/// Spec: ORS reference §6
const MAX_PROMPTS: usize = 10;

pub(super) fn treatment(element: &ActionElement) -> Result<Treatment, Bad> {
    let language = element.text_of("language");
    match element.name.as_str() {
        _ if !is_in(element, "dialog") => Err(Bad::content(element, "not an action of the dialog module")),
        "play" => Ok(Treatment::Play {
            language,
            prompts: prompts(element)?,
        }),
        "collect" => Ok(Treatment::Collect {
            language,
            collect: collect(element)?,
        }),
        "playandcollect" => Ok(Treatment::PlayAndCollect {
            language,
            prompts: prompts(element)?,
            collect: collect(element)?,
        }),
        "playsound" => Ok(Treatment::PlaySound(Sound {
            kind: element.text_of("type").unwrap_or_else(|| "music".to_owned()),
            resource: element.text_of("resource"),
            duration: element.seconds_of("duration")?,
        })),
        _ => Err(Bad::content(element, "not a treatment")),
    }
}

fn prompts(element: &ActionElement) -> Result<Vec<Prompt>, Bad> {
    let mut prompts = Vec::new();
    for group in element.children.iter().filter(|child| child.name == "prompts") {
        let kind = group.text_of("type").unwrap_or_else(|| "ann".to_owned());
        for child in &group.children {
            if child.name != "prompt" {
                return Err(Bad::content(group, &format!("unexpected <{}>", child.name)));
            }
            prompts.push(prompt(child, &kind)?);
        }
    }
    match prompts.len() {
        0 => Err(Bad::content(element, "no prompts")),
        count if count > MAX_PROMPTS => Err(Bad::content(element, "more than 10 prompts")),
        _ => Ok(prompts),
    }
}

fn prompt(element: &ActionElement, kind: &str) -> Result<Prompt, Bad> {
    let candidates = [
        element.text_of("intid").map(PromptSource::Announcement),
        element.text_of("number").map(PromptSource::Number),
        element.text_of("userannid").map(PromptSource::User),
        element.text_of("text").map(PromptSource::Text),
    ];
    let mut sources = candidates.into_iter().flatten();
    match (sources.next(), sources.next()) {
        (Some(source), None) => Ok(Prompt {
            kind: kind.to_owned(),
            source,
            interrupt: element.flag_of("interrupt", true)?,
        }),
        _ => Err(Bad::content(
            element,
            "exactly one of intid, number, userannid and text is needed",
        )),
    }
}

fn collect(element: &ActionElement) -> Result<Collect, Bad> {
    let Some(input) = element.child("input") else {
        return Err(Bad::content(element, "no <input>"));
    };
    Ok(Collect {
        max_digits: input.integer_of("max_digits", 1, 64)?.map(i32::unsigned_abs),
        term_digits: digits(input, "term_digits")?,
        abort_digits: digits(input, "abort_digits")?,
        backspace_digits: digits(input, "backspace_digits")?,
        ignore_digits: digits(input, "ignore_digits")?,
        reset_digits: digits(input, "reset_digits")?,
        total_timeout: input.seconds_of("total_timeout")?,
        start_timeout: input.seconds_of("start_timeout")?,
        digit_timeout: input.seconds_of("digit_timeout")?,
    })
}

fn digits(element: &ActionElement, name: &str) -> Result<Option<String>, Bad> {
    let text = element.text_of(name);
    let is_digit = |c: char| matches!(c, '0'..='9' | '*' | '#' | 'A'..='D');
    match text {
        Some(text) if text.len() > 16 || !text.chars().all(is_digit) => {
            Err(Bad::attribute(element, name, "at most 16 of 0-9, *, #, A-D"))
        }
        text => Ok(text),
    }
}
