//! The one shape of every error: the original suite's envelope, made useful.
//!
//! ```json
//! {"status":"error","message":{"status":404,"code":"not_found","detail":"…","trace_id":"…"}}
//! ```

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{self, HeaderValue};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::trace::TraceId;

/// What a 401 has to say (RFC 9110, 15.5.2; RFC 6750, 3): every secret here is a bearer token.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"microservice-ping-pong\"");

/// An error on its way to the caller.
///
/// As a response it is only a status: [`Observe`](crate::request::Observe) writes the body,
/// because that is where the trace id is known, and logs the error, because that is the boundary.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The status of the answer, repeated in its body.
    pub status: StatusCode,
    /// The class of the error, one of the contract's list; for programs.
    pub code: &'static str,
    /// The hop that broke, where a hop did.
    pub hop: Option<String>,
    /// What happened, in a sentence for people: no internal address, no source position.
    pub detail: String,
    /// What else belongs into the message, such as the meows gathered before a hop broke.
    pub more: Map<String, Value>,
}

impl Problem {
    /// A problem with nothing but its class and its sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            hop: None,
            detail: detail.into(),
            more: Map::new(),
        }
    }

    /// 404: no such path.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "there is nothing at this path",
        )
    }

    /// 405: a path that exists, asked in another way. The router adds `Allow`.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        let detail = "this path takes another method: see the Allow header";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
    }

    /// 421: meant for another service than this one.
    #[must_use]
    pub fn misdirected(service: &str) -> Self {
        let detail = format!("this is {service}, and the request is meant for another");
        Self::new(StatusCode::MISDIRECTED_REQUEST, "bad_request", detail)
    }

    /// 500: a defect of this program.
    #[must_use]
    pub fn internal() -> Self {
        let detail = "this node failed on the request; its log says more";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// The body of the answer.
    pub fn to_body(&self, trace_id: TraceId) -> Body {
        let envelope = Envelope {
            status: "error",
            message: Message {
                status: self.status.as_u16(),
                code: self.code,
                hop: self.hop.as_deref(),
                detail: &self.detail,
                trace_id: trace_id.to_string(),
                more: &self.more,
            },
        };
        // Strings, numbers and maps with string keys: this serialization cannot fail.
        Body::from(serde_json::to_vec(&envelope).unwrap_or_default())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, CHALLENGE);
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    status: &'static str,
    message: Message<'a>,
}

#[derive(Serialize)]
struct Message<'a> {
    status: u16,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hop: Option<&'a str>,
    detail: &'a str,
    trace_id: String,
    #[serde(flatten)]
    more: &'a Map<String, Value>,
}
