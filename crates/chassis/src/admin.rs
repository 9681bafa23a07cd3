//! The second listener: figures, and what else must not be reachable from outside.

use std::sync::Arc;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header;
use tokio::net::TcpListener;

use crate::metrics::{self, Metrics};
use crate::server::{self, Limits, Service};

/// `GET /metrics`; a service merges what it adds.
pub fn routes(metrics: Arc<Metrics>) -> Router {
    let render = move || {
        let metrics = Arc::clone(&metrics);
        async move {
            (
                [(header::CONTENT_TYPE, metrics::CONTENT_TYPE)],
                metrics.render(),
            )
                .into_response()
        }
    };
    Router::new().route("/metrics", get(render))
}

/// Connections at once: those of a few scrapers and people.
const MAX_CONNECTIONS: usize = 64;

/// Serves until it is dropped: figures are wanted most while the process drains. By the same server as
/// the public listener, so that both have limits and no program carries two.
pub async fn serve(listener: TcpListener, routes: Router, limits: Limits) {
    let limits = limits.with_max_connections(MAX_CONNECTIONS);
    let never = std::future::pending();
    // Without an end there is nothing to be cut off.
    let _ = server::serve(listener, Service::new(routes), limits, never).await;
}
