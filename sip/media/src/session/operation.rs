//! One operation: what it plays, and the keys it collects.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use sip::media::{MediaPrompt, MediaRequest, MediaResult, OpId};

use super::Digit;
use crate::audio::{FRAME_SAMPLES, Frame, SILENCE, samples_in};
use crate::pcm::Pcm;
use crate::prompt::{PromptError, PromptStore};

/// Most prompts of one operation.
const MAX_PROMPTS: usize = 256;

#[derive(Debug)]
pub(super) struct Operation {
    op: OpId,
    sound: Sound,
    keys: Option<Keys>,
}

/// What a key means to an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// It is collected.
    Key,
    /// It is typed ahead, though it may end a prompt.
    Later,
    /// The caller waits, and it is nobody's.
    Nothing,
}

#[derive(Debug)]
enum Sound {
    Prompts {
        queue: VecDeque<Prompt>,
        position: usize,
        pressed: Option<Digit>,
    },
    Loop {
        pcm: Option<Pcm>,
        position: usize,
        frames_left: Option<u64>,
    },
}

#[derive(Debug)]
struct Prompt {
    pcm: Pcm,
    interruptible: bool,
}

struct Keys {
    digits: String,
    last: Option<char>,
    max: usize,
    terminators: String,
    first: Duration,
    between: Duration,
    total: Option<Duration>,
    /// Set once the prompts are over.
    timers: Option<Timers>,
}

#[derive(Debug, Clone, Copy)]
struct Timers {
    next_key: Option<Instant>,
    end: Option<Instant>,
}

impl Operation {
    pub(super) fn new(op: OpId, request: MediaRequest, store: &PromptStore) -> Result<Self, OperationError> {
        let mut keys = None;
        let sound = match request {
            MediaRequest::Play { prompts } => Sound::prompts(prompts, store)?,
            MediaRequest::Collect {
                prompts,
                max_digits,
                terminators,
                first_timeout,
                digit_timeout,
                total_timeout,
            } => {
                keys = Some(Keys {
                    digits: String::new(),
                    last: None,
                    max: usize::from(max_digits.max(1)),
                    terminators,
                    first: first_timeout,
                    between: digit_timeout,
                    total: total_timeout,
                    timers: None,
                });
                Sound::prompts(prompts, store)?
            }
            MediaRequest::Music { source, duration } => {
                let pcm = match source {
                    Some(source) => store.get(&source)?,
                    None => store.music(),
                };
                Sound::looped(Some(pcm.clone()), duration)
            }
            MediaRequest::Silence { duration } => Sound::looped(None, duration),
            MediaRequest::Tone { kind, duration } => Sound::looped(Some(store.tone(kind).clone()), duration),
            _ => return Err(OperationError::Unknown),
        };
        Ok(Operation { op, sound, keys })
    }

    pub(super) fn op(&self) -> OpId {
        self.op
    }

    pub(super) fn wants(&self) -> Want {
        match (&self.keys, &self.sound) {
            (Some(keys), _) if !keys.is_complete() => Want::Key,
            (None, Sound::Loop { pcm: Some(_), .. }) => Want::Nothing,
            _ => Want::Later,
        }
    }

    /// What runs without any sound is over, or waits for keys, at once.
    pub(super) fn begin(&mut self, now: Instant) -> Option<MediaResult> {
        if self.sound.is_over() {
            self.sound_over(now)
        } else {
            None
        }
    }

    /// The next 20 ms; a result when the frame before was the last.
    pub(super) fn next_frame(&mut self, now: Instant, frame: &mut Frame) -> Option<MediaResult> {
        if self.sound.next_frame(frame) {
            return None;
        }
        *frame = SILENCE;
        match &self.keys {
            Some(keys) if keys.timers.is_some() => None,
            _ => self.sound_over(now),
        }
    }

    pub(super) fn press(&mut self, now: Instant, digit: char) -> Option<MediaResult> {
        let over = self.sound.press(digit);
        if let Some(keys) = &mut self.keys {
            keys.press(now, digit);
        }
        if over { self.sound_over(now) } else { None }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<MediaResult> {
        self.deadline().filter(|deadline| *deadline <= now)?;
        let keys = self.keys.as_ref()?;
        Some(MediaResult::Timeout {
            digits: keys.digits.clone(),
        })
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let timers = self.keys.as_ref()?.timers?;
        [timers.next_key, timers.end].into_iter().flatten().min()
    }

    pub(super) fn result_so_far(self) -> MediaResult {
        match (self.keys, self.sound) {
            (Some(keys), _) => MediaResult::Digits {
                digits: keys.digits,
                last: keys.last,
            },
            (
                None,
                Sound::Prompts {
                    pressed: Some(Digit(key)),
                    ..
                },
            ) => MediaResult::Digits {
                digits: key.to_string(),
                last: None,
            },
            _ => MediaResult::Completed,
        }
    }

    /// Nothing is left to play: a result, or the timers of the collection start.
    fn sound_over(&mut self, now: Instant) -> Option<MediaResult> {
        match (&mut self.keys, &self.sound) {
            (Some(keys), _) => keys.conclude(now),
            (
                None,
                Sound::Prompts {
                    pressed: Some(Digit(key)),
                    ..
                },
            ) => Some(MediaResult::Digits {
                digits: key.to_string(),
                last: None,
            }),
            _ => Some(MediaResult::Completed),
        }
    }
}

impl Sound {
    fn prompts(prompts: Vec<MediaPrompt>, store: &PromptStore) -> Result<Self, OperationError> {
        if prompts.len() > MAX_PROMPTS {
            return Err(OperationError::TooManyPrompts);
        }
        let queue = prompts
            .into_iter()
            .map(|prompt| {
                let pcm = store.get(&prompt.source)?.clone();
                Ok(Prompt {
                    pcm,
                    interruptible: prompt.interruptible,
                })
            })
            .collect::<Result<_, PromptError>>()?;
        Ok(Sound::Prompts {
            queue,
            position: 0,
            pressed: None,
        })
    }

    fn looped(pcm: Option<Pcm>, duration: Option<Duration>) -> Self {
        let frames_left =
            duration.map(|duration| u64::from(samples_in(duration)).div_ceil(FRAME_SAMPLES as u64));
        Sound::Loop {
            pcm,
            position: 0,
            frames_left,
        }
    }

    fn is_over(&self) -> bool {
        match self {
            Sound::Prompts { queue, .. } => queue.is_empty(),
            Sound::Loop { frames_left, .. } => *frames_left == Some(0),
        }
    }

    /// False when nothing is left for this frame.
    fn next_frame(&mut self, frame: &mut Frame) -> bool {
        match self {
            Sound::Prompts { queue, position, .. } => {
                while let Some(prompt) = queue.front() {
                    if prompt.pcm.fill(position, frame) {
                        return true;
                    }
                    queue.pop_front();
                    *position = 0;
                }
                false
            }
            Sound::Loop {
                frames_left: Some(0), ..
            } => false,
            Sound::Loop {
                pcm,
                position,
                frames_left,
            } => {
                if let Some(pcm) = pcm {
                    pcm.fill_looped(position, frame);
                }
                if let Some(left) = frames_left {
                    *left -= 1;
                }
                true
            }
        }
    }

    /// A key ends the prompt that plays, if it may, and those after it that may. True if nothing is left to play.
    fn press(&mut self, digit: char) -> bool {
        let Sound::Prompts {
            queue,
            position,
            pressed,
        } = self
        else {
            return false;
        };
        if queue.front().is_some_and(|prompt| prompt.interruptible) {
            *position = 0;
        }
        let before = queue.len();
        queue.retain(|prompt| !prompt.interruptible);
        if queue.len() < before {
            pressed.get_or_insert(Digit(digit));
        }
        queue.is_empty()
    }
}

impl Keys {
    fn is_complete(&self) -> bool {
        self.last.is_some() || self.digits.len() >= self.max
    }

    fn press(&mut self, now: Instant, digit: char) {
        if self.is_complete() {
            return;
        }
        if self.terminators.contains(digit) {
            self.last = Some(digit);
        } else {
            self.digits.push(digit);
        }
        if let Some(timers) = &mut self.timers {
            timers.next_key = now.checked_add(self.between);
        }
    }

    /// The prompts are over.
    fn conclude(&mut self, now: Instant) -> Option<MediaResult> {
        if self.is_complete() {
            return Some(MediaResult::Digits {
                digits: self.digits.clone(),
                last: self.last,
            });
        }
        if self.timers.is_none() {
            let wait = if self.digits.is_empty() {
                self.first
            } else {
                self.between
            };
            self.timers = Some(Timers {
                next_key: now.checked_add(wait),
                end: self.total.and_then(|total| now.checked_add(total)),
            });
        }
        None
    }
}

/// Keys stay out of logs.
impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys")
            .field("count", &self.digits.len())
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum OperationError {
    #[error(transparent)]
    Prompt(#[from] PromptError),
    #[error("more than 256 prompts")]
    TooManyPrompts,
    #[error("operation not known here")]
    Unknown,
}
