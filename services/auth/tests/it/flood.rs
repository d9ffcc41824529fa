//! More strangers than can be answered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use messaging::RpcError;
use models::account::{AuthReply, AuthRequest};
use stack::eventually;
use tokio::task::JoinSet;

use crate::world::{Client, SOON, World, accepted, verify};

/// The gateway's.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a machine that is busy with other tests may add.
const SLACK: Duration = Duration::from_secs(3);

/// Fifty strangers in each second, whether or not those before them were answered. Ends when dropped.
struct Flood {
    answered: Arc<AtomicUsize>,
    _strangers: JoinSet<()>,
}

impl Flood {
    fn begin(client: &Client) -> Self {
        let answered = Arc::<AtomicUsize>::default();
        let mut strangers = JoinSet::new();
        strangers.spawn(flood(client.clone(), Arc::clone(&answered)));
        Self {
            answered,
            _strangers: strangers,
        }
    }

    fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }
}

async fn flood(client: Client, answered: Arc<AtomicUsize>) {
    let mut asking = JoinSet::new();
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    loop {
        pace.tick().await;
        asking.spawn(ask(client.clone(), Arc::clone(&answered)));
        while let Some(asked) = asking.try_join_next() {
            asked.unwrap();
        }
    }
}

/// Is answered, or told within the patience that it will not be.
async fn ask(client: Client, answered: Arc<AtomicUsize>) {
    let request = serde_json::to_value(verify("nobody", "wrong horse")).unwrap();
    let asked = Instant::now();
    match client.ask_anything(&request).await {
        Ok(reply) => {
            assert_eq!(reply, AuthReply::WrongCredentials);
            answered.fetch_add(1, Ordering::Relaxed);
        }
        Err(error) => assert!(matches!(error, RpcError::Timeout(_)), "{error}"),
    }
    assert!(asked.elapsed() < PATIENCE + SLACK);
}

#[tokio::test]
async fn those_who_are_signed_in_are_answered_and_strangers_in_turn() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.passwords.rounds = 300_000;
    settings.passwords.hash_threads = 1;
    let _auth = world.auth(settings).await;
    let client = world.client_with_patience(PATIENCE);
    let alice = client.registered("alice", "correct horse 0").await;

    let began = Instant::now();
    let flood = Flood::begin(&client);
    eventually(SOON, "more wait than can be answered", async || {
        world.queue_depth().await.ready > 50
    })
    .await;

    let id = alice.id;
    for number in 0..5 {
        let old = format!("correct horse {number}");
        let new = format!("correct horse {}", number + 1);
        let before = flood.answered();
        accepted(client.change_password(id, &old, &new).await);
        let account = client.ask(&AuthRequest::GetAccount { id }).await;
        assert!(matches!(account, AuthReply::Account { .. }));
        // Two hashes of its own, and a stranger's before each of them; some more where this test is slow to hear of them.
        let strangers = flood.answered() - before;
        assert!(
            strangers < 12,
            "of more than fifty, {strangers} were before her"
        );
    }

    // Also when the flood has lasted for longer than anybody waits, those whose turn comes are still there to read the
    // answer.
    eventually(SOON, "it has lasted", async || {
        began.elapsed() > PATIENCE * 2
    })
    .await;
    let before = flood.answered();
    eventually(SOON, "strangers are answered", async || {
        flood.answered() > before + 20
    })
    .await;
}
