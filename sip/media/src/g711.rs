//! G.711: A-law and µ-law, by tables that the compiler works out.
//!
//! PCM is 16 bits wide here. µ-law uses its upper 14 bits and A-law its upper 13, as the standard's software tools do.
//!
//! Spec: ITU-T G.711 §3; layout of the arithmetic: ITU-T G.191

use crate::audio::{FRAME_SAMPLES, Frame};

/// One of the two companding laws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "G.711 has two laws")]
pub enum Law {
    /// µ-law: North America, Japan. RTP payload type 0, `PCMU`.
    Mu,
    /// A-law: everywhere else. RTP payload type 8, `PCMA`.
    A,
}

impl Law {
    /// The static RTP payload type.
    ///
    /// Spec: RFC 3551 §6, table 4
    pub const fn payload_type(self) -> u8 {
        match self {
            Law::Mu => 0,
            Law::A => 8,
        }
    }

    /// The encoding name in `a=rtpmap`.
    ///
    /// Spec: RFC 3551 §4.5.14
    pub const fn name(self) -> &'static str {
        match self {
            Law::Mu => "PCMU",
            Law::A => "PCMA",
        }
    }

    /// The law with an encoding name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Law::Mu, Law::A]
            .into_iter()
            .find(|law| name.eq_ignore_ascii_case(law.name()))
    }

    /// The octet that stands for no signal.
    pub const fn silence(self) -> u8 {
        match self {
            Law::Mu => 0xFF,
            Law::A => 0xD5,
        }
    }

    /// One sample to its octet.
    pub fn encode_sample(self, sample: i16) -> u8 {
        let bits = sample as u16;
        match self {
            Law::Mu => MU_ENCODE[usize::from(bits >> 2)],
            Law::A => A_ENCODE[usize::from(bits >> 3)],
        }
    }

    /// One octet to its sample.
    pub fn decode_sample(self, octet: u8) -> i16 {
        match self {
            Law::Mu => MU_DECODE[usize::from(octet)],
            Law::A => A_DECODE[usize::from(octet)],
        }
    }

    /// One frame to its octets.
    pub fn encode_frame(self, frame: &Frame) -> [u8; FRAME_SAMPLES] {
        let mut octets = [0; FRAME_SAMPLES];
        for (octet, &sample) in octets.iter_mut().zip(frame) {
            *octet = self.encode_sample(sample);
        }
        octets
    }

    /// Samples to octets, one each.
    pub fn encode(self, samples: &[i16]) -> Vec<u8> {
        samples.iter().map(|&sample| self.encode_sample(sample)).collect()
    }

    /// Octets to samples, one each.
    pub fn decode(self, octets: &[u8]) -> Vec<i16> {
        octets.iter().map(|&octet| self.decode_sample(octet)).collect()
    }

    /// What is left of a sample after the line: encoded and decoded.
    pub fn quantize(self, sample: i16) -> i16 {
        self.decode_sample(self.encode_sample(sample))
    }
}

static MU_DECODE: [i16; 256] = mu_decode_table();
static A_DECODE: [i16; 256] = a_decode_table();
static MU_ENCODE: [u8; 1 << 14] = mu_encode_table();
static A_ENCODE: [u8; 1 << 13] = a_encode_table();

const fn mu_decode_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        let inverted = !(octet as u8);
        let segment = (inverted >> 4) & 7;
        let step = (inverted & 15) as i32;
        let magnitude = (((step << 3) + 0x84) << segment) - 0x84;
        table[octet] = if inverted & 0x80 == 0 {
            magnitude as i16
        } else {
            -magnitude as i16
        };
        octet += 1;
    }
    table
}

const fn a_decode_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        let plain = octet as u8 ^ 0x55;
        let segment = (plain >> 4) & 7;
        let step = (plain & 15) as i32;
        let magnitude = if segment == 0 {
            (step << 4) + 8
        } else {
            ((step << 4) + 0x108) << (segment - 1)
        };
        table[octet] = if plain & 0x80 != 0 {
            magnitude as i16
        } else {
            -magnitude as i16
        };
        octet += 1;
    }
    table
}

/// Index: the upper 14 bits of a two's complement sample.
const fn mu_encode_table() -> [u8; 1 << 14] {
    let mut table = [0; 1 << 14];
    let mut index = 0;
    while index < 1 << 14 {
        let negative = index >= 1 << 13;
        let magnitude = if negative { (1 << 14) - 1 - index } else { index };
        let biased = if magnitude + 33 > 0x1FFF {
            0x1FFF
        } else {
            magnitude + 33
        };
        // The bias puts the leading one at bit 5 or above; its place is the segment.
        let segment = (biased as u32).ilog2() - 5;
        let step = (biased >> (segment + 1)) & 15;
        let plain = ((segment as u8) << 4) | step as u8;
        table[index] = !(if negative { plain | 0x80 } else { plain });
        index += 1;
    }
    table
}

/// Index: the upper 13 bits of a two's complement sample.
const fn a_encode_table() -> [u8; 1 << 13] {
    let mut table = [0; 1 << 13];
    let mut index = 0;
    while index < 1 << 13 {
        let negative = index >= 1 << 12;
        let magnitude = (if negative { (1 << 13) - 1 - index } else { index }) >> 1;
        let plain = if magnitude < 16 {
            magnitude as u8
        } else {
            let segment = (magnitude as u32).ilog2() - 3;
            ((segment as u8) << 4) | ((magnitude >> (segment - 1)) & 15) as u8
        };
        table[index] = (if negative { plain } else { plain | 0x80 }) ^ 0x55;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The positive half of the standard's tables, from segment end points: decision value and reconstruction value.
    ///
    /// In 16-bit units: µ-law steps of 8·2^s from 32(2^s - 1)·4, less the half step that centers zero; A-law steps of
    /// 16 in the first two segments, doubled in each that follows.
    fn intervals(law: Law) -> Vec<(i32, i32)> {
        let mut values = Vec::new();
        for segment in 0..8u32 {
            for step in 0..16i32 {
                let (base, width) = match law {
                    Law::Mu => (4 * 33 * ((1 << segment) - 1), 8 << segment),
                    Law::A if segment == 0 => (8, 16),
                    Law::A => ((256 << (segment - 1)) + (8 << (segment - 1)), 16 << (segment - 1)),
                };
                let value = base + step * width;
                values.push((value - width / 2, value));
            }
        }
        values
    }

    fn reconstruction(law: Law) -> Vec<i32> {
        intervals(law)
            .into_iter()
            .flat_map(|(_, value)| [value, -value])
            .collect()
    }

    #[test]
    fn all_65536_inputs_are_coded_by_the_decision_values() {
        for law in [Law::Mu, Law::A] {
            let intervals = intervals(law);
            for sample in i16::MIN..=i16::MAX {
                let magnitude = i32::from(if sample < 0 { !sample } else { sample });
                let at = intervals.partition_point(|(decision, _)| *decision <= magnitude);
                let value = intervals[at - 1].1;
                let expected = if sample < 0 { -value } else { value };
                assert_eq!(i32::from(law.quantize(sample)), expected, "{law:?} {sample}");
            }
        }
    }

    #[test]
    fn all_256_octets_decode_to_the_reconstruction_values_and_back() {
        for law in [Law::Mu, Law::A] {
            let mut decoded: Vec<i32> = (0..=255)
                .map(|octet| i32::from(law.decode_sample(octet)))
                .collect();
            let mut expected = reconstruction(law);
            decoded.sort_unstable();
            expected.sort_unstable();
            assert_eq!(decoded, expected);
            for octet in 0..=255u8 {
                let again = law.encode_sample(law.decode_sample(octet));
                // µ-law has two zeros; the negative one decodes to 0 and comes back as the positive one.
                let expected = if law == Law::Mu && octet == 0x7F {
                    0xFF
                } else {
                    octet
                };
                assert_eq!(again, expected, "{law:?}");
            }
        }
    }

    #[test]
    fn known_octets_of_the_standard() {
        // µ-law: extremes and zeros; the first positive decision values.
        for (sample, octet) in [
            (0, 0xFF),
            (32767, 0x80),
            (-32768, 0x00),
            (8, 0xFE),
            (-8, 0x7E),
            (132, 0xEF),
        ] {
            assert_eq!(Law::Mu.encode_sample(sample), octet, "{sample}");
        }
        assert_eq!(Law::Mu.decode_sample(0x80), 32124);
        assert_eq!(Law::Mu.decode_sample(0x00), -32124);
        assert_eq!(Law::Mu.decode_sample(0x7F), 0);
        // A-law: even bits inverted.
        for (sample, octet) in [
            (0, 0xD5),
            (-1, 0x55),
            (32767, 0xAA),
            (-32768, 0x2A),
            (16, 0xD4),
            (256, 0xC5),
        ] {
            assert_eq!(Law::A.encode_sample(sample), octet, "{sample}");
        }
        assert_eq!(Law::A.decode_sample(0xAA), 32256);
        assert_eq!(Law::A.decode_sample(0x2A), -32256);
        assert_eq!(Law::A.decode_sample(0xD5), 8);
    }

    #[test]
    fn the_standards_digital_milliwatt_is_a_1_khz_sine() {
        // G.711 tables 5 and 6: the periodic sequences that give 0 dBm0 at 1 kHz.
        let mu = [0x1E, 0x0B, 0x0B, 0x1E, 0x9E, 0x8B, 0x8B, 0x9E];
        let a = [0x34, 0x21, 0x21, 0x34, 0xB4, 0xA1, 0xA1, 0xB4];
        for (law, octets) in [(Law::Mu, mu), (Law::A, a)] {
            let samples: Vec<i16> = law.decode(&octets).into_iter().cycle().take(800).collect();
            assert!(crate::audio::tone_share(&samples, 1000.0) > 0.99, "{law:?}");
            // 3.17 dB (µ) and 3.14 dB (A) below overload.
            let overload = if law == Law::Mu { 32124.0 } else { 32256.0 } / 2f64.sqrt();
            let level = 20.0 * (crate::audio::rms(&samples) / overload).log10();
            assert!((-3.3..=-3.0).contains(&level), "{law:?}: {level}");
        }
    }

    #[test]
    fn names_and_payload_types_are_those_of_the_profile() {
        assert_eq!((Law::Mu.payload_type(), Law::A.payload_type()), (0, 8));
        assert_eq!(Law::from_name("pcma"), Some(Law::A));
        assert_eq!(Law::from_name("G729"), None);
        assert_eq!(Law::Mu.decode_sample(Law::Mu.silence()), 0);
        assert_eq!(Law::A.encode(&[0, 0]), [Law::A.silence(); 2]);
    }
}
