//! Builds services and web client where they changed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, ensure};
use stack::Service;
use stack::child::{Child, command};

use crate::Profile;
use crate::source_tree::SourceTree;

/// The directory of the executables of `profile`.
///
/// Cargo puts the profiles beside one another, and this program is one of its results.
pub(crate) fn bin_dir(profile: Profile) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("this program's own file is unknown")?;
    let target = own.ancestors().nth(2).context("no target directory")?;
    Ok(target.join(match profile {
        Profile::Release => "release",
        Profile::Dev => "debug",
    }))
}

/// Builds the services. Cargo's own output shows how far it is.
///
/// All of the workspace, as scripts/up does: another selection could mean other features of what
/// they share, and so a second build of it.
pub(crate) async fn services(tree: &SourceTree, profile: Profile) -> anyhow::Result<()> {
    let mut cargo = command("cargo");
    cargo
        .args(["build", "--locked", "--workspace", "--bins", "--profile"])
        .arg(match profile {
            Profile::Release => "release",
            Profile::Dev => "dev",
        })
        .current_dir(tree.root());
    run(cargo, "the services could not be built").await
}

/// Fails where a service has not been built.
pub(crate) fn check_services(bin_dir: &Path) -> anyhow::Result<()> {
    for service in Service::ALL {
        let file = bin_dir.join(service.name());
        ensure!(
            file.is_file(),
            "{} is missing: leave out --skip-build once",
            file.display()
        );
    }
    Ok(())
}

/// Whether the web client changed since it was built.
pub(crate) fn web_is_stale(tree: &SourceTree) -> anyhow::Result<bool> {
    let Ok(built) = modified(&tree.web_dist().join(".vite/manifest.json")) else {
        return Ok(true);
    };
    Ok(newest(&tree.web())? > built)
}

/// Builds the web client; its output goes to `log`.
pub(crate) async fn web(tree: &SourceTree, log: &Path) -> anyhow::Result<()> {
    let mut output =
        File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    // npm writes this file when it has installed what the lock file names.
    let installed = modified(&tree.web().join("node_modules/.package-lock.json"));
    let locked = modified(&tree.web().join("package-lock.json"))?;
    if !installed.is_ok_and(|installed| installed >= locked) {
        npm(tree, &["ci", "--no-audit", "--no-fund"], &mut output, log).await?;
    }
    npm(tree, &["run", "build"], &mut output, log).await
}

/// Fails where the web client has not been built.
pub(crate) fn check_web(tree: &SourceTree) -> anyhow::Result<()> {
    let dist = tree.web_dist();
    ensure!(
        dist.join(".vite/manifest.json").is_file(),
        "{} does not hold the built web client: leave out --skip-build once",
        dist.display()
    );
    Ok(())
}

async fn npm(
    tree: &SourceTree,
    args: &[&str],
    output: &mut File,
    log: &Path,
) -> anyhow::Result<()> {
    let mut npm = command("npm");
    npm.args(args)
        .current_dir(tree.web())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?);
    run(npm, "the web client could not be built")
        .await
        .with_context(|| {
            format!(
                "{}\nAll of it: {}",
                stack::process::tail(log),
                log.display()
            )
        })
}

async fn run(command: Command, otherwise: &'static str) -> anyhow::Result<()> {
    let status = Child::spawn(command)?.ended().await?;
    ensure!(status.success(), otherwise);
    Ok(())
}

fn modified(file: &Path) -> anyhow::Result<SystemTime> {
    std::fs::metadata(file)
        .and_then(|metadata| metadata.modified())
        .with_context(|| format!("cannot look at {}", file.display()))
}

/// When the youngest source file below `dir` was written.
fn newest(dir: &Path) -> anyhow::Result<SystemTime> {
    let mut youngest = SystemTime::UNIX_EPOCH;
    for entry in
        std::fs::read_dir(dir).with_context(|| format!("cannot look at {}", dir.display()))?
    {
        let entry = entry?;
        let path = entry.path();
        let time = if !entry.file_type()?.is_dir() {
            modified(&path)?
        } else if ["node_modules", "dist"]
            .iter()
            .any(|made| entry.file_name() == *made)
        {
            continue;
        } else {
            newest(&path)?
        };
        youngest = youngest.max(time);
    }
    Ok(youngest)
}
