//! What `GET /start`, `GET /meow` and `POST /meow` do with a request, around the rally itself.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chassis::bearer;
use chassis::metrics::InFlight;
use chassis::problem::Problem;
use chassis::request::Caller;
use chassis::trace::TraceContext;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use crate::app::AppState;
use crate::body;
use crate::error::{Broken, Failure};
use crate::rally::{Played, Rally};
use crate::strings::Strings;
use crate::wire::TIMEOUT_HEADER;

/// One entry a hop, in the order of the chain; browsers show it.
pub(crate) const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// The most nodes a ball may pass, the one it is at included.
const MAX_PATH: usize = 32;

/// Room for the headers of an answer, those that are added around the handler included.
const MAX_HEADERS: usize = 12;

/// The longest name of a node: `node-` and 63 characters.
const MAX_NAME_BYTES: usize = 68;

/// The query of `/start` and `POST /meow`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Options {
    detail: Option<WantedDetail>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WantedDetail {
    Hops,
}

/// `GET /meow`: what this node says.
pub(crate) async fn meow(State(state): State<Arc<AppState>>) -> Json<String> {
    Json(state.meow.to_string())
}

/// `GET /start`: plays a rally and answers with the meows of all nodes behind this one.
pub(crate) async fn start(
    State(state): State<Arc<AppState>>,
    Extension(trace): Extension<Arc<TraceContext>>,
    options: Result<Query<Options>, QueryRejection>,
) -> Result<Response, Problem> {
    let arrived = Instant::now();
    let begin = || {
        let rally = Rally {
            state: &state,
            trace: &trace,
            arrived,
            until: arrived + state.request_timeout,
            passed: Strings::default(),
            from: String::new(),
            detail: wants_detail(options)?,
        };
        Ok((rally, state.enter()?))
    };
    let (rally, _place) = begin().map_err(|failure| broken(&state, failure))?;

    match rally.play().await {
        Ok(played) => {
            let mut response = rally.answer(played);
            let no_store = HeaderValue::from_static("no-store");
            response
                .headers_mut()
                .insert(header::CACHE_CONTROL, no_store);
            Ok(response)
        }
        Err(broken) => Err(rally.problem(broken)),
    }
}

/// `POST /meow`: one hop of a chain. The body lists the nodes that the ball has passed; the answer is
/// this node's meow and those of all nodes behind it.
pub(crate) async fn pass(
    State(state): State<Arc<AppState>>,
    Extension(trace): Extension<Arc<TraceContext>>,
    options: Result<Query<Options>, QueryRejection>,
    request: Request,
) -> Response {
    let arrived = Instant::now();
    let (Parts { headers, .. }, body) = request.into_parts();
    let begin = async {
        state.authorize(&headers)?;
        let until = arrived + state.time_left(&headers)?;
        drop(headers);
        let body = timeout_at(until, body::read(body))
            .await
            .map_err(|_| Failure::SlowBody)??;
        let (passed, from) = state.parse_path(&body)?;
        let rally = Rally {
            state: &state,
            trace: &trace,
            arrived,
            until,
            passed,
            from,
            detail: wants_detail(options)?,
        };
        // Not before the body is there: half a request takes no place away.
        Ok((rally, state.enter()?))
    };
    let (rally, _place) = match begin.await {
        Ok(ready) => ready,
        Err(failure) => return broken(&state, failure).into_response(),
    };

    let mut response = match rally.play().await {
        Ok(mut played) => {
            played.meows.put_first(&state.meow_json);
            if rally.detail {
                played.hops.insert(0, rally.own_hop(played.waited, None));
            }
            rally.answer(played)
        }
        Err(mut broken) => {
            let own = rally.own_hop(broken.waited, Some(&broken.failure));
            if let Some(meow) = &own.meow {
                broken.meows.insert(0, meow.clone());
            }
            broken.hops.insert(0, own);
            rally.problem(broken).into_response()
        }
    };
    if !rally.from.is_empty() {
        response.extensions_mut().insert(Caller(rally.from));
    }
    response
}

/// The answer to a request that did not become a rally.
fn broken(state: &AppState, failure: Failure) -> Problem {
    Broken::from(failure).into_problem(&state.service, None)
}

fn wants_detail(options: Result<Query<Options>, QueryRejection>) -> Result<bool, Failure> {
    let bad = |_| Failure::BadRequest("detail takes hops".to_owned());
    Ok(options.map_err(bad)?.detail.is_some())
}

impl Rally<'_> {
    fn answer(&self, played: Played) -> Response {
        let body = match self.detail {
            true => {
                let detail = self.detailed(played.meows.to_vec(), played.hops);
                // Strings, numbers and lists of them: this cannot fail.
                serde_json::to_string(&detail).unwrap_or_default()
            }
            false => played.meows.to_json(),
        };
        let mut headers = HeaderMap::with_capacity(MAX_HEADERS);
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        if let Ok(timing) = HeaderValue::try_from(played.timing) {
            headers.insert(SERVER_TIMING, timing);
        }
        let mut response = Response::new(body.into());
        *response.headers_mut() = headers;
        response
    }

    fn problem(&self, mut broken: Broken) -> Problem {
        let detail = self.detail.then(|| {
            let hops = std::mem::take(&mut broken.hops);
            self.detailed(broken.meows.clone(), hops)
        });
        broken.into_problem(&self.state.service, detail)
    }
}

/// A rally's place among those that may pass at once.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    _in_flight: InFlight,
}

impl AppState {
    fn enter(&self) -> Result<Place, Failure> {
        let permit = Arc::clone(&self.places).try_acquire_owned();
        Ok(Place {
            _permit: permit.map_err(|_| Failure::Overloaded {
                node: self.service.to_string(),
            })?,
            _in_flight: InFlight::enter(&self.figures.rallies_in_flight),
        })
    }

    fn authorize(&self, headers: &HeaderMap) -> Result<(), Failure> {
        if !self.chain_token.is_set() {
            return Ok(());
        }
        match bearer::token(headers).is_some_and(|token| self.chain_token.is(token)) {
            true => Ok(()),
            false => Err(Failure::Unauthorized),
        }
    }

    /// What the caller leaves, or what this node allows: the shorter of them.
    fn time_left(&self, headers: &HeaderMap) -> Result<Duration, Failure> {
        let Some(told) = headers.get(TIMEOUT_HEADER) else {
            return Ok(self.request_timeout);
        };
        let told = told.to_str().ok().and_then(|ms| ms.parse().ok());
        match told.map(Duration::from_millis) {
            None => Err(Failure::BadRequest(format!(
                "{TIMEOUT_HEADER} takes whole milliseconds"
            ))),
            Some(Duration::ZERO) => Err(Failure::Deadline {
                node: self.service.to_string(),
            }),
            Some(told) => Ok(told.min(self.request_timeout)),
        }
    }

    /// The nodes that the ball has passed, and the last of them.
    fn parse_path(&self, body: &[u8]) -> Result<(Strings, String), Failure> {
        let bad = |why: String| Failure::BadRequest(why);
        let (mut last, mut fits, mut here) = (String::new(), true, false);
        let passed = Strings::parse(body, |name| {
            fits &= (1..=MAX_NAME_BYTES).contains(&name.len());
            here |= *name == *self.service;
            last.clear();
            last.push_str(name);
        });
        // Where it went wrong, but not what was there: bodies are not for logs.
        let passed = passed.map_err(|error| {
            let (line, column) = (error.line(), error.column());
            bad(format!(
                "the body is not a JSON array of names: line {line}, column {column}"
            ))
        })?;
        if passed.len() >= MAX_PATH {
            return Err(bad(format!("a ball passes at most {MAX_PATH} nodes")));
        }
        if !fits {
            return Err(bad(format!("a name has 1 to {MAX_NAME_BYTES} bytes")));
        }
        match here {
            true => Err(Failure::Loop {
                node: self.service.to_string(),
            }),
            false => Ok((passed, last)),
        }
    }
}
