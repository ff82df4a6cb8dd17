//! Simulated treatments: what ends when, which digits count.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::switch::{Collect, Prompt, Treatment, TreatmentId, TreatmentResult};

/// Every prompt lasts this long.
const PROMPT: Duration = Duration::from_secs(2);

/// A treatment that runs.
#[derive(Debug)]
pub(super) struct Playing {
    id: TreatmentId,
    action: Treatment,
    /// Counts the steps, so that a timer of an earlier one is told apart.
    generation: u32,
    /// Prompts that still play, whether a digit stops them; the first one plays now.
    prompts: VecDeque<bool>,
    digits: String,
    /// When the collection as a whole ends.
    total: Option<Instant>,
}

/// What follows.
#[derive(Debug)]
pub(super) enum Step {
    /// It plays as before.
    Unchanged,
    /// It plays until then.
    Until(Instant),
    /// It ended.
    Ended(TreatmentResult),
}

/// Sources of audio that a treatment needs.
pub(super) fn sources(action: &Treatment) -> impl Iterator<Item = &str> {
    let (prompts, music): (&[Prompt], _) = match action {
        Treatment::Announcement { prompts } | Treatment::Digits { prompts, .. } => (prompts, None),
        Treatment::Music { source, .. } => (&[], source.as_deref()),
        _ => (&[], None),
    };
    prompts.iter().map(|prompt| prompt.source.as_str()).chain(music)
}

impl Playing {
    pub(super) fn start(now: Instant, id: TreatmentId, action: Treatment) -> (Self, Step) {
        let mut playing = Self {
            id,
            generation: 0,
            prompts: VecDeque::new(),
            digits: String::new(),
            total: None,
            action,
        };
        let step = match &playing.action {
            Treatment::Music { duration, .. }
            | Treatment::Silence { duration }
            | Treatment::RingBack { duration }
            | Treatment::Busy { duration } => match duration {
                Some(time) => Step::Until(now + *time),
                None => Step::Unchanged,
            },
            Treatment::Announcement { prompts } | Treatment::Digits { prompts, .. } => {
                playing.prompts = prompts.iter().map(|prompt| prompt.interruptible).collect();
                playing.next_prompt(now)
            }
        };
        (playing, step)
    }

    pub(super) fn id(&self) -> TreatmentId {
        self.id
    }

    pub(super) fn action(&self) -> &Treatment {
        &self.action
    }

    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// The time of the last step is over.
    pub(super) fn time_passed(&mut self, now: Instant) -> Step {
        self.generation += 1;
        if self.prompts.pop_front().is_some() {
            return self.next_prompt(now);
        }
        match &self.action {
            Treatment::Digits { .. } => Step::Ended(TreatmentResult::Timeout {
                digits: std::mem::take(&mut self.digits),
            }),
            _ => Step::Ended(TreatmentResult::Completed),
        }
    }

    /// A digit was pressed.
    pub(super) fn press(&mut self, now: Instant, digit: char) -> Step {
        let collects = matches!(self.action, Treatment::Digits { .. });
        if self.prompts.front() == Some(&false) || self.prompts.is_empty() && !collects {
            return Step::Unchanged;
        }
        self.generation += 1;
        while self.prompts.front() == Some(&true) {
            self.prompts.pop_front();
        }
        let collect = match &self.action {
            Treatment::Digits { collect, .. } if self.prompts.is_empty() => collect.clone(),
            _ => return self.next_prompt(now),
        };
        if collect.terminators.contains(digit) {
            let digits = std::mem::take(&mut self.digits);
            let last = Some(digit);
            return Step::Ended(TreatmentResult::Digits { digits, last });
        }
        self.digits.push(digit);
        if self.digits.len() >= usize::from(collect.max_digits) {
            let digits = std::mem::take(&mut self.digits);
            return Step::Ended(TreatmentResult::Digits { digits, last: None });
        }
        self.wait(now, collect.digit_timeout, &collect)
    }

    /// Plays the next prompt, or what comes after the last.
    fn next_prompt(&mut self, now: Instant) -> Step {
        if !self.prompts.is_empty() {
            return Step::Until(now + PROMPT);
        }
        match self.action.clone() {
            Treatment::Digits { collect, .. } => self.wait(now, collect.first_timeout, &collect),
            _ => Step::Ended(TreatmentResult::Completed),
        }
    }

    /// Waits for a digit, at most until the end of the whole collection.
    fn wait(&mut self, now: Instant, time: Duration, collect: &Collect) -> Step {
        let total = match (self.total, collect.total_timeout) {
            (None, Some(total)) => Some(now + total),
            (total, _) => total,
        };
        self.total = total;
        let until = now + time;
        Step::Until(total.map_or(until, |total| total.min(until)))
    }
}
