//! A program that is replaced on the disk while a rehearsal of it runs.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use tokio::process::Command;

use crate::support::{Folder, Layout, Roadie, eventually, get};

#[tokio::test]
async fn what_was_started_is_what_runs_after_a_rebuild() {
    let folder = Folder::new("rebuild");
    let program = folder.path().join("roadie");
    fs::hard_link(env!("CARGO_BIN_EXE_roadie"), &program).unwrap();
    let command = Command::new(&program);
    let roadie = Roadie::launch_by(command, &Layout::own(), "ready in", &[]).await;
    // As a compiler does it: the old file goes, another one comes.
    fs::remove_file(&program).unwrap();
    fs::write(&program, "#!/bin/sh\nexit 3\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();

    let containers = roadie.containers();
    let ringo = containers.iter().find(|c| c.has("NODE_NAME=ringo"));
    ringo.unwrap().signal(Signal::KILL);
    roadie.says("node-ringo ended").await;
    roadie.says("started task 2").await;
    // The new task's own health checks are run by the same program.
    eventually("a rally of the new task", async || {
        (get(&roadie.url("/start")).await.0 == 200).then_some(())
    })
    .await;
    assert_eq!(roadie.said("did not start"), 0);
    // People find the processes by the program's name.
    for container in roadie.containers() {
        assert_eq!(container.command(), "roadie", "{container:?}");
    }
}
