//! What was played and what became of the requests meanwhile.

mod junit;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::super::figures::Millis;
use super::super::status::micros;
use crate::load::Tally;
use crate::stdio;

/// All acts.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    layout: String,
    speed: f64,
    requests_per_second: f64,
    /// Not ended by somebody before its end.
    complete: bool,
    acts: Vec<Act>,
}

/// What was done, and what became of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Act {
    pub(super) name: String,
    /// What happened, or why it did not.
    pub(super) outcome: String,
    /// What the deployment would have come to on AWS, where there was one.
    pub(super) on_aws: Option<OnAws>,
    pub(super) passed: bool,
    pub(super) seconds: f64,
    pub(super) requests: Requests,
}

/// A deployment's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OnAws {
    Completed,
    RolledBack,
    Failed,
}

/// What became of the requests of an act.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Requests {
    pub(super) sent: u64,
    pub(super) failed: u64,
    /// So many might fail: what was in flight on what was killed.
    pub(super) may_fail: u64,
    errors: BTreeMap<String, u64>,
    p50_us: Option<u64>,
    p99_us: Option<u64>,
    max_us: Option<u64>,
}

impl Requests {
    pub(super) fn of(tally: &Tally, may_fail: u64) -> Self {
        let answered = tally.latency.count() > 0;
        let quantile = |per_mille| answered.then(|| micros(tally.latency.quantile(per_mille)));
        Self {
            sent: tally.requests(),
            failed: tally.failed(),
            may_fail,
            errors: tally.errors.clone(),
            p50_us: quantile(500),
            p99_us: quantile(990),
            max_us: answered.then(|| micros(tally.latency.most())),
        }
    }

    /// Lost where none may be.
    pub(super) fn lost(&self) -> u64 {
        self.failed.saturating_sub(self.may_fail)
    }
}

impl OnAws {
    fn text(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::RolledBack => "rolled back",
            Self::Failed => "failed",
        }
    }
}

impl Act {
    /// A line for people, and what there is to remark.
    pub(super) fn lines(&self) -> String {
        let mut lines = self.line() + "\n";
        for remark in self.remarks() {
            lines.extend(["       ", &remark, "\n"]);
        }
        lines
    }

    fn line(&self) -> String {
        let Requests {
            sent,
            failed,
            p50_us,
            p99_us,
            max_us,
            ..
        } = &self.requests;
        let ms = |us: &Option<u64>| us.map_or_else(|| "-".to_owned(), |us| Millis(us).to_string());
        format!(
            "{:6} {:44} {:>6.1} {sent:>8} {failed:>6} {:>8} {:>8} {:>8}  {}",
            if self.passed { "ok" } else { "FAILED" },
            self.name,
            self.seconds,
            ms(p50_us),
            ms(p99_us),
            ms(max_us),
            self.on_aws.map_or("", OnAws::text),
        )
    }

    /// What there is to say about its requests and its end.
    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if !self.passed {
            remarks.push(self.outcome.clone());
        }
        for (error, count) in &self.requests.errors {
            remarks.push(format!("{count} x {error}"));
        }
        remarks
    }
}

impl Report {
    pub(super) fn new(layout: String, speed: f64, requests_per_second: f64) -> Self {
        Self {
            layout,
            speed,
            requests_per_second,
            complete: false,
            acts: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, act: Act) {
        self.acts.push(act);
    }

    /// Says that nothing more is to come.
    pub(super) fn end(&mut self) {
        self.complete = true;
    }

    /// Whether every act was played and went as it should.
    pub(super) fn passed(&self) -> bool {
        self.complete && self.acts.iter().all(|act| act.passed)
    }

    /// What goes above the acts.
    pub(super) fn head(&self) -> String {
        format!(
            "{} at {} requests a second, waiting times divided by {}\n\n\
             {:6} {:44} {:>6} {:>8} {:>6} {:>8} {:>8} {:>8}  {}\n",
            self.layout,
            self.requests_per_second,
            self.speed,
            "",
            "act",
            "s",
            "requests",
            "failed",
            "p50 ms",
            "p99 ms",
            "max ms",
            "on AWS"
        )
    }

    /// What goes below them.
    pub(super) fn verdict(&self) -> String {
        let sum = |of: fn(&Requests) -> u64| self.acts.iter().map(|a| of(&a.requests)).sum::<u64>();
        let (sent, failed, lost) = (sum(|r| r.sent), sum(|r| r.failed), sum(Requests::lost));
        let verdict = match self.passed() {
            true => "passed",
            false if !self.complete => "INTERRUPTED",
            false => "FAILED",
        };
        format!("\n{verdict}: of {sent} requests {failed} failed, {lost} of them where none may\n")
    }

    pub(super) fn text(&self) -> String {
        let acts: String = self.acts.iter().map(Act::lines).collect();
        self.head() + &acts + &self.verdict()
    }

    pub(super) fn json(&self) -> anyhow::Result<String> {
        #[derive(Serialize)]
        struct Whole<'a> {
            passed: bool,
            #[serde(flatten)]
            report: &'a Report,
        }
        let whole = Whole {
            passed: self.passed(),
            report: self,
        };
        Ok(stdio::json(&whole)?)
    }

    pub(super) fn junit(&self) -> String {
        let mut acts = self.acts.clone();
        if !self.complete {
            let why = "interrupted before its end".to_owned();
            acts.push(Act::quiet("the rest", why, false, Duration::ZERO));
        }
        junit::write(&self.layout, &acts)
    }
}

impl Act {
    /// The act of this name, begun `took` ago, with no load.
    pub(super) fn quiet(name: &str, outcome: String, passed: bool, took: Duration) -> Self {
        Self {
            name: name.to_owned(),
            outcome,
            on_aws: None,
            passed,
            seconds: took.as_secs_f64(),
            requests: Requests::default(),
        }
    }
}

#[cfg(test)]
mod tests;
