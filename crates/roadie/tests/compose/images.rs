//! The images: small, labelled, and ready at once.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::docker::{REVISION, SOURCE, docker, image, inspect};
use crate::suite::{NODES, Suite, container};

const LARGEST_BYTES: u64 = 5_000_000;
const LARGEST_RESIDENT_KIB: u64 = 8 * 1024;
const READY: Duration = Duration::from_millis(10);

#[tokio::test]
#[ignore = "needs a Docker engine: docker/test/run"]
async fn an_image_is_one_program_of_less_than_five_megabytes() {
    let _suite = Suite::up().await;
    for name in ["node", "client"] {
        let image = image(&format!("microservice-ping-pong/{name}")).await;
        let bytes = image["Size"].as_u64().unwrap();
        println!("image {name}: {} kB", bytes / 1000);
        assert!(bytes <= LARGEST_BYTES, "{name}: {bytes} bytes");
        assert_eq!(
            image["RootFS"]["Layers"].as_array().unwrap().len(),
            1,
            "{name}"
        );

        let config = &image["Config"];
        assert_eq!(config["User"], "65532:65532");
        assert_eq!(
            config["Healthcheck"]["Test"],
            json!(["CMD", format!("/{name}"), "healthcheck"])
        );
        let labels = &config["Labels"];
        for (label, expected) in [
            ("title", format!("microservice-ping-pong/{name}")),
            ("source", SOURCE.to_owned()),
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("revision", REVISION.to_owned()),
            ("licenses", "MIT".to_owned()),
        ] {
            assert_eq!(
                labels[format!("org.opencontainers.image.{label}")],
                expected,
                "{name}"
            );
        }

        let tag = format!("microservice-ping-pong/{name}");
        let version = docker(&["run", "--rm", &tag, "--version"]).await;
        let expected = format!("{name} {}+{REVISION}", env!("CARGO_PKG_VERSION"));
        assert_eq!(version, expected, "the build arguments are compiled in");
    }
}

#[tokio::test]
#[ignore = "needs a Docker engine: docker/test/run"]
async fn an_idle_container_holds_less_than_eight_mebibytes() {
    let _suite = Suite::up().await;
    for service in [&NODES[..], &["client"]].concat() {
        let pid = inspect(&container(service).await).await["State"]["Pid"].take();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
            .unwrap_or_else(|error| panic!("the engine must run on this machine: {error}"));
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        let kib: u64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
        println!("{service}: {kib} KiB resident");
        assert!(kib <= LARGEST_RESIDENT_KIB, "{service}: {kib} KiB");
    }
}

#[tokio::test]
#[ignore = "needs a Docker engine: docker/test/run"]
async fn a_program_is_ready_ten_milliseconds_after_its_process_starts() {
    let _suite = Suite::up().await;
    for name in ["node", "client"] {
        let program = take_out(name).await;
        let mut times: Vec<Duration> = (0..21).map(|_| time_to_first_answer(&program)).collect();
        times.sort();
        let median = times[times.len() / 2];
        println!(
            "{name}: first answer {median:?} after the start (median of {}; {:?} to {:?})",
            times.len(),
            times[0],
            times[times.len() - 1]
        );
        assert!(median < READY, "{name}: {times:?}");
    }
}

/// Copies an image's program to this machine: it is static, and runs here as it runs there.
async fn take_out(name: &str) -> PathBuf {
    let container = docker(&["create", &format!("microservice-ping-pong/{name}")]).await;
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("from-image-{name}"));
    let from = format!("{container}:/{name}");
    docker(&["cp", &from, program.to_str().unwrap()]).await;
    docker(&["rm", &container]).await;
    program
}

/// From the start of the process to a 200 from it.
fn time_to_first_answer(program: &Path) -> Duration {
    let started = Instant::now();
    let mut process = Command::new(program)
        .env_clear()
        .envs([("HOST", "127.0.0.1"), ("PORT", "0"), ("LOG_FORMAT", "json")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(process.stdout.take().unwrap()).lines();
    let port = log.map_while(Result::ok).find_map(|line| {
        let line: Value = serde_json::from_str(&line).unwrap();
        line["port"].as_u64()
    });
    let mut stream = TcpStream::connect(("127.0.0.1", port.unwrap().try_into().unwrap())).unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    let took = started.elapsed();
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    took
}
