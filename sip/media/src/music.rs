//! The default music on hold: a short piece made by a few lines of code, so it belongs to nobody else.

use std::f64::consts::TAU;

use crate::audio::SAMPLE_RATE;
use crate::pcm::Pcm;

/// Samples of one step: 0.3 s.
const STEP: usize = 2_400;
/// Four bars of eight steps: each row is a chord (semitones above A3) walked up and down.
const BARS: [[i32; 4]; 4] = [[0, 4, 7, 12], [-3, 0, 4, 9], [-7, -3, 0, 5], [-5, -1, 2, 7]];
/// The order in which a bar walks over its chord; two different halves.
const WALK: [[usize; 8]; 2] = [[0, 1, 2, 3, 2, 1, 2, 1], [0, 2, 1, 3, 1, 2, 3, 2]];
const PLUCK: f64 = 6_000.0;
const BASS: f64 = 3_500.0;

/// Renders the piece: 19.2 s that loop without a step.
pub fn default_music() -> Pcm {
    let steps = WALK.len() * BARS.len() * 8;
    let mut mix = vec![0.0f64; steps * STEP];
    for (round, walk) in WALK.iter().enumerate() {
        for (bar, chord) in BARS.iter().enumerate() {
            let first = (round * BARS.len() + bar) * 8;
            add(&mut mix, first * STEP, 8 * STEP, pitch(chord[0] - 12), BASS);
            for (step, &degree) in walk.iter().enumerate() {
                add(
                    &mut mix,
                    (first + step) * STEP,
                    3 * STEP,
                    pitch(chord[degree] + 12),
                    PLUCK,
                );
            }
        }
    }
    mix.into_iter()
        .map(|sample| sample.clamp(-32_000.0, 32_000.0) as i16)
        .collect::<Vec<_>>()
        .into()
}

/// Adds a note that decays to nothing within `len`; what is past the end goes on at the start.
fn add(mix: &mut [f64], at: usize, len: usize, frequency: f64, amplitude: f64) {
    let total = mix.len();
    for n in 0..len {
        let time = n as f64 / f64::from(SAMPLE_RATE);
        let attack = (n as f64 / 80.0).min(1.0);
        let rest = 1.0 - n as f64 / len as f64;
        let wave = (TAU * frequency * time).sin() + 0.3 * (TAU * 2.0 * frequency * time).sin();
        mix[(at + n) % total] += amplitude * attack * rest * rest * wave;
    }
}

/// Equal temperament around A3 = 220 Hz.
fn pitch(semitones: i32) -> f64 {
    220.0 * 2f64.powf(f64::from(semitones) / 12.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::rms;

    #[test]
    fn the_music_never_pauses_never_clips_and_loops_without_a_step() {
        let music = default_music();
        assert_eq!(music.len(), 2 * 4 * 8 * STEP);
        for second in music.samples().chunks(8_000) {
            let level = rms(second);
            assert!((500.0..12_000.0).contains(&level), "{level}");
        }
        assert!(
            music
                .samples()
                .iter()
                .all(|sample| sample.unsigned_abs() < 32_000)
        );
        let seam = i32::from(music.samples()[0]) - i32::from(music.samples()[music.len() - 1]);
        assert!(seam.abs() < 3_000, "{seam}");
    }
}
