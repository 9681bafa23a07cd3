//! What `roadie` can be asked to do.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::bench::{self, Bench};
use crate::container::docker::sweep::Sweep;
use crate::container::leash;
use crate::deploy::{self, Deploy};
use crate::destroy::{self, Destroy};
use crate::lint::{self, Lint};
use crate::rehearse::{Rehearse, RehearseOrAsk};
use crate::rollback::{self, Rollback};
use crate::status::{self, Status};

/// Rehearse the deployment of Microservice Ping Pong on one machine.
#[derive(Debug, Parser)]
#[command(
    version,
    disable_help_subcommand = true,
    args_conflicts_with_subcommands = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    rehearse: Rehearse,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the files in ecs/ on this machine, without Docker and without AWS (the default)
    Rehearse(Box<RehearseOrAsk>),
    /// Find what ECS and its load balancer would refuse or break, in anyone's files
    Lint(Lint),
    /// Ask a URL over and over, and say how fast and how well it answers
    Bench(Bench),
    /// Make AWS what the files in ecs/ say: create what is missing, change what differs
    Deploy(Deploy),
    /// Go back to the revision that last completed a deployment
    Rollback(Rollback),
    /// Show services, tasks, targets, events and alarms
    Status(Status),
    /// Take away what was deployed, after asking; only what carries our label
    Destroy(Destroy),
    #[command(hide = true)]
    Sweep(Sweep),
    /// Run a container's program; the rehearsal starts these
    #[command(hide = true)]
    Node(Box<node::Cli>),
    /// Run a container's program; the rehearsal starts these
    #[command(hide = true)]
    Client(Box<client::Cli>),
}

impl Cli {
    pub(crate) fn run(self) -> ExitCode {
        match self.command {
            None => self.rehearse.run(),
            Some(Command::Rehearse(rehearse)) => rehearse.run(),
            Some(Command::Lint(lint)) => lint::main(&lint),
            Some(Command::Bench(bench)) => bench::main(&bench),
            Some(Command::Deploy(deploy)) => deploy::main(&deploy),
            Some(Command::Rollback(rollback)) => rollback::main(&rollback),
            Some(Command::Status(status)) => status::main(&status),
            Some(Command::Destroy(destroy)) => destroy::main(&destroy),
            Some(Command::Sweep(sweep)) => crate::report(sweep.run()),
            // Such as a health check, which nothing needs to hold.
            Some(Command::Node(node)) if node.command.is_some() => node.run(),
            Some(Command::Client(client)) if client.command.is_some() => client.run(),
            Some(Command::Node(node)) => {
                let config = node.config;
                config.refuse_bad_secrets();
                let (settings, service) = (config.settings.clone(), config.service());
                leash::run(&settings, &service, |started| node::run(config, started))
            }
            Some(Command::Client(client)) => {
                let config = client.config;
                let settings = config.settings.clone();
                leash::run(&settings, "client", |started| client::run(config, started))
            }
        }
    }
}
