//! What has to be on the machine before anything can start.

use anyhow::{Context, bail, ensure};
use stack::child::{Child, command};
use stack::programs::find;

use crate::source_tree::SourceTree;

/// Commands a start needs and the Debian packages that bring them.
const SERVERS: [(&str, &str); 4] = [
    ("redis-server", "redis-server"),
    ("redis-cli", "redis-tools"),
    ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server"),
    ("haproxy", "haproxy"),
];

/// The oldest Node.js that builds the web client.
const OLDEST_NODE: u32 = 20;

/// Installs the servers that are missing, and says so first.
pub(crate) async fn install_servers(tree: &SourceTree) -> anyhow::Result<()> {
    ensure!(
        find("setpriv").is_some(),
        "setpriv is missing: install the package util-linux"
    );
    let missing: Vec<String> = SERVERS
        .iter()
        .filter(|(command, _)| find(command).is_none())
        .map(|(command, package)| format!("{command}={package}"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut install = command(tree.root().join("scripts/install-packages"));
    install.args(missing);
    let status = Child::spawn(install)?.ended().await?;
    ensure!(status.success(), "the servers could not be installed");
    Ok(())
}

/// Looks for what builds services and web client.
pub(crate) fn check_build_tools() -> anyhow::Result<()> {
    for (tool, advice) in [
        ("cargo", "install Rust from https://rustup.rs"),
        (
            "cc",
            "install a C compiler: apt-get install build-essential",
        ),
        ("npm", "install Node.js 20 or newer with npm"),
    ] {
        ensure!(find(tool).is_some(), "{tool} is missing: {advice}");
    }
    let output = std::process::Command::new("node")
        .arg("--version")
        .output()
        .context("node is missing: install Node.js 20 or newer with npm")?;
    let version = String::from_utf8_lossy(&output.stdout);
    let version = version.trim();
    let major = version.trim_start_matches('v').split('.').next();
    match major.and_then(|major| major.parse::<u32>().ok()) {
        Some(major) if major >= OLDEST_NODE => Ok(()),
        _ => {
            bail!("Node.js is {version}, which is too old: install version {OLDEST_NODE} or newer")
        }
    }
}
