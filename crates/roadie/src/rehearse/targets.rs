//! Target groups: who is registered, who is healthy, and who still has requests in flight.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ecs::alb::{TargetHealth, TargetState};
use ecs::target_group::CreateTargetGroup;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::clock::Clock;
use crate::container::Port;

/// What the ALB's health checks call themselves.
const USER_AGENT: &str = "ELB-HealthChecker/2.0";

/// A target group; handles to it are cheap.
#[derive(Clone, Debug)]
pub(crate) struct TargetGroup(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    arn: String,
    settings: CreateTargetGroup,
    targets: Mutex<Vec<Target>>,
    registered: AtomicU64,
    turn: AtomicUsize,
    checks: reqwest::Client,
}

#[derive(Debug)]
struct Target {
    number: u64,
    port: Option<Port>,
    health: TargetHealth,
    draining: bool,
    in_flight: Arc<watch::Sender<usize>>,
}

/// A target's registration; ends when dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    group: TargetGroup,
    number: u64,
    checking: AbortHandle,
    in_flight: Arc<watch::Sender<usize>>,
}

/// A target that was chosen for a request, which is in flight until this is dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) address: SocketAddr,
    in_flight: Arc<watch::Sender<usize>>,
}

impl TargetGroup {
    /// An empty group, known by `arn`.
    ///
    /// # Errors
    /// The HTTP client cannot start.
    pub(crate) fn new(arn: &str, settings: CreateTargetGroup) -> reqwest::Result<Self> {
        let checks = reqwest::Client::builder()
            .no_proxy()
            .user_agent(USER_AGENT)
            // Each check has a connection of its own, and closes it.
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self(Arc::new(Shared {
            arn: arn.to_owned(),
            settings,
            targets: Mutex::default(),
            registered: AtomicU64::new(0),
            turn: AtomicUsize::new(0),
            checks,
        })))
    }

    pub(crate) fn arn(&self) -> &str {
        &self.0.arn
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.settings.name
    }

    /// Adds the process that listens on `port` of this machine, and checks it from now on. No port:
    /// nothing listens where the group's requests go.
    pub(crate) fn register(
        &self,
        port: Option<Port>,
        clock: Clock,
        on_change: impl Fn(TargetState) + Send + 'static,
    ) -> Registration {
        let number = self.0.registered.fetch_add(1, Ordering::Relaxed);
        let in_flight = Arc::new(watch::Sender::new(0));
        self.targets().push(Target {
            number,
            port: port.clone(),
            health: TargetHealth::new(&self.0.settings),
            draining: false,
            in_flight: Arc::clone(&in_flight),
        });
        let group = self.clone();
        let checking = tokio::spawn(async move {
            loop {
                let passed = group.check(address(port.as_ref())).await;
                if let Some(state) = group.observe(number, passed) {
                    on_change(state);
                }
                clock.sleep(group.0.settings.health_check_interval()).await;
            }
        });
        Registration {
            group: self.clone(),
            number,
            checking: checking.abort_handle(),
            in_flight,
        }
    }

    /// The target for the next request: round robin over the healthy ones; over all when none is
    /// healthy (an ALB fails open); none when none is registered. Those that drain get nothing.
    pub(crate) fn next(&self) -> Option<Lease> {
        let targets = self.targets();
        let registered = || targets.iter().filter(|target| !target.draining);
        let healthy = |target: &&Target| target.health.state() == TargetState::Healthy;
        let mut choice: Vec<_> = registered().filter(healthy).collect();
        if choice.is_empty() {
            choice = registered().collect();
        }
        let turn = self.0.turn.fetch_add(1, Ordering::Relaxed);
        let chosen = choice.get(turn.checked_rem(choice.len())?)?;
        chosen.in_flight.send_modify(|count| *count += 1);
        Some(Lease {
            address: address(chosen.port.as_ref()),
            in_flight: Arc::clone(&chosen.in_flight),
        })
    }

    async fn check(&self, address: SocketAddr) -> bool {
        let settings = &self.0.settings;
        let url = format!("http://{address}{}", settings.health_check_path());
        let limit = settings.health_check_timeout();
        let answer = self.0.checks.get(url).timeout(limit).send().await;
        answer.is_ok_and(|answer| settings.accepts(answer.status().as_u16()))
    }

    fn observe(&self, number: u64, passed: bool) -> Option<TargetState> {
        let mut targets = self.targets();
        let mut targets = targets.iter_mut();
        let target = targets.find(|target| target.number == number)?;
        target.health.observe(passed)
    }

    fn targets(&self) -> MutexGuard<'_, Vec<Target>> {
        self.0
            .targets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registration {
    /// No new requests from now on.
    pub(crate) fn drain(&self) {
        let mut targets = self.group.targets();
        let own = targets
            .iter_mut()
            .filter(|target| target.number == self.number);
        own.for_each(|target| target.draining = true);
    }

    /// Resolves when no request is in flight. An ALB ends the deregistration early then.
    pub(crate) async fn drained(&self) {
        // The sender lives in the registration that this borrows.
        let _ = self
            .in_flight
            .subscribe()
            .wait_for(|count| *count == 0)
            .await;
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.checking.abort();
        let mut targets = self.group.targets();
        targets.retain(|target| target.number != self.number);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.in_flight.send_modify(|count| *count -= 1);
    }
}

/// Where a process listens. Nobody listens on port 0.
fn address(port: Option<&Port>) -> SocketAddr {
    let port = port.and_then(|port| *port.borrow()).unwrap_or(0);
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
