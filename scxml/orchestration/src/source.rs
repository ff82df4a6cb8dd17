//! Where documents come from: a folder, or memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use scxml::DocumentSource;

/// Documents below a folder. Names are relative paths; a leading `file:` is allowed, `..` and absolute paths are not.
#[derive(Clone, Debug)]
pub struct FileSource {
    root: PathBuf,
    max_bytes: u64,
}

impl FileSource {
    /// Documents below `root`, at most 4 MiB each.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            max_bytes: 4 << 20,
        }
    }

    /// Sets the most bytes of a document.
    #[must_use]
    pub const fn with_max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = max_bytes;
        self
    }
}

impl DocumentSource for FileSource {
    fn fetch(&self, url: &str) -> Result<String, String> {
        let path = Path::new(url.strip_prefix("file:").unwrap_or(url));
        let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if !path.components().all(inside) {
            return Err("path leads outside the folder of documents".to_owned());
        }
        let file = File::open(self.root.join(path)).map_err(|error| error.to_string())?;
        let mut text = String::new();
        let read = file
            .take(self.max_bytes + 1)
            .read_to_string(&mut text)
            .map_err(|error| error.to_string())?;
        if u64::try_from(read).is_ok_and(|read| read > self.max_bytes) {
            return Err(format!("longer than {} bytes", self.max_bytes));
        }
        Ok(text)
    }
}

/// Documents in memory, by name.
#[derive(Clone, Debug, Default)]
pub struct MemorySource {
    documents: BTreeMap<String, String>,
}

impl MemorySource {
    /// No documents.
    pub const fn new() -> Self {
        Self {
            documents: BTreeMap::new(),
        }
    }

    /// Adds a document.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.documents.insert(name.into(), text.into());
        self
    }
}

impl DocumentSource for MemorySource {
    fn fetch(&self, url: &str) -> Result<String, String> {
        self.documents
            .get(url)
            .cloned()
            .ok_or_else(|| "no such document".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_outside_the_folder_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::fs::write(folder.path().join("secret"), "s").unwrap();
        std::fs::write(folder.path().join("a/x.scxml"), "<scxml/>").unwrap();
        let source = FileSource::new(folder.path().join("a"));
        assert_eq!(source.fetch("x.scxml").unwrap(), "<scxml/>");
        assert_eq!(source.fetch("file:./x.scxml").unwrap(), "<scxml/>");
        for name in ["../secret", "/etc/passwd", "file:///etc/passwd", "b/../../secret"] {
            let error = source.fetch(name).unwrap_err();
            assert!(error.contains("outside"), "{name}: {error}");
        }
        assert!(source.fetch("missing.scxml").is_err());
    }

    #[test]
    fn long_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x"), "123456").unwrap();
        let source = FileSource::new(folder.path()).with_max_bytes(5);
        assert_eq!(source.fetch("x"), Err("longer than 5 bytes".to_owned()));
    }
}
