//! The ways in which a rally breaks, each with its class, its status and a sentence.

use std::time::Duration;

use chassis::problem::Problem;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::wire::{Detail, Hop};

/// The class of an error, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Code {
    NotFound,
    MethodNotAllowed,
    BadRequest,
    TooLarge,
    Unauthorized,
    Timeout,
    Deadline,
    Dns,
    Refused,
    Reset,
    BadStatus,
    BadAnswer,
    Loop,
    Draining,
    Overloaded,
    Injected,
    Internal,
}

impl Code {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::BadRequest => "bad_request",
            Self::TooLarge => "too_large",
            Self::Unauthorized => "unauthorized",
            Self::Timeout => "timeout",
            Self::Deadline => "deadline",
            Self::Dns => "dns",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::BadStatus => "bad_status",
            Self::BadAnswer => "bad_answer",
            Self::Loop => "loop",
            Self::Draining => "draining",
            Self::Overloaded => "overloaded",
            Self::Injected => "injected",
            Self::Internal => "internal",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Timeout | Self::Deadline => StatusCode::GATEWAY_TIMEOUT,
            Self::Dns | Self::Refused | Self::Reset | Self::BadStatus | Self::BadAnswer => {
                StatusCode::BAD_GATEWAY
            }
            Self::Loop => StatusCode::LOOP_DETECTED,
            Self::Draining | Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Injected | Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Why a node cannot answer; one variant for each answer that tells something different.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Failure {
    // What the caller did.
    #[error("{0}")]
    BadRequest(String),
    #[error("the body is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the body did not arrive in time")]
    SlowBody,
    #[error("missing or invalid bearer token")]
    Unauthorized,

    // What this node is not able to do.
    #[error("{node} was already passed: the chain is a loop")]
    Loop { node: String },
    #[error("no time was left when the ball arrived at {node}")]
    Deadline { node: String },
    #[error("{node} already serves as many rallies as it may")]
    Overloaded { node: String },
    #[error("{node} was told to fail")]
    Injected { node: String },
    #[error("{node} is leaving")]
    Draining { node: String },
    #[error("{node} was told not to be ready")]
    Unready { node: String },

    // What the next node did.
    #[error("the name of {hop} cannot be resolved")]
    Dns { hop: String },
    #[error("{hop} refused the connection")]
    Refused { hop: String },
    #[error("{hop} cannot be reached")]
    Unreachable { hop: String },
    #[error("no connection to {hop} within {limit_ms} ms")]
    ConnectTimeout { hop: String, limit_ms: u128 },
    #[error("{hop} did not answer within {limit_ms} ms")]
    Timeout { hop: String, limit_ms: u128 },
    #[error("{hop} closed the connection before its answer was complete")]
    Reset { hop: String },
    #[error("{hop} answered with status {status}")]
    BadStatus { hop: String, status: u16 },
    #[error("{hop} gave an answer that makes no sense: {why}")]
    BadAnswer { hop: String, why: &'static str },

    /// A node further down named the hop that broke; it is passed on as it came.
    #[error("{detail}")]
    Behind {
        code: Code,
        hop: String,
        detail: String,
    },
}

impl Failure {
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::BadRequest(_) => Code::BadRequest,
            Self::TooLarge { .. } => Code::TooLarge,
            Self::Unauthorized => Code::Unauthorized,
            Self::Loop { .. } => Code::Loop,
            Self::Deadline { .. } => Code::Deadline,
            Self::Overloaded { .. } => Code::Overloaded,
            Self::Injected { .. } | Self::Unready { .. } => Code::Injected,
            Self::Draining { .. } => Code::Draining,
            Self::Dns { .. } => Code::Dns,
            Self::Refused { .. } | Self::Unreachable { .. } => Code::Refused,
            Self::ConnectTimeout { .. } | Self::Timeout { .. } | Self::SlowBody => Code::Timeout,
            Self::Reset { .. } => Code::Reset,
            Self::BadStatus { .. } => Code::BadStatus,
            Self::BadAnswer { .. } => Code::BadAnswer,
            Self::Behind { code, .. } => *code,
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::Unready { .. } => StatusCode::SERVICE_UNAVAILABLE,
            // What a node further down calls its caller's mistake is not the mistake of ours.
            Self::Behind { code, .. } if code.status().is_client_error() => StatusCode::BAD_GATEWAY,
            _ => self.code().status(),
        }
    }

    /// The hop that broke; `here` where this node did.
    pub(crate) fn hop<'a>(&'a self, here: &'a str) -> &'a str {
        match self {
            Self::Dns { hop }
            | Self::Refused { hop }
            | Self::Unreachable { hop }
            | Self::ConnectTimeout { hop, .. }
            | Self::Timeout { hop, .. }
            | Self::Reset { hop }
            | Self::BadStatus { hop, .. }
            | Self::BadAnswer { hop, .. }
            | Self::Behind { hop, .. } => hop,
            _ => here,
        }
    }

    /// The error's answer, without what a rally adds.
    pub(crate) fn into_problem(self, here: &str) -> Problem {
        let mut problem = Problem::new(self.status(), self.code().as_str(), self.to_string());
        problem.hop = Some(self.hop(here).to_owned());
        problem
    }
}

/// A rally that broke: why, and what was gathered before.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) failure: Failure,
    pub(crate) meows: Vec<String>,
    pub(crate) hops: Vec<Hop>,
    /// How long this node waited for the nodes behind it.
    pub(crate) waited: Duration,
}

impl Broken {
    /// The error's answer, with what was gathered; `detail` is what a detailed answer adds.
    pub(crate) fn into_problem(self, here: &str, detail: Option<Detail>) -> Problem {
        let mut problem = self.failure.into_problem(here);
        problem.more.insert("meows".to_owned(), self.meows.into());
        // A struct of strings, numbers and lists: it always becomes an object.
        if let Some(Ok(Value::Object(detail))) = detail.map(serde_json::to_value) {
            problem.more.extend(detail);
            problem.more.remove("trace_id");
        }
        problem
    }
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            meows: Vec::new(),
            hops: Vec::new(),
            waited: Duration::ZERO,
        }
    }
}
