//! Target groups: who is registered, and who is healthy.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ecs::alb::{TargetHealth, TargetState};
use ecs::target_group::CreateTargetGroup;
use tokio::sync::watch;
use tokio::task::AbortHandle;

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
    turn: AtomicUsize,
    served: watch::Sender<bool>,
    checks: reqwest::Client,
}

#[derive(Debug)]
struct Target {
    address: SocketAddr,
    health: TargetHealth,
}

/// A target's registration; ends when dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    group: TargetGroup,
    address: SocketAddr,
    checking: AbortHandle,
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
            .timeout(settings.health_check_timeout())
            .build()?;
        Ok(Self(Arc::new(Shared {
            arn: arn.to_owned(),
            settings,
            targets: Mutex::default(),
            turn: AtomicUsize::new(0),
            served: watch::Sender::new(false),
            checks,
        })))
    }

    pub(crate) fn arn(&self) -> &str {
        &self.0.arn
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.settings.name
    }

    /// Adds the process that listens on `port` of this machine, and checks it from now on.
    pub(crate) fn register(
        &self,
        port: u16,
        on_change: impl Fn(TargetState) + Send + 'static,
    ) -> Registration {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        self.targets().push(Target {
            address,
            health: TargetHealth::new(&self.0.settings),
        });
        let group = self.clone();
        let checking = tokio::spawn(async move {
            let mut every = tokio::time::interval(group.0.settings.health_check_interval());
            every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                every.tick().await;
                let passed = group.check(address).await;
                if let Some(state) = group.observe(address, passed) {
                    on_change(state);
                }
            }
        });
        Registration {
            group: self.clone(),
            address,
            checking: checking.abort_handle(),
        }
    }

    /// Resolves when a target is healthy for the first time.
    pub(crate) async fn first_healthy(&self) {
        // The sender lives in the group that this borrows.
        let _ = self.0.served.subscribe().wait_for(|served| *served).await;
    }

    /// The target for the next request: round robin over the healthy ones; over all when none is
    /// healthy (an ALB fails open); none when none is registered.
    pub(crate) fn next(&self) -> Option<SocketAddr> {
        let targets = self.targets();
        let healthy = |target: &&Target| target.health.state() == TargetState::Healthy;
        let mut choice: Vec<_> = targets.iter().filter(healthy).collect();
        if choice.is_empty() {
            choice = targets.iter().collect();
        }
        let turn = self.0.turn.fetch_add(1, Ordering::Relaxed);
        let chosen = choice.get(turn.checked_rem(choice.len())?)?;
        Some(chosen.address)
    }

    async fn check(&self, address: SocketAddr) -> bool {
        let settings = &self.0.settings;
        let url = format!("http://{address}{}", settings.health_check_path());
        let answer = self.0.checks.get(url).send().await;
        answer.is_ok_and(|answer| settings.accepts(answer.status().as_u16()))
    }

    fn observe(&self, address: SocketAddr, passed: bool) -> Option<TargetState> {
        let mut targets = self.targets();
        let target = targets
            .iter_mut()
            .find(|target| target.address == address)?;
        let change = target.health.observe(passed);
        if change == Some(TargetState::Healthy) {
            self.0.served.send_replace(true);
        }
        change
    }

    fn targets(&self) -> MutexGuard<'_, Vec<Target>> {
        self.0
            .targets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.checking.abort();
        let mut targets = self.group.targets();
        targets.retain(|target| target.address != self.address);
    }
}
