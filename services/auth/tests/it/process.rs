//! The process itself.

use models::account::AuthReply;
use stack::{TestProcess, eventually, ports::free_port, probe::Probe};

use crate::{
    database::Database,
    world::{SOON, World},
};

on_both_databases!(two_that_start_at_once_on_an_empty_database_both_serve);

const AUTH: &str = env!("CARGO_BIN_EXE_auth");

#[tokio::test]
async fn serves_until_asked_to_stop() {
    let world = World::new().await;
    let process = TestProcess::start(
        AUTH,
        &[
            ("PACKTCHAT__AMQP__URL", &world.servers.amqp_url()),
            ("PACKTCHAT__DATABASE__URL", world.database_url()),
            ("PACKTCHAT__PASSWORDS__ROUNDS", "1000"),
            ("PACKTCHAT__LIFECYCLE__GRACE_MS", "0"),
        ],
    )
    .unwrap();
    let reply = world.client().verify("alice", "correct horse").await;
    assert_eq!(reply, AuthReply::WrongCredentials);
    let output = process.stop().await.unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn a_setting_that_will_not_do_ends_the_start_with_a_sentence() {
    let amqp = ("PACKTCHAT__AMQP__URL", "amqp://127.0.0.1:1");
    let nowhere = "sqlite:///nowhere/at/all/a.db";
    for (variables, sentence) in [
        (vec![amqp], "PACKTCHAT__DATABASE__URL is missing"),
        (
            vec![amqp, ("PACKTCHAT__DATABASE__URL", nowhere)],
            "the folder /nowhere/at/all of the accounts database does not exist",
        ),
    ] {
        let process = TestProcess::start(AUTH, &variables).unwrap();
        let told = process.refusal().await.unwrap();
        assert!(told.contains(sentence), "{told}");
    }
}

async fn two_that_start_at_once_on_an_empty_database_both_serve(database: Database) {
    let world = World::on(database).await;
    let ports = [free_port().unwrap(), free_port().unwrap()];
    let processes = ports.map(|port| {
        TestProcess::start(
            AUTH,
            &[
                ("PACKTCHAT__AMQP__URL", &world.servers.amqp_url()),
                ("PACKTCHAT__DATABASE__URL", world.database_url()),
                ("PACKTCHAT__PASSWORDS__ROUNDS", "1000"),
                ("PACKTCHAT__LIFECYCLE__GRACE_MS", "0"),
                (
                    "PACKTCHAT__LIFECYCLE__ADMIN_LISTEN",
                    &format!("127.0.0.1:{port}"),
                ),
            ],
        )
        .unwrap()
    });
    for port in ports {
        let ready = Probe::Http {
            port,
            path: "/readyz".into(),
        };
        eventually(SOON, "it is ready", async || ready.ask().await.is_ok()).await;
    }
    let client = world.client();
    client.registered("alice", "correct horse").await;
    for process in processes {
        let output = process.stop().await.unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}
