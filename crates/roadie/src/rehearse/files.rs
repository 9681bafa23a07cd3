//! What is rehearsed, and what runs it.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::clock::Clock;
use super::fixtures::Fixtures;
use super::secrets::Secrets;
use super::stage::Stage;
use super::zones::{self, Zones};
use crate::container::{Docker, Engine};
use crate::deploy::Name as Layout;

/// What is rehearsed.
#[derive(Args, Clone, Debug)]
pub(crate) struct Files {
    /// Which of this project's layouts
    #[arg(long, value_enum, default_value_t = Layout::Ec2)]
    layout: Layout,

    /// Folder with any layout's files and their plan.json, instead
    #[arg(long, conflicts_with = "layout")]
    dir: Option<PathBuf>,

    /// File with the containers' secrets, a JSON object or lines of NAME=value, by variable or by what
    /// the task definition names; without it each secret is made up
    #[arg(long)]
    secrets: Option<PathBuf>,

    /// Availability Zones that tasks are spread over
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "rehearsal-1a,rehearsal-1b",
        value_parser = zones::name
    )]
    zones: Vec<String>,

    /// What runs the containers
    #[arg(long, value_enum, default_value_t = EngineName::Process)]
    engine: EngineName,

    /// Where the Docker engine is
    #[arg(
        long,
        env,
        default_value = "unix:///var/run/docker.sock",
        hide_env_values = true
    )]
    docker_host: String,
}

/// What runs the containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EngineName {
    /// Processes of this program: nothing else is needed
    Process,
    /// The real images, on the Docker engine of this machine
    Docker,
}

impl Files {
    pub(super) fn folder(&self) -> PathBuf {
        let dir = self.dir.clone();
        dir.unwrap_or_else(|| Path::new("ecs").join(self.layout.folder()))
    }

    /// What is to run the containers.
    pub(super) async fn engine(&self, fixtures: &Fixtures) -> anyhow::Result<Engine> {
        match self.engine {
            EngineName::Process => Ok(Engine::Processes),
            EngineName::Docker if fixtures.names.is_empty() => {
                Ok(Engine::Docker(Docker::at(&self.docker_host).await?))
            }
            EngineName::Docker => {
                anyhow::bail!("--engine docker knows links, but not Service Connect: --layout ec2")
            }
        }
    }

    /// What the files ask for as release `tag`. Its time begins now.
    pub(super) fn stage(&self, tag: &str, speed: f64) -> anyhow::Result<Stage> {
        let zones = Zones::new(&self.zones);
        let secrets = Secrets::read(self.secrets.as_deref())?;
        let on_host = self.engine == EngineName::Process;
        let clock = Clock::start(speed);
        Stage::read(&self.folder(), tag, zones, secrets, clock, on_host)
    }
}
