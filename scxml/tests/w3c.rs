//! The conformance documents of the W3C implementation report, run in virtual time.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]
#![cfg(feature = "ecmascript")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use scxml::{
    Document, DocumentConfig, DocumentSource, DoneReason, Output, SendFailure, SessionConfig, SessionTree,
    TreeConfig,
};

/// Documents that fail, one id per line with the reason; may only shrink.
const KNOWN_FAILURES: &str = include_str!("w3c_known_failures.txt");

struct Folder(PathBuf);

impl DocumentSource for Folder {
    fn fetch(&self, url: &str) -> Result<String, String> {
        let name = url.strip_prefix("file:").unwrap_or(url);
        std::fs::read_to_string(self.0.join(name)).map_err(|e| format!("{name}: {e}"))
    }
}

/// The folder with `manifest.json`; `None` if there is no data and nobody promised any.
fn data_folder() -> Option<PathBuf> {
    let (root, promised) = match std::env::var_os("CTI_TESTDATA") {
        Some(root) => (PathBuf::from(root), true),
        None => (
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/testdata"),
            false,
        ),
    };
    let folder = root.join("scxml/w3c");
    if folder.join("manifest.json").is_file() {
        return Some(folder);
    }
    assert!(
        !promised,
        "CTI_TESTDATA is set but {} has no manifest.json",
        folder.display()
    );
    eprintln!(
        "SKIPPED: the W3C conformance documents are not here; set CTI_TESTDATA to the folder that has scxml/w3c"
    );
    None
}

/// Runs one document; `Ok` if it reaches the state `pass`.
fn run(folder: &Path, file: &str) -> Result<(), String> {
    let text = std::fs::read_to_string(folder.join(file)).map_err(|e| e.to_string())?;
    let source = Arc::new(Folder(folder.join(file).parent().unwrap().to_owned()));
    let config = DocumentConfig::default().with_source(source);
    let document = Document::parse_with(&text, &config).map_err(|e| e.to_string())?;
    // The value is arbitrary: no test looks at the clock.
    #[expect(clippy::disallowed_methods, reason = "the start of virtual time")]
    let start = Instant::now();
    let session = SessionConfig::new("w3c").with_trace(true);
    let mut tree =
        SessionTree::new(Arc::new(document), TreeConfig::new(config, session)).map_err(|e| e.to_string())?;
    let mut now = start;
    let mut trace = Vec::new();
    tree.start(now);
    loop {
        while let Some((id, output)) = tree.poll_output() {
            match output {
                Output::Done(done) => {
                    return match done.reason {
                        DoneReason::Final(state) if state == "pass" => Ok(()),
                        other => Err(format!("{other:?} after {}", trace.join(", "))),
                    };
                }
                Output::Send(request) => {
                    tree.handle_send_failure(now, &id, &request.send_id, SendFailure::Communication);
                }
                Output::Trace(step) => trace.push(format!("{id}:{step:?}")),
                _ => {}
            }
        }
        now = tree
            .poll_timeout()
            .ok_or_else(|| format!("stuck after {}", trace.join(", ")))?;
        if now > start + Duration::from_secs(60) {
            return Err("ran longer than a minute".to_owned());
        }
        tree.handle_timeout(now);
    }
}

struct Entry {
    id: String,
    section: String,
    file: String,
    mandatory: bool,
}

fn entries(folder: &Path) -> Vec<Entry> {
    let text = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut entries = Vec::new();
    for test in manifest["tests"].as_array().unwrap() {
        let field = |name: &str| test[name].as_str().unwrap_or_default().to_owned();
        let runnable = test["needs_http_server"] == false;
        let mandatory = test["conformance"] == "mandatory";
        if test["manual"] == false && runnable {
            entries.push(Entry {
                id: field("id"),
                section: field("section"),
                file: field("file"),
                mandatory,
            });
        } else if let Some(file) = test["auto_variant"].as_str().filter(|_| runnable) {
            entries.push(Entry {
                id: format!("{}a", field("id")),
                section: field("section"),
                file: file.to_owned(),
                mandatory,
            });
        }
    }
    entries
}

/// Spec: SCXML Implementation Report Plan
#[test]
fn every_automatic_document_passes_but_the_known_failures() {
    let Some(folder) = data_folder() else { return };
    let known: BTreeMap<&str, &str> = KNOWN_FAILURES
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .map(|l| l.split_once(' ').unwrap_or((l, "")))
        .collect();
    let entries = entries(&folder);
    assert!(
        entries.len() > 180,
        "the manifest lists only {} documents that can be run",
        entries.len()
    );
    let mut table: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let (mut failed, mut report) = (BTreeSet::new(), Vec::new());
    let mut mandatory = (0, 0);
    for entry in &entries {
        let result = run(&folder, &entry.file);
        let row = table.entry(entry.section.clone()).or_default();
        row.1 += 1;
        mandatory.1 += usize::from(entry.mandatory);
        match result {
            Ok(()) => {
                row.0 += 1;
                mandatory.0 += usize::from(entry.mandatory);
            }
            Err(reason) => {
                failed.insert(entry.id.as_str());
                report.push(format!("{} ({}): {reason}", entry.id, entry.section));
            }
        }
    }
    println!("section  passed");
    for (section, (passed, all)) in &table {
        println!("{section:8} {passed}/{all}");
    }
    println!(
        "mandatory {}/{}, all {}/{}",
        mandatory.0,
        mandatory.1,
        entries.len() - failed.len(),
        entries.len()
    );
    let new: Vec<&String> = report
        .iter()
        .filter(|r| !known.contains_key(r.split(' ').next().unwrap()))
        .collect();
    assert!(new.is_empty(), "documents fail that did not:\n{new:#?}");
    let fixed: Vec<&&str> = known.keys().filter(|id| !failed.contains(**id)).collect();
    assert!(
        fixed.is_empty(),
        "documents pass now; remove them from the list of known failures: {fixed:?}"
    );
}
