//! Speaks T-Library to a server: log in, watch, make and control calls, send any request.

use std::process::ExitCode;

use clap::Parser;
use reference::workspace::tlib_cli::{Arguments, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse(), &mut std::io::stdout()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::print_stderr, reason = "the user's answer")]
fn report(error: &dyn std::error::Error) {
    eprintln!("tlib-cli: {error}");
}
