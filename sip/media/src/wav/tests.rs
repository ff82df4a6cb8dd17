//! Tests of WAV files, against an independent reader and writer too.

use std::f64::consts::TAU;
use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::audio::{rms, tone_share};

const LIMIT: usize = 1 << 20;

fn foreign(channels: u16, rate: u32, bits: u16, samples: &[i32]) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: bits,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
    samples
        .iter()
        .for_each(|&sample| writer.write_sample(sample).unwrap());
    writer.finalize().unwrap();
    file.into_inner()
}

fn g711(tag: u16, octets: &[u8]) -> Vec<u8> {
    let mut file = b"RIFF\0\0\0\0WAVE".to_vec();
    file.extend(b"LIST\x03\0\0\0abc\0"); // an odd chunk before, with its pad
    file.extend(b"fmt \x12\0\0\0");
    file.extend(tag.to_le_bytes());
    file.extend([1, 0, 0x40, 0x1F, 0, 0, 0x40, 0x1F, 0, 0, 1, 0, 8, 0, 0, 0]);
    file.extend(b"data");
    file.extend((octets.len() as u32).to_le_bytes());
    file.extend(octets);
    file
}

fn sine(rate: u32, frequency: f64, seconds: usize) -> Vec<i32> {
    (0..rate as usize * seconds)
        .map(|n| (10_000.0 * (TAU * frequency * n as f64 / f64::from(rate)).sin()) as i32)
        .collect()
}

#[test]
fn what_is_written_is_read_by_us_and_by_others() {
    let samples: Vec<i16> = (-500..500).map(|n| n * 60).collect();
    let file = encode(&samples);
    assert_eq!(decode(&file, LIMIT).unwrap().samples(), samples);
    let mut other = hound::WavReader::new(Cursor::new(&file)).unwrap();
    assert_eq!((other.spec().channels, other.spec().sample_rate), (1, 8_000));
    assert_eq!(
        other.samples::<i16>().map(Result::unwrap).collect::<Vec<_>>(),
        samples
    );
}

#[test]
fn pcm_of_any_width_is_read() {
    assert_eq!(
        decode(&foreign(1, 8_000, 16, &[1, -2, 3]), LIMIT)
            .unwrap()
            .samples(),
        [1, -2, 3]
    );
    assert_eq!(
        decode(&foreign(1, 8_000, 8, &[1, -2]), LIMIT).unwrap().samples(),
        [256, -512]
    );
    assert_eq!(
        decode(&foreign(1, 8_000, 24, &[256, -512]), LIMIT)
            .unwrap()
            .samples(),
        [1, -2]
    );
    assert_eq!(
        decode(&foreign(2, 8_000, 16, &[100, 300, -10, 10]), LIMIT)
            .unwrap()
            .samples(),
        [200, 0]
    );
}

#[test]
fn g711_files_are_read_by_their_law() {
    let octets: Vec<u8> = (0..=255).collect();
    assert_eq!(
        decode(&g711(7, &octets), LIMIT).unwrap().samples(),
        Law::Mu.decode(&octets)
    );
    assert_eq!(
        decode(&g711(6, &octets), LIMIT).unwrap().samples(),
        Law::A.decode(&octets)
    );
}

#[test]
fn higher_rates_are_filtered_and_decimated() {
    for rate in [16_000, 48_000] {
        let low = decode(&foreign(1, rate, 16, &sine(rate, 1_000.0, 1)), LIMIT).unwrap();
        assert_eq!(low.len(), 8_000);
        let level = rms(&low.samples()[100..7_900]);
        assert!((level - 7_071.0).abs() < 100.0, "{rate}: {level}");
        assert!(tone_share(&low.samples()[100..7_900], 1_000.0) > 0.99);
        // 5 kHz would fold to 3 kHz.
        let high = decode(&foreign(1, rate, 16, &sine(rate, 5_000.0, 1)), LIMIT).unwrap();
        assert!(rms(&high.samples()[100..7_900]) < 70.0, "{rate}: 40 dB down");
    }
}

#[test]
fn what_cannot_be_played_is_refused_with_its_reason() {
    assert_eq!(decode(b"RIFX", LIMIT), Err(WavError::NotWav));
    assert_eq!(decode(b"RIFF\0\0\0\0WAVE", LIMIT), Err(WavError::Chunk("fmt")));
    assert_eq!(
        decode(&foreign(1, 44_100, 16, &[0]), LIMIT),
        Err(WavError::Rate(44_100))
    );
    assert_eq!(
        decode(&foreign(9, 8_000, 16, &[0; 9]), LIMIT),
        Err(WavError::Channels(9))
    );
    assert_eq!(
        decode(&g711(49, &[0]), LIMIT),
        Err(WavError::Format { format: 49, bits: 8 })
    );
    assert_eq!(
        decode(&encode(&[0; 11]), 10),
        Err(WavError::TooLong {
            samples: 11,
            limit: 10
        })
    );
    let message = WavError::Rate(44_100).to_string();
    assert!(message.contains("44100 Hz"), "{message}");
}

#[test]
fn an_unfinished_recording_is_read_as_far_as_it_goes() {
    let mut file = encode(&[1, 2, 3, 4]);
    file[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
    file.truncate(HEADER_LEN + 5);
    assert_eq!(decode(&file, LIMIT).unwrap().samples(), [1, 2]);
}

proptest! {
    #[test]
    fn any_octets_are_read_without_panic(tail in prop::collection::vec(any::<u8>(), 0..120)) {
        let _ = decode(&[&b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0"[..], &tail].concat(), LIMIT);
    }

    #[test]
    fn a_file_with_any_octet_changed_is_read_without_panic(at in 0usize..64, value in any::<u8>()) {
        let mut file = encode(&[5; 10]);
        file[at] = value;
        let _ = decode(&file, LIMIT);
    }
}
