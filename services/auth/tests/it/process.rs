//! The process itself.

use std::process::{Output, Stdio};

use models::account::AuthReply;
use tokio::process::{Child, Command};

use crate::world::{SOON, World};

fn auth() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth"));
    command
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn ended(process: Child) -> Output {
    tokio::time::timeout(SOON, process.wait_with_output())
        .await
        .expect("the process ends")
        .unwrap()
}

#[tokio::test]
async fn serves_until_asked_to_stop() {
    let world = World::new().await;
    let process = auth()
        .env("PACKTCHAT__AMQP__URL", world.servers.amqp_url())
        .env("PACKTCHAT__DATABASE__URL", world.database_url())
        .env("PACKTCHAT__PASSWORDS__ROUNDS", "1000")
        .env("PACKTCHAT__LIFECYCLE__GRACE_MS", "0")
        .spawn()
        .unwrap();
    let reply = world.client().verify("alice", "correct horse").await;
    assert_eq!(reply, AuthReply::WrongCredentials);
    let pid = process.id().unwrap().to_string();
    Command::new("kill").arg(pid).status().await.unwrap();
    let output = ended(process).await;
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn a_setting_that_will_not_do_ends_the_start_with_a_sentence() {
    for (variables, sentence) in [
        (
            vec![("PACKTCHAT__AMQP__URL", "amqp://127.0.0.1:1")],
            "PACKTCHAT__DATABASE__URL is missing",
        ),
        (
            vec![
                ("PACKTCHAT__AMQP__URL", "amqp://127.0.0.1:1"),
                ("PACKTCHAT__DATABASE__URL", "sqlite:///nowhere/at/all/a.db"),
            ],
            "the folder /nowhere/at/all of the accounts database does not exist",
        ),
    ] {
        let output = ended(auth().envs(variables).spawn().unwrap()).await;
        assert!(!output.status.success());
        let told = [output.stdout, output.stderr].concat();
        let told = String::from_utf8_lossy(&told);
        assert!(told.contains(sentence), "{told}");
    }
}
