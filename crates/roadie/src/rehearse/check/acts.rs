//! What is played: one act after the other, each under load, each until everything has settled.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::super::control::{Deploy, Scale};
use super::super::stage::Stage;
use super::super::status::ServiceStatus;
use super::Check;
use super::audience::{Audience, Wishes};
use super::cast::Member;
use super::house::{House, end, has_ended, is_settled};
use super::outcome::{Outcome, new_on};
use super::report::{Act, OnAws, Report, Requests};
use crate::stdio;

/// Tasks of each service while tasks are killed: two are left then.
const ENOUGH: u32 = 3;

/// The load before and after what is done in an act.
const AROUND: Duration = Duration::from_millis(500);

/// The acts, from the bringing up to the last.
pub(super) struct Play<'a> {
    pub(super) wishes: Wishes,
    steady: Duration,
    release: String,
    pub(super) cast: Vec<Member>,
    /// Whether standard output is for something else than words about the play.
    beside: bool,
    report: &'a mut Report,
}

impl<'a> Play<'a> {
    pub(super) fn new(check: &Check, stage: &Stage, report: &'a mut Report) -> Self {
        let mut paths: Vec<_> = stage.router.exact_paths().map(str::to_owned).collect();
        if paths.is_empty() {
            paths.push("/".to_owned());
        }
        Self {
            wishes: Wishes {
                paths,
                rate: check.rate,
                // The load balancer speaks first.
                timeout: stage.idle_timeout + Duration::from_secs(5),
            },
            steady: Duration::from_secs(check.seconds.into()),
            release: check.tag.clone(),
            cast: Member::all(&stage.services),
            beside: !check.streams(),
            report,
        }
    }

    /// Plays until an act fails in a way that nothing can follow, or to the end.
    pub(super) async fn run(mut self, house: House) {
        self.say(&self.report.head());
        let begun = Instant::now();
        let up = house.settled().await;
        let passed = up.is_ok();
        let outcome = up.map_or_else(
            |error| error.to_string(),
            |_| "all tasks healthy".to_owned(),
        );
        self.note(Act::quiet("bring up", outcome, passed, begun.elapsed()));
        if passed && self.acts(&house).await.is_err() {
            // The report says why; what comes after would only fail for the same reason.
            self.say("nothing can follow that\n");
        }
        self.report.end();
    }

    async fn acts(&mut self, house: &House) -> anyhow::Result<()> {
        let steady = self.steady;
        let name = format!("steady load for {} s", steady.as_secs());
        self.act(house, &name, false, async || {
            tokio::time::sleep(steady).await;
            Ok(Outcome::done("nothing happened"))
        })
        .await?;
        self.deploy(house).await?;

        let more: Vec<_> = self
            .cast
            .iter()
            .map(|m| (m.name.clone(), m.desired.max(ENOUGH)))
            .collect();
        self.scale(house, "scale out", &more).await?;
        for index in 0..self.cast.len() {
            self.kill_task(house, index).await?;
        }
        self.kill_zone(house).await?;
        for index in 0..self.cast.len() {
            self.deploy_spoilt(house, index).await?;
        }
        let back: Vec<_> = self
            .cast
            .iter()
            .map(|m| (m.name.clone(), m.desired))
            .collect();
        self.scale(house, "scale in", &back).await
    }

    async fn deploy(&mut self, house: &House) -> anyhow::Result<()> {
        let release = format!("{}-next", self.release);
        let name = format!("deploy release {release}");
        self.act(house, &name, false, async || {
            house
                .control
                .deploy(&Deploy {
                    tag: release.clone(),
                    service: None,
                    environment: BTreeMap::new(),
                })
                .await?;
            let ended = house.until(has_ended).await?;
            let stayed =
                |s: &ServiceStatus| s.deployments.first().is_some_and(|d| d.release == release);
            match ended.services.iter().find(|service| !stayed(service)) {
                None => Ok(Outcome::of("every service runs it", OnAws::Completed)),
                Some(service) => Ok(Outcome {
                    what: format!("{} did not come up", service.name),
                    on_aws: Some(end(service)),
                    killed: None,
                }),
            }
        })
        .await?;
        self.release = release;
        Ok(())
    }

    async fn scale(
        &mut self,
        house: &House,
        name: &str,
        to: &[(String, u32)],
    ) -> anyhow::Result<()> {
        self.act(house, name, false, async || {
            for (service, desired) in to {
                let (service, desired) = (service.clone(), *desired);
                house.control.scale(&Scale { service, desired }).await?;
            }
            let to = |s: &ServiceStatus| to.iter().any(|(n, d)| *n == s.name && *d == s.desired);
            house
                .until(|service| to(service) && is_settled(service))
                .await?;
            Ok(Outcome::done("every service runs what it wants"))
        })
        .await
    }

    async fn deploy_spoilt(&mut self, house: &House, index: usize) -> anyhow::Result<()> {
        let Member {
            name: service,
            short,
            spoilt: Some((variable, value)),
            rolls_back: true,
            ..
        } = &self.cast[index]
        else {
            return Ok(());
        };
        let service = service.clone();
        let environment = BTreeMap::from([((*variable).to_owned(), (*value).to_owned())]);
        let name = format!("deploy {short} with {variable}={value}");
        let before = self.release.clone();
        self.act(house, &name, false, async || {
            house
                .control
                .deploy(&Deploy {
                    tag: format!("{before}-spoilt"),
                    service: Some(service.clone()),
                    environment,
                })
                .await?;
            let ended = house.until(has_ended).await?;
            let ended = ended.services.iter().find(|s| s.name == service);
            let ended = ended.context("the service is gone")?;
            let newest = ended
                .deployments
                .first()
                .context("there is no deployment")?;
            if end(ended) != OnAws::RolledBack || newest.release != before {
                bail!(
                    "release {} is {} now, not {before} again",
                    newest.release,
                    newest.rollout
                );
            }
            Ok(Outcome::of(
                "the circuit breaker brought the last release back",
                OnAws::RolledBack,
            ))
        })
        .await
    }

    /// Plays one act under load. None of its requests may be lost, but those that were given to what it `kills`.
    ///
    /// # Errors
    /// It did not end as it should, so that nothing can follow it. Lost requests are no error here.
    pub(super) async fn act(
        &mut self,
        house: &House,
        name: &str,
        kills: bool,
        act: impl AsyncFnOnce() -> anyhow::Result<Outcome>,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        let failed_on = house.control.figures.failed_on();
        let audience = Audience::enter(&self.wishes, house.address);
        // Something has to be in flight when it begins, and to come when it is over.
        tokio::time::sleep(AROUND).await;
        let played = act().await;
        // What leaves late may still lose something.
        let settled = match played {
            Ok(_) => house.settled().await.map(drop),
            Err(_) => Ok(()),
        };
        tokio::time::sleep(AROUND).await;
        let tally = audience.leave().await;
        let outcome = played.and_then(|outcome| settled.map(|()| outcome));
        let may_fail = match &outcome {
            _ if !kills => 0,
            Ok(Outcome {
                killed: Some(killed),
                ..
            }) => {
                let failed = new_on(killed, &failed_on, &house.control.figures.failed_on());
                failed.min(self.wishes.most_in_flight())
            }
            _ => self.wishes.most_in_flight(),
        };
        let requests = Requests::of(&tally, may_fail);
        let (lost, sent) = (requests.lost(), requests.sent);
        let (what, on_aws) = match &outcome {
            Ok(outcome) => (outcome.what.clone(), outcome.on_aws),
            Err(error) => (format!("{error:#}"), None),
        };
        let completes = !matches!(on_aws, Some(OnAws::Failed));
        self.note(Act {
            name: name.to_owned(),
            outcome: match lost {
                0 => what,
                lost => format!("{what}, but {lost} requests were lost"),
            },
            on_aws,
            passed: outcome.is_ok() && lost == 0 && sent > 0 && completes,
            seconds: begun.elapsed().as_secs_f64(),
            requests,
        });
        outcome.map(drop)
    }

    fn note(&mut self, act: Act) {
        self.say(&act.lines());
        self.report.add(act);
    }

    /// What comes of it meanwhile: to where the report goes as text, or beside it.
    fn say(&self, text: &str) {
        // Nobody has to listen.
        match self.beside {
            true => stdio::tell(text),
            false => drop(stdio::print(text)),
        }
    }
}
