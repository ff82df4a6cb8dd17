//! `figures GROUP [--long]`: measures a group, prints tables for people and one `FIGURE name value` line per figure.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the user's answer")]

use std::process::ExitCode;

mod first_call;
mod kernel;
mod proc;
mod sipp;

const USAGE: &str = "usage: figures first-call [--long]";

/// What the user asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    Help,
    FirstCall { long: bool },
}

fn main() -> ExitCode {
    let request = match parse(std::env::args().skip(1)) {
        Ok(request) => request,
        Err(reason) => {
            eprintln!("figures: {reason}; {USAGE}");
            return ExitCode::from(2);
        }
    };
    let Request::FirstCall { long } = request else {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("figures: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match first_call::run(&runtime, long) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("figures: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<Request, String> {
    let mut group = None;
    let mut long = false;
    for argument in arguments {
        match argument.as_str() {
            "--help" | "-h" => return Ok(Request::Help),
            "--long" => long = true,
            option if option.starts_with('-') => return Err(format!("unknown argument `{option}`")),
            "first-call" if group.is_none() => group = Some("first-call"),
            _ if group.is_some() => return Err(format!("one group only, not also `{argument}`")),
            _ => return Err(format!("unknown group `{argument}`")),
        }
    }
    match group {
        Some(_) => Ok(Request::FirstCall { long }),
        None => Err("which group?".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Request, String> {
        parse(arguments.iter().map(|&argument| argument.to_owned()))
    }

    #[test]
    fn the_group_and_the_length_are_taken_in_any_order() {
        assert_eq!(parsed(&["first-call"]), Ok(Request::FirstCall { long: false }));
        assert_eq!(
            parsed(&["first-call", "--long"]),
            Ok(Request::FirstCall { long: true })
        );
        assert_eq!(
            parsed(&["--long", "first-call"]),
            Ok(Request::FirstCall { long: true })
        );
        assert_eq!(parsed(&["--help"]), Ok(Request::Help));
    }

    #[test]
    fn what_is_unknown_or_missing_is_refused_by_name() {
        assert_eq!(
            parsed(&["second-call"]),
            Err("unknown group `second-call`".to_owned())
        );
        assert_eq!(
            parsed(&["first-call", "--fast"]),
            Err("unknown argument `--fast`".to_owned())
        );
        assert_eq!(
            parsed(&["first-call", "more"]),
            Err("one group only, not also `more`".to_owned())
        );
        assert_eq!(parsed(&[]), Err("which group?".to_owned()));
    }
}
