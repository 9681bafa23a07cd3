//! `roadie lint`: reads files, hands them to [`ecs::lint`], and says what it found.

mod files;
mod output;

use std::{path::PathBuf, process::ExitCode};

use anyhow::bail;
use clap::{Args, ValueEnum};
use ecs::lint::Report;
use ecs::printable::Shown;

use crate::stdio;

/// Exit status when the files could not be looked at, as for a wrong command line.
const COULD_NOT_LOOK: u8 = 2;

/// Find what ECS and its load balancer would refuse or break.
#[derive(Args, Clone, Debug)]
pub(crate) struct Lint {
    /// Folders or files to look at; folders with all below them
    #[arg(value_name = "DIR", default_value = "ecs")]
    paths: Vec<PathBuf>,

    /// How to say it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Exit with 1 for warnings, too
    #[arg(long)]
    deny_warnings: bool,

    /// Any value: no colour
    #[arg(
        long,
        env,
        default_value = "",
        hide_env_values = true,
        hide_default_value = true
    )]
    no_color: String,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object
    Json,
    /// Workflow commands, which GitHub shows beside the lines
    Github,
}

/// Looks once and ends: 0, 1 for errors, 2 when it could not look.
pub(crate) fn main(options: &Lint) -> ExitCode {
    match lint(options) {
        Ok(report) if fails(options, &report) => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => stdio::failure(&error, COULD_NOT_LOOK),
    }
}

fn fails(options: &Lint, report: &Report) -> bool {
    report.errors() > 0 || (options.deny_warnings && report.warnings() > 0)
}

fn lint(options: &Lint) -> anyhow::Result<Report> {
    let files = files::read(&options.paths)?;
    if files.is_empty() {
        // Nothing found in nothing would look like a pass.
        let paths: Vec<String> = options.paths.iter().map(|p| Shown(p).to_string()).collect();
        bail!("no .json file in {}", paths.join(", "));
    }
    let report = ecs::lint::check(files);
    let colour = options.no_color.is_empty() && stdio::is_terminal();
    let text = match options.format {
        Format::Text => output::text(&report, colour),
        Format::Json => output::json(&report)?,
        Format::Github => output::github(&report),
    };
    // What files and their names say was cleaned where it was put between the colours.
    stdio::if_read(stdio::write(&text))?;
    Ok(report)
}
