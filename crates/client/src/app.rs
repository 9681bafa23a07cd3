//! The routes, and what surrounds them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chassis::problem::Problem;
use chassis::request::Observe;
use http::{HeaderMap, StatusCode};

use crate::accept;
use crate::assets;
use crate::config::Config;
use crate::document::Document;
use crate::page::Pages;
use crate::security::SecurityHeaders;

#[derive(Clone)]
struct AppState {
    pages: Arc<Pages>,
}

/// The complete service: the page, its assets, liveness, and an answer to everything else.
pub fn app(config: &Config, observe: Observe) -> Router {
    let state = AppState {
        pages: Arc::new(Pages::new(config)),
    };
    let security = SecurityHeaders::new(&config.base_url);
    Router::new()
        .route("/", get(stage))
        .route("/assets/{name}", get(asset))
        .merge(chassis::health::liveness())
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(state)
        .layer(middleware::map_response(move |response: Response| {
            std::future::ready(security.add(response))
        }))
        .layer(observe)
}

async fn stage(State(state): State<AppState>, headers: HeaderMap) -> Response {
    state.pages.stage.respond(&headers)
}

async fn asset(
    State(state): State<AppState>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    assets::respond(&name, &headers)
        .unwrap_or_else(|| error(&headers, Problem::not_found(), &state.pages.not_found))
}

async fn not_found(State(state): State<AppState>, headers: HeaderMap) -> Response {
    error(&headers, Problem::not_found(), &state.pages.not_found)
}

async fn method_not_allowed(State(state): State<AppState>, headers: HeaderMap) -> Response {
    error(
        &headers,
        Problem::method_not_allowed(),
        &state.pages.method_not_allowed,
    )
}

/// The problem as JSON where JSON is preferred, else as a page.
fn error(headers: &HeaderMap, problem: Problem, page: &Document) -> Response {
    if accept::prefers_json(headers) {
        return problem.into_response();
    }
    let status: StatusCode = problem.status;
    let mut response = page.respond(headers);
    *response.status_mut() = status;
    response
}
