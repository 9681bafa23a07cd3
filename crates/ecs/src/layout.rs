//! A folder of files and their plan, read and checked as one.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    Entry, Error, Output, Router, Step,
    alb::Balancer,
    body::Kind,
    capacity::{CreateAutoScalingGroup, CreateCapacityProvider},
    file::{self, Refusal},
    listener::{CreateListener, CreateRule},
    load_balancer::{self, CreateLoadBalancer, ModifyLoadBalancerAttributes},
    plan,
    scaling::{PutScalingPolicy, RegisterScalableTarget},
    service::CreateService,
    target_group::{self, CreateTargetGroup, ModifyTargetGroupAttributes},
    task_definition::RegisterTaskDefinition,
};

/// Everything one folder under `ecs/` says, in the order of its plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    dir: PathBuf,
    steps: Vec<Step>,
}

impl Layout {
    /// Reads `dir/plan.json` and every file it names: regular files in `dir`, beside it or below one of
    /// both.
    ///
    /// Also holds the files against each other: an output has one producer, and nobody uses it
    /// before that. Stops at the first error.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        let plan = dir.join(plan::FILE);
        let unread = |cause| Error::Read {
            file: plan.clone(),
            cause,
        };
        let root = file::root(dir).map_err(unread)?;
        let mut steps = Vec::new();
        for planned in plan::parse(&plan, &read(&plan, &root)?)? {
            let file = beside(dir, &planned.file);
            if file::leaves(&planned.file) {
                let cause = Refusal::Outside.into();
                return Err(Error::Read { file, cause });
            }
            let text = read(&file, &root)?;
            steps.push(Step::parse(file, planned.call, planned.outputs, &text)?);
        }
        let layout = Self {
            dir: dir.to_owned(),
            steps,
        };
        layout.check_order()?;
        Ok(layout)
    }

    /// This layout with `values` in place of all variables: those from outside and the outputs.
    ///
    /// Someone who stands in for AWS makes the outputs up; someone who talks to AWS learns them
    /// one by one and uses [`Step::render`]. [`Error::MissingVariables`] lists all missing names.
    pub fn render(&self, values: &BTreeMap<String, String>) -> Result<Self, Error> {
        let mut missing = BTreeMap::new();
        for lacking in self.steps.iter().flat_map(|step| step.missing(values)) {
            missing.entry(lacking.name.clone()).or_insert(lacking);
        }
        if !missing.is_empty() {
            let missing = missing.into_values().collect();
            return Err(Error::MissingVariables { missing });
        }
        let steps = self.steps.iter().map(|step| step.render(values));
        Ok(Self {
            dir: self.dir.clone(),
            steps: steps.collect::<Result<_, _>>()?,
        })
    }

    /// The folder it was read from.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// All steps, in the order of the plan.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The variables that must be given from outside: used by a file, produced by no step. Empty
    /// once rendered.
    #[must_use]
    pub fn variables(&self) -> BTreeSet<&str> {
        let produced: BTreeSet<&str> = self.outputs().map(Output::name).collect();
        let used = self.steps.iter().flat_map(Step::uses);
        used.map(|used| used.name.as_str())
            .filter(|name| !produced.contains(name))
            .collect()
    }

    /// What the steps produce, in the order of the plan.
    pub fn outputs(&self) -> impl Iterator<Item = &Output> {
        self.steps.iter().flat_map(Step::outputs)
    }

    /// All task definitions.
    pub fn task_definitions(&self) -> impl Iterator<Item = Entry<'_, RegisterTaskDefinition>> {
        self.all()
    }

    /// All services.
    pub fn services(&self) -> impl Iterator<Item = Entry<'_, CreateService>> {
        self.all()
    }

    /// All load balancers.
    pub fn load_balancers(&self) -> impl Iterator<Item = Entry<'_, CreateLoadBalancer>> {
        self.all()
    }

    /// All target groups.
    pub fn target_groups(&self) -> impl Iterator<Item = Entry<'_, CreateTargetGroup>> {
        self.all()
    }

    /// All listeners.
    pub fn listeners(&self) -> impl Iterator<Item = Entry<'_, CreateListener>> {
        self.all()
    }

    /// All rules of all listeners, in the order of the plan, which is not that of their priority.
    pub fn rules(&self) -> impl Iterator<Item = Entry<'_, CreateRule>> {
        self.all()
    }

    /// All scalable targets.
    pub fn scalable_targets(&self) -> impl Iterator<Item = Entry<'_, RegisterScalableTarget>> {
        self.all()
    }

    /// All scaling policies.
    pub fn scaling_policies(&self) -> impl Iterator<Item = Entry<'_, PutScalingPolicy>> {
        self.all()
    }

    /// All groups of instances.
    pub fn auto_scaling_groups(&self) -> impl Iterator<Item = Entry<'_, CreateAutoScalingGroup>> {
        self.all()
    }

    /// All capacity providers.
    pub fn capacity_providers(&self) -> impl Iterator<Item = Entry<'_, CreateCapacityProvider>> {
        self.all()
    }

    /// The task definition a service means: by ARN, by family, or by `family:revision`.
    #[must_use]
    pub fn task_definition(&self, name: &str) -> Option<Entry<'_, RegisterTaskDefinition>> {
        let family = name.split_once(':').map_or(name, |(family, _)| family);
        self.task_definitions()
            .find(|entry| entry.arn() == Some(name))
            .or_else(|| self.task_definitions().find(|entry| entry.family == family))
    }

    /// The target group with that ARN: `${NAME}` as read, the given value once rendered.
    #[must_use]
    pub fn target_group(&self, arn: &str) -> Option<Entry<'_, CreateTargetGroup>> {
        self.target_groups().find(|entry| entry.arn() == Some(arn))
    }

    /// How long a target of that group stays `draining`; AWS's default unless a step sets it.
    #[must_use]
    pub fn deregistration_delay(&self, target_group_arn: &str) -> Duration {
        self.all::<ModifyTargetGroupAttributes>()
            .filter(|entry| entry.target_group_arn == target_group_arn)
            .filter_map(|entry| entry.deregistration_delay())
            .last()
            .unwrap_or(target_group::DEREGISTRATION_DELAY)
    }

    /// How requests are spread over the targets of that group.
    #[must_use]
    pub fn balancer(&self, target_group_arn: &str) -> Balancer {
        let own = || {
            self.all::<ModifyTargetGroupAttributes>()
                .filter(|entry| entry.target_group_arn == target_group_arn)
        };
        let slow_start = own().filter_map(|entry| entry.slow_start()).last();
        let algorithm = own().filter_map(|entry| entry.algorithm()).last();
        Balancer {
            algorithm: algorithm.unwrap_or_default(),
            slow_start: slow_start.unwrap_or_default(),
        }
    }

    /// How long that load balancer keeps an idle connection; AWS's default unless a step sets it.
    #[must_use]
    pub fn idle_timeout(&self, load_balancer_arn: &str) -> Duration {
        self.all::<ModifyLoadBalancerAttributes>()
            .filter(|entry| entry.load_balancer_arn == load_balancer_arn)
            .filter_map(|entry| entry.idle_timeout())
            .last()
            .unwrap_or(load_balancer::IDLE_TIMEOUT)
    }

    /// The routing of one of our listeners: its default action and every rule that names it.
    pub fn router(&self, listener: Entry<'_, CreateListener>) -> Result<Router, Error> {
        let rules = self
            .rules()
            .filter(|rule| listener.arn() == Some(&rule.listener_arn));
        Router::new(listener, rules)
    }

    fn all<'a, T: Kind + 'a>(&'a self) -> impl Iterator<Item = Entry<'a, T>> {
        self.steps.iter().filter_map(|step| {
            let body = T::of(step.body())?;
            Some(Entry { step, body })
        })
    }

    fn check_order(&self) -> Result<(), Error> {
        let mut made_by: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, step) in self.steps.iter().enumerate() {
            made_by.extend(step.outputs().iter().map(|output| (output.name(), index)));
        }
        for (index, step) in self.steps.iter().enumerate() {
            let uses = step.uses().iter();
            let late = uses.filter_map(|used| Some((used, *made_by.get(&*used.name)?)));
            let late = late.filter(|(_, maker)| *maker >= index);
            if let Some((used, maker)) = late.min_by_key(|(_, maker)| *maker) {
                return Err(Error::UsedTooEarly {
                    file: step.file().to_owned(),
                    field: used.field.clone(),
                    name: used.name.clone(),
                    made_by: self.steps[maker].file().to_owned(),
                });
            }
        }
        Ok(())
    }
}

/// `file` as seen from `dir`, without the way up and down again: people read it in errors.
fn beside(dir: &Path, file: &str) -> PathBuf {
    let mut path = dir.to_owned();
    let mut rest = file;
    while let Some(above) = rest.strip_prefix("../") {
        // `.` and `..` have no name that could be taken back.
        if path.file_name().is_none() {
            break;
        }
        path.pop();
        rest = above;
    }
    path.join(rest)
}

fn read(path: &Path, root: &Path) -> Result<String, Error> {
    let not_text = |_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8");
    let bytes = file::read_below(path, root);
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).map_err(not_text));
    text.map_err(|cause| Error::Read {
        file: path.to_owned(),
        cause,
    })
}
