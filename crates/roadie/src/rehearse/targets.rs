//! Target groups: who is registered, who is healthy, and who still has requests in flight.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ecs::alb::{Balancer, Standing, TargetState};
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
    balancer: Balancer,
    clock: Clock,
    registered: AtomicU64,
    requests: AtomicU64,
    checks: reqwest::Client,
}

#[derive(Debug)]
struct Target {
    number: u64,
    port: Option<Port>,
    standing: Standing,
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
    pub(crate) fn new(
        arn: &str,
        settings: CreateTargetGroup,
        balancer: Balancer,
        clock: Clock,
    ) -> reqwest::Result<Self> {
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
            balancer,
            clock,
            registered: AtomicU64::new(0),
            requests: AtomicU64::new(0),
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
        on_change: impl Fn(TargetState) + Send + 'static,
    ) -> Registration {
        let number = self.0.registered.fetch_add(1, Ordering::Relaxed);
        let in_flight = Arc::new(watch::Sender::new(0));
        self.targets().push(Target {
            number,
            port: port.clone(),
            standing: Standing::new(&self.0.settings),
            in_flight: Arc::clone(&in_flight),
        });
        let group = self.clone();
        let checking = tokio::spawn(async move {
            loop {
                let passed = group.check(address(port.as_ref())).await;
                if let Some(state) = group.observe(number, passed) {
                    on_change(state);
                }
                let interval = group.0.settings.health_check_interval();
                group.0.clock.sleep(interval).await;
            }
        });
        Registration {
            group: self.clone(),
            number,
            checking: checking.abort_handle(),
            in_flight,
        }
    }

    /// The target for the next request, as [`Balancer`] chooses it.
    pub(crate) fn next(&self) -> Option<Lease> {
        let mut targets = self.targets();
        for target in targets.iter_mut() {
            target.standing.outstanding = *target.in_flight.borrow();
        }
        let standings = targets.iter_mut().map(|target| &mut target.standing);
        let chosen = self.0.balancer.choose(standings, self.0.clock.now())?;
        let chosen = &targets[chosen];
        chosen.in_flight.send_modify(|count| *count += 1);
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        Some(Lease {
            address: address(chosen.port.as_ref()),
            in_flight: Arc::clone(&chosen.in_flight),
        })
    }

    /// Requests that targets got since the beginning.
    pub(crate) fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// How many targets are registered, and not about to leave.
    pub(crate) fn in_use(&self) -> u32 {
        let targets = self.targets();
        let in_use = targets.iter().filter(|target| !target.standing.draining);
        u32::try_from(in_use.count()).unwrap_or(u32::MAX)
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
        let index = targets.iter().position(|target| target.number == number)?;
        let standings = targets.iter_mut().map(|target| &mut target.standing);
        let now = self.0.clock.now();
        self.0.balancer.observe(standings, index, passed, now)
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
        own.for_each(|target| target.standing.draining = true);
    }

    /// Whether a request is in flight.
    #[cfg(test)]
    pub(crate) fn is_in_use(&self) -> bool {
        *self.in_flight.borrow() > 0
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
