//! Treatments of a waiting call: which one runs, and who waits for its end.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use orchestration::{Collect, Completion, Failure, Prompt, PromptSource, RequestKey, Sound, Treatment};
use tlib::catalog::TreatmentType;
use tlib::control::request;
use tlib::{AttributeId, ConnId, KvList, Message};

use super::{Pending, RoutingDesk};

/// Who waits for the end of a treatment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// A session's dialog; digits are part of its answer if it collects.
    Dialog { key: RequestKey, collects: bool },
    /// The n-th treatment of a submit.
    Queue { key: RequestKey, index: usize },
    /// Nobody any more.
    Nobody,
}

/// The treatments of one call. The T-Server runs one at a time and says `EventTreatmentEnd` of the last one that it
/// applied, so everything before an applied one is over.
#[derive(Debug, Default)]
pub(super) struct Treatments {
    asked: VecDeque<Owner>,
    current: Option<Owner>,
}

impl Treatments {
    /// Nobody waits for the treatments any more.
    pub(super) fn orphan(&mut self) {
        for owner in self.asked.iter_mut().chain(&mut self.current) {
            *owner = Owner::Nobody;
        }
    }

    /// Nobody waits for the treatment of that request; answers whether it was there.
    pub(super) fn disown(&mut self, request: &RequestKey) -> bool {
        let mut found = false;
        for owner in self.asked.iter_mut().chain(&mut self.current) {
            let key = match owner {
                Owner::Dialog { key, .. } | Owner::Queue { key, .. } => key,
                Owner::Nobody => continue,
            };
            if key == request {
                *owner = Owner::Nobody;
                found = true;
            }
        }
        found
    }
}

impl RoutingDesk {
    /// Asks the T-Server for a treatment.
    pub(super) fn treat(&mut self, conn: ConnId, treatment: &Treatment, owner: Owner) {
        let Some(call) = self.calls.get_mut(&conn) else {
            return;
        };
        call.treatments.asked.push_back(owner);
        let (kind, parms) = parameters(treatment);
        let message = request::apply_treatment(&call.point, conn, kind, parms);
        self.request(message, Pending::Treatment(conn));
    }

    /// Lets the caller hear nothing: T-Library has no way to stop a treatment but another one.
    pub(super) fn silence(&mut self, conn: ConnId) {
        let Some(call) = self.calls.get_mut(&conn) else {
            return;
        };
        call.treatments.asked.push_back(Owner::Nobody);
        let message = request::apply_treatment(&call.point, conn, TreatmentType::SILENCE, KvList::new());
        self.request(message, Pending::Treatment(conn));
    }

    pub(super) fn treatment_applied(&mut self, now: Instant, conn: ConnId) {
        let Some(call) = self.calls.get_mut(&conn) else {
            return;
        };
        let next = call.treatments.asked.pop_front();
        let over = std::mem::replace(&mut call.treatments.current, next);
        if let Some(owner) = over {
            self.treatment_over(now, conn, owner, Ok(None));
        }
    }

    pub(super) fn treatment_refused(&mut self, now: Instant, conn: ConnId, event: &Message) {
        let Some(call) = self.calls.get_mut(&conn) else {
            return;
        };
        if let Some(owner) = call.treatments.asked.pop_front() {
            self.treatment_over(now, conn, owner, Err(failure(event)));
        }
    }

    pub(super) fn treatment_ended(&mut self, now: Instant, conn: ConnId, event: &Message) {
        let Some(call) = self.calls.get_mut(&conn) else {
            return;
        };
        if let Some(owner) = call.treatments.current.take() {
            let digits = event.str(AttributeId::COLLECTED_DIGITS).map(str::to_owned);
            let broken = event.str(AttributeId::ERROR_MESSAGE).is_some();
            let result = if broken { Err(failure(event)) } else { Ok(digits) };
            self.treatment_over(now, conn, owner, result);
        }
    }

    fn treatment_over(
        &mut self,
        now: Instant,
        conn: ConnId,
        owner: Owner,
        result: Result<Option<String>, Failure>,
    ) {
        match owner {
            Owner::Dialog { key, collects } => {
                let result = result.map(|digits| match collects {
                    true => Completion::digits(digits.unwrap_or_default()),
                    false => Completion::Done,
                });
                self.complete(now, &key, result);
            }
            Owner::Queue { key, index } => match result {
                Ok(_) => self.next_queue_treatment(conn, &key, index + 1),
                // Refused because the call was being routed meanwhile: nothing is wrong.
                Err(_) if !self.waits(conn, &key) => {}
                Err(failure) => {
                    tracing::warn!(%conn, code = failure.code, "a treatment of the queue cannot be applied");
                }
            },
            Owner::Nobody => {}
        }
    }
}

/// Why the T-Server refused, in the strategies' words.
pub(super) fn failure(event: &Message) -> Failure {
    let text = event
        .str(AttributeId::ERROR_MESSAGE)
        .unwrap_or("refused by the T-Server");
    Failure::new("remote", text)
}

/// A dialog as treatment type and parameters.
fn parameters(treatment: &Treatment) -> (TreatmentType, KvList) {
    match treatment {
        Treatment::Play { prompts, .. } => (TreatmentType::PLAY_ANNOUNCEMENT, with_prompts(prompts)),
        Treatment::Collect { collect, .. } => (
            TreatmentType::COLLECT_DIGITS,
            with_collect(KvList::new(), collect),
        ),
        Treatment::PlayAndCollect { prompts, collect, .. } => (
            TreatmentType::PLAY_ANNOUNCEMENT_AND_DIGITS,
            with_collect(with_prompts(prompts), collect),
        ),
        Treatment::PlaySound(sound) => sound_parameters(sound),
        _ => (TreatmentType::UNKNOWN, KvList::new()),
    }
}

fn sound_parameters(sound: &Sound) -> (TreatmentType, KvList) {
    let kind = match sound.kind.as_str() {
        "music" => TreatmentType::MUSIC,
        "silence" => TreatmentType::SILENCE,
        "ringback" => TreatmentType::RING_BACK,
        "busy" => TreatmentType::BUSY,
        // The T-Server refuses it by name.
        _ => TreatmentType::UNKNOWN,
    };
    let mut parms = KvList::new();
    if let Some(resource) = &sound.resource {
        parms.push("MUSIC_DN", resource.as_str());
    }
    push_seconds(&mut parms, "DURATION", sound.duration);
    (kind, parms)
}

fn with_prompts(prompts: &[Prompt]) -> KvList {
    let mut list = KvList::new();
    for (index, prompt) in prompts.iter().enumerate() {
        let (key, text) = match &prompt.source {
            PromptSource::Announcement(name) | PromptSource::User(name) => ("ID", name),
            PromptSource::Text(text) | PromptSource::Number(text) => ("TEXT", text),
            _ => continue,
        };
        let entry = KvList::new()
            .with("INTERRUPTABLE", i32::from(prompt.interrupt))
            .with(key, text.as_str());
        list.push((index + 1).to_string(), entry);
    }
    KvList::new().with("PROMPT", list)
}

fn with_collect(mut parms: KvList, collect: &Collect) -> KvList {
    let digits = collect.max_digits.and_then(|digits| i32::try_from(digits).ok());
    if let Some(digits) = digits {
        parms.push("MAX_DIGITS", digits);
    }
    for (key, value) in [
        ("TERM_DIGITS", &collect.term_digits),
        ("ABORT_DIGITS", &collect.abort_digits),
    ] {
        if let Some(value) = value {
            parms.push(key, value.as_str());
        }
    }
    push_seconds(&mut parms, "START_TIMEOUT", collect.start_timeout);
    push_seconds(&mut parms, "DIGIT_TIMEOUT", collect.digit_timeout);
    push_seconds(&mut parms, "TOTAL_TIMEOUT", collect.total_timeout);
    parms
}

/// Times are whole seconds on the wire; a part of a second counts as one.
fn push_seconds(parms: &mut KvList, key: &str, time: Option<Duration>) {
    if let Some(time) = time {
        let secs = time.as_secs() + u64::from(time.subsec_nanos() > 0);
        parms.push(key, i32::try_from(secs.max(1)).unwrap_or(i32::MAX));
    }
}
