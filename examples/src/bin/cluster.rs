//! The reference deployment in one process: `cluster [--config FILE] [--check-config] [--traffic CALLS_PER_SECOND]`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the user's answer")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use reference::cluster::Cluster;
use reference::config::ClusterConfig;
use reference::routing::RoutingConfig;
use reference::sim::traffic::{self, TrafficConfig};
use reference::start::StartError;

/// A contact centre in one process.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Configuration file.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/config/quickstart.toml"))]
    config: PathBuf,
    /// Check the configuration and its strategies, start nothing.
    #[arg(long)]
    check_config: bool,
    /// Place calls by built-in customers and phones, this many a second, then print a table.
    #[arg(long, value_name = "CALLS_PER_SECOND")]
    traffic: Option<f64>,
    /// Built-in agents for --traffic.
    #[arg(long, default_value_t = 40, requires = "traffic")]
    agents: usize,
    /// Seconds of --traffic.
    #[arg(long, default_value_t = 60, requires = "traffic")]
    duration: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    reference::framework::logging::start();
    match run(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode, StartError> {
    let mut config = ClusterConfig::load(&arguments.config)?;
    if arguments.check_config {
        RoutingConfig::load(&config)?;
        println!("{}: ok", arguments.config.display());
        return Ok(ExitCode::SUCCESS);
    }
    let traffic = arguments
        .traffic
        .map(|rate| TrafficConfig::new(rate, arguments.agents, arguments.duration).prepare(&mut config));
    let cluster = Cluster::start(config).await?;
    println!("cti-sdk contact centre\n{cluster}ready");
    let code = match traffic {
        Some(traffic) => {
            let report = traffic::run(&cluster, traffic).await?;
            println!("{report}");
            ExitCode::from(u8::from(report.failed > 0))
        }
        None => {
            reference::framework::signal::interrupted().await;
            ExitCode::SUCCESS
        }
    };
    cluster.shutdown().await;
    Ok(code)
}
