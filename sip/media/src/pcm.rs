//! Audio in memory, shared by all who play it.

use std::sync::Arc;
use std::time::Duration;

use crate::audio::{FRAME_SAMPLES, Frame, duration_of};

/// 8 kHz mono PCM16. Clones share the samples.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Pcm(Arc<[i16]>);

impl Pcm {
    /// The samples.
    pub fn samples(&self) -> &[i16] {
        &self.0
    }

    /// Playing time.
    pub fn duration(&self) -> Duration {
        duration_of(self.0.len())
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True without samples.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Fills a frame from `position` on and moves it; what is past the end is silence. False if nothing was left.
    pub fn fill(&self, position: &mut usize, frame: &mut Frame) -> bool {
        let rest = self.0.get(*position..).unwrap_or_default();
        let taken = rest.len().min(FRAME_SAMPLES);
        frame[..taken].copy_from_slice(&rest[..taken]);
        frame[taken..].fill(0);
        *position += taken;
        taken > 0
    }

    /// Fills a frame from `position` on, beginning anew at the end. False only without samples.
    pub fn fill_looped(&self, position: &mut usize, frame: &mut Frame) -> bool {
        if self.0.is_empty() {
            frame.fill(0);
            return false;
        }
        let mut filled = 0;
        while filled < FRAME_SAMPLES {
            let rest = self.0.get(*position..).unwrap_or_default();
            let taken = rest.len().min(FRAME_SAMPLES - filled);
            frame[filled..filled + taken].copy_from_slice(&rest[..taken]);
            filled += taken;
            *position = if taken == rest.len() { 0 } else { *position + taken };
        }
        true
    }
}

impl From<Vec<i16>> for Pcm {
    fn from(samples: Vec<i16>) -> Self {
        Pcm(samples.into())
    }
}

impl std::fmt::Debug for Pcm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pcm({} samples)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::SILENCE;

    #[test]
    fn the_last_frame_is_filled_up_with_silence_and_a_loop_goes_on_without_a_gap() {
        let pcm = Pcm::from((1..=200).collect::<Vec<i16>>());
        let (mut position, mut frame) = (0, SILENCE);
        assert!(pcm.fill(&mut position, &mut frame));
        assert_eq!((frame[0], frame[159]), (1, 160));
        assert!(pcm.fill(&mut position, &mut frame));
        assert_eq!((frame[39], frame[40]), (200, 0));
        assert!(!pcm.fill(&mut position, &mut frame));
        position = 160;
        assert!(pcm.fill_looped(&mut position, &mut frame));
        assert_eq!((frame[39], frame[40], position), (200, 1, 120));
        assert!(!Pcm::default().fill_looped(&mut 0, &mut frame));
    }
}
