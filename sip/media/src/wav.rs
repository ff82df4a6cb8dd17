//! WAV files: reading prompts, writing what was heard.
//!
//! Read are PCM (8, 16, 24 bits), A-law and µ-law, up to 8 channels (mixed down), at 8 kHz or a whole multiple of it up
//! to 48 kHz (filtered and decimated). Written is mono PCM16 at 8 kHz. Everything else is refused with its reason.

mod resample;
#[cfg(test)]
mod tests;

use thiserror::Error;

use crate::audio::SAMPLE_RATE;
use crate::g711::Law;
use crate::pcm::Pcm;

const FORMAT_PCM: u16 = 1;
const FORMAT_A_LAW: u16 = 6;
const FORMAT_MU_LAW: u16 = 7;
const FORMAT_EXTENSIBLE: u16 = 0xFFFE;
const MAX_CHANNELS: u16 = 8;
/// Length of the header that [`encode`] writes.
pub const HEADER_LEN: usize = 44;

/// Why a WAV file cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WavError {
    /// No RIFF/WAVE head.
    #[error("not a wav file")]
    NotWav,
    /// A chunk is missing or too short.
    #[error("{0} chunk missing or truncated")]
    Chunk(&'static str),
    /// The coding is not one of those read here.
    #[error("format {format} with {bits} bits is not supported; use PCM 8/16/24, A-law or µ-law")]
    Format {
        /// Format tag.
        format: u16,
        /// Bits per sample.
        bits: u16,
    },
    /// No channel, or too many.
    #[error("{0} channels; 1 to 8 are supported")]
    Channels(u16),
    /// No whole multiple of 8 kHz, or above 48 kHz.
    #[error("sampling rate {0} Hz; 8, 16, 24, 32, 40 and 48 kHz are supported")]
    Rate(u32),
    /// Larger than the caller allows.
    #[error("{samples} samples at 8 kHz; at most {limit} are allowed")]
    TooLong {
        /// Samples it would have.
        samples: usize,
        /// The caller's limit.
        limit: usize,
    },
}

struct Format {
    tag: u16,
    channels: usize,
    rate: u32,
    bits: u16,
}

/// Reads a WAV file that is in memory; at most `limit` samples at 8 kHz.
///
/// A data chunk that announces more than there is (an unfinished recording) is read as far as it goes.
///
/// # Errors
/// [`WavError`]: why it cannot be played.
pub fn decode(file: &[u8], limit: usize) -> Result<Pcm, WavError> {
    if file.get(..4) != Some(b"RIFF") || file.get(8..12) != Some(b"WAVE") {
        return Err(WavError::NotWav);
    }
    let format = read_format(chunk(file, b"fmt ").ok_or(WavError::Chunk("fmt"))?)?;
    let data = chunk(file, b"data").ok_or(WavError::Chunk("data"))?;
    let factor = (format.rate / SAMPLE_RATE) as usize;
    let width = usize::from(format.bits / 8) * format.channels;
    let samples = data.len() / width / factor;
    if samples > limit {
        return Err(WavError::TooLong { samples, limit });
    }
    let mono = data
        .chunks_exact(width)
        .map(|all| mix_down(&format, all))
        .collect::<Vec<_>>();
    Ok(resample::decimate(mono, factor).into())
}

/// The bytes of a WAV file: mono PCM16 at 8 kHz. Samples past 2 GiB are left out.
pub fn encode(samples: &[i16]) -> Vec<u8> {
    let samples = &samples[..samples.len().min(1 << 30)];
    let mut file = Vec::with_capacity(HEADER_LEN + samples.len() * 2);
    file.extend_from_slice(&header(samples.len() as u32));
    for sample in samples {
        file.extend_from_slice(&sample.to_le_bytes());
    }
    file
}

/// The head of a WAV file with so many samples of mono PCM16 at 8 kHz; for writers that learn the number at the end.
pub fn header(samples: u32) -> [u8; HEADER_LEN] {
    let data = samples.saturating_mul(2);
    let mut head = [0; HEADER_LEN];
    head[..4].copy_from_slice(b"RIFF");
    head[4..8].copy_from_slice(&data.saturating_add(36).to_le_bytes());
    head[8..16].copy_from_slice(b"WAVEfmt ");
    head[16..20].copy_from_slice(&16u32.to_le_bytes());
    head[20..22].copy_from_slice(&FORMAT_PCM.to_le_bytes());
    head[22..24].copy_from_slice(&1u16.to_le_bytes());
    head[24..28].copy_from_slice(&SAMPLE_RATE.to_le_bytes());
    head[28..32].copy_from_slice(&(SAMPLE_RATE * 2).to_le_bytes());
    head[32..34].copy_from_slice(&2u16.to_le_bytes());
    head[34..36].copy_from_slice(&16u16.to_le_bytes());
    head[36..40].copy_from_slice(b"data");
    head[40..].copy_from_slice(&data.to_le_bytes());
    head
}

/// The first chunk with a name, cut at the end of the file.
fn chunk<'a>(file: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    let mut offset = 12;
    loop {
        let head = file.get(offset..offset + 8)?;
        let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let start = offset + 8;
        let end = start.saturating_add(len).min(file.len());
        if &head[..4] == name {
            return Some(&file[start..end]);
        }
        // Chunks begin at even places.
        offset = start.checked_add(len)?.checked_add(len & 1)?;
    }
}

fn read_format(chunk: &[u8]) -> Result<Format, WavError> {
    let short = |at: usize| {
        chunk
            .get(at..at + 2)
            .map(|octets| u16::from_le_bytes([octets[0], octets[1]]))
    };
    let missing = WavError::Chunk("fmt");
    let head = chunk.get(..16).ok_or(missing.clone())?;
    let (mut tag, channels) = (
        u16::from_le_bytes([head[0], head[1]]),
        u16::from_le_bytes([head[2], head[3]]),
    );
    let rate = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    let bits = u16::from_le_bytes([head[14], head[15]]);
    if tag == FORMAT_EXTENSIBLE {
        // The sub-format's first two octets are the tag.
        tag = short(24).ok_or(missing)?;
    }
    if !matches!(
        (tag, bits),
        (FORMAT_PCM, 8 | 16 | 24) | (FORMAT_A_LAW | FORMAT_MU_LAW, 8)
    ) {
        return Err(WavError::Format { format: tag, bits });
    }
    if channels == 0 || channels > MAX_CHANNELS {
        return Err(WavError::Channels(channels));
    }
    if rate == 0 || !rate.is_multiple_of(SAMPLE_RATE) || rate > 48_000 {
        return Err(WavError::Rate(rate));
    }
    Ok(Format {
        tag,
        channels: usize::from(channels),
        rate,
        bits,
    })
}

/// The mean of all channels at one instant.
fn mix_down(format: &Format, all: &[u8]) -> i16 {
    let width = usize::from(format.bits / 8);
    let sum: i32 = all
        .chunks_exact(width)
        .map(|octets| match (format.tag, octets) {
            (FORMAT_A_LAW, [octet]) => i32::from(Law::A.decode_sample(*octet)),
            (FORMAT_MU_LAW, [octet]) => i32::from(Law::Mu.decode_sample(*octet)),
            (_, [octet]) => (i32::from(*octet) - 128) << 8,
            (_, [.., low, high]) => i32::from(i16::from_le_bytes([*low, *high])),
            (_, []) => 0,
        })
        .sum();
    (sum / format.channels as i32) as i16
}
