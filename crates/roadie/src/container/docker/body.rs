//! A container as the engine is told to make it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::container::Spec;

/// Variables that only a process needs: files and addresses that a container does not see.
const PROCESS_ONLY: [&str; 2] = ["HOSTS_FILE", "ECS_CONTAINER_METADATA_URI_V4"];

/// The body of the call that creates `spec` from `image`.
pub(super) fn body(
    spec: &Spec,
    image: &str,
    labels: &BTreeMap<&str, &str>,
    links: &[String],
) -> Value {
    let own = &spec.image;
    let ports = own.ports.iter();
    let exposed: BTreeMap<_, _> = ports
        .clone()
        .map(|(port, _)| (tcp(*port), json!({})))
        .collect();
    let bound: BTreeMap<_, _> = ports
        .map(|(port, host)| {
            // 0 is a free one.
            let host = host.unwrap_or(0).to_string();
            (
                tcp(*port),
                json!([{"HostIp": "127.0.0.1", "HostPort": host}]),
            )
        })
        .collect();
    json!({
        "Image": image,
        "Cmd": spec.arguments,
        "Env": environment(spec),
        "User": own.user.as_deref().unwrap_or_default(),
        "Labels": labels,
        "ExposedPorts": exposed,
        // ECS ignores the image's.
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {
            "NetworkMode": "bridge",
            "Links": links,
            "PortBindings": bound,
            "Memory": spec.memory_bytes.unwrap_or(0),
            "MemoryReservation": own.reserved_bytes.unwrap_or(0),
            "CpuShares": own.cpu_shares.unwrap_or(0),
            "ReadonlyRootfs": own.read_only,
            "CapAdd": own.added,
            "CapDrop": own.dropped,
            "SecurityOpt": own.security,
            "Init": own.init,
            "RestartPolicy": {"Name": "no"},
        },
    })
}

/// The environment of the process, without what is only for processes.
fn environment(spec: &Spec) -> Vec<String> {
    let mut environment = spec.environment.clone();
    for name in PROCESS_ONLY {
        environment.remove(name);
    }
    for (name, value) in &spec.image.own {
        match value {
            Some(value) => environment.insert((*name).to_owned(), value.clone()),
            None => environment.remove(*name),
        };
    }
    environment
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

fn tcp(port: u16) -> String {
    format!("{port}/tcp")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::container::{Image, Program};

    #[test]
    fn a_container_is_as_confined_as_on_ecs_and_hears_what_the_files_say() {
        let spec = Spec {
            name: "node-john".to_owned(),
            program: Program::Node,
            arguments: Vec::new(),
            environment: [
                ("PORT", "0"),
                ("HOST", "127.0.0.1"),
                ("HOSTS_FILE", "/x"),
                ("NEXT", "n"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
            stop_timeout: Duration::from_secs(30),
            memory_bytes: Some(512 << 20),
            place: "nodes-1".to_owned(),
            links: Vec::new(),
            image: Image {
                own: vec![("HOST", None), ("PORT", Some("3000".to_owned()))],
                ports: vec![(3000, None)],
                user: Some("65532:65532".to_owned()),
                read_only: true,
                dropped: vec!["ALL".to_owned()],
                ..Image::default()
            },
        };
        let links = ["run-nodes-1-paul:node-paul".to_owned()];
        let body = body(&spec, "node:1", &BTreeMap::from([("label", "run")]), &links);
        assert_eq!(body["Env"], json!(["NEXT=n", "PORT=3000"]));
        assert_eq!(body["User"], "65532:65532");
        let host = &body["HostConfig"];
        assert_eq!(host["Memory"], 536_870_912);
        assert_eq!(
            (&host["ReadonlyRootfs"], &host["CapDrop"]),
            (&json!(true), &json!(["ALL"]))
        );
        assert_eq!(host["Links"], json!(links));
        let bound = json!([{"HostIp": "127.0.0.1", "HostPort": "0"}]);
        assert_eq!(host["PortBindings"]["3000/tcp"], bound);
    }
}
