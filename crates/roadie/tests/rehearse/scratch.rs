//! The folder for temporary files: whose it is, what is removed, and what is left alone.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::{MetadataExt, symlink};
use std::time::{Duration, SystemTime};

use rustix::fs::{CWD, FileType, Uid, chown, mknodat};
use rustix::process::Signal;
use tokio::process::Command;

use crate::support::{Folder, Layout, Roadie, eventually};

#[tokio::test]
async fn a_pipe_in_place_of_a_lock_holds_nobody_up() {
    let folder = Folder::new("pipe-as-lock");
    let other = folder.path().join("roadie-1-00000000");
    fs::create_dir(&other).unwrap();
    mknodat(CWD, other.join("lock"), FileType::Fifo, 0o600.into(), 0).unwrap();
    drop(Roadie::start_in(folder.path(), &Layout::own()).await);
    assert!(other.join("lock").exists());
}

#[tokio::test]
async fn only_what_a_rehearsal_made_is_removed() {
    let folder = Folder::new("only-ours");
    let path = |name: &str| folder.path().join(name);
    let make = |name: &str, files: &[&str]| {
        fs::create_dir(path(name)).unwrap();
        for file in files {
            fs::write(path(name).join(file), "").unwrap();
        }
    };
    // Two rehearsals that were killed: one in the middle, one before it had its lock.
    make(
        "roadie-1-00000000",
        &["lock", "web-1-node-hosts", "control-8081.token"],
    );
    let mut ended = std::process::Command::new("true").spawn().unwrap();
    let lockless = format!("roadie-{}-00000000", ended.id());
    ended.wait().unwrap();
    make(&lockless, &["lock.new"]);
    // One that runs, and whose lock somebody has tidied up.
    let running = format!("roadie-{}-00000001", std::process::id());
    make(&running, &["web-1-node-hosts"]);
    let long_ago = SystemTime::now() - Duration::from_mins(10);
    let times = FileTimes::new().set_modified(long_ago);
    for folder in [&lockless, &running] {
        let folder = File::open(path(folder)).unwrap();
        folder.set_times(times).unwrap();
    }
    // One that is about to start.
    make("roadie-3-00000000", &[]);
    // What only looks like one.
    make("roadie-notes", &["lock", "thesis.txt"]);
    make("roadie-4-00000000", &["lock", "thesis.txt"]);
    make("roadie-5-000000001", &["lock"]);
    make("elsewhere", &["lock", "web-1-node-hosts"]);
    symlink(path("elsewhere"), path("roadie-6-00000000")).unwrap();
    make("roadie-7-00000000", &["web-1-node-hosts"]);
    symlink(path("elsewhere/lock"), path("roadie-7-00000000/lock")).unwrap();
    let root = rustix::process::geteuid().is_root();
    make("roadie-8-00000000", &["lock"]);
    if root {
        // Only root can give a folder away.
        chown(path("roadie-8-00000000"), Some(Uid::from_raw(12345)), None).unwrap();
    }
    let roadie = Roadie::start_in(folder.path(), &Layout::own()).await;
    let own = format!("roadie-{}-", roadie.pid());
    let mut left = folder.names();
    left.retain(|name| !name.starts_with(&own));
    let mut expected = vec![
        "elsewhere",
        "roadie-3-00000000",
        "roadie-4-00000000",
        "roadie-5-000000001",
        "roadie-6-00000000",
        "roadie-7-00000000",
        "roadie-8-00000000",
        "roadie-notes",
    ];
    expected.retain(|name| root || *name != "roadie-8-00000000");
    expected.push(&running);
    expected.sort_unstable();
    assert_eq!(left, expected);
    assert!(path("roadie-4-00000000/thesis.txt").exists());
    assert!(path("roadie-notes/thesis.txt").exists());
    assert!(path("elsewhere/web-1-node-hosts").exists());
    assert!(path("roadie-7-00000000/web-1-node-hosts").exists());
}

#[tokio::test]
async fn the_folder_is_its_users_alone_and_made_again_where_it_was_tidied_up() {
    let folder = Folder::new("alone");
    let mut roadie = Roadie::start_in(folder.path(), &Layout::own()).await;
    let own = folder.path().join(&folder.names()[0]);
    let mode = |path| fs::symlink_metadata(path).unwrap().mode() & 0o7777;
    assert_eq!(mode(&own), 0o700);
    fs::remove_dir_all(&own).unwrap();
    // Whoever is first has the name.
    let elsewhere = Folder::new("alone-elsewhere");
    symlink(elsewhere.path(), &own).unwrap();
    roadie.containers()[0].signal(Signal::KILL);
    let said = roadie.says("did not start").await;
    assert!(said.contains("cannot write a hosts file"), "{said}");
    assert_eq!(elsewhere.names(), [""; 0]);
    fs::remove_file(&own).unwrap();
    roadie.says("started task 3").await;
    // One that is killed before it has its lock leaves a folder that is spared for a minute.
    let lock = own.join("lock");
    eventually("the folder and its lock", async || {
        lock.exists().then_some(())
    })
    .await;
    assert_eq!(mode(&own), 0o700);
    roadie.signal(Signal::KILL);
    roadie.ended().await;
    // What was made again is known as a rehearsal's, too.
    drop(Roadie::start_in(folder.path(), &Layout::own()).await);
    assert!(!own.exists());
}

#[tokio::test]
async fn a_task_that_is_gone_leaves_no_files() {
    let folder = Folder::new("hosts-files");
    let roadie = Roadie::start_in(folder.path(), &Layout::own()).await;
    let own = folder.path().join(&folder.names()[0]);
    let hosts = |task: &str| {
        let entries = fs::read_dir(&own).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        let of_task = |name: &String| name.starts_with(task) && name.ends_with("-hosts");
        names.filter(of_task).count()
    };
    let nodes = "microservice-ping-pong-node-service-";
    assert_eq!(hosts(&format!("{nodes}1-")), 4);
    let containers = roadie.containers();
    let ringo = containers.iter().find(|c| c.has("NODE_NAME=ringo"));
    ringo.unwrap().signal(Signal::KILL);
    eventually("the files of the new task alone", async || {
        let counts = (hosts(&format!("{nodes}1-")), hosts(&format!("{nodes}2-")));
        (counts == (0, 4)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_rehearsal_that_is_killed_at_any_time_is_tidied_up_by_the_next() {
    let folder = Folder::new("killed");
    for what in ["control on http://", "started task 1", "ready in"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_roadie"));
        command.env("TMPDIR", folder.path());
        let mut roadie = Roadie::launch_by(command, &Layout::own(), what, &[]).await;
        roadie.signal(Signal::KILL);
        roadie.ended().await;
    }
    let mut roadie = Roadie::start_in(folder.path(), &Layout::own()).await;
    assert_eq!(folder.names().len(), 1, "{:?}", folder.names());
    roadie.signal(Signal::INT);
    assert_eq!(roadie.ended().await, Some(0));
    assert_eq!(folder.names(), [""; 0]);
}
