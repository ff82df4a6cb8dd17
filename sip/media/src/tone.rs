//! Call progress tones, from a table of frequencies and cadences.
//!
//! A tone is rendered once as one cycle of its cadence and then played in a loop.
//!
//! Spec: ITU-T E.180 §2-§5; ATIS-0600401 (North America)

use std::f64::consts::TAU;
use std::time::Duration;

use sip::media::ToneKind;

use crate::audio::{SAMPLE_RATE, samples_in};
use crate::pcm::Pcm;

/// Peak of one frequency: about -16 dBm0, so that two together stay below -10 dBm0.
const AMPLITUDE: f64 = 5_000.0;
/// Fade at each edge of a burst, in samples, against clicks: 4 ms.
const FADE: usize = 32;

/// One burst of a cadence.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a row of the table")]
pub struct Burst {
    /// First frequency in Hz; 0 for silence.
    pub first: f64,
    /// Second frequency in Hz; 0 for none.
    pub second: f64,
    /// Sound, in ms.
    pub on_ms: u64,
    /// Silence after it, in ms.
    pub off_ms: u64,
}

/// The tones of one country or of one group of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ToneSet {
    /// 425 Hz with the cadences that E.180 recommends: most of Europe.
    #[default]
    Itu,
    /// North America.
    NorthAmerica,
}

/// A tone that can be rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tone {
    /// The far phone rings.
    RingBack,
    /// The far phone is busy.
    Busy,
    /// No way to the far phone: fast busy.
    Congestion,
    /// The line is open for dialing.
    Dial,
    /// Special information: number not in service, in North America's vacant-circuit form.
    SpecialInformation,
}

impl From<ToneKind> for Tone {
    fn from(kind: ToneKind) -> Self {
        match kind {
            ToneKind::Busy => Tone::Busy,
            _ => Tone::RingBack,
        }
    }
}

const fn burst(first: f64, second: f64, on_ms: u64, off_ms: u64) -> Burst {
    Burst {
        first,
        second,
        on_ms,
        off_ms,
    }
}

impl ToneSet {
    /// The bursts of one cycle.
    pub fn cadence(self, tone: Tone) -> &'static [Burst] {
        use Tone::{Busy, Congestion, Dial, RingBack, SpecialInformation};
        use ToneSet::{Itu, NorthAmerica};
        match (self, tone) {
            (Itu, RingBack) => const { &[burst(425.0, 0.0, 1_000, 4_000)] },
            (Itu, Busy) => const { &[burst(425.0, 0.0, 500, 500)] },
            (Itu, Congestion) => const { &[burst(425.0, 0.0, 250, 250)] },
            (Itu, Dial) => const { &[burst(425.0, 0.0, 1_000, 0)] },
            (Itu, SpecialInformation) => {
                const {
                    &[
                        burst(950.0, 0.0, 330, 0),
                        burst(1_400.0, 0.0, 330, 0),
                        burst(1_800.0, 0.0, 330, 1_000),
                    ]
                }
            }
            (NorthAmerica, RingBack) => const { &[burst(440.0, 480.0, 2_000, 4_000)] },
            (NorthAmerica, Busy) => const { &[burst(480.0, 620.0, 500, 500)] },
            (NorthAmerica, Congestion) => const { &[burst(480.0, 620.0, 250, 250)] },
            (NorthAmerica, Dial) => const { &[burst(350.0, 440.0, 1_000, 0)] },
            (NorthAmerica, SpecialInformation) => {
                const {
                    &[
                        burst(985.2, 0.0, 380, 0),
                        burst(1_370.6, 0.0, 274, 0),
                        burst(1_776.7, 0.0, 380, 1_000),
                    ]
                }
            }
        }
    }

    /// One cycle of a tone, to be played in a loop.
    pub fn render(self, tone: Tone) -> Pcm {
        render(self.cadence(tone))
    }
}

/// Renders bursts one after the other. A continuous tone (no silence anywhere) is not faded, so that it can be looped.
///
/// Bursts longer than a minute are cut there.
pub fn render(cadence: &[Burst]) -> Pcm {
    let len = |ms: u64| samples_in(Duration::from_millis(ms.min(60_000))) as usize;
    let continuous = cadence.iter().all(|burst| burst.off_ms == 0);
    let mut samples = Vec::new();
    for burst in cadence {
        let on = len(burst.on_ms);
        samples.extend((0..on).map(|n| {
            let fade = if continuous { 1.0 } else { edge(n, on) };
            (fade * (sine(burst.first, n) + sine(burst.second, n)) * AMPLITUDE) as i16
        }));
        samples.resize(samples.len() + len(burst.off_ms), 0);
    }
    samples.into()
}

/// A steady sine, for test calls: peak of `amplitude`, 0-32767.
pub fn sine_wave(frequency: f64, amplitude: u16, duration: Duration) -> Pcm {
    let amplitude = f64::from(amplitude.min(32_767));
    let samples = samples_in(duration.min(Duration::from_secs(600))) as usize;
    (0..samples)
        .map(|n| (sine(frequency, n) * amplitude) as i16)
        .collect::<Vec<_>>()
        .into()
}

fn sine(frequency: f64, n: usize) -> f64 {
    (TAU * frequency * n as f64 / f64::from(SAMPLE_RATE)).sin()
}

fn edge(n: usize, len: usize) -> f64 {
    let from_edge = n.min(len - 1 - n);
    if from_edge >= FADE {
        1.0
    } else {
        from_edge as f64 / FADE as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{rms, tone_share};

    #[test]
    fn busy_tones_have_the_frequencies_and_cadence_of_the_table() {
        let itu = ToneSet::Itu.render(Tone::Busy);
        assert_eq!(itu.duration(), Duration::from_secs(1));
        assert!(tone_share(&itu.samples()[..4_000], 425.0) > 0.95);
        assert_eq!(rms(&itu.samples()[4_000..]), 0.0);
        let us = ToneSet::NorthAmerica.render(Tone::from(ToneKind::Busy));
        let on = &us.samples()[..4_000];
        assert!(tone_share(on, 480.0) > 0.45 && tone_share(on, 620.0) > 0.45);
    }

    #[test]
    fn every_tone_sounds_and_stays_below_overload() {
        for set in [ToneSet::Itu, ToneSet::NorthAmerica] {
            for tone in [
                Tone::RingBack,
                Tone::Busy,
                Tone::Congestion,
                Tone::Dial,
                Tone::SpecialInformation,
            ] {
                let pcm = set.render(tone);
                assert!(rms(pcm.samples()) > 500.0, "{set:?} {tone:?}");
                assert!(pcm.samples().iter().all(|sample| sample.unsigned_abs() <= 10_000));
            }
        }
        let ring_back = ToneSet::NorthAmerica.render(Tone::from(ToneKind::RingBack));
        assert_eq!(ring_back.duration(), Duration::from_secs(6));
    }

    #[test]
    fn a_continuous_tone_loops_without_a_step() {
        let dial = ToneSet::NorthAmerica.render(Tone::Dial);
        let (first, last) = (dial.samples()[0], dial.samples()[dial.len() - 1]);
        assert!((i32::from(first) - i32::from(last)).abs() < 4_000);
        assert_eq!(first, 0);
    }
}
