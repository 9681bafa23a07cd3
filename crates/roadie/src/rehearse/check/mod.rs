//! `roadie rehearse check`: the life of a deployment under load, unattended, and what became of it.
//!
//! - `acts`, `kills`, `outcome`: what is played, in which order, and what comes of it;
//! - `house`: what it is played in; `cast`: who plays;
//! - `audience`: the load; `report`: what is said in the end, as text, JSON or
//!   `JUnit`.

mod acts;
mod audience;
mod cast;
mod house;
mod kills;
mod outcome;
mod report;

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};
use ecs::printable::Shown;

use self::acts::Play;
pub(super) use self::house::House;
use self::report::Report;
use super::console::Console;
use super::{Files, Rehearse, block_on, clock};
use crate::{deploy, stdio};

/// Exit status when nothing was played, as for a wrong command line.
const NOT_PLAYED: u8 = 2;

/// Play the life of a deployment under load, unattended: exit status 1 when a request was lost where none
/// may be, or a deployment did not end as it should
#[derive(Args, Clone, Debug)]
pub(crate) struct Check {
    #[command(flatten)]
    files: Files,

    /// How many times faster than on AWS waiting times pass
    #[arg(long, default_value = "10", value_parser = clock::speed)]
    speed: f64,

    /// Requests a second, spread over the paths of the listener's rules
    #[arg(long, default_value = "100", value_parser = rate)]
    rate: f64,

    /// How long the load is watched before anything happens
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=3600))]
    seconds: u16,

    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Where the report goes, instead of to standard output
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Where everything goes that the rehearsal and its containers say
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// Release to begin with, the layout's TAG
    #[arg(long, default_value = chassis::settings::VERSION, value_parser = deploy::tag)]
    tag: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
    /// For CI servers
    Junit,
}

impl Check {
    pub(crate) fn run(&self) -> ExitCode {
        match block_on(self.play()) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => stdio::failure(&error, NOT_PLAYED),
        }
    }

    /// Whether standard output gets the report as text, act by act.
    fn streams(&self) -> bool {
        self.format == Format::Text && self.report.is_none()
    }

    /// Whether all went as it should.
    async fn play(&self) -> anyhow::Result<bool> {
        let rehearse = Rehearse {
            files: self.files.clone(),
            port: 0,
            control_port: 0,
            speed: self.speed,
            tag: self.tag.clone(),
            rust_log: "info".to_owned(),
            plain: true,
            term: String::new(),
            no_color: "1".to_owned(),
        };
        let dir = self.files.folder();
        // Files that cannot be written are found now, not after the last act.
        let out = self.report.as_ref().map(create).transpose()?;
        let log = self.log.as_ref().map(create).transpose()?;
        let mut stage = self.files.stage(&self.tag, self.speed)?;
        // The acts decide how many tasks there are.
        stage.services.iter_mut().for_each(|s| s.scaling = None);
        let console = Console::elsewhere(stage.longest_name(), log);
        let console = console.context("cannot start the thread that writes the log")?;
        let mut report = Report::new(Shown(&dir).to_string(), self.speed, self.rate);
        let play = Play::new(self, &stage, &mut report);
        let played = rehearse
            .play(stage, &console, |house| play.run(house))
            .await;
        // A log or nothing: neither has an error to tell.
        let _ = console.screen().finish();
        played?;
        let text = match self.format {
            Format::Text if self.streams() => report.verdict(),
            Format::Text => report.text(),
            Format::Json => report.json()?,
            Format::Junit => report.junit(),
        };
        match out {
            Some(mut file) => file
                .write_all(text.as_bytes())
                .context("cannot write the report")?,
            None => stdio::if_read(stdio::print(&text))?,
        }
        Ok(report.passed())
    }
}

fn create(path: &PathBuf) -> anyhow::Result<File> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| File::create(path))
        .with_context(|| format!("cannot write {}", Shown(path)))
}

fn rate(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate| (1.0..=100_000.0).contains(rate))
        .ok_or_else(|| "takes a number from 1 to 100000".to_owned())
}
