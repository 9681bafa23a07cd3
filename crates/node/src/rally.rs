//! The chain itself: how a ball is passed on, and what comes back.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use chassis::trace::TraceContext;
use futures_util::future::join_all;
use tokio::time::{Instant, timeout_at};

use crate::app::AppState;
use crate::error::{Broken, Failure};
use crate::strings::Strings;
use crate::upstream::{Answer, Ball, Upstream};
use crate::wire::{Detail, ErrorEnvelope, ErrorMessage, Hop};

/// Room for one entry of `Server-Timing`, where the name of the hop is not a long one.
const ENTRY_BYTES: usize = 64;

/// A ball at this node: where it has been, and how much time is left.
pub(crate) struct Rally<'a> {
    pub(crate) state: &'a AppState,
    pub(crate) trace: &'a TraceContext,
    /// When the request came in.
    pub(crate) arrived: Instant,
    /// When its answer must be out.
    pub(crate) until: Instant,
    /// The nodes passed so far, without this one.
    pub(crate) passed: Strings,
    /// The last of them; empty where there is none.
    pub(crate) from: String,
    /// Whether hops are to be described.
    pub(crate) detail: bool,
}

/// What came back from the nodes behind this one.
#[derive(Debug, Default)]
pub(crate) struct Played {
    pub(crate) meows: Strings,
    pub(crate) hops: Vec<Hop>,
    /// The value of `Server-Timing`: one entry a hop.
    pub(crate) timing: String,
    /// How long this node waited for them.
    pub(crate) waited: Duration,
}

impl Rally<'_> {
    /// Passes the ball on to every next node, and gathers what comes back, in the order listed.
    ///
    /// All answers are waited for: where one hop breaks, the meows of the others are still told.
    pub(crate) async fn play(&self) -> Result<Played, Broken> {
        self.misfortune().await?;
        let begun = Instant::now();
        let until = begun + shorter(self.until.saturating_duration_since(begun));
        if until == begun {
            return Err(self.no_time_left().into());
        }
        let path = Bytes::from(self.passed.to_json_with(&self.state.service_json));

        let calls = self.state.next.iter();
        let outcomes = join_all(calls.map(|next| self.call(next, path.clone(), until))).await;

        let mut all = Played {
            waited: begun.elapsed(),
            ..Played::default()
        };
        let mut first_failure = None;
        for outcome in outcomes {
            let (meows, hops) = match outcome {
                Ok(played) => {
                    let comma = if all.timing.is_empty() { "" } else { ", " };
                    all.timing.extend([comma, &played.timing]);
                    (played.meows, played.hops)
                }
                Err(broken) => {
                    first_failure.get_or_insert(broken.failure);
                    (Strings::from(&broken.meows[..]), broken.hops)
                }
            };
            all.meows.extend(&meows);
            all.hops.extend(hops);
        }
        match first_failure {
            None => Ok(all),
            Some(failure) => Err(Broken {
                failure,
                meows: all.meows.to_vec(),
                hops: all.hops,
                waited: all.waited,
            }),
        }
    }

    /// Suffers what was ordered for this rally.
    async fn misfortune(&self) -> Result<(), Failure> {
        let misfortune = self.state.faults.next();
        if !misfortune.delay.is_zero() {
            let delay = tokio::time::sleep(misfortune.delay);
            timeout_at(self.until, delay)
                .await
                .map_err(|_| self.no_time_left())?;
        }
        match misfortune.fails {
            true => Err(Failure::Injected {
                node: self.state.service.to_string(),
            }),
            false => Ok(()),
        }
    }

    fn no_time_left(&self) -> Failure {
        Failure::Deadline {
            node: self.state.service.to_string(),
        }
    }

    /// One hop: the call, its figures, and its own words about itself and what is behind it.
    async fn call(&self, next: &Upstream, path: Bytes, until: Instant) -> Result<Played, Broken> {
        let begun = Instant::now();
        let name = || format!("POST {}", next.hop);
        let (mut span, span_id) = self.state.spans.client(name, self.trace);
        span.set("http.request.method", "POST");
        span.set("server.address", &*next.hop);

        let ball = Ball {
            trace: self.trace,
            span: span_id,
            path,
            detail: self.detail,
            until,
        };
        let sent = next.send(&ball).await;
        let took = begun.elapsed();
        let outcome = match sent {
            Ok(answer) => {
                span.set("http.response.status_code", i64::from(answer.status));
                self.read(next, &answer, took)
            }
            Err(failure) => Err(self.broke(next, failure, took)),
        };
        let code = outcome.as_ref().err().map(|broken| broken.failure.code());
        if let Some(code) = code {
            span.fail(code.as_str());
        }
        self.state.figures.hop(&next.hop, code, took);
        outcome
    }

    /// Understands an answer; what cannot be understood is a failure of the hop.
    fn read(&self, next: &Upstream, answer: &Answer, took: Duration) -> Result<Played, Broken> {
        if answer.status != 200 {
            return Err(self.read_error(next, answer, took));
        }
        let bad = |why| {
            let hop = next.hop.to_string();
            self.broke(next, Failure::BadAnswer { hop, why }, took)
        };
        let read = match self.detail {
            false => Strings::parse(&answer.body, |_| ()).map(|meows| (meows, Vec::new())),
            true => serde_json::from_slice(&answer.body)
                .map(|Detail { meows, hops, .. }| (Strings::from(&meows[..]), hops)),
        };
        let (meows, mut hops) = read.map_err(|_| bad("it is not what a node says"))?;
        if meows.len() == 0 {
            return Err(bad("there is no meow in it"));
        }
        if let Some(hop) = hops.first_mut() {
            hop.duration_us = micros(took);
        }
        let behind = answer.timing().filter(|behind| !behind.is_empty());
        let (name, took_us) = (&next.timing_name, took.as_micros());
        let mut timing = String::with_capacity(ENTRY_BYTES + behind.map_or(0, str::len));
        // Writing into a String does not fail.
        let _ = write!(
            timing,
            "{name};dur={}.{:03}",
            took_us / 1000,
            took_us % 1000
        );
        if let Some(behind) = behind {
            timing.extend([", ", behind]);
        }
        Ok(Played {
            meows,
            hops,
            timing,
            waited: took,
        })
    }

    /// A node's own error names the hop that broke; anyone else's is only a bad status.
    fn read_error(&self, next: &Upstream, answer: &Answer, took: Duration) -> Broken {
        let Ok(ErrorEnvelope { message }) = serde_json::from_slice(&answer.body) else {
            let hop = next.hop.to_string();
            let status = answer.status;
            return self.broke(next, Failure::BadStatus { hop, status }, took);
        };
        let ErrorMessage {
            code,
            hop,
            detail,
            meows,
            mut hops,
        } = message;
        let failure = Failure::Behind { code, hop, detail };
        match hops.first_mut() {
            Some(hop) => {
                hop.duration_us = micros(took);
                hop.status = answer.status;
            }
            None => hops = self.broke(next, failure.clone(), took).hops,
        }
        Broken {
            failure,
            meows,
            hops,
            waited: took,
        }
    }

    /// A hop that broke before it could speak of itself.
    fn broke(&self, next: &Upstream, failure: Failure, took: Duration) -> Broken {
        let hop = Hop {
            node: next.hop.to_string(),
            from: self.state.service.to_string(),
            meow: None,
            depth: self.passed.len() + 1,
            duration_us: micros(took),
            own_us: None,
            release: None,
            instance: None,
            status: failure.status().as_u16(),
            code: Some(failure.code()),
        };
        Broken {
            failure,
            meows: Vec::new(),
            hops: vec![hop],
            waited: took,
        }
    }

    /// This node's own entry in the list of hops. Its caller corrects duration and status to what
    /// it saw.
    pub(crate) fn own_hop(&self, waited: Duration, failure: Option<&Failure>) -> Hop {
        let total = self.arrived.elapsed();
        // Where something behind broke, this node did its part.
        let own_failure = failure.filter(|failure| failure.hop("").is_empty());
        Hop {
            node: self.state.service.to_string(),
            from: self.from.clone(),
            meow: own_failure.is_none().then(|| self.state.meow.to_string()),
            depth: self.passed.len(),
            duration_us: micros(total),
            own_us: Some(micros(total.saturating_sub(waited))),
            release: Some(self.state.release.to_string()),
            instance: Some(self.state.identity.get().clone()),
            status: failure.map_or(200, |failure| failure.status().as_u16()),
            code: own_failure.map(Failure::code),
        }
    }

    /// The answer to `?detail=hops`.
    pub(crate) fn detailed(&self, meows: Vec<String>, hops: Vec<Hop>) -> Detail {
        Detail {
            node: self.state.service.to_string(),
            release: self.state.release.to_string(),
            instance: self.state.identity.get().clone(),
            meows,
            hops,
            trace_id: self.trace.trace_id.to_string(),
            total_us: micros(self.arrived.elapsed()),
        }
    }
}

/// The time a callee gets out of what its caller has left: a fiftieth less, at least 2 and at most
/// 20 ms, so that the callee's word about what broke arrives before its caller gives up.
pub(crate) fn shorter(left: Duration) -> Duration {
    let margin = (left / 50).clamp(Duration::from_millis(2), Duration::from_millis(20));
    left.saturating_sub(margin)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Duration, shorter};

    #[test]
    fn the_inner_limit_is_always_the_shorter_and_a_chain_of_32_keeps_most_of_the_time() {
        let mut left = Duration::from_secs(5);
        for _ in 0..2 * 31 {
            assert!(shorter(left) < left);
            left = shorter(left);
        }
        assert!(left > Duration::from_millis(3500), "{left:?}");
        assert_eq!(shorter(Duration::from_millis(2)), Duration::ZERO);
    }
}
