//! The containers of our own files: what must hold between them, their services and their programs.
#![expect(
    clippy::unwrap_used,
    reason = "the functions around the tests may panic as the tests do"
)]

use std::{collections::BTreeMap, path::Path, time::Duration};

use ecs::{
    Layout,
    container::{ContainerDefinition, DependencyCondition, Probe},
    task_definition::NetworkMode,
};

fn layout() -> Layout {
    Layout::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ecs/ec2")).unwrap()
}

fn containers(layout: &Layout) -> Vec<&ContainerDefinition> {
    let definitions = layout.task_definitions();
    definitions
        .flat_map(|entry| &entry.body.container_definitions)
        .collect()
}

fn millis(container: &ContainerDefinition, name: &str) -> Option<Duration> {
    let value = container.env(name)?;
    Some(Duration::from_millis(value.parse().unwrap()))
}

#[test]
fn next_names_only_linked_containers_that_are_healthy_first() {
    let layout = layout();
    let mut chain = BTreeMap::new();
    for definition in layout.task_definitions() {
        assert_eq!(definition.network_mode(), NetworkMode::Bridge);
        for container in &definition.container_definitions {
            let called: Vec<String> = container
                .linked()
                .map(|link| format!("http://{}:3000", link.alias))
                .collect();
            assert_eq!(container.env("NEXT").unwrap_or_default(), called.join(","));
            let linked: Vec<&str> = container.linked().map(|link| link.container).collect();
            let waited_for: Vec<&str> = container
                .depends_on
                .iter()
                .filter(|dependency| dependency.condition == DependencyCondition::Healthy)
                .map(|dependency| dependency.container_name.as_str())
                .collect();
            assert_eq!(linked, waited_for, "{}", container.name);
            for name in linked {
                let next = definition.container(name).unwrap();
                assert!(next.health_check.is_some(), "{name}");
                chain.insert(container.name.clone(), next.name.clone());
            }
        }
    }
    let links = [
        ("node-john", "node-paul"),
        ("node-paul", "node-george"),
        ("node-george", "node-ringo"),
    ];
    assert_eq!(
        chain,
        BTreeMap::from(links.map(|(a, b)| (a.to_owned(), b.to_owned())))
    );
}

#[test]
fn a_container_is_called_as_its_program_calls_itself() {
    for container in containers(&layout()) {
        assert_eq!(container.env("PORT"), Some("3000"));
        assert_eq!(container.env("RELEASE"), Some("${TAG}"));
        match container.env("NODE_NAME") {
            Some(name) => assert_eq!(container.name, format!("node-{name}")),
            None => assert_eq!(container.name, "client"),
        }
    }
}

#[test]
fn image_log_group_and_health_check_are_those_of_one_program() {
    for container in containers(&layout()) {
        let program = if container.name == "client" {
            "client"
        } else {
            "node"
        };
        let image = format!("${{ECR_REGISTRY}}/microservice-ping-pong/{program}:${{TAG}}");
        assert_eq!(container.image, image);
        let log = container.log_configuration.as_ref().unwrap();
        assert_eq!(log.log_driver, "awslogs");
        assert_eq!(
            log.options["awslogs-group"],
            format!("microservice-ping-pong-{program}")
        );
        let command = [format!("/{program}"), "healthcheck".to_owned()];
        let check = container.health_check.as_ref().unwrap();
        assert_eq!(check.probe(), Some(Probe::Exec(&command)));
    }
}

#[test]
fn no_variable_of_ours_is_one_that_a_link_injects() {
    for container in containers(&layout()) {
        for link in container.linked() {
            let prefix = link.alias.to_uppercase().replace('-', "_") + "_";
            for variable in &container.environment {
                assert!(!variable.name.starts_with(&prefix), "{}", variable.name);
            }
        }
    }
}

#[test]
fn every_container_is_limited_and_unprivileged() {
    for container in containers(&layout()) {
        assert_eq!(
            container.memory_reservation,
            Some(300),
            "{}",
            container.name
        );
        assert_eq!(container.memory, Some(512));
        assert!(container.is_essential());
        assert_eq!(container.user.as_deref(), Some("65532:65532"));
        assert_eq!(container.readonly_root_filesystem, Some(true));
        let linux = container.linux_parameters.as_ref().unwrap();
        assert_eq!(linux.capabilities.as_ref().unwrap().drop, ["ALL"]);
    }
}

#[test]
fn a_drain_ends_before_the_container_is_killed() {
    for container in containers(&layout()) {
        let drain = millis(container, "DRAIN_DELAY_MS").unwrap();
        let grace = millis(container, "SHUTDOWN_GRACE_MS").unwrap();
        assert!(
            drain + grace < container.stop_timeout(),
            "{}",
            container.name
        );
    }
}

#[test]
fn a_connection_outlives_the_load_balancers_patience() {
    let layout = layout();
    let balancer = layout.load_balancers().next().unwrap();
    let idle = layout.idle_timeout(balancer.arn().unwrap());
    assert_eq!(idle, Duration::from_mins(1));
    for container in containers(&layout) {
        let kept = millis(container, "KEEP_ALIVE_MS").unwrap();
        assert!(kept > idle, "{}", container.name);
    }
}

#[test]
fn a_draining_target_may_finish_the_longest_rally() {
    let layout = layout();
    let rallies = containers(&layout);
    let longest = rallies
        .iter()
        .filter_map(|c| millis(c, "REQUEST_TIMEOUT_MS"))
        .max()
        .unwrap();
    for group in layout.target_groups() {
        let delay = layout.deregistration_delay(group.arn().unwrap());
        assert_eq!(delay, Duration::from_secs(10));
        assert!(delay > longest);
    }
}
