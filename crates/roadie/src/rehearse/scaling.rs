//! Auto scaling of a service: its figures once a minute, and what [`ecs::auto_scaling`] makes of them.

use std::time::{Duration, Instant};

use ecs::Layout;
use ecs::auto_scaling::{AutoScaler, Decision, PERIOD, Policy};
use ecs::scaling::{PredefinedMetricType, PutScalingPolicy};

use super::fixtures::Fixtures;
use super::meter::Meter;
use super::targets::TargetGroup;

/// The scaling of one service.
#[derive(Debug)]
pub(crate) struct Scaling {
    scaler: AutoScaler,
    sources: Vec<Source>,
    /// When the next figures are due, in the rehearsal's time.
    next: Duration,
    last: Instant,
}

/// Where a policy's figure comes from.
#[derive(Clone, Debug)]
enum Source {
    Cpu,
    Memory,
    Requests {
        group: TargetGroup,
        seen: u64,
    },
    /// Not rehearsed: never any data.
    Unknown,
}

/// What the tasks of a service use, and what they reserved.
pub(crate) struct Tasks<'a> {
    pub(crate) meters: Vec<&'a Meter>,
    /// Of one task; 1 is a processor.
    pub(crate) reserved_cpus: Option<f64>,
    pub(crate) reserved_bytes: Option<u64>,
}

impl Scaling {
    /// What the files say about `service`; none where they do not scale it.
    pub(crate) fn read(layout: &Layout, service: &str, fixtures: &Fixtures) -> Option<Self> {
        let mut targets = layout.scalable_targets();
        let target = targets.find(|target| target.service() == Some(service))?;
        let own = layout.scaling_policies();
        let own = own.filter(|policy| policy.service() == Some(service));
        let policies = own.filter_map(|policy| {
            let source = Source::of(policy.body, layout, fixtures);
            Some((Policy::read(policy.body)?, source))
        });
        let (policies, sources) = policies.unzip();
        let capacity = target.min_capacity.unwrap_or(0)..=target.max_capacity.unwrap_or(u32::MAX);
        Some(Self {
            scaler: AutoScaler::new(capacity, policies),
            sources,
            next: PERIOD,
            last: Instant::now(),
        })
    }

    /// When the next figures are due, in the rehearsal's time.
    pub(crate) fn next(&self) -> Duration {
        self.next
    }

    /// `desired` within minimum and maximum: registering a service for scaling sees to that.
    pub(crate) fn within(&self, desired: u32) -> u32 {
        self.scaler.within(desired)
    }

    /// Looks at the figures where they are due, and says what is to be done.
    pub(crate) fn advance(
        &mut self,
        tasks: &Tasks<'_>,
        desired: u32,
        deploying: bool,
        now: Duration,
    ) -> Option<Decision> {
        if now < self.next {
            return None;
        }
        // One that was late does not hurry the next.
        self.next = now + PERIOD;
        let elapsed = std::mem::replace(&mut self.last, Instant::now()).elapsed();
        let cpu = tasks.cpu_percent();
        let sources = self.sources.iter_mut();
        let figures: Vec<_> = sources
            .map(|source| match source {
                Source::Cpu => cpu,
                Source::Memory => tasks.memory_percent(),
                Source::Requests { group, seen } => {
                    let all = group.requests();
                    let new = all - std::mem::replace(seen, all);
                    // The clock may be fast; the load is what it is in real minutes.
                    #[expect(clippy::cast_precision_loss, reason = "a figure, not an account")]
                    let a_minute = new as f64 / elapsed.as_secs_f64() * PERIOD.as_secs_f64();
                    let targets = group.in_use();
                    (targets > 0).then(|| a_minute / f64::from(targets))
                }
                Source::Unknown => None,
            })
            .collect();
        self.scaler.minute(&figures, desired, deploying, now)
    }
}

impl Source {
    fn of(policy: &PutScalingPolicy, layout: &Layout, fixtures: &Fixtures) -> Self {
        let tracking = policy.target_tracking_scaling_policy_configuration.as_ref();
        let metric =
            tracking.and_then(|tracking| tracking.predefined_metric_specification.as_ref());
        let Some(metric) = metric else {
            return Self::Unknown;
        };
        match metric.predefined_metric_type {
            PredefinedMetricType::AverageCpu => Self::Cpu,
            PredefinedMetricType::AverageMemory => Self::Memory,
            PredefinedMetricType::RequestsPerTarget => {
                let label = metric.resource_label.as_deref().unwrap_or_default();
                let group = group_of(label, layout, fixtures);
                group.map_or(Self::Unknown, |group| Self::Requests { group, seen: 0 })
            }
            PredefinedMetricType::Other(_) => Self::Unknown,
        }
    }
}

/// The target group that a resource label ends with: by its name, or as what a step of the plan will
/// learn of it.
fn group_of(label: &str, layout: &Layout, fixtures: &Fixtures) -> Option<TargetGroup> {
    let mut groups = layout.target_groups();
    let group = groups.find(|group| {
        let mut outputs = group.step.outputs().iter();
        let named = format!("targetgroup/{}/", group.name);
        label.contains(&named)
            || outputs.any(|output| label.ends_with(&format!(":{}", output.name())))
    })?;
    fixtures.group(group.arn().unwrap_or(&group.name)).cloned()
}

impl Tasks<'_> {
    /// Processor time since the last look, of what was reserved.
    fn cpu_percent(&self) -> Option<f64> {
        let taken = self.meters.iter().map(|meter| meter.take_cpu());
        let (used, passed) = taken.fold((0.0, 0.0), |(used, passed), (cpu, since)| {
            (used + cpu.as_secs_f64(), passed + since.as_secs_f64())
        });
        let reserved = self.reserved_cpus? * passed;
        (reserved > 0.0).then(|| 100.0 * used / reserved)
    }

    #[expect(clippy::cast_precision_loss, reason = "a figure, not an account")]
    fn memory_percent(&self) -> Option<f64> {
        let used: u64 = self.meters.iter().map(|meter| meter.memory_bytes()).sum();
        let reserved = self.reserved_bytes? * self.meters.len() as u64;
        (reserved > 0).then(|| 100.0 * used as f64 / reserved as f64)
    }
}
