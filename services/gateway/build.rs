//! Gives the code the Git commit it is built from, as `PACKTCHAT_COMMIT`.

use std::{env, path::Path, process::Command};

fn main() {
    println!("cargo::rerun-if-env-changed=PACKTCHAT_COMMIT");
    let commit = env::var_os("PACKTCHAT_COMMIT")
        .and_then(|commit| commit.into_string().ok())
        .filter(|commit| !commit.is_empty())
        .or_else(commit_of_checkout)
        .unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=PACKTCHAT_COMMIT={commit}");
}

fn commit_of_checkout() -> Option<String> {
    // HEAD changes with the branch, its log with every commit.
    for name in ["HEAD", "logs/HEAD"] {
        let file = git(&["rev-parse", "--git-path", name])?;
        // Cargo would run this script every time for the sake of a file that is not there.
        if Path::new(&file).exists() {
            println!("cargo::rerun-if-changed={file}");
        }
    }
    git(&["rev-parse", "--short", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}
