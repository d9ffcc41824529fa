use std::{panic, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use messaging::{Amqp, publish_log};
use settings::TelemetrySettings;
use tokio::task::JoinHandle;
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    amqp_layer::{AmqpLayer, Shared},
    record::Speaker,
};

/// Records that wait for the broker at most; further ones go to standard error.
const BUFFER: usize = 10_000;
/// Longest wait for the broker to confirm the last records.
const FLUSH: Duration = Duration::from_secs(2);

/// The logging of a process, from `init` to [`Telemetry::finish`].
pub struct Telemetry {
    layer: Arc<AmqpLayer>,
    publisher: JoinHandle<()>,
    amqp: Amqp,
    _standard_output: WorkerGuard,
}

/// Sends every event from now on to standard output and to the log exchange. Once per process, within a runtime.
///
/// # Errors
/// When the filter cannot be read, or logging is set up already.
pub fn init(
    service: &'static str,
    settings: &TelemetrySettings,
    amqp: &Amqp,
) -> anyhow::Result<Telemetry> {
    let filter = EnvFilter::try_new(&settings.filter)
        .with_context(|| format!("PACKTCHAT__TELEMETRY__FILTER is {:?}", settings.filter))?;
    let node = settings.node_name(service);
    let (layer, records) = AmqpLayer::new(Speaker { service, node }, BUFFER);
    let layer = Arc::new(layer);
    let (standard_output, guard) = tracing_appender::non_blocking(std::io::stdout());
    tracing_subscriber::registry()
        .with(filter)
        .with(lines(standard_output, settings.json))
        .with(Shared(layer.clone()))
        .try_init()?;
    log_panics();
    Ok(Telemetry {
        layer,
        publisher: tokio::spawn(publish_log(amqp.clone(), records)),
        amqp: amqp.clone(),
        _standard_output: guard,
    })
}

fn lines<S>(writer: NonBlocking, json: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let layer = fmt::layer().with_ansi(false).with_writer(writer);
    if json {
        layer.json().boxed()
    } else {
        layer.boxed()
    }
}

fn log_panics() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let place = info.location().map(ToString::to_string);
        let message = info.payload_as_str().unwrap_or("a value that is no text");
        tracing::error!(place, "panic: {message}");
        print(info);
    }));
}

impl Telemetry {
    /// Logs how the service ended, waits for the last records to be confirmed, closes the broker connection, and
    /// gives the exit code.
    pub async fn finish(self, result: anyhow::Result<()>) -> ExitCode {
        let code = match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!("{error:#}");
                ExitCode::FAILURE
            }
        };
        self.layer.close();
        // The broker may be away; the records are on standard output all the same.
        let _ = tokio::time::timeout(FLUSH, self.publisher).await;
        self.amqp.close().await;
        code
    }
}
