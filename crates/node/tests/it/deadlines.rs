//! Time runs out in order, and a caller that goes away takes the chain behind it along.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Answer, Fake, Node, Reply, client};

#[tokio::test]
async fn each_hop_is_told_less_time_than_its_caller_has() {
    let fake = Fake::start(&[Reply::Json("[\"meow\"]")]).await;
    let paul = Node::calling("paul", &fake, &[]).await;
    let flags = ["--next", &paul.url(), "--request-timeout-ms", "3000"];
    let john = Node::start("john", &flags).await;
    assert_eq!(john.get("/start").await.status, 200);
    let told = fake.first_request().await;
    let told: u64 = told
        .header("x-request-timeout-ms")
        .unwrap()
        .parse()
        .unwrap();
    // Twice 20 ms for each of two hops, and the time that passed on the way.
    assert!((2500..=2920).contains(&told), "{told}");
}

#[tokio::test]
async fn a_silent_hop_is_named_by_its_caller_in_time() {
    let silent = Fake::start(&[Reply::Hang("")]).await;
    let george = Node::calling("george", &silent, &[]).await;
    let paul = Node::start("paul", &["--next", &george.url()]).await;
    let flags = ["--next", &paul.url(), "--request-timeout-ms", "500"];
    let john = Node::start("john", &flags).await;
    let asked = Instant::now();
    let answer = john.get("/start").await;
    let took = asked.elapsed();
    // Not "paul did not answer": the one who waits for the silent hop speaks first.
    assert_eq!(
        answer.broke(),
        (504, "timeout".to_owned(), silent.address.to_string())
    );
    assert_eq!(answer.error()["meows"].as_array().unwrap().len(), 2);
    assert!(took < Duration::from_millis(700), "{took:?}");
}

#[tokio::test]
async fn a_ball_that_arrives_without_time_is_a_deadline() {
    let ringo = Node::start("ringo", &[]).await;
    let sent = |ms: &'static str| {
        let request = client().post(format!("{}/meow", ringo.url())).body("[]");
        async move {
            let request = request.header("x-request-timeout-ms", ms);
            Answer::read(request.send().await.unwrap()).await.broke()
        }
    };
    let ringo_broke = |status, code: &str| (status, code.to_owned(), "node-ringo".to_owned());
    assert_eq!(sent("0").await, ringo_broke(504, "deadline"));
    assert_eq!(sent("-1").await, ringo_broke(400, "bad_request"));
    assert_eq!(sent("soon").await, ringo_broke(400, "bad_request"));
}

#[tokio::test]
async fn a_delay_that_eats_the_budget_is_a_deadline_of_that_node() {
    let ringo = Node::start("ringo", &["--fault-delay-ms", "60000"]).await;
    let flags = ["--next", &ringo.url(), "--request-timeout-ms", "300"];
    let john = Node::start("john", &flags).await;
    let broke = john.get("/start").await.broke();
    assert_eq!(broke, (504, "deadline".to_owned(), "node-ringo".to_owned()));
}

#[tokio::test]
async fn a_caller_that_goes_away_cancels_every_hop_behind() {
    let silent = Fake::start(&[Reply::Hang("")]).await;
    let george = Node::calling("george", &silent, &[]).await;
    let paul = Node::start("paul", &["--next", &george.url()]).await;
    let john = Node::start("john", &["--next", &paul.url()]).await;

    let mut caller = TcpStream::connect(john.address).await.unwrap();
    caller
        .write_all(b"GET /start HTTP/1.1\r\nhost: john\r\n\r\n")
        .await
        .unwrap();
    silent.first_request().await;
    drop(caller);
    silent.caller_gone().await;
}

#[tokio::test]
async fn a_caller_that_sends_a_byte_a_second_does_not_hold_others_up() {
    let flags = ["--request-timeout-ms", "300"];
    let ringo = Node::start("ringo", &flags).await;
    let mut slow = TcpStream::connect(ringo.address).await.unwrap();
    let head = b"POST /meow HTTP/1.1\r\nhost: ringo\r\ncontent-length: 100\r\n\r\n[";
    slow.write_all(head).await.unwrap();
    let mut slower = TcpStream::connect(ringo.address).await.unwrap();
    slower.write_all(b"G").await.unwrap();

    assert_eq!(ringo.meow("[]").await.status, 200);
    let mut answer = vec![0; 12];
    slow.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 408");
}
