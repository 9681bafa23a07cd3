//! A name over real sockets, with endpoints that do as they are told.

use std::collections::BTreeMap;
use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::*;

/// The name that paul's service offers, served.
fn paul() -> Name {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ecs/fargate");
    let layout = Layout::read(&dir).unwrap();
    let outside = layout.variables().into_iter().map(str::to_owned);
    let made = layout.outputs().map(|output| output.name().to_owned());
    let values = outside.chain(made).map(|name| (name.clone(), name));
    let values: BTreeMap<_, _> = values.collect();
    let names = names(&layout.render(&values).unwrap()).unwrap();
    let hosts: Vec<_> = names.iter().map(|name| &*name.0.host).collect();
    assert_eq!(hosts, ["node-ringo", "node-george", "node-paul"]);
    let paul = names.into_iter().next_back().unwrap();
    tokio::spawn(paul.clone().serve());
    paul
}

/// Something that answers with `word`, and its port.
async fn answers(word: &'static str) -> Port {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.unwrap();
    let (_, port) = watch::channel(Some(listener.local_addr().unwrap().port()));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut heard = [0; 1024];
            let _ = stream.read(&mut heard).await;
            let length = word.len();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{word}");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    port
}

async fn ask(name: &Name) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, name.0.port)).await;
    let stream = stream.as_mut().unwrap();
    let request = b"POST /meow HTTP/1.1\r\nhost: node-paul\r\nconnection: close\r\ncontent-length: 2\r\n\r\n[]";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_name_leads_to_those_that_are_listed_in_turn() {
    let paul = paul();
    let first = paul.list(Some(answers("one").await), None);
    let _second = paul.list(Some(answers("two").await), None);
    let mut heard = Vec::new();
    for _ in 0..4 {
        let answer = ask(&paul).await;
        heard.push(answer.rsplit("\r\n\r\n").next().unwrap().to_owned());
    }
    assert_eq!(heard, ["one", "two", "one", "two"]);
    drop(first);
    for _ in 0..2 {
        assert!(ask(&paul).await.ends_with("two"));
    }
}

#[tokio::test]
async fn a_name_with_nobody_is_503_at_once() {
    let paul = paul();
    assert!(ask(&paul).await.starts_with("HTTP/1.1 503 "));
    // Listed, but where the name leads nobody listens.
    let _nobody = paul.list(None, None);
    assert!(ask(&paul).await.starts_with("HTTP/1.1 503 "));
}

#[tokio::test]
async fn another_one_is_asked_where_no_connection_comes_about() {
    let paul = paul();
    let _nobody = paul.list(None, None);
    let _somebody = paul.list(Some(answers("one").await), None);
    for _ in 0..4 {
        let answer = ask(&paul).await;
        assert!(answer.ends_with("one"), "{answer}");
    }
}

#[tokio::test]
async fn one_that_is_ill_gets_nothing_until_it_is_well() {
    let paul = paul();
    let health = Board::new();
    let place = health.add();
    let _listing = paul.list(Some(answers("one").await), Some((health.clone(), place)));
    assert!(
        ask(&paul).await.starts_with("HTTP/1.1 503 "),
        "not known yet"
    );
    health.set(place, true);
    assert!(ask(&paul).await.ends_with("one"));
    health.set(place, false);
    assert!(ask(&paul).await.starts_with("HTTP/1.1 503 "));
}
