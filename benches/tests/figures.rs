//! The `figures` program as a user meets it.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use std::process::{Command, Output};

fn figures(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_figures"))
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn what_is_unknown_is_refused_in_one_line_with_exit_code_2() {
    for (arguments, named) in [
        (&["second-call"][..], "`second-call`"),
        (&["first-call", "--fast"], "`--fast`"),
        (&[], "which group"),
    ] {
        let refused = figures(arguments);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains(named) && said.lines().count() == 1, "{said}");
        assert_eq!(refused.stdout, b"");
    }
}

#[test]
fn help_is_the_usage() {
    let help = figures(&["--help"]);
    assert!(help.status.success());
    assert_eq!(
        String::from_utf8(help.stdout).unwrap().trim(),
        "usage: figures first-call [--long]"
    );
}
