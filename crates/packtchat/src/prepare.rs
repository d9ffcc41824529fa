//! Installs what is missing and builds what has changed. All of it in the source folder, which is the working directory.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use anyhow::{Context, bail, ensure};
use stack::Service;

use crate::{progress::say, up::Profile};

const WEB: &str = "services/gateway/web";

/// The built web client.
pub(crate) fn static_dir() -> PathBuf {
    Path::new(WEB).join("dist")
}

/// Is this PacktChat's source folder?
pub(crate) fn check_folder() -> anyhow::Result<()> {
    ensure!(
        Path::new(WEB).join("package.json").is_file(),
        "This is not PacktChat's source folder. Use scripts/up, which goes there by itself"
    );
    Ok(())
}

/// Redis, RabbitMQ and HAProxy, where they are missing.
pub(crate) fn install() -> anyhow::Result<()> {
    run(Command::new("scripts/install-packages").args([
        "redis-server=redis-server",
        "/usr/lib/rabbitmq/bin/rabbitmq-server=rabbitmq-server",
        "haproxy=haproxy",
    ]))
}

/// The services, as cargo finds them changed.
pub(crate) fn build_services(profile: Profile) -> anyhow::Result<()> {
    say("Building the services (the first time takes some minutes)");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--locked", "--bins"]);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    for service in Service::ALL {
        cargo.args(["-p", service.name()]);
    }
    run(&mut cargo)
}

/// The web client, where a source is newer than what was built of it.
pub(crate) fn build_web() -> anyhow::Result<()> {
    let built = modified(&static_dir().join(".vite/manifest.json"));
    let packages = modified(&Path::new(WEB).join("node_modules/.package-lock.json"));
    let wanted = modified(&Path::new(WEB).join("package-lock.json"));
    let install = packages.is_none() || packages < wanted;
    if !install && built.is_some() && built >= newest_source()? {
        return Ok(());
    }
    say("Building the web client");
    if install {
        run(npm().args(["ci", "--no-audit", "--no-fund"]))?;
    }
    run(npm().args(["run", "build"]))
}

fn npm() -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(WEB);
    npm
}

fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file)
        .and_then(|metadata| metadata.modified())
        .ok()
}

/// When the last source of the web client was changed.
fn newest_source() -> anyhow::Result<Option<SystemTime>> {
    let mut folders = vec![Path::new(WEB).join("src")];
    let mut newest = ["package-lock.json", "vite.config.ts", "index.html"]
        .iter()
        .filter_map(|file| modified(&Path::new(WEB).join(file)))
        .max();
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            newest = newest.max(modified(&path));
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    Ok(newest)
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("cannot run {name}; is it installed?"))?;
    if !status.success() {
        bail!("{name} failed ({status}); what it said is above");
    }
    Ok(())
}
