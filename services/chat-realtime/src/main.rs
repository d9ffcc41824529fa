//! Settings, telemetry, build, run, flush.

use std::process::ExitCode;

use anyhow::Context;
use chat_realtime::{settings::Settings, startup};
use lifecycle::Lifecycle;
use messaging::Amqp;

// One thread is enough beside the workers, and what is published passes through its tasks without waking another.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let settings: Settings = settings::load().context("chat-realtime cannot start")?;
    let amqp = Amqp::connect(&settings.amqp)?;
    let telemetry = telemetry::init("chat-realtime", &settings.telemetry, &amqp)?;
    let result = serve(settings, amqp).await;
    Ok(telemetry.finish(result).await)
}

async fn serve(settings: Settings, amqp: Amqp) -> anyhow::Result<()> {
    let lifecycle = Lifecycle::new();
    let life = settings.lifecycle.clone();
    let application = startup::build(settings, amqp, &lifecycle).await?;
    lifecycle::run(&life, lifecycle, application.run()).await
}
