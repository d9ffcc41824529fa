//! Children end with their parent, whatever ends it.

use std::process::Stdio;

use stack::eventually;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::{PATIENCE, processes_of};

/// The example beside this test's own executable; cargo builds it before tests run.
fn example(name: &str) -> std::path::PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().unwrap().parent().unwrap();
    target.join("examples").join(name)
}

#[tokio::test]
async fn servers_end_when_their_parent_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut parent = Command::new(example("servers"))
        .arg(dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(parent.stdout.take().unwrap())
        .read_line(&mut line)
        .await
        .unwrap();
    assert!(line.starts_with('{'), "the servers did not start: {line}");
    let running = processes_of(dir.path()).join("\n");
    for server in ["redis-server", "beam.smp"] {
        assert!(running.contains(server), "{server} is not in {running}");
    }

    parent.kill().await.unwrap();
    eventually(
        PATIENCE,
        "every child of the killed parent is gone",
        async || processes_of(dir.path()).is_empty(),
    )
    .await;
}
