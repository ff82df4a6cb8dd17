//! Reads every manifest of the workspace and rejects a dependency edge that the layout does not allow.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test on the repository's own files"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Folder of a package and the packages of this workspace that it may use, dev-dependencies included.
const ALLOWED: &[(&str, &str, &[&str])] = &[
    ("tlib", "cti-tlib", &[]),
    ("tlib/stat", "cti-stat", &["cti-tlib"]),
    ("tlib/routing", "cti-routing", &["cti-tlib", "cti-stat"]),
    ("sip", "cti-sip", &[]),
    ("sip/media", "cti-media", &["cti-sip"]),
    ("scxml", "cti-scxml", &[]),
    ("scxml/orchestration", "cti-orchestration", &["cti-scxml"]),
    ("outbound", "cti-outbound", &["cti-tlib"]),
    ("presence", "cti-presence", &["cti-sip", "cti-tlib"]),
    ("eservices", "cti-eservices", &["cti-tlib"]),
    ("examples", "cti-examples", ALL_LIBRARIES),
    ("benches", "cti-benches", EVERYTHING),
];

const ALL_LIBRARIES: &[&str] = &[
    "cti-tlib",
    "cti-stat",
    "cti-routing",
    "cti-sip",
    "cti-media",
    "cti-scxml",
    "cti-orchestration",
    "cti-outbound",
    "cti-presence",
    "cti-eservices",
];

const EVERYTHING: &[&str] = &[
    "cti-tlib",
    "cti-stat",
    "cti-routing",
    "cti-sip",
    "cti-media",
    "cti-scxml",
    "cti-orchestration",
    "cti-outbound",
    "cti-presence",
    "cti-eservices",
    "cti-examples",
];

const DEPENDENCY_TABLES: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn manifest(folder: &str) -> toml::Table {
    let path = root().join(folder).join("Cargo.toml");
    fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .parse()
        .unwrap()
}

fn members() -> Vec<String> {
    manifest("")["workspace"]["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member.as_str().unwrap().to_owned())
        .collect()
}

/// Names of the `cti-*` packages that a manifest depends on, in any table, for any target.
fn edges(manifest: &toml::Table) -> BTreeSet<String> {
    fn collect(table: &toml::Table, edges: &mut BTreeSet<String>) {
        for (key, value) in table {
            let Some(inner) = value.as_table() else { continue };
            if DEPENDENCY_TABLES.contains(&key.as_str()) {
                for (name, spec) in inner {
                    let package = spec.get("package").and_then(toml::Value::as_str).unwrap_or(name);
                    if package.starts_with("cti-") {
                        edges.insert(package.to_owned());
                    }
                }
            } else if key == "target" || inner.keys().any(|key| DEPENDENCY_TABLES.contains(&key.as_str())) {
                collect(inner, edges);
            }
        }
    }
    let mut found = BTreeSet::new();
    collect(manifest, &mut found);
    found
}

fn forbidden(package: &str, found: &BTreeSet<String>) -> Vec<String> {
    let allowed = ALLOWED
        .iter()
        .find(|row| row.1 == package)
        .map_or(&[][..], |row| row.2);
    found
        .iter()
        .filter(|name| !allowed.contains(&name.as_str()))
        .cloned()
        .collect()
}

#[test]
fn every_edge_between_packages_is_allowed_by_the_layout() {
    let folders: BTreeMap<&str, &str> = ALLOWED.iter().map(|row| (row.0, row.1)).collect();
    for member in members() {
        let manifest = manifest(&member);
        let package = manifest["package"]["name"].as_str().unwrap();
        assert_eq!(
            folders.get(member.as_str()),
            Some(&package),
            "{member} is not in the layout under this name"
        );
        let bad = forbidden(package, &edges(&manifest));
        assert!(
            bad.is_empty(),
            "{package} ({member}/Cargo.toml) must not depend on {bad:?}"
        );
    }
}

#[test]
fn a_forbidden_edge_is_found_in_every_kind_of_table() {
    for table in [
        "dependencies",
        "dev-dependencies",
        "build-dependencies",
        "target.'cfg(unix)'.dependencies",
    ] {
        let manifest: toml::Table = format!("[{table}]\nx = {{ package = \"cti-sip\", path = \"..\" }}\n")
            .parse()
            .unwrap();
        assert_eq!(forbidden("cti-tlib", &edges(&manifest)), ["cti-sip"], "{table}");
    }
    let manifest: toml::Table = "[dev-dependencies]\ncti-tlib.workspace = true\n".parse().unwrap();
    assert_eq!(forbidden("cti-sip", &edges(&manifest)), ["cti-tlib"]);
    assert!(forbidden("cti-stat", &edges(&manifest)).is_empty());
}

#[test]
fn libraries_take_dependencies_and_lints_from_the_workspace() {
    for member in members() {
        let manifest = manifest(&member);
        assert_eq!(
            manifest["lints"]["workspace"].as_bool(),
            Some(true),
            "{member} has its own lints"
        );
        for table in DEPENDENCY_TABLES {
            for (name, spec) in manifest
                .get(*table)
                .and_then(toml::Value::as_table)
                .into_iter()
                .flatten()
            {
                let from_workspace = spec.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                assert!(
                    from_workspace,
                    "{member}: {name} does not come from [workspace.dependencies]"
                );
            }
        }
    }
}

#[test]
fn no_other_top_level_folder_holds_rust_code() {
    let allowed: BTreeSet<&str> = ALLOWED.iter().filter_map(|row| row.0.split('/').next()).collect();
    for entry in fs::read_dir(root()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() && entry.path().join("Cargo.toml").exists() {
            assert!(
                allowed.contains(name.as_str()),
                "{name}/ is not a folder of the layout"
            );
        }
    }
}
