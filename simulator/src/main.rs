//! `gigadb-simulator`: the simulator as a program.
//!
//! Prints one line of JSON with its URLs once it can be called, and ends on SIGTERM or SIGINT.

mod play;

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use gigadb_simulator::{Options, Simulator, World};
use serde_json::json;

/// Serve Cloudflare DNS, GitLab and EC2 on loopback, with state and scripted faults.
///
/// The first line on stdout is JSON: `cloudflare`, `gitlab`, `aws` and `control` URLs, and with --https
/// the same under `https` beside `ca_file`. `play` and `drill` open a shell in such a world instead.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Listen on this port of 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Start with the world of this JSON file instead of the one of GigaDB's deployment procedure.
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Print the world that would be served as a seed file, and end.
    #[arg(long)]
    print_seed: bool,
    /// Write AWS `config` and `credentials` files for the world's access keys into this folder.
    #[arg(long, value_name = "FOLDER")]
    aws_files: Option<PathBuf>,
    /// Listen for HTTPS too, with a throw-away certificate authority.
    #[arg(long)]
    https: bool,
    /// Answer DNS queries too, over UDP and TCP, on a free port; `dns` in the first line lists the servers.
    #[arg(long)]
    dns: bool,
    /// Let every call take this many milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,
}

#[derive(Debug, Subcommand)]
enum Command {
    Play(play::PlayArgs),
    Drill(play::DrillArgs),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.command {
        None => run(&arguments).map(|()| ExitCode::SUCCESS),
        Some(Command::Play(arguments)) => play::play(arguments),
        Some(Command::Drill(arguments)) => play::drill(arguments),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            let mut stderr = std::io::stderr();
            let _ = writeln!(stderr, "gigadb-simulator: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                let _ = writeln!(stderr, "  caused by: {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let world = match &arguments.seed {
        Some(path) => World::load(path)?,
        None => World::sop(),
    };
    let mut stdout = std::io::stdout();
    if arguments.print_seed {
        writeln!(stdout, "{}", world.to_json())?;
        return Ok(());
    }
    if let Some(folder) = &arguments.aws_files {
        world.aws.write_profiles(folder)?;
    }
    // Handlers come first: whoever reads the line may send a signal at once.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let options = Options {
            port: arguments.port,
            https: arguments.https,
            dns: arguments.dns,
            latency: Duration::from_millis(arguments.latency),
            ..Options::default()
        };
        let simulator = Simulator::start_with(world, &options)?;
        let mut line = json!(simulator.urls());
        if let (Some(urls), Some(file)) = (simulator.https_urls(), simulator.ca_file()) {
            line["https"] = json!(urls);
            line["ca_file"] = json!(file);
        }
        if arguments.dns {
            line["dns"] = json!(simulator.name_servers());
        }
        writeln!(stdout, "{line}")?;
        stdout.flush()?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    })
}
