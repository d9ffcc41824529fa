//! `packtchat bench` on a real node of chat-realtime with a real Redis and a real RabbitMQ.
#![allow(clippy::unwrap_used, reason = "also in functions that only tests call")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use chat_realtime::settings::{HttpSettings, Settings, SocketSettings};
use chat_realtime::startup;
use lifecycle::Lifecycle;
use messaging::Amqp;
use models::Limits;
use serde_json::Value;
use settings::{
    AmqpSettings, LifecycleSettings, RedisSettings, SessionSettings, TelemetrySettings,
};
use stack::{TestServers, eventually};
use tokio::process::Command;

/// Longest wait for something that should happen soon.
const SOON: Duration = Duration::from_secs(20);

const SECRET: &str = "a secret for tests, long enough to sign";

/// A node that stops when dropped, and the servers behind it.
struct Node {
    url: String,
    lifecycle: Lifecycle,
    servers: TestServers,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.lifecycle.stop().cancel();
    }
}

impl Node {
    async fn start(limits: Limits) -> Node {
        let servers = TestServers::start().await.unwrap();
        let settings = Settings {
            redis: RedisSettings::new(&servers.redis_url()),
            amqp: AmqpSettings::new(&servers.amqp_url()),
            session: SessionSettings::new(SECRET),
            http: HttpSettings {
                listen: SocketAddr::from(([127, 0, 0, 1], 0)),
                workers: Some(2),
            },
            socket: SocketSettings::default(),
            limits,
            lifecycle: LifecycleSettings::default(),
            telemetry: TelemetrySettings::default(),
        };
        let lifecycle = Lifecycle::new();
        let amqp = Amqp::connect(&settings.amqp).unwrap();
        let application = startup::build(settings, amqp, &lifecycle).await.unwrap();
        let url = format!("http://127.0.0.1:{}", application.port());
        tokio::spawn(application.run());
        eventually(SOON, "the node is ready", async || {
            lifecycle.report().await.ready
        })
        .await;
        Node {
            url,
            lifecycle,
            servers,
        }
    }

    /// A file of sessions that `bench sessions` made.
    async fn cookies(&self, count: usize) -> PathBuf {
        let output = bench(&["sessions", "--count", &count.to_string()])
            .env("PACKTCHAT__REDIS__URL", self.servers.redis_url())
            .env("PACKTCHAT__SESSION__SECRET", SECRET)
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{}", said(&output.stderr));
        assert_eq!(said(&output.stdout).lines().count(), count);
        let file = self.servers.dir().join("cookies");
        std::fs::write(&file, output.stdout).unwrap();
        file
    }

    /// What `bench load` answers and its report.
    async fn load(&self, options: &str) -> (Output, Value) {
        let cookies = self.cookies(12).await;
        let process = format!("server={}", std::process::id());
        let output = bench(&["load", "--settle", "0", "--json", "-", "--url", &self.url])
            .args(["--pid", &process])
            .arg("--cookies")
            .arg(cookies)
            .args(options.split(' '))
            .output()
            .await
            .unwrap();
        let report = serde_json::from_slice(&output.stdout);
        let report = report.unwrap_or_else(|_| panic!("{}", said(&output.stderr)));
        (output, report)
    }
}

fn bench(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_packtchat"));
    command
        .arg("bench")
        .args(args)
        .env_remove("PACKTCHAT_CONFIG");
    command
}

fn said(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_the_node_bears_is_delivered_whole_and_accounted_for() {
    let node = Node::start(Limits::default()).await;
    let (output, report) = node
        .load("--connections 12 --rooms 2 --senders 5 --rate 20 --warmup 0.5 --seconds 1")
        .await;
    let round = &report["round"];
    assert!(output.status.success(), "{report:#}");
    assert_eq!(round["posts"]["accepted"], 30, "{report:#}");
    assert_eq!(round["posts"]["refused"], serde_json::json!({}));
    let deliveries = &round["deliveries"];
    assert_eq!(deliveries["owed"], 30 * 6, "30 posts, 6 members of a room");
    assert_eq!(deliveries["received"], 30 * 6);
    assert_eq!(deliveries["lost"], 0);
    assert!(round["latency_ms"]["p99"].as_f64().unwrap() > 0.0);
    assert!(round["ack_latency_ms"]["p50"].as_f64().unwrap() > 0.0);
    assert!(round["usage"]["cpu_seconds"]["server"].as_f64().unwrap() > 0.0);
    assert!(report["memory"]["open_kib"]["server"].as_u64().unwrap() > 0);
    let table = said(&output.stderr);
    assert!(table.contains("180 of 180"), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_above_the_limit_are_reported_as_refused_and_nothing_as_lost() {
    let limits = Limits {
        messages_per_second: 1,
        message_burst: 2,
        ..Limits::default()
    };
    let node = Node::start(limits).await;
    let (output, report) = node
        .load("--connections 4 --rooms 1 --senders 1 --rate 20 --warmup 0 --seconds 0.5")
        .await;
    assert_eq!(output.status.code(), Some(1), "{report:#}");
    let posts = &report["round"]["posts"];
    assert!(
        posts["refused"]["rate_limited"].as_u64().unwrap() >= 7,
        "{report:#}"
    );
    let accepted = posts["accepted"].as_u64().unwrap();
    let deliveries = &report["round"]["deliveries"];
    assert_eq!(deliveries["received"], accepted * 4, "{report:#}");
    assert_eq!(deliveries["lost"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_sessions_the_run_ends_with_the_servers_words() {
    let node = Node::start(Limits::default()).await;
    let output = bench(&["idle", "--connections", "2", "--url", &node.url])
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let words = said(&output.stderr);
    assert!(words.contains("2 × CONNECT was refused"), "{words}");
    assert!(words.contains("Not Authenticated"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_opened_and_closed_round_after_round() {
    let node = Node::start(Limits::default()).await;
    let cookies = node.cookies(3).await;
    let process = format!("server={}", std::process::id());
    let output = bench(&[
        "idle",
        "--connections",
        "5",
        "--rounds",
        "2",
        "--settle",
        "0",
    ])
    .args(["--seconds", "0.1", "--json", "-", "--url", &node.url])
    .args(["--pid", &process])
    .arg("--cookies")
    .arg(cookies)
    .output()
    .await
    .unwrap();
    assert!(output.status.success(), "{}", said(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rounds = report["rounds"].as_array().unwrap();
    assert_eq!(rounds.len(), 2);
    assert_eq!(rounds[0]["growth_percent"]["server"], 0.0);
    assert!(rounds[1]["closed_kib"]["server"].as_u64().unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_reads_is_closed_and_the_others_miss_nothing() {
    let limits = Limits {
        messages_per_second: 0,
        ..Limits::default()
    };
    let node = Node::start(limits).await;
    // Of 4 MB a second, more than the kernels' buffers and the node's own bound take in.
    let (output, report) = node
        .load("--connections 6 --rooms 1 --senders 2 --stalled 2 --rate 1000 --bytes 4000 --warmup 0 --seconds 2")
        .await;
    assert_eq!(report["stalled"]["closed"], 2, "{report:#}");
    let round = &report["round"];
    assert_eq!(round["deliveries"]["received"], 2000 * 4, "{report:#}");
    assert!(output.status.success(), "{report:#}");
}
