//! `packtchat up`

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::bail;
use stack::{Durability, Event, Lock, Observer, Service, Stack, StackConfig, State};

use crate::progress::Progress;
use crate::shutdown::Shutdown;
use crate::source_tree::SourceTree;
use crate::{Up, build, prerequisites};

/// What shells report of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Sections of settings that are handed on from this process's environment, and to which services. Of the others the
/// stack sets what it needs itself.
const HANDED_ON: [(&str, &[Service]); 10] = [
    ("AUTH", &[Service::Gateway]),
    ("CLEANUP", &[Service::CleanupWorker]),
    ("DATABASE", &[Service::Auth]),
    (
        "LIMITS",
        &[Service::Auth, Service::ChatRealtime, Service::Gateway],
    ),
    ("PASSWORDS", &[Service::Auth]),
    ("PROVIDERS", &[Service::Auth]),
    ("ROUTES", &[Service::Gateway]),
    ("SOCKET", &[Service::ChatRealtime]),
    ("STATIC", &[Service::Gateway]),
    ("THROTTLE", &[Service::Gateway]),
];

pub(crate) async fn run(arguments: Up) -> anyhow::Result<ExitCode> {
    let mut shutdown = Shutdown::listen()?;
    let progress = Progress::new();
    let stack = tokio::select! {
        stack = start(arguments, &progress) => stack,
        () = shutdown.wished() => {
            progress.rest();
            progress.line("Interrupted; nothing is left running.");
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    progress.rest();
    let stack = stack?;
    shutdown.wished().await;
    progress.step("Stopping");
    let begin = Instant::now();
    let done = tokio::select! {
        () = stack.stop() => "Stopped",
        // The wish was repeated: whatever still runs is killed when this process ends.
        () = shutdown.wished() => "Killed",
    };
    progress.rest();
    progress.done(done, begin.elapsed());
    Ok(ExitCode::SUCCESS)
}

/// Builds, starts, and tells where the chat is.
async fn start(arguments: Up, progress: &Progress) -> anyhow::Result<Stack> {
    let begin = Instant::now();
    let tree = SourceTree::find()?;
    let dir = arguments.dir.clone().unwrap_or_else(|| tree.data());
    let Some(lock) = Lock::take(&dir)? else {
        bail!(already_running(&dir)?);
    };
    let port = stack::ports::usable_port(arguments.port)?;
    prerequisites::install_servers(&tree).await?;
    let bin_dir = build::bin_dir(arguments.profile)?;
    if !arguments.skip_build {
        build(&tree, &arguments, &lock, progress).await?;
    }
    build::check_services(&bin_dir)?;
    build::check_web(&tree)?;

    progress.step("Starting the servers and services");
    let shown_dir = lock.dir().to_owned();
    let config = StackConfig {
        lock,
        nodes: arguments.nodes.into(),
        port,
        bin_dir,
        static_dir: tree.web_dist(),
        durability: Durability::EverySecond,
        settings: handed_on(environment()),
    };
    let stack = Stack::start(
        config,
        |name, took| progress.done(name, took),
        observer(progress.clone()),
    )
    .await?;
    progress.rest();
    progress.done("PacktChat is ready", begin.elapsed());
    let dir = shown_dir.display();
    progress.line(&format!(
        "\n  {}\n\n\
         Logs                {dir}/logs\n\
         Look into Redis     {dir}/redis-cli\n\
         Look into RabbitMQ  {dir}/rabbitmqctl\n\
         Stop                Ctrl-C, or scripts/down\n",
        stack.state().url
    ));
    Ok(stack)
}

fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
}

/// The settings among these variables for each service, which gets nothing else of the environment.
fn handed_on(variables: impl Iterator<Item = (String, String)>) -> Vec<(Service, String, String)> {
    variables
        .flat_map(|(key, value)| {
            let services = services_of(&key);
            services
                .iter()
                .map(move |service| (*service, key.clone(), value.clone()))
        })
        .collect()
}

fn services_of(variable: &str) -> &'static [Service] {
    let section = variable
        .strip_prefix("PACKTCHAT__")
        .and_then(|rest| rest.split("__").next());
    HANDED_ON
        .iter()
        .find(|(name, _)| Some(*name) == section)
        .map_or(&[], |(_, services)| services)
}

async fn build(
    tree: &SourceTree,
    arguments: &Up,
    lock: &Lock,
    progress: &Progress,
) -> anyhow::Result<()> {
    prerequisites::check_build_tools()?;
    let begin = Instant::now();
    progress.line("Building the services where they changed");
    build::services(tree, arguments.profile).await?;
    progress.done("services built", begin.elapsed());
    if build::web_is_stale(tree)? {
        let begin = Instant::now();
        progress.step("Building the web client");
        build::web(tree, &lock.dir().join("web-build.log")).await?;
        progress.done("web client built", begin.elapsed());
    }
    Ok(())
}

fn already_running(dir: &Path) -> anyhow::Result<String> {
    let place = match State::read(dir)? {
        Some(state) => format!("at {}", state.url),
        None => "and is just starting".into(),
    };
    let holder = Lock::holder(dir)?.map_or_else(String::new, |pid| format!(" (process {pid})"));
    Ok(format!(
        "PacktChat is already running {place}{holder}, with its data in {}. Stop it with scripts/down, or give \
         another --dir and --port",
        dir.display()
    ))
}

/// Prints what happens to processes while the chat runs.
fn observer(progress: Progress) -> Observer {
    Arc::new(move |event| match event {
        Event::Ended {
            name,
            how,
            log,
            pause,
        } => progress.line(&format!(
            "✘ {name} ended ({how}); it is started again in {pause:?}. Its last words:\n{}",
            indented(&log)
        )),
        Event::Recovered { name } => progress.line(&format!("✔ {name} is ready again")),
    })
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_get_their_own_settings_and_nothing_else() {
        let variables = [
            ("PACKTCHAT__THROTTLE__REGISTRATIONS", "0"),
            ("PACKTCHAT__LIMITS__MESSAGE_CHARS", "100"),
            ("PACKTCHAT__HTTP__LISTEN", "127.0.0.1:1"),
            ("PACKTCHAT__SESSION__SECRET", "a secret"),
            ("PACKTCHAT_CONFIG", "file"),
            ("THROTTLE__REGISTRATIONS", "0"),
            ("PATH", "/bin"),
        ];
        let owned = variables.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let handed_on = handed_on(owned.into_iter());
        let handed_on: Vec<_> = handed_on
            .iter()
            .map(|(service, key, value)| (*service, key.as_str(), value.as_str()))
            .collect();
        let ((throttle, none), (limits, hundred)) = (variables[0], variables[1]);
        assert_eq!(
            handed_on,
            [
                (Service::Gateway, throttle, none),
                (Service::Auth, limits, hundred),
                (Service::ChatRealtime, limits, hundred),
                (Service::Gateway, limits, hundred),
            ]
        );
    }
}
