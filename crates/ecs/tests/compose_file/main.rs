//! docker-compose.yml, nginx's configuration, the Dockerfile and ecs/ say the same.
#![expect(
    clippy::unwrap_used,
    reason = "the functions around the tests may panic as the tests do"
)]

mod compose;
mod edge;
mod nginx;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ecs::{
    Layout,
    container::{ContainerDefinition, DependencyCondition},
};

use crate::compose::{Compose, Service};

/// What only a terminal wants: logs for people, at the level that the shell asks for.
const OF_COMPOSE_ONLY: [&str; 2] = ["LOG_FORMAT", "RUST_LOG"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn compose() -> Compose {
    serde_saphyr::from_str(&read("docker-compose.yml")).unwrap()
}

fn layout() -> Layout {
    Layout::read(&root().join("ecs/ec2")).unwrap()
}

fn containers(layout: &Layout) -> BTreeMap<&str, &ContainerDefinition> {
    let definitions = layout.task_definitions();
    definitions
        .flat_map(|entry| &entry.body.container_definitions)
        .map(|container| (container.name.as_str(), container))
        .collect()
}

/// Each container of ecs/ and the service of the same name.
fn pairs<'a>(
    layout: &'a Layout,
    compose: &'a Compose,
) -> impl Iterator<Item = (&'a str, &'a ContainerDefinition, &'a Service)> {
    let containers = containers(layout).into_iter();
    containers.map(|(name, container)| (name, container, &compose.services[name]))
}

#[test]
fn the_services_are_the_containers_and_the_edge() {
    let (layout, compose) = (layout(), compose());
    let mut services: BTreeSet<&str> = containers(&layout).into_keys().collect();
    services.insert("nginx");
    assert_eq!(
        compose
            .services
            .keys()
            .map(String::as_str)
            .collect::<BTreeSet<_>>(),
        services
    );
    assert_eq!(compose.name, "microservice-ping-pong");
}

#[test]
fn a_service_has_the_environment_of_its_container() {
    let (layout, compose) = (layout(), compose());
    for (name, container, service) in pairs(&layout, &compose) {
        let mut expected: BTreeMap<String, Option<String>> = container
            .environment
            .iter()
            .map(|variable| (variable.name.clone(), Some(variable.value.clone())))
            .collect();
        // Labels and secrets are nobody's to write down: they come from outside, here as there.
        expected.insert("RELEASE".to_owned(), None);
        for secret in &container.secrets {
            expected.insert(secret.name.clone(), None);
        }
        let mut actual = service.environment.clone();
        for variable in OF_COMPOSE_ONLY {
            assert!(actual.remove(variable).is_some(), "{name}: {variable}");
        }
        assert_eq!(actual, expected, "{name}");
        assert_eq!(
            service.environment["LOG_FORMAT"].as_deref(),
            Some("pretty"),
            "{name}"
        );
    }
}

#[test]
fn a_service_runs_the_image_of_its_container_within_its_limits() {
    let (layout, compose) = (layout(), compose());
    for (name, container, service) in pairs(&layout, &compose) {
        assert_eq!(
            container.image,
            format!("${{ECR_REGISTRY}}/{}:${{TAG}}", service.image)
        );
        assert!(
            service
                .image
                .ends_with(&format!("/{}", service.build.target)),
            "{name}"
        );
        assert_eq!(
            Some(service.user.as_str()),
            container.user.as_deref(),
            "{name}"
        );
        assert_eq!(
            Some(service.read_only),
            container.readonly_root_filesystem,
            "{name}"
        );
        let linux = container.linux_parameters.as_ref().unwrap();
        assert_eq!(
            service.cap_drop,
            linux.capabilities.as_ref().unwrap().drop,
            "{name}"
        );
        let mib = |mib: Option<u32>| format!("{}m", mib.unwrap());
        assert_eq!(service.mem_limit, mib(container.memory), "{name}");
        assert_eq!(
            service.mem_reservation,
            mib(container.memory_reservation),
            "{name}"
        );
        let check = container.health_check.as_ref().unwrap();
        assert_eq!(service.healthcheck.test, check.command, "{name}");
        let grace = format!("{}s", container.stop_timeout().as_secs());
        assert_eq!(service.stop_grace_period, grace, "{name}");
        let [port] = &container.port_mappings[..] else {
            panic!("{name}")
        };
        assert_eq!(
            service.expose,
            [port.container_port.unwrap().to_string()],
            "{name}"
        );
    }
}

#[test]
fn every_service_is_confined_and_built_from_the_one_dockerfile() {
    let dockerfile = read("docker/Dockerfile");
    for (name, service) in &compose().services {
        assert!(service.read_only, "{name}");
        assert_eq!(service.cap_drop, ["ALL"], "{name}");
        assert_eq!(service.security_opt, ["no-new-privileges:true"], "{name}");
        assert!(service.pids_limit <= 64, "{name}");
        assert!(!service.user.starts_with('0'), "{name}");
        assert_eq!(service.restart, "unless-stopped", "{name}");
        assert_eq!(service.tmpfs.is_empty(), name != "nginx", "{name}");
        assert_eq!(service.build.dockerfile, "docker/Dockerfile", "{name}");
        assert_eq!(
            service.build.args,
            ["SOURCE", "VERSION", "REVISION"],
            "{name}"
        );
        let target = format!(" AS {}\n", service.build.target);
        let (_, stage) = dockerfile.split_once(&target).unwrap();
        let stage = stage.split("\nFROM ").next().unwrap();
        let check: Vec<String> = service.healthcheck.test[1..]
            .iter()
            .map(|word| format!("\"{word}\""))
            .collect();
        assert!(
            stage.contains(&format!("CMD [{}]", check.join(", "))),
            "{name}: {stage}"
        );
    }
}

#[test]
fn the_start_waits_for_the_same_health() {
    let (layout, compose) = (layout(), compose());
    let waits = |service: &Service| -> Vec<String> {
        let healthy = |wait: &BTreeMap<String, String>| wait["condition"] == "service_healthy";
        assert!(service.depends_on.values().all(healthy));
        service.depends_on.keys().cloned().collect()
    };
    for (name, container, service) in pairs(&layout, &compose) {
        let waited_for: Vec<String> = container
            .depends_on
            .iter()
            .filter(|dependency| dependency.condition == DependencyCondition::Healthy)
            .map(|dependency| dependency.container_name.clone())
            .collect();
        assert_eq!(waits(service), waited_for, "{name}");
    }
    // The edge waits for those that it sends to.
    let behind: BTreeSet<String> = layout
        .services()
        .flat_map(|service| &service.body.load_balancers)
        .map(|target| target.container_name.clone().unwrap())
        .collect();
    assert_eq!(
        waits(&compose.services["nginx"]),
        behind.into_iter().collect::<Vec<_>>()
    );
}

#[test]
fn the_dockerfile_names_this_version_and_this_toolchain() {
    let dockerfile = read("docker/Dockerfile");
    let version = format!("\nARG VERSION={}\n", env!("CARGO_PKG_VERSION"));
    assert!(dockerfile.contains(&version), "ARG VERSION is not{version}");
    let toolchain = read("rust-toolchain.toml");
    let channel = toolchain
        .lines()
        .find_map(|line| line.strip_prefix("channel = "));
    let base = format!(
        "\nFROM rust:{}-slim AS build\n",
        channel.unwrap().trim_matches('"')
    );
    assert!(dockerfile.contains(&base), "the base is not{base}");
    assert!(!dockerfile.lines().any(|line| line.starts_with("# syntax=")));
    for architecture in ["x86_64", "amd64", "aarch64", "arm64"] {
        assert!(!dockerfile.contains(architecture), "{architecture}");
    }
}
