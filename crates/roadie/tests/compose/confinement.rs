//! A container may do as little as it needs: read back from the engine and from the kernel.

use serde_json::json;

use crate::docker::inspect;
use crate::suite::{NODES, Suite, container};

#[tokio::test]
#[ignore = "needs a Docker engine: docker/test/run"]
async fn every_container_is_confined() {
    let _suite = Suite::up().await;
    for service in [&NODES[..], &["client", "nginx"]].concat() {
        let container = inspect(&container(service).await).await;
        let user = if service == "nginx" { "101" } else { "65532" };
        assert_eq!(
            container["Config"]["User"],
            format!("{user}:{user}"),
            "{service}"
        );
        assert_eq!(container["Config"]["StopTimeout"], 30, "{service}");
        assert_eq!(container["Mounts"], json!([]), "{service}");

        let host = &container["HostConfig"];
        for (field, expected) in [
            ("ReadonlyRootfs", json!(true)),
            ("Privileged", json!(false)),
            ("CapAdd", json!(null)),
            ("CapDrop", json!(["ALL"])),
            ("SecurityOpt", json!(["no-new-privileges:true"])),
            ("Memory", json!(512 * 1024 * 1024)),
            ("MemoryReservation", json!(300 * 1024 * 1024)),
            ("PidsLimit", json!(64)),
        ] {
            assert_eq!(host[field], expected, "{service}: {field}");
        }

        // What the kernel holds against the process, whatever the engine says it asked for.
        let pid = &container["State"]["Pid"];
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
            .unwrap_or_else(|error| panic!("the engine must run on this machine: {error}"));
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().split_whitespace().next().unwrap().to_owned()
        };
        assert_eq!(field("Uid:"), user, "{service}");
        assert_eq!(field("NoNewPrivs:"), "1", "{service}");
        for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
            assert_eq!(field(set), "0000000000000000", "{service}: {set}");
        }
        let mounts = std::fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap();
        let root = mounts
            .lines()
            .find(|line| line.split(' ').nth(4) == Some("/"));
        let options = root.unwrap().split(' ').nth(5).unwrap();
        assert!(
            options.split(',').any(|option| option == "ro"),
            "{service}: {options}"
        );
    }
}
