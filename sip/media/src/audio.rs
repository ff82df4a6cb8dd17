//! The audio unit everything here works in: 20 ms of 8 kHz mono PCM16.

use std::time::Duration;

/// Sampling rate of telephone audio.
///
/// Unit: Hz. G.711 knows no other.
///
/// Spec: ITU-T G.711 §2
pub const SAMPLE_RATE: u32 = 8_000;

/// Samples in one packet.
pub const FRAME_SAMPLES: usize = 160;

/// Duration of one packet.
///
/// Spec: RFC 3551 §4.2 (default packetization interval)
pub const FRAME: Duration = Duration::from_millis(20);

/// 20 ms of PCM16 at 8 kHz.
pub type Frame = [i16; FRAME_SAMPLES];

/// A frame of silence.
pub const SILENCE: Frame = [0; FRAME_SAMPLES];

/// Samples in a duration, rounded down.
///
/// Saturates at `u32::MAX` samples (about six days).
pub fn samples_in(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros().saturating_mul(u128::from(SAMPLE_RATE)) / 1_000_000)
        .unwrap_or(u32::MAX)
}

/// The playing time of a number of samples.
pub fn duration_of(samples: usize) -> Duration {
    Duration::from_micros((samples as u64).saturating_mul(1_000_000) / u64::from(SAMPLE_RATE))
}

/// Root mean square of some samples; 0 for none, at most 32768.
pub fn rms(samples: &[i16]) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    let sum: f64 = samples
        .iter()
        .map(|&sample| f64::from(sample) * f64::from(sample))
        .sum();
    (sum / samples.len() as f64).sqrt()
}

/// Energy of one frequency in some samples, relative to their whole energy.
///
/// 0 when nothing of it is there, near 1 for the pure tone. Goertzel's filter; used to recognize what was heard.
pub fn tone_share(samples: &[i16], frequency: f64) -> f64 {
    let total: f64 = samples
        .iter()
        .map(|&sample| f64::from(sample) * f64::from(sample))
        .sum();
    if total == 0.0 {
        return 0.0;
    }
    let coefficient = 2.0 * (std::f64::consts::TAU * frequency / f64::from(SAMPLE_RATE)).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for &sample in samples {
        let next = f64::from(sample) + coefficient * last - before;
        before = last;
        last = next;
    }
    let power = last * last + before * before - coefficient * last * before;
    2.0 * power / (total * samples.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_and_durations_are_inverse() {
        assert_eq!(samples_in(FRAME), 160);
        assert_eq!(samples_in(Duration::from_secs(1)), 8_000);
        assert_eq!(duration_of(FRAME_SAMPLES), FRAME);
        assert_eq!(samples_in(Duration::MAX), u32::MAX);
    }

    #[test]
    fn a_pure_tone_holds_its_whole_energy_at_its_frequency() {
        let tone: Vec<i16> = (0..800)
            .map(|n| (8000.0 * (std::f64::consts::TAU * 425.0 * f64::from(n) / 8000.0).sin()) as i16)
            .collect();
        assert!(tone_share(&tone, 425.0) > 0.98);
        assert!(tone_share(&tone, 1000.0) < 0.02);
        assert!((rms(&tone) - 8000.0 / 2f64.sqrt()).abs() < 20.0);
        assert_eq!(rms(&[]), 0.0);
        assert_eq!(tone_share(&SILENCE, 425.0), 0.0);
    }
}
