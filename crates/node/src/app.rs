//! The routes of a node and what surrounds them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chassis::health::{self, Health};
use chassis::metrics::Metrics;
use chassis::problem::Problem;
use chassis::request::Observe;
use chassis::server::Service;
use chassis::telemetry::Spans;
use chassis::trace::X_TRACE_ID;
use http::{HeaderName, Method};
use tokio::sync::Semaphore;
use tower::util::option_layer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::config::{Config, Origins, Secret};
use crate::error::Failure;
use crate::fault::Faults;
use crate::figures::Figures;
use crate::handlers;
use crate::instance::Identity;
use crate::upstream::{Clients, Upstream};

/// Everything a handler may use.
#[derive(Debug)]
pub(crate) struct AppState {
    /// `node-john`.
    pub(crate) service: Arc<str>,
    /// `meow from node-john:3000`.
    pub(crate) meow: Arc<str>,
    /// Both as JSON.
    pub(crate) service_json: String,
    pub(crate) meow_json: String,
    pub(crate) release: Arc<str>,
    pub(crate) next: Arc<[Upstream]>,
    pub(crate) request_timeout: Duration,
    pub(crate) chain_token: Secret,
    pub(crate) identity: Identity,
    pub(crate) faults: Faults,
    pub(crate) health: Health,
    pub(crate) figures: Figures,
    pub(crate) spans: Spans,
    pub(crate) places: Arc<Semaphore>,
}

/// A node, ready to be served.
#[derive(Debug)]
pub struct App {
    /// What the world sees.
    pub public: Service,
    /// Figures and faults, for the admin listener.
    pub admin: Router,
}

/// Builds the node that `config` describes and that listens on `port`. Needs a tokio runtime.
///
/// # Errors
/// The HTTP client cannot start.
pub fn app(config: &Config, port: u16, spans: Spans) -> Result<App, reqwest::Error> {
    let service: Arc<str> = config.service().into();
    let mut metrics = Metrics::new(&service, &config.settings.release);
    let figures = Figures::register(metrics.registry());
    let metrics = Arc::new(metrics);
    let health = Health::default();
    let faults = Faults::new(&config.faults);
    let clients = Clients::new(config)?;
    let next = config.next.0.iter();
    let state = AppState {
        meow: format!("meow from {service}:{port}").into(),
        // Names are letters, digits and dashes: nothing in them has to be escaped.
        service_json: format!("\"{service}\""),
        meow_json: format!("\"meow from {service}:{port}\""),
        service: Arc::clone(&service),
        release: config.settings.release.as_str().into(),
        next: next
            .map(|url| Upstream::new(url, config, clients.clone()))
            .collect(),
        request_timeout: config.request_timeout_ms,
        chain_token: config.chain_token.clone(),
        identity: Identity::discover(&config.ecs_container_metadata_uri_v4),
        faults: faults.clone(),
        health: health.clone(),
        figures,
        spans: spans.clone(),
        places: Arc::new(Semaphore::new(config.max_rallies)),
    };
    let observe = Observe::new(service, Arc::clone(&metrics), spans);

    let public = Router::new()
        .route("/ping", get(ping))
        .route("/start", get(handlers::start))
        .route("/meow", get(handlers::meow).post(handlers::pass))
        .with_state(Arc::new(state))
        .merge(health::liveness());
    let admin = chassis::admin::routes(metrics).merge(faults.routes());
    let public = surround(public, &observe, Some(cors(&config.cors_allow_origin)));
    let admin = surround(admin, &observe, None);
    Ok(App {
        public: Service::new(public)
            .with_health(health)
            .with_observer(observe),
        admin,
    })
}

/// What every request passes, from the inside out: a panic becomes an error, an error its body.
fn surround(routes: Router, observe: &Observe, cors: Option<CorsLayer>) -> Router {
    let panicked = |_| Problem::internal().into_response();
    routes
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        // Together, because what is layered is boxed, and its box cloned for each request.
        .layer((
            observe.clone(),
            CatchPanicLayer::custom(panicked),
            option_layer(cors),
        ))
}

fn cors(origins: &Origins) -> CorsLayer {
    let origin = match origins {
        Origins::Any => AllowOrigin::any(),
        Origins::List(origins) => AllowOrigin::list(origins.clone()),
    };
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE, HeaderName::from_static("traceparent")])
        .expose_headers([X_TRACE_ID, handlers::SERVER_TIMING])
}

/// `GET /ping`: whether this node wants traffic; the load balancer's health check.
async fn ping(State(state): State<Arc<AppState>>) -> Result<Response, Problem> {
    let node = || state.service.to_string();
    let failure = if state.health.is_draining() {
        Failure::Draining { node: node() }
    } else if state.faults.unready() {
        Failure::Unready { node: node() }
    } else {
        let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
        return Ok((html, "pong").into_response());
    };
    Err(failure.into_problem(&state.service))
}
