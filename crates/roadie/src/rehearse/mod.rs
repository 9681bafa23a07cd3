//! `roadie rehearse`: runs the files in `ecs/` on this machine.
//!
//! - `stage`: what the files ask for, in the terms of this machine;
//! - `service`, `task`: keep the desired count, start and stop containers in order;
//! - `targets`: who is healthy; `edge`: who gets a request;
//! - `console`: what is seen of it.

pub(crate) mod console;
mod edge;
mod scratch;
mod service;
mod stage;
mod targets;
mod task;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use chassis::health::Health;
use chassis::server;
use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::console::Console;
use self::edge::Edge;
use self::scratch::Scratch;
use self::service::{Stagehand, Voices};
use self::stage::Stage;

/// Run the files in ecs/ on this machine.
#[derive(Args, Clone, Debug)]
pub(crate) struct Rehearse {
    /// Folder with the layout's files and their plan.json
    #[arg(long, default_value = "ecs/ec2")]
    dir: PathBuf,

    /// Port of the load balancer on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,

    /// Release to run, the layout's TAG
    #[arg(long, default_value = chassis::settings::VERSION)]
    tag: String,

    /// Log levels of the containers, as in info or info,node=debug
    #[arg(long, env, default_value = "info", hide_env_values = true)]
    rust_log: String,

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

/// Rehearses until Ctrl-C or SIGTERM.
pub(crate) fn main(options: &Rehearse) -> ExitCode {
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the async runtime")
        .and_then(|runtime| runtime.block_on(rehearse(options)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn rehearse(options: &Rehearse) -> anyhow::Result<()> {
    let begun = Instant::now();
    let shutdown = chassis::shutdown::requested().context("cannot listen for signals")?;
    let stage = Stage::read(&options.dir, &options.tag)?;
    let console = Console::new(stage.longest_name(), !options.no_color.is_empty());
    let roadie = console.voice("roadie", 0);

    let address = (Ipv4Addr::LOCALHOST, options.port);
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on 127.0.0.1:{} (--port takes another)",
            options.port
        )
    })?;
    let address = listener
        .local_addr()
        .context("the listener has no address")?;
    let url = format!("http://{address}");
    let names: Vec<_> = stage
        .services
        .iter()
        .map(|service| &*service.name)
        .collect();
    roadie.say(&format!("{}: {}", options.dir.display(), names.join(", ")));
    roadie.say(&format!("load balancer on {url}"));

    let scratch = Arc::new(Scratch::new()?);
    let (curtain, over) = watch::channel(false);
    let mut services = JoinSet::new();
    let mut numbers = 1..;
    for service in stage.services {
        let variables = [
            ("RUST_LOG", &options.rust_log),
            ("NO_COLOR", &options.no_color),
        ];
        let ambient = variables.map(|(name, value)| (name.to_owned(), value.clone()));
        let stagehand = Stagehand {
            voices: Voices::new(&console, &roadie, &service, numbers.by_ref()),
            scratch: Arc::clone(&scratch),
            ambient: ambient.into(),
            over: over.clone(),
        };
        services.spawn(service.keep(stagehand));
    }
    let groups = stage.groups;
    let ready = {
        let (groups, roadie, url) = (groups.clone(), roadie.clone(), url.clone());
        tokio::spawn(async move {
            for group in &groups {
                group.first_healthy().await;
            }
            let took = begun.elapsed().as_secs_f64();
            roadie.say(&format!(
                "ready in {took:.2} s: open {url} and click a letter"
            ));
        })
    };

    let limits = edge::limits(stage.idle_timeout);
    let edge = Edge::new(stage.router, groups, address.port()).into_router();
    let drained = server::serve(listener, edge, Health::default(), limits, shutdown).await;
    ready.abort();
    roadie.say("stopping");
    // The audience is out: nothing is in flight.
    curtain.send_replace(true);
    services.join_all().await;
    drained.context("the load balancer did not drain")
}
