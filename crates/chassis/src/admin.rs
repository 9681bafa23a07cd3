//! The second listener: figures, and what else must not be reachable from outside.

use std::sync::Arc;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header;
use tokio::net::TcpListener;

use crate::metrics::{self, Metrics};

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

/// Serves until the process ends: figures are wanted most while it drains.
pub async fn serve(listener: TcpListener, routes: Router) {
    // axum::serve only returns an error through a listener that gives up, and TCP's does not.
    let _ = axum::serve(listener, routes).await;
}
