//! `TreatmentParms`: the keys of each treatment type, in one table.
//!
#![doc = include_str!("../../docs/treatments.md")]

use std::time::Duration;

use crate::catalog::{ErrorCode, TreatmentType};
use crate::engine::emit::Refused;
use crate::kv::{KvList, KvValue};
use crate::switch::{Collect, Prompt, Treatment};

/// Most prompts of one treatment.
const MAX_PROMPTS: usize = 100;

/// What the keys say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) action: Treatment,
    pub(super) abort_digits: String,
}

/// Reads the parameters of a treatment.
pub(super) fn parse(treatment_type: TreatmentType, parms: Option<&KvList>) -> Result<Parsed, Refused> {
    let none = KvList::new();
    let parms = parms.unwrap_or(&none);
    let duration = || seconds(parms, "DURATION");
    let action = match treatment_type {
        TreatmentType::MUSIC => Treatment::Music {
            source: text(parms, "MUSIC_DN")?,
            duration: duration()?,
        },
        TreatmentType::RING_BACK => Treatment::RingBack {
            duration: duration()?,
        },
        TreatmentType::SILENCE => Treatment::Silence {
            duration: duration()?,
        },
        TreatmentType::BUSY => Treatment::Busy {
            duration: duration()?,
        },
        TreatmentType::PLAY_ANNOUNCEMENT => Treatment::Announcement {
            prompts: prompts(parms)?,
        },
        TreatmentType::COLLECT_DIGITS => Treatment::Digits {
            prompts: Vec::new(),
            collect: collect(parms)?,
        },
        TreatmentType::PLAY_ANNOUNCEMENT_AND_DIGITS => Treatment::Digits {
            prompts: prompts(parms)?,
            collect: collect(parms)?,
        },
        other => {
            let text = format!("TreatmentType {other} is not supported");
            return Err(Refused::new(ErrorCode::NOT_SUPPORTED, text));
        }
    };
    Ok(Parsed {
        action,
        abort_digits: digits(parms, "ABORT_DIGITS")?,
    })
}

fn collect(parms: &KvList) -> Result<Collect, Refused> {
    let default = Duration::from_secs(5);
    let max_digits = int(parms, "MAX_DIGITS")?.unwrap_or(1);
    let max_digits = u8::try_from(max_digits).ok().filter(|max| *max > 0);
    let mut terminators = digits(parms, "TERM_DIGITS")?;
    terminators.push_str(&digits(parms, "ABORT_DIGITS")?);
    Ok(Collect {
        max_digits: max_digits.ok_or_else(|| invalid("MAX_DIGITS", "1 to 255"))?,
        terminators,
        first_timeout: seconds(parms, "START_TIMEOUT")?.unwrap_or(default),
        digit_timeout: seconds(parms, "DIGIT_TIMEOUT")?.unwrap_or(default),
        total_timeout: seconds(parms, "TOTAL_TIMEOUT")?,
    })
}

fn prompts(parms: &KvList) -> Result<Vec<Prompt>, Refused> {
    let list = parms
        .get_list("PROMPT")
        .ok_or_else(|| invalid("PROMPT", "a list"))?;
    if list.is_empty() || list.len() > MAX_PROMPTS {
        return Err(invalid("PROMPT", "a list of 1 to 100 prompts"));
    }
    let mut numbered = Vec::with_capacity(list.len());
    for pair in list {
        let number = pair.key.parse::<u32>();
        let number = number.map_err(|_| invalid("PROMPT", "a list with the keys 1, 2, ..."))?;
        let KvValue::List(prompt) = &pair.value else {
            return Err(invalid("PROMPT", "a list of lists"));
        };
        let source = match text(prompt, "ID")? {
            Some(id) => Some(id),
            None => text(prompt, "TEXT")?,
        };
        let source = source.filter(|source| !source.is_empty());
        numbered.push((
            number,
            Prompt {
                source: source.ok_or_else(|| invalid("PROMPT", "lists with ID or TEXT"))?,
                interruptible: flag(prompt, "INTERRUPTABLE")?,
            },
        ));
    }
    numbered.sort_by_key(|(number, _)| *number);
    Ok(numbered.into_iter().map(|(_, prompt)| prompt).collect())
}

fn text(list: &KvList, key: &str) -> Result<Option<String>, Refused> {
    match list.get(key) {
        None => Ok(None),
        Some(KvValue::Str(text) | KvValue::Unicode(text)) => Ok(Some(text.clone())),
        Some(KvValue::Int(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(invalid(key, "text")),
    }
}

fn int(list: &KvList, key: &str) -> Result<Option<i32>, Refused> {
    let Some(text) = text(list, key)? else {
        return Ok(None);
    };
    let number = text.trim().parse();
    number.map(Some).map_err(|_| invalid(key, "a whole number"))
}

fn seconds(list: &KvList, key: &str) -> Result<Option<Duration>, Refused> {
    let Some(secs) = int(list, key)? else {
        return Ok(None);
    };
    match u64::try_from(secs) {
        Ok(secs @ 1..=86_400) => Ok(Some(Duration::from_secs(secs))),
        _ => Err(invalid(key, "1 to 86400 seconds")),
    }
}

fn digits(list: &KvList, key: &str) -> Result<String, Refused> {
    let digits = text(list, key)?.unwrap_or_default();
    if digits.len() <= 16 && digits.chars().all(|c| "0123456789*#ABCD".contains(c)) {
        return Ok(digits);
    }
    Err(invalid(key, "at most 16 of 0123456789*#ABCD"))
}

fn flag(list: &KvList, key: &str) -> Result<bool, Refused> {
    match text(list, key)?.as_deref() {
        None | Some("0" | "false" | "no" | "off") => Ok(false),
        Some("1" | "true" | "yes" | "on") => Ok(true),
        Some(_) => Err(invalid(key, "0 or 1")),
    }
}

fn invalid(key: &str, allowed: &str) -> Refused {
    let text = format!("TreatmentParms {key} must be {allowed}");
    Refused::new(ErrorCode::INVALID_ATTRIBUTE, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(id: &str) -> KvList {
        KvList::new().with("INTERRUPTABLE", 1).with("ID", id)
    }

    #[test]
    fn prompts_play_in_the_order_of_their_numbers() {
        let list = KvList::new()
            .with("10", prompt("c"))
            .with("2", prompt("b"))
            .with("1", prompt("a"));
        let parms = KvList::new().with("PROMPT", list);
        let parsed = parse(TreatmentType::PLAY_ANNOUNCEMENT, Some(&parms)).unwrap();
        let Treatment::Announcement { prompts } = parsed.action else {
            panic!("not an announcement")
        };
        let names: Vec<_> = prompts.iter().map(|prompt| prompt.source.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert!(prompts.iter().all(|prompt| prompt.interruptible));
    }

    #[test]
    fn a_collection_takes_numbers_as_text_and_abort_digits_end_it_too() {
        let parms = KvList::new()
            .with("MAX_DIGITS", "4")
            .with("TERM_DIGITS", "#")
            .with("ABORT_DIGITS", "*")
            .with("TOTAL_TIMEOUT", 30);
        let parsed = parse(TreatmentType::COLLECT_DIGITS, Some(&parms)).unwrap();
        let collect = Collect {
            max_digits: 4,
            terminators: "#*".to_owned(),
            first_timeout: Duration::from_secs(5),
            digit_timeout: Duration::from_secs(5),
            total_timeout: Some(Duration::from_secs(30)),
        };
        let prompts = Vec::new();
        assert_eq!(parsed.action, Treatment::Digits { prompts, collect });
        assert_eq!(parsed.abort_digits, "*");
    }

    #[test]
    fn wrong_values_are_refused_by_key() {
        let refused = |treatment, parms: KvList| parse(treatment, Some(&parms)).unwrap_err().text;
        let text = refused(TreatmentType::COLLECT_DIGITS, KvList::new().with("MAX_DIGITS", 0));
        assert_eq!(text, "TreatmentParms MAX_DIGITS must be 1 to 255");
        let text = refused(TreatmentType::MUSIC, KvList::new().with("DURATION", "soon"));
        assert_eq!(text, "TreatmentParms DURATION must be a whole number");
        let text = refused(TreatmentType::PLAY_ANNOUNCEMENT, KvList::new());
        assert_eq!(text, "TreatmentParms PROMPT must be a list");
        let text = refused(TreatmentType::VERIFY_DIGITS, KvList::new());
        assert_eq!(text, "TreatmentType VerifyDigits is not supported");
    }
}
