//! All rules, one file a topic.

mod containers;
mod depends_on;
mod deployments;
mod environment;
mod fargate;
pub(super) mod file;
mod health_checks;
mod hosts;
mod images;
mod limits;
mod links;
mod listeners;
mod load_balancers;
mod logs;
mod memory;
mod names;
mod plan;
mod ports;
mod scaling;
mod service_connect;
mod services;
mod target_groups;
mod volumes;

use std::{collections::HashMap, rc::Rc};

use super::{
    finding::Findings,
    kind::{Document, Kind},
    node::Node,
    rule::Topic,
    scope::Scope,
    task::{Container, Task},
};

/// Every topic, in the order of the documentation.
pub(super) static ALL: &[&Topic] = &[
    &file::TOPIC,
    &plan::TOPIC,
    &names::TOPIC,
    &containers::TOPIC,
    &images::TOPIC,
    &ports::TOPIC,
    &links::TOPIC,
    &depends_on::TOPIC,
    &health_checks::TOPIC,
    &memory::TOPIC,
    &environment::TOPIC,
    &hosts::TOPIC,
    &volumes::TOPIC,
    &logs::TOPIC,
    &fargate::TOPIC,
    &services::TOPIC,
    &deployments::TOPIC,
    &service_connect::TOPIC,
    &limits::TOPIC,
    &load_balancers::TOPIC,
    &target_groups::TOPIC,
    &listeners::TOPIC,
    &scaling::TOPIC,
];

/// The rules that one document is enough for.
pub(super) fn document(document: &Document<'_>, found: &mut Findings) {
    let node = &document.node;
    names::check(document, found);
    match document.kind {
        Kind::TaskDefinition => task(&Task::new(node.clone()), found),
        Kind::Service => {
            services::check(node, found);
            scaling::check_quota(node, found);
            deployments::check(node, found);
        }
        Kind::LoadBalancer => load_balancers::check(node, found),
        Kind::TargetGroup => target_groups::check(node, found),
        Kind::LoadBalancerAttributes | Kind::TargetGroupAttributes => {
            load_balancers::check_attributes(node, found);
        }
        Kind::ListenerRule => listeners::check(node, found),
        Kind::Repository => images::check_repository(node, found),
        Kind::ScalableTarget | Kind::ScalingPolicy => {
            scaling::check_quota(node, found);
            scaling::check(node, found);
        }
        Kind::Cluster
        | Kind::Listener
        | Kind::LogGroup
        | Kind::Alarm
        | Kind::AutoScalingGroup
        | Kind::Plan => {}
    }
}

/// The rules that only show between documents.
pub(super) fn between(scope: &Scope<'_>, found: &mut Findings) {
    let served = Served::all(scope);
    for service in &served {
        services::between(service, found);
        deployments::between(scope, service, found);
        service_connect::check(service, found);
        limits::between(scope, service, found);
        target_groups::between(scope, service, found);
    }
    services::duplicates(scope, found);
    hosts::between(scope, &served, found);
    service_connect::between(scope, &served, found);
    load_balancers::between(scope, found);
    listeners::between(scope, &served, found);
    logs::between(scope, found);
    scaling::between(scope, found);
}

/// The rules about files as such: what the plan names, and when.
pub(super) fn plans(
    sources: &[super::source::Source],
    documents: &[Document<'_>],
    found: &mut Findings,
) {
    plan::check(sources, documents, found);
}

fn task(task: &Task<'_>, found: &mut Findings) {
    containers::check(task, found);
    images::check(task, found);
    ports::check(task, found);
    links::check(task, found);
    depends_on::check(task, found);
    health_checks::check(task, found);
    memory::check(task, found);
    environment::check(task, found);
    hosts::check(task, found);
    volumes::check(task, found);
    logs::check(task, found);
    fargate::check(task, found);
    limits::check(task, found);
}

/// A service with the task definition it runs, where that is among the files.
pub(super) struct Served<'a> {
    pub(super) document: &'a Document<'a>,
    pub(super) node: &'a Node<'a>,
    /// Shared by all services that run it.
    pub(super) task: Option<Rc<Task<'a>>>,
}

impl<'a> Served<'a> {
    pub(super) fn all(scope: &Scope<'a>) -> Vec<Self> {
        let mut tasks: HashMap<*const Document<'a>, Rc<Task<'a>>> = HashMap::new();
        let served = |document: &'a Document<'a>| {
            let name = document.node.get("taskDefinition");
            let task = name.and_then(|name| scope.find(Kind::TaskDefinition, &name));
            let mut shared = |task: &'a Document<'a>| {
                let shared = tasks.entry(task);
                Rc::clone(shared.or_insert_with(|| Rc::new(Task::new(task.node.clone()))))
            };
            Served {
                document,
                node: &document.node,
                task: task.map(&mut shared),
            }
        };
        scope.of(Kind::Service).map(served).collect()
    }

    /// Each of its load balancers with the container that it sends requests to.
    pub(super) fn balanced(&self) -> Vec<(Node<'a>, &Container<'a>)> {
        let Some(task) = &self.task else {
            return Vec::new();
        };
        let balancers = self.node.items("loadBalancers").into_iter();
        balancers
            .filter_map(|balancer| {
                let container = task.container(balancer.text_at("containerName")?)?;
                Some((balancer, container))
            })
            .collect()
    }

    /// Whether its tasks run on Fargate.
    pub(super) fn is_fargate(&self) -> bool {
        services::is_fargate(self.node)
    }
}
