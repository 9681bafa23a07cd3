//! Why something asked for is not done: a status and, as JSON, a sentence.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{HeaderValue, WWW_AUTHENTICATE};
use serde::de::DeserializeOwned;
use serde_json::json;

/// How long the body of an order may take to come.
const COMES: Duration = Duration::from_secs(10);

/// Why something asked for is not done.
#[derive(Debug, thiserror::Error)]
#[error("{1}")]
pub(crate) struct Refusal(pub(crate) StatusCode, pub(crate) String);

/// The body of an order, which is JSON.
pub(super) struct Order<T>(pub(super) T);

impl Refusal {
    /// 404: no such thing.
    pub(crate) fn unknown(why: impl Into<String>) -> Self {
        Self(StatusCode::NOT_FOUND, why.into())
    }

    /// 422: understood, and not possible.
    pub(crate) fn impossible(why: impl Into<String>) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, why.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.0, Json(json!({ "error": self.1 }))).into_response();
        if self.0 == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        Self(rejection.status(), rejection.body_text())
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Order<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let body = tokio::time::timeout(COMES, Json::from_request(request, state)).await;
        let Ok(body) = body else {
            let why = format!("the body did not come within {COMES:?}");
            return Err(Refusal(StatusCode::REQUEST_TIMEOUT, why));
        };
        let Json(order) = body?;
        Ok(Self(order))
    }
}
