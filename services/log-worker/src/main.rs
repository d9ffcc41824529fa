//! The process of log-worker: settings, telemetry, build, run, flush.

use std::process::ExitCode;

use lifecycle::Lifecycle;
use log_worker::{settings::Settings, startup};
use messaging::Amqp;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let settings: Settings = settings::load()?;
    let amqp = Amqp::connect(&settings.amqp)?;
    let telemetry = telemetry::init("log-worker", &settings.telemetry, &amqp)?;
    let result = run(settings, amqp).await;
    Ok(telemetry.finish(result).await)
}

async fn run(settings: Settings, amqp: Amqp) -> anyhow::Result<()> {
    let lifecycle = Lifecycle::new();
    let lifecycle_settings = settings.lifecycle.clone();
    let application = startup::build(settings, amqp, &lifecycle).await?;
    lifecycle::run(&lifecycle_settings, lifecycle, application.run()).await
}
