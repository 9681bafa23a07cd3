//! The rehearsal's API: a little of ECS's, as JSON on loopback.
//!
//! `GET /status`, `POST /deploy {"tag","service"?,"environment"?}`, `POST /scale {"service","desired"}`,
//! `POST /kill {"service","task"}` or `{"zone"}`, `POST /restore {"zone"}`. Errors are `{"error":"…"}` (`refusal`). `guard` says who may ask.

mod guard;
mod refusal;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use chassis::server::{self, Limits, Service};
use ecs::scheduler::TaskId;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, oneshot};

use self::refusal::Order;
pub(crate) use self::refusal::Refusal;
use super::blueprint::Blueprint;
use super::figures::{EdgeStatus, Figures};
use super::fixtures::Fixtures;
use super::metadata::Metadata;
use super::scratch::Token;
use super::service::{Request, ServiceHandle};
use super::stage;
use super::status::ServiceStatus;
use super::zones::{ZoneStatus, Zones};

/// What the API needs to know.
pub(crate) struct Control {
    pub(crate) dir: PathBuf,
    pub(crate) fixtures: Fixtures,
    pub(crate) services: Vec<ServiceHandle>,
    pub(crate) figures: Figures,
    pub(crate) zones: Zones,
    pub(crate) metadata: Metadata,
    /// What has to be shown.
    pub(crate) token: Token,
    /// Held while files are read: by one deployment at a time.
    pub(crate) reading: Arc<Mutex<()>>,
}

/// The largest order; one that sets some hundred variables has a tenth of that.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// How long the files of a deployment may take to be read.
const READS: Duration = Duration::from_secs(10);

/// How long a connection is kept for the next order.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Connections at once: those of a few terminals and scripts.
const MAX_CONNECTIONS: usize = 64;

/// The load balancer and all services at one moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) load_balancer: EdgeStatus,
    pub(crate) zones: Vec<ZoneStatus>,
    pub(crate) services: Vec<ServiceStatus>,
}

/// The files as they are now, as a new release.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Deploy {
    pub(crate) tag: String,
    /// Only this one; else all.
    #[serde(default)]
    pub(crate) service: Option<String>,
    /// Variables that its containers get in place of the files'.
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Scale {
    pub(crate) service: String,
    pub(crate) desired: u32,
}

/// What is to die.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Kill {
    Task { service: String, task: u64 },
    Zone { zone: String },
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Restore {
    pub(crate) zone: String,
}

impl Control {
    pub(crate) async fn status(&self) -> Status {
        let mut services = Vec::new();
        for service in &self.services {
            services.extend(service.status().await);
        }
        Status {
            load_balancer: self.figures.status(),
            zones: self.zones.status(),
            services,
        }
    }

    /// Reads the files as they are now, and deploys them.
    pub(crate) async fn deploy(&self, wanted: &Deploy) -> Result<(), Refusal> {
        if let Some(name) = &wanted.service {
            self.service(name)?;
        }
        let blueprints = tokio::time::timeout(READS, self.blueprints(wanted)).await;
        let blueprints = blueprints.unwrap_or_else(|_| {
            let dir = self.dir.display();
            Err(format!("{dir} was not read within {READS:?}"))
        });
        for (name, blueprint) in blueprints.map_err(Refusal::impossible)? {
            if wanted.service.as_ref().is_none_or(|wanted| *wanted == name) {
                let (reply, held) = oneshot::channel();
                let service = self.service(&name)?;
                service.ask(Request::Deploy(Box::new(blueprint), reply));
                is_held(held).await?;
            }
        }
        Ok(())
    }

    /// Reads the files, on a thread that may wait for them: nobody else does.
    async fn blueprints(&self, wanted: &Deploy) -> Result<Vec<(String, Blueprint)>, String> {
        let reading = Arc::clone(&self.reading).lock_owned().await;
        let (dir, fixtures) = (self.dir.clone(), self.fixtures.clone());
        let (tag, overrides) = (wanted.tag.clone(), wanted.environment.clone());
        let read = tokio::task::spawn_blocking(move || {
            let _reading = reading;
            stage::blueprints(&dir, &tag, &fixtures, &overrides)
        });
        let read = read.await.map_err(|error| error.to_string())?;
        read.map_err(|error| format!("{error:#}"))
    }

    pub(crate) async fn scale(&self, wanted: &Scale) -> Result<(), Refusal> {
        let service = self.service(&wanted.service)?;
        let (reply, held) = oneshot::channel();
        service.ask(Request::Scale(wanted.desired, reply));
        is_held(held).await
    }

    pub(crate) async fn kill(&self, wanted: &Kill) -> Result<(), Refusal> {
        match wanted {
            Kill::Task { service, task } => {
                let (reply, known) = oneshot::channel();
                let asked = self.service(service)?;
                asked.ask(Request::Kill(TaskId(*task), reply));
                if known.await != Ok(true) {
                    let why = format!("there is no task {task} of {service}");
                    return Err(Refusal::unknown(why));
                }
                Ok(())
            }
            Kill::Zone { zone } => self.set_zone(zone, false),
        }
    }

    pub(crate) fn restore(&self, wanted: &Restore) -> Result<(), Refusal> {
        self.set_zone(&wanted.zone, true)
    }

    /// Serves until dropped.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener) {
        let metadata = self.metadata.routes();
        let token = middleware::from_fn_with_state(Arc::clone(&self), guard::with_token);
        let routes = Router::new()
            .route("/deploy", post(deploy))
            .route("/scale", post(scale))
            .route("/kill", post(kill))
            .route("/restore", post(restore))
            .route_layer(token)
            // Changes nothing and holds no secret.
            .route("/status", get(status))
            .with_state(self)
            .merge(metadata)
            .fallback(async || Refusal::unknown("there is nothing at this path"))
            .method_not_allowed_fallback(async || {
                let why = "this path takes another method: see the Allow header".to_owned();
                Refusal(StatusCode::METHOD_NOT_ALLOWED, why)
            })
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .layer(middleware::from_fn(guard::from_here));
        let service = Service::new(routes)
            .with_refusals(|status, why, _| Refusal(status, why.to_owned()).into_response());
        let limits = Limits {
            keep_alive: KEEP_ALIVE,
            ..Limits::default().with_max_connections(MAX_CONNECTIONS)
        };
        // It answers until the rehearsal is over: without an end there is nothing to be cut off.
        let never = std::future::pending();
        let _ = server::serve(listener, service, limits, never).await;
    }

    /// Opens or closes a zone for all services.
    fn set_zone(&self, name: &str, open: bool) -> Result<(), Refusal> {
        let zone = self.zones.set(name, open);
        let zone = zone.map_err(Refusal::unknown)?;
        for service in &self.services {
            service.ask(match open {
                true => Request::RestoreZone(zone),
                false => Request::LoseZone(zone),
            });
        }
        Ok(())
    }

    fn service(&self, name: &str) -> Result<&ServiceHandle, Refusal> {
        let service = self.services.iter().find(|service| service.name == name);
        service.ok_or_else(|| {
            let names: Vec<_> = self.services.iter().map(|service| &*service.name).collect();
            let why = format!("there is no service {name}; there are {}", names.join(", "));
            Refusal::unknown(why)
        })
    }
}

/// Waits for whether this machine can hold what a service was asked for.
async fn is_held(held: oneshot::Receiver<Result<(), String>>) -> Result<(), Refusal> {
    let over = |_| Err("the rehearsal is over".to_owned());
    held.await.unwrap_or_else(over).map_err(Refusal::impossible)
}

async fn status(State(control): State<Arc<Control>>) -> Json<Status> {
    Json(control.status().await)
}

async fn deploy(
    State(control): State<Arc<Control>>,
    Order(wanted): Order<Deploy>,
) -> Result<StatusCode, Refusal> {
    control.deploy(&wanted).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn scale(
    State(control): State<Arc<Control>>,
    Order(wanted): Order<Scale>,
) -> Result<StatusCode, Refusal> {
    control.scale(&wanted).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn kill(
    State(control): State<Arc<Control>>,
    Order(wanted): Order<Kill>,
) -> Result<StatusCode, Refusal> {
    control.kill(&wanted).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn restore(
    State(control): State<Arc<Control>>,
    Order(wanted): Order<Restore>,
) -> Result<StatusCode, Refusal> {
    control.restore(&wanted)?;
    Ok(StatusCode::ACCEPTED)
}
