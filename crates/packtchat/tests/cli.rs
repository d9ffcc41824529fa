//! The command's answers to what it cannot do. The browser test starts and stops it for real.
#![allow(clippy::unwrap_used, reason = "also in functions that only tests call")]

use std::path::Path;
use std::process::{Command, Output};

use stack::Lock;

fn packtchat(args: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_packtchat"))
        .args(args)
        .arg("--dir")
        .arg(dir)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

fn said(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

#[test]
fn up_twice_says_who_runs_already() {
    let dir = tempfile::tempdir().unwrap();
    let _lock = Lock::take(dir.path()).unwrap().unwrap();
    let output = packtchat(&["up", "--skip-build", "--port", "0"], dir.path());
    assert_eq!(output.status.code(), Some(1));
    let words = said(&output.stderr);
    assert!(words.contains("already running"), "{words}");
    assert!(words.contains(&std::process::id().to_string()), "{words}");
}

#[test]
fn up_on_a_port_in_use_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let output = packtchat(&["up", "--skip-build", "--port", &port], dir.path());
    assert_eq!(output.status.code(), Some(1));
    let words = said(&output.stderr);
    assert!(words.contains(&format!("port {port} is in use")), "{words}");
}

#[test]
fn up_outside_the_source_tree_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_packtchat"))
        .arg("up")
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let words = said(&output.stderr);
    assert!(words.contains("source tree"), "{words}");
}

#[test]
fn down_where_nothing_runs_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let output = packtchat(&["down"], dir.path());
    assert!(output.status.success());
    let words = said(&output.stdout);
    assert!(words.contains("not running"), "{words}");
}

#[test]
fn arguments_out_of_range_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for args in [["up", "--nodes", "0"], ["up", "--port", "70000"]] {
        assert_eq!(packtchat(&args, dir.path()).status.code(), Some(2));
    }
}
