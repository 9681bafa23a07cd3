//! `roadie rehearse`: runs the files in `ecs/` on this machine.
//!
//! - `files`: what is rehearsed; `stage`: what that asks for, in the terms of this machine: each
//!   service's `blueprint`, and the `fixtures` that outlive revisions;
//! - `service`: does what [`ecs::scheduler`] decides; `task`: starts and ends containers in order;
//! - `targets`, `health`: who is healthy; `edge`: who gets a request; `connect`: whom a name leads to;
//! - `forward`, `idle`: how both pass it on, and how long it may be silent; `figures`: what became of it;
//! - `meter`, `scaling`: what tasks use, and how many there are for that; `zones`: where they are, and
//!   `metadata`: how they know;
//! - `control`, `ask`, `status`: the API, and its use from a second terminal; `check`: all of it, unattended;
//! - `view`, `screen`: what a terminal shows of it;
//! - `clock`, `console`, `scratch`, `secrets`, `machine`: its time, its words, its files, its room.

mod ask;
mod blueprint;
mod check;
pub(crate) mod clock;
mod connect;
pub(crate) mod console;
mod control;
mod edge;
mod figures;
mod files;
mod fixtures;
mod forward;
mod health;
mod idle;
mod machine;
mod metadata;
mod meter;
mod scaling;
mod scratch;
mod screen;
mod secrets;
mod service;
mod stage;
mod status;
mod targets;
mod task;
mod view;
mod zones;

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use chassis::server;
use clap::{Args, Subcommand};
use ecs::printable::Shown;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::ask::Ask;
use self::check::{Check, House};
use self::console::{Console, Voice};
use self::control::Control;
use self::edge::Edge;
use self::figures::Figures;
use self::files::Files;
use self::machine::Machine;
use self::metadata::Metadata;
use self::scratch::{Scratch, Token};
use self::service::{ServiceHandle, Stagehand};
use self::stage::Stage;
use crate::deploy;

/// How long what is still going on may take to end at the end of the process.
const LET_GO: Duration = Duration::from_millis(100);

/// The rehearsal, or a word to one that runs.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct RehearseOrAsk {
    #[command(flatten)]
    rehearse: Rehearse,
    #[command(subcommand)]
    word: Option<Word>,
}

#[derive(Clone, Debug, Subcommand)]
enum Word {
    Check(Check),
    #[command(flatten)]
    Ask(Ask),
}

impl RehearseOrAsk {
    pub(crate) fn run(&self) -> ExitCode {
        match &self.word {
            Some(Word::Check(check)) => check.run(),
            Some(Word::Ask(ask)) => crate::report(block_on(ask.run())),
            None => self.rehearse.run(),
        }
    }
}

/// Run the files in ecs/ on this machine.
#[derive(Args, Clone, Debug)]
pub(crate) struct Rehearse {
    #[command(flatten)]
    files: Files,

    /// Port of the load balancer on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,

    /// Port of the rehearsal's own API on 127.0.0.1, which its subcommands ask; 0 takes a free one
    #[arg(long, default_value_t = 8081)]
    control_port: u16,

    /// How many times faster than on AWS waiting times pass
    #[arg(long, default_value = "1", value_parser = clock::speed)]
    speed: f64,

    /// Release to run, the layout's TAG
    #[arg(long, default_value = chassis::settings::VERSION, value_parser = deploy::tag)]
    tag: String,

    /// Log levels of the containers, as in info or info,node=debug
    #[arg(long, env, default_value = "info", hide_env_values = true)]
    rust_log: String,

    /// Lines only, without the live view below them, as when the output is no terminal
    #[arg(long)]
    plain: bool,

    /// Kind of the terminal
    #[arg(long, env, default_value = "", hide = true)]
    term: String,

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

impl Rehearse {
    /// Rehearses until Ctrl-C or SIGTERM.
    pub(crate) fn run(&self) -> ExitCode {
        crate::report(block_on(async {
            let stage = self.files.stage(&self.tag, self.speed)?;
            let console = Console::new(stage.longest_name(), !self.no_color.is_empty());
            let console = console.context("cannot start the thread that prints")?;
            let played = self.play(stage, &console, |_| std::future::pending()).await;
            let printed = console.screen().finish();
            played?;
            Ok(printed?)
        }))
    }

    /// Rehearses until Ctrl-C or SIGTERM, or until `script` has been played.
    async fn play<F: Future<Output = ()>>(
        &self,
        stage: Stage,
        console: &Console,
        script: impl FnOnce(House) -> F,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        let requested = chassis::shutdown::requested().context("cannot listen for signals")?;
        let dir = self.files.folder();
        let machine = Machine::measure();
        stage.claim(&machine)?;
        let (clock, zones) = (stage.clock, stage.zones);
        let roadie = console.voice("roadie", 0);

        let (listener, address) = listen(self.port, "--port").await?;
        let url = format!("http://{address}");
        let (control, api) = listen(self.control_port, "--control-port").await?;
        let names = stage.services.iter().map(|service| &*service.name);
        let names: Vec<_> = names.collect();
        roadie.say(&format!("{}: {}", Shown(&dir), names.join(", ")));
        roadie.say(&format!("load balancer on {url}"));
        roadie.say(&format!("control on http://{api}"));

        let scratch = Arc::new(Scratch::new()?);
        let token = Token::random()?;
        let file = scratch.write_token(api.port(), &token);
        let file = file.context("cannot write the token of the control API")?;
        roadie.say(&format!("control token in {}", file.display()));
        let mut proxies = JoinSet::new();
        for name in &stage.fixtures.names {
            proxies.spawn(name.clone().serve());
        }
        let engine = self.files.engine(&stage.fixtures).await?;
        let (curtain, over) = watch::channel(false);
        let metadata = Metadata::new(&format!("http://{api}"));
        let mut services = JoinSet::new();
        let mut handles = Vec::new();
        let mut numbers = 1..;
        for service in stage.services {
            let containers = service.blueprint.containers.iter();
            let names = containers.map(|part| part.spec.name.clone());
            let voices = names.zip(numbers.by_ref());
            let variables = [("RUST_LOG", &self.rust_log), ("NO_COLOR", &self.no_color)];
            let ambient = variables.map(|(name, value)| (name.to_owned(), value.clone()));
            let stagehand = Stagehand {
                clock,
                roadie: roadie.clone(),
                voices: voices
                    .map(|(name, number)| (name.clone(), console.voice(&name, number)))
                    .collect(),
                scratch: Arc::clone(&scratch),
                metadata: metadata.clone(),
                zones: Arc::clone(zones.names()),
                engine: engine.clone(),
                machine: machine.clone(),
                ambient: ambient.into(),
                over: over.clone(),
            };
            handles.push(service.keep(stagehand, &mut services));
        }
        let figures = Figures::new();
        let controlled = Arc::new(Control {
            dir,
            fixtures: stage.fixtures.clone(),
            services: handles.clone(),
            figures: figures.clone(),
            zones,
            metadata,
            token,
            reading: Arc::default(),
        });
        let view = match self.plain || self.term.is_empty() || self.term == "dumb" {
            true => None,
            false => view::show(console, &url, &controlled),
        };
        let script = script(House {
            address,
            control: Arc::clone(&controlled),
            clock,
        });
        let control = tokio::spawn(controlled.serve(control));
        let ready = tokio::spawn(announce(handles, roadie.clone(), url, begun));

        let shutdown = async {
            tokio::select! {
                () = requested => {}
                () = script => {}
                () = console.screen().broken() => {}
            }
        };
        let limits = edge::limits(stage.idle_timeout);
        let idle = stage.idle_timeout;
        let edge = Edge::new(stage.router, stage.fixtures.groups, address.port(), idle);
        let edge = edge.into_service(figures);
        let drained = server::serve(listener, edge, limits, shutdown).await;
        ready.abort();
        control.abort();
        drop(view);
        roadie.say("stopping");
        // The audience is out: nothing is in flight.
        curtain.send_replace(true);
        services.join_all().await;
        engine.close().await;
        drained.context("the load balancer did not drain")
    }
}

/// Says when all services have come up for the first time.
async fn announce(services: Vec<ServiceHandle>, roadie: Voice, url: String, begun: Instant) {
    for service in &services {
        service.up().await;
    }
    let took = begun.elapsed().as_secs_f64();
    roadie.say(&format!(
        "ready in {took:.2} s: open {url} and click a letter"
    ));
}

async fn listen(port: u16, option: &str) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .with_context(|| format!("cannot listen on 127.0.0.1:{port} ({option} takes another)"))?;
    let address = listener.local_addr().context("a listener has no address")?;
    Ok((listener, address))
}

pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    let outcome = runtime.block_on(work);
    // A thread that reads a file without an end would hold up this process's.
    runtime.shutdown_timeout(LET_GO);
    outcome
}
