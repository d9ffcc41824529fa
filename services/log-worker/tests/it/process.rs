//! The process itself, and what it prints.

use models::log_record::LogLevel;
use stack::{TestProcess, eventually};

use crate::world::{SOON, World, record};

const LOG_WORKER: &str = env!("CARGO_BIN_EXE_log-worker");

#[tokio::test(flavor = "multi_thread")]
async fn prints_every_record_once_and_its_own_too() {
    let world = World::new().await;
    let process = TestProcess::start(
        LOG_WORKER,
        &[
            ("PACKTCHAT__AMQP__URL", &world.servers.amqp_url()),
            ("PACKTCHAT__SINK__DIR", world.dir().to_str().unwrap()),
            ("PACKTCHAT__LIFECYCLE__GRACE_MS", "0"),
        ],
    )
    .unwrap();
    world
        .publish([record(LogLevel::Error, "something broke")])
        .await;
    eventually(SOON, "the files have both", async || {
        world.dir().exists() && world.files("all-").len() == 1 && {
            let messages = world.messages("all-");
            ["something broke", "started"]
                .iter()
                .all(|expected| messages.iter().any(|message| message == expected))
        }
    })
    .await;
    let output = process.stop().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    for message in [
        "ERROR gateway/gateway-1 something broke",
        "started",
        "stopping",
    ] {
        assert_eq!(
            printed.matches(message).count(),
            1,
            "{message:?}: {printed}"
        );
    }
}

#[tokio::test]
async fn a_setting_that_will_not_do_ends_the_start_with_a_sentence() {
    let amqp = ("PACKTCHAT__AMQP__URL", "amqp://127.0.0.1:1");
    for (variables, sentence) in [
        (vec![amqp], "PACKTCHAT__SINK__DIR is missing"),
        (
            vec![amqp, ("PACKTCHAT__SINK__DIR", "/proc/logs")],
            "cannot make the directory /proc/logs (PACKTCHAT__SINK__DIR)",
        ),
        (
            vec![
                amqp,
                ("PACKTCHAT__SINK__DIR", "/tmp"),
                ("PACKTCHAT__TELEMETRY__NODE", "a/b"),
            ],
            "PACKTCHAT__TELEMETRY__NODE is \"a/b\"",
        ),
    ] {
        let process = TestProcess::start(LOG_WORKER, &variables).unwrap();
        let told = process.refusal().await.unwrap();
        assert!(told.contains(sentence), "{told}");
    }
}
