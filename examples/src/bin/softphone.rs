//! A phone for the command line: registers, calls, answers, presses keys, plays and records.

use std::process::ExitCode;

use clap::Parser;
use reference::sim::softphone::{Arguments, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    reference::framework::logging::start();
    match run(Arguments::parse(), &mut std::io::stdout()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            report(&error);
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::print_stderr, reason = "the user's answer")]
fn report(error: &dyn std::error::Error) {
    eprintln!("softphone: {error}");
}
