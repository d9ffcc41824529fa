use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use models::account::AuthReply;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{World, register};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[test]
fn a_request_does_not_print_its_password() {
    let printed = format!("{:?}", register("alice", "hidden horse"));
    assert!(printed.contains("alice") && !printed.contains("hidden"));
}

#[tokio::test]
async fn no_password_and_no_hash_is_logged() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_env_filter("debug,auth=trace,messaging=trace")
        .with_writer(log.clone())
        .init();
    let (world, _auth, client) = World::with_auth().await;
    let id = client.registered("alice", "hidden horse").await.id;
    client.verify("alice", "hidden donkey").await;
    client
        .change_password(id, "hidden horse", "hidden camel")
        .await;
    let impatient = world.client_with_patience(std::time::Duration::from_secs(5));
    let garbage = json!({"do": "verify", "password": "hidden goat"});
    assert!(impatient.ask_anything(&garbage).await.is_err());
    let damaged = "$pbkdf2-sha256$hidden-hash";
    let mut database = world.database().await;
    sqlx::query("UPDATE passwords SET phc = $1")
        .bind(damaged)
        .execute(&mut database)
        .await
        .unwrap();
    assert_eq!(
        client.verify("alice", "hidden camel").await,
        AuthReply::Unavailable
    );
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for expected in [
        "account made",
        "password changed",
        "a request cannot be read",
        "request failed",
    ] {
        assert!(log.contains(expected), "{expected:?} is not in the log");
    }
    assert!(!log.contains("hidden"), "{log}");
    assert!(!log.contains("$pbkdf2"), "{log}");
}
