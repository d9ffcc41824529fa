//! The servers of one test, a log-worker on them, and what it has written.

use std::{fs, path::PathBuf, time::Duration};

use lifecycle::Lifecycle;
use log_worker::{
    settings::{Settings, SinkSettings},
    startup,
};
use messaging::{Amqp, publish_log};
use models::log_record::{LogLevel, LogRecord};
use serde_json::Map;
use settings::{AmqpSettings, LifecycleSettings, TelemetrySettings};
use stack::{TestServers, eventually};
use tokio::{sync::mpsc, task::JoinHandle};

/// Longest wait for something that should happen soon.
pub(crate) const SOON: Duration = Duration::from_secs(30);

pub(crate) struct World {
    pub(crate) servers: TestServers,
}

/// A running log-worker.
pub(crate) struct Worker {
    pub(crate) lifecycle: Lifecycle,
    task: JoinHandle<anyhow::Result<()>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let servers = TestServers::start().await.unwrap();
        Self { servers }
    }

    /// Where the log files are.
    pub(crate) fn dir(&self) -> PathBuf {
        self.servers.dir().join("logs")
    }

    pub(crate) fn settings(&self, node: &str) -> Settings {
        Settings {
            amqp: AmqpSettings::new(&self.servers.amqp_url()),
            sink: SinkSettings {
                stdout: false,
                ..SinkSettings::new(self.dir())
            },
            lifecycle: LifecycleSettings::default(),
            telemetry: TelemetrySettings {
                node: Some(node.to_owned()),
                ..TelemetrySettings::default()
            },
        }
    }

    pub(crate) async fn worker(&self, settings: Settings) -> Worker {
        let lifecycle = Lifecycle::new();
        let amqp = Amqp::connect(&settings.amqp).unwrap();
        let application = startup::build(settings, amqp, &lifecycle).await.unwrap();
        let worker = Worker {
            lifecycle,
            task: tokio::spawn(application.run()),
        };
        worker.is_ready().await;
        worker
    }

    /// Logs as a service does, and waits until RabbitMQ has it.
    pub(crate) async fn publish(&self, records: impl IntoIterator<Item = LogRecord>) {
        let amqp = Amqp::connect(&AmqpSettings::new(&self.servers.amqp_url())).unwrap();
        let (sender, receiver) = mpsc::channel(1_000);
        for record in records {
            sender.send(record).await.unwrap();
        }
        drop(sender);
        let published = tokio::time::timeout(SOON, publish_log(amqp.clone(), receiver)).await;
        published.expect("RabbitMQ has the records");
        amqp.close().await;
    }

    /// Publishes what no service of ours would. `body` is an Erlang binary's text.
    pub(crate) async fn publish_raw(&self, routing_key: &str, body: &str) {
        let vhost = &self.servers.vhost;
        let program = format!(
            "rabbit_basic:publish(rabbit_misc:r(<<\"{vhost}\">>, exchange, <<\"packtchat.log\">>), \
             <<\"{routing_key}\">>, [], <<\"{body}\">>)."
        );
        let answer = self.servers.rabbitmq.eval(&program).await.unwrap();
        assert!(answer.starts_with("{ok, ok"), "{answer}");
    }

    /// The messages of a queue, with a consumer or not.
    pub(crate) async fn in_queue(&self, queue: &str) -> u32 {
        let depth = self.servers.queue_depth(queue).await.unwrap();
        depth.ready + depth.unacknowledged
    }

    /// The names of the files that begin so.
    pub(crate) fn files(&self, prefix: &str) -> Vec<String> {
        let mut files: Vec<_> = fs::read_dir(self.dir())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with(prefix))
            .collect();
        files.sort();
        files
    }

    /// The messages of all records in the files that begin so, file by file.
    pub(crate) fn messages(&self, prefix: &str) -> Vec<String> {
        let mut messages = Vec::new();
        for file in self.files(prefix) {
            let text = fs::read_to_string(self.dir().join(file)).unwrap();
            assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
            let records = text
                .lines()
                .map(|line| serde_json::from_str::<LogRecord>(line).unwrap());
            messages.extend(records.map(|record| record.message));
        }
        messages
    }

    /// Waits until the files that begin so have these messages, in any order and nothing else.
    pub(crate) async fn has_written(&self, prefix: &str, messages: &[String]) {
        let mut expected = messages.to_vec();
        expected.sort();
        eventually(SOON, &format!("{prefix} has all"), async || {
            // A file is read while it is written, so it may end in half a line now.
            let lines = self
                .files(prefix)
                .iter()
                .map(|file| fs::read_to_string(self.dir().join(file)).unwrap_or_default())
                .map(|text| text.matches('\n').count())
                .sum::<usize>();
            lines >= expected.len()
        })
        .await;
        let mut written = self.messages(prefix);
        written.sort();
        assert_eq!(written, expected);
    }
}

impl Worker {
    pub(crate) async fn is_ready(&self) {
        eventually(SOON, "the log-worker is ready", async || {
            self.lifecycle.report().await.ready
        })
        .await;
    }

    pub(crate) async fn stop(self) {
        self.lifecycle.stop().cancel();
        let ended = tokio::time::timeout(SOON, self.task).await;
        ended.expect("the log-worker stops").unwrap().unwrap();
    }
}

pub(crate) fn record(level: LogLevel, message: &str) -> LogRecord {
    LogRecord {
        ts: models::now_ms(),
        level,
        service: "gateway".to_owned(),
        node: "gateway-1".to_owned(),
        target: "gateway::test".to_owned(),
        message: message.to_owned(),
        fields: Map::new(),
    }
}

/// So many messages that differ.
pub(crate) fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("message {n}")).collect()
}
