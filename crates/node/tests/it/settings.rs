//! Settings: the help that documents them, and what happens to bad ones.

use crate::support::{Process, get};

async fn output(variables: &[(&str, &str)], arguments: &[&str]) -> (i32, String, String) {
    let mut command = Process::command(variables);
    let output = command.args(arguments).output();
    let limit = std::time::Duration::from_secs(20);
    let ended = tokio::time::timeout(limit, output).await;
    let output = ended
        .unwrap_or_else(|_| panic!("{variables:?} did not end it"))
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[tokio::test]
async fn help_is_the_documentation() {
    let (status, help, _) = output(&[("CHAIN_TOKEN", "s3cret")], &["--help"]).await;
    assert_eq!(status, 0);
    let expected = include_str!("help.txt");
    assert!(
        help == expected,
        "update tests/it/help.txt when this is what you want:\n{help}"
    );
}

#[tokio::test]
async fn a_bad_value_ends_the_program_before_it_binds_and_names_the_variable() {
    for (variable, value, takes) in [
        ("NODE_NAME", "", "1 to 63"),
        ("NODE_NAME", "Ringo", "1 to 63"),
        ("NODE_NAME", "ringo_starr", "1 to 63"),
        ("HOST", "localhost", "an IP address"),
        ("PORT", "65536", "0 to 65535"),
        ("PORT", "http", "0 to 65535"),
        ("ADMIN_PORT", "-1", "0 to 65535"),
        ("NEXT", "node-paul:3000", "http://host:3000"),
        ("NEXT", "https://node-paul", "plain http"),
        ("NEXT", "http://a,http://user:word@b", "http://host:3000"),
        ("NEXT", "http://", "http://host:3000"),
        ("REQUEST_TIMEOUT_MS", "0", "1 to 86400000"),
        ("REQUEST_TIMEOUT_MS", "5s", "whole milliseconds"),
        ("CONNECT_TIMEOUT_MS", "-1", "whole milliseconds"),
        ("KEEP_ALIVE_MS", "1.5", "whole milliseconds"),
        ("DRAIN_DELAY_MS", "86400001", "0 to 86400000"),
        ("SHUTDOWN_GRACE_MS", "", "whole milliseconds"),
        ("MAX_RALLIES", "0", "1 to 65536"),
        ("CORS_ALLOW_ORIGIN", "example.org", "* or origins"),
        ("CORS_ALLOW_ORIGIN", "http://example.org/", "* or origins"),
        ("RELEASE", "two words", "printable"),
        ("LOG_FORMAT", "xml", "pretty or json"),
        ("RUST_LOG", "node=loud", "error, warn, info"),
        ("RUST_LOG", "verbose", "error, warn, info"),
        ("RUST_LOG", "info,", "error, warn, info"),
        ("OTEL_SDK_DISABLED", "maybe", "true or false"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "https://collector",
            "plain http",
        ),
        ("FAULT_ERROR_RATE", "1.1", "0 to 1"),
        ("FAULT_ERROR_RATE", "NaN", "0 to 1"),
        ("FAULT_SEED", "x", "invalid digit"),
        ("FAULT_DELAY_MS", "x", "whole milliseconds"),
        ("FAULT_UNREADY", "maybe", "true or false"),
        ("FAULT_CRASH_AFTER_MS", "x", "whole milliseconds"),
    ] {
        let (status, out, message) = output(&[("PORT", "0"), (variable, value)], &[]).await;
        assert_eq!((status, &*out), (2, ""), "{variable}={value}");
        for expected in [variable, &format!("'{value}'"), takes] {
            assert!(message.contains(expected), "{variable}={value}: {message}");
        }
    }
}

#[tokio::test]
async fn a_secret_that_cannot_be_sent_ends_the_program_without_being_shown() {
    for secret in ["s3cret\n", "s3 cret", "s3crét"] {
        let (status, out, message) = output(&[("PORT", "0"), ("CHAIN_TOKEN", secret)], &[]).await;
        assert_eq!((status, &*out), (2, ""), "{secret:?}");
        assert!(message.contains("CHAIN_TOKEN takes printable"), "{message}");
        assert!(!message.contains("s3"), "{message}");
    }
}

#[tokio::test]
async fn an_empty_variable_counts_as_unset_where_unset_is_possible() {
    let john = Process::start(&[
        ("NEXT", ""),
        ("ADMIN_PORT", ""),
        ("CHAIN_TOKEN", ""),
        ("LOG_FORMAT", ""),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        ("FAULT_CRASH_AFTER_MS", ""),
    ])
    .await;
    assert_eq!(john.admin, None);
    assert_eq!(john.get("/start").await.body, "[]");
}

#[tokio::test]
async fn a_port_that_is_taken_ends_the_program_with_its_name() {
    let john = Process::start(&[]).await;
    let port = john.address.port().to_string();
    let (status, out, _) = output(&[("HOST", "127.0.0.1"), ("PORT", &port)], &[]).await;
    assert_eq!(status, 1);
    assert!(
        out.contains(&format!("cannot listen on 127.0.0.1:{port} (HOST, PORT)")),
        "{out}"
    );
}

#[tokio::test]
async fn the_listening_line_says_everything_but_secrets() {
    let john = Process::start(&[
        ("NODE_NAME", "john"),
        ("NEXT", "http://node-paul:3000, http://node-george:3000/"),
        ("CHAIN_TOKEN", "s3cret"),
        ("RELEASE", "abc"),
        ("RUST_LOG", "debug"),
    ])
    .await;
    let line = john.said.last().unwrap();
    assert_eq!(line["service"], "node-john");
    assert_eq!(line["port"], john.address.port());
    assert_eq!(line["release"], "abc");
    assert_eq!(
        line["next"],
        "http://node-paul:3000,http://node-george:3000"
    );
    assert_eq!(line["request_timeout_ms"], 5000);
    assert_eq!(line["chain_token"], "set");
    assert!(
        john.said
            .iter()
            .all(|line| !line.to_string().contains("s3cret"))
    );
}

#[tokio::test]
async fn healthcheck_asks_the_node_on_this_host() {
    let john = Process::start(&[]).await;
    let port = john.address.port().to_string();
    let (status, _, message) = output(&[("PORT", &port)], &["healthcheck"]).await;
    assert_eq!((status, &*message), (0, ""));
    let here = [("PORT", &*port), ("HOST", "127.0.0.1")];
    assert_eq!(output(&here, &["healthcheck"]).await.0, 0);
    drop(john);

    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port().to_string();
    let (status, _, message) = output(&[("PORT", &port)], &["healthcheck"]).await;
    assert_eq!(status, 1);
    assert!(message.starts_with("unhealthy: "), "{message}");
}

#[tokio::test]
async fn on_ecs_the_task_is_read_from_the_metadata_endpoint() {
    use crate::support::{Fake, Reply, eventually};
    let metadata = Fake::start(&[Reply::Json(
        r#"{"Cluster":"c","TaskARN":"arn:aws:ecs:eu-west-1:1:task/c/0123abcd","Family":"f","Revision":"7","AvailabilityZone":"eu-west-1b","Containers":[]}"#,
    )])
    .await;
    let ringo = Process::start(&[
        ("NODE_NAME", "ringo"),
        ("ECS_CONTAINER_METADATA_URI_V4", &metadata.url()),
    ])
    .await;
    let john = Process::start(&[("NEXT", &ringo.url())]).await;
    let instance = eventually("the task's id", async || {
        let detail = john.get("/start?detail=hops").await.json();
        let instance = detail["hops"][0]["instance"].clone();
        (instance["id"] == "0123abcd").then_some(instance)
    })
    .await;
    assert_eq!(instance["availability_zone"], "eu-west-1b");
    assert!(
        metadata
            .first_request()
            .await
            .text
            .starts_with("GET /task ")
    );
    assert_eq!(metadata.heard().len(), 1);
}

#[tokio::test]
async fn metadata_that_cannot_be_read_is_a_warning_and_nothing_more() {
    use crate::support::{Fake, Reply};
    for reply in [
        &[Reply::Bytes("nonsense")] as &[_],
        &[Reply::Json("[]")],
        &[Reply::Json("{}")],
    ] {
        let metadata = Fake::start(reply).await;
        let john = Process::start(&[
            ("NODE_NAME", "john"),
            ("ECS_CONTAINER_METADATA_URI_V4", &metadata.url()),
        ])
        .await;
        metadata.first_request().await;
        assert_eq!(get(&format!("{}/start", john.url())).await.status, 200);
    }
}
