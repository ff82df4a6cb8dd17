//! The prompts that can be played, by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::music::default_music;
use crate::pcm::Pcm;
use crate::tone::{Tone, ToneSet};
use crate::wav::{self, WavError};

/// Longest name.
const MAX_NAME: usize = 255;
/// Most folders inside each other.
const MAX_DEPTH: usize = 8;

/// Limits of what is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain limits")]
pub struct PromptLimits {
    /// Most files; default 4096.
    pub files: usize,
    /// Largest file in bytes; default 64 MiB.
    pub file_bytes: u64,
    /// Longest prompt in samples at 8 kHz; default ten minutes.
    pub samples: usize,
    /// Samples of all prompts together; default 256 Mi (512 MiB of memory).
    pub total_samples: usize,
}

impl Default for PromptLimits {
    fn default() -> Self {
        PromptLimits {
            files: 4_096,
            file_bytes: 64 << 20,
            samples: 600 * 8_000,
            total_samples: 256 << 20,
        }
    }
}

/// Why a prompt cannot be loaded or found.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PromptError {
    /// No prompt of that name.
    #[error("prompt {name:?} not found")]
    NotFound {
        /// The name, cut at 255 octets.
        name: String,
    },
    /// The name is empty, too long, or climbs out of the folder.
    #[error("prompt name {name:?} is not allowed")]
    BadName {
        /// The name, cut at 255 octets.
        name: String,
    },
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file cannot be played.
    #[error("{}: {source}", path.display())]
    Wav {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: WavError,
    },
    /// A limit of [`PromptLimits`] is exceeded.
    #[error("{}: more than {limit} {what}", path.display())]
    Limit {
        /// Where it was noticed.
        path: PathBuf,
        /// The limit.
        limit: u64,
        /// Of what.
        what: &'static str,
    },
}

/// Prompts in memory, by name, with the tones and the default music.
///
/// A name is a path below the loaded folder with `/`, with or without `.wav`. All files are read before the first call,
/// so a name from a call never becomes a path: it can only miss. Names with `..`, `\`, a leading `/` or control
/// characters are refused.
#[derive(Debug, Clone)]
pub struct PromptStore {
    prompts: BTreeMap<String, Pcm>,
    total_samples: usize,
    limits: PromptLimits,
    music: Pcm,
    ring_back: Pcm,
    busy: Pcm,
}

impl Default for PromptStore {
    fn default() -> Self {
        PromptStore::new(ToneSet::default(), PromptLimits::default())
    }
}

impl PromptStore {
    /// No prompts yet; tones of a set, and the default music.
    pub fn new(tones: ToneSet, limits: PromptLimits) -> Self {
        PromptStore {
            prompts: BTreeMap::new(),
            total_samples: 0,
            limits,
            music: default_music(),
            ring_back: tones.render(Tone::RingBack),
            busy: tones.render(Tone::Busy),
        }
    }

    /// Number of prompts.
    pub fn len(&self) -> usize {
        self.prompts.len()
    }

    /// True without prompts.
    pub fn is_empty(&self) -> bool {
        self.prompts.is_empty()
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.prompts.keys().map(String::as_str)
    }

    /// Puts a prompt under a name; an earlier one of the same name is replaced.
    ///
    /// # Errors
    /// [`PromptError::BadName`]; [`PromptError::Limit`] if a limit would be exceeded.
    pub fn insert(&mut self, name: &str, pcm: Pcm) -> Result<(), PromptError> {
        let name = normal(name)?;
        let replaced = self.prompts.get(&name).map_or(0, Pcm::len);
        let total = self.total_samples - replaced + pcm.len();
        let limit = |limit: usize, what| PromptError::Limit {
            path: PathBuf::from(&name),
            limit: limit as u64,
            what,
        };
        if pcm.len() > self.limits.samples {
            return Err(limit(self.limits.samples, "samples in a prompt"));
        }
        if total > self.limits.total_samples {
            return Err(limit(self.limits.total_samples, "samples in all prompts"));
        }
        if self.prompts.len() >= self.limits.files && !self.prompts.contains_key(&name) {
            return Err(limit(self.limits.files, "prompts"));
        }
        self.total_samples = total;
        self.prompts.insert(name, pcm);
        Ok(())
    }

    /// Reads all `.wav` files of a folder and its folders; links are not followed. Blocks: call it before serving.
    ///
    /// Gives the number of prompts read.
    ///
    /// # Errors
    /// The first file that cannot be read, with its path; what was read before stays.
    pub fn load_folder(&mut self, folder: &Path) -> Result<usize, PromptError> {
        let mut read = 0;
        let mut folders = vec![(folder.to_path_buf(), String::new(), 0)];
        while let Some((path, prefix, depth)) = folders.pop() {
            let io = |source| PromptError::Io {
                path: path.clone(),
                source,
            };
            let mut entries = std::fs::read_dir(&path)
                .map_err(io)?
                .collect::<Result<Vec<_>, _>>()
                .map_err(io)?;
            entries.sort_by_key(std::fs::DirEntry::file_name);
            for entry in entries {
                let Ok(file_name) = entry.file_name().into_string() else {
                    continue;
                };
                let name = format!("{prefix}{file_name}");
                let kind = entry.file_type().map_err(io)?;
                if kind.is_dir() {
                    if depth == MAX_DEPTH {
                        let limit = MAX_DEPTH as u64;
                        return Err(PromptError::Limit {
                            path: entry.path(),
                            limit,
                            what: "folders inside each other",
                        });
                    }
                    folders.push((entry.path(), format!("{name}/"), depth + 1));
                } else if kind.is_file() && is_wav(&file_name) {
                    let pcm = load_file(&entry.path(), &self.limits)?;
                    self.insert(&name, pcm)?;
                    read += 1;
                }
            }
        }
        Ok(read)
    }

    /// The prompt of a name.
    ///
    /// # Errors
    /// [`PromptError::NotFound`] or [`PromptError::BadName`].
    pub fn get(&self, name: &str) -> Result<&Pcm, PromptError> {
        let normal = normal(name)?;
        self.prompts
            .get(&normal)
            .ok_or(PromptError::NotFound { name: cut(name) })
    }

    /// The default music on hold.
    pub fn music(&self) -> &Pcm {
        &self.music
    }

    /// Takes another default music.
    pub fn set_music(&mut self, music: Pcm) {
        self.music = music;
    }

    /// One cycle of a call progress tone.
    pub fn tone(&self, kind: sip::media::ToneKind) -> &Pcm {
        match Tone::from(kind) {
            Tone::Busy => &self.busy,
            _ => &self.ring_back,
        }
    }
}

/// Reads one WAV file.
///
/// # Errors
/// [`PromptError`] with the path.
pub fn load_file(path: &Path, limits: &PromptLimits) -> Result<Pcm, PromptError> {
    use std::io::Read;
    let io = |source| PromptError::Io {
        path: path.to_path_buf(),
        source,
    };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(io)?;
    // One byte more than allowed tells a file that is too large, whatever its directory entry says.
    file.take(limits.file_bytes.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() as u64 > limits.file_bytes {
        return Err(PromptError::Limit {
            path: path.to_path_buf(),
            limit: limits.file_bytes,
            what: "bytes in a file",
        });
    }
    wav::decode(&bytes, limits.samples).map_err(|source| PromptError::Wav {
        path: path.to_path_buf(),
        source,
    })
}

fn normal(name: &str) -> Result<String, PromptError> {
    let plain = if is_wav(name) {
        &name[..name.len() - 4]
    } else {
        name
    };
    let bad = plain.is_empty()
        || name.len() > MAX_NAME
        || plain.contains(['\\', '\0'])
        || plain.chars().any(char::is_control)
        || plain.split('/').any(|part| matches!(part, "" | "." | ".."));
    if bad {
        Err(PromptError::BadName { name: cut(name) })
    } else {
        Ok(plain.to_owned())
    }
}

fn is_wav(name: &str) -> bool {
    let octets = name.as_bytes();
    octets.len() > 4 && octets[octets.len() - 4..].eq_ignore_ascii_case(b".wav")
}

fn cut(name: &str) -> String {
    let mut end = name.len().min(MAX_NAME);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn pcm(samples: usize) -> Pcm {
        vec![1; samples].into()
    }

    #[test]
    fn a_folder_is_loaded_with_its_folders_and_found_with_or_without_extension() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("en")).unwrap();
        fs::write(folder.path().join("greeting.wav"), wav::encode(&[1, 2, 3])).unwrap();
        fs::write(folder.path().join("en/menu.WAV"), wav::encode(&[4])).unwrap();
        fs::write(folder.path().join("notes.txt"), "no prompt").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc", folder.path().join("linked")).unwrap();
        let mut store = PromptStore::default();
        assert_eq!(store.load_folder(folder.path()).unwrap(), 2);
        assert_eq!(store.names().collect::<Vec<_>>(), ["en/menu", "greeting"]);
        assert_eq!(store.get("greeting").unwrap().samples(), [1, 2, 3]);
        assert_eq!(store.get("en/menu.wav").unwrap().samples(), [4]);
        assert!(matches!(store.get("absent"), Err(PromptError::NotFound { .. })));
    }

    #[test]
    fn names_that_climb_out_are_refused() {
        let store = PromptStore::default();
        for name in [
            "../greeting",
            "a/../../b",
            "/etc/passwd",
            "a\\b",
            "",
            ".wav",
            "a//b",
            "a\0b",
            &"x".repeat(300),
        ] {
            let error = store.get(name).unwrap_err();
            assert!(
                matches!(error, PromptError::BadName { .. } | PromptError::NotFound { .. }),
                "{name}"
            );
            assert!(matches!(error, PromptError::BadName { .. }) || name == ".wav");
        }
    }

    #[test]
    fn limits_hold_and_replacing_frees_what_was_there() {
        let limits = PromptLimits {
            files: 2,
            samples: 10,
            total_samples: 15,
            ..PromptLimits::default()
        };
        let mut store = PromptStore::new(ToneSet::Itu, limits);
        assert!(store.insert("long", pcm(11)).is_err());
        store.insert("a", pcm(10)).unwrap();
        assert!(store.insert("b", pcm(6)).is_err(), "all together");
        store.insert("a", pcm(5)).unwrap();
        store.insert("b", pcm(10)).unwrap();
        assert!(store.insert("c", pcm(0)).is_err(), "too many");
    }

    #[test]
    fn a_bad_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("bad.wav"), "RIFF").unwrap();
        let text = PromptStore::default()
            .load_folder(folder.path())
            .unwrap_err()
            .to_string();
        assert!(text.ends_with("bad.wav: not a wav file"), "{text}");
        let small = PromptLimits {
            file_bytes: 3,
            ..PromptLimits::default()
        };
        let text = load_file(&folder.path().join("bad.wav"), &small)
            .unwrap_err()
            .to_string();
        assert!(text.ends_with("more than 3 bytes in a file"), "{text}");
    }
}
