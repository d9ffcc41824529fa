//! A Redis watched over by Sentinels, and a RabbitMQ of several nodes, of which one is away.

#![allow(clippy::unwrap_used, reason = "also in functions that only tests call")]

use std::time::Duration;

use messaging::{Amqp, Published, Redis, Rooms, Subscriber, publish_log};
use models::amqp_names::LOG_QUEUE_ALL;
use models::log_record::{LogLevel, LogRecord};
use models::redis_keys::LOBBY_CHANNEL;
use models::{Limits, RoomName};
use serde_json::json;
use settings::{AmqpSettings, QueueType, RedisSettings};
use stack::{Sentinels, TestServers, eventually, ports::free_port};
use tokio::{sync::mpsc, time::timeout};

const SOON: Duration = Duration::from_secs(30);

fn room(name: &str) -> RoomName {
    RoomName::parse(name, &Limits::default()).unwrap()
}

#[tokio::test]
async fn when_the_primary_dies_its_replica_is_found_by_commands_and_subscriptions() {
    let dir = tempfile::tempdir().unwrap();
    let sentinels = Sentinels::start(dir.path()).await.unwrap();
    let settings: RedisSettings = serde_json::from_value(json!({
        // Who it names is nobody.
        "url": "redis://:packtchat@192.0.2.1:1",
        "sentinels": sentinels.addresses(),
    }))
    .unwrap();
    let redis = Redis::connect(&settings).unwrap();
    let rooms = Rooms::new(redis.clone());
    let (subscriber, mut published) = Subscriber::start(&redis);
    subscriber.subscribe(LOBBY_CHANNEL.into()).await.unwrap();
    rooms.add(&room("before")).await.unwrap();

    sentinels.first_primary().kill().await;

    let after = room("after");
    eventually(SOON, "the new primary takes writes", async || {
        rooms.add(&after).await.is_ok()
    })
    .await;
    let listed = rooms.list(10).await.unwrap();
    let mut names: Vec<_> = listed.iter().map(RoomName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["after", "before"],
        "what was written before is there"
    );
    let mut next = async |what: &str| {
        let next = timeout(SOON, published.recv()).await;
        next.unwrap_or_else(|_| panic!("no {what}")).unwrap()
    };
    assert_eq!(next("word of the gap").await, Published::Resubscribed);
    rooms.tell_everybody("packet", None).await.unwrap();
    let told = next("message").await;
    assert!(matches!(told, Published::Message { .. }), "{told:?}");
}

#[tokio::test]
async fn the_node_of_a_cluster_that_answers_will_do_and_queues_are_of_the_type_asked_for() {
    let servers = TestServers::start().await.unwrap();
    let nobody = free_port().unwrap();
    let away = format!("amqp://guest:guest@127.0.0.1:{nobody}/");
    // Twice away, so that whichever comes first, a dead one is met by most.
    let urls = format!("{away},{},{away}", servers.amqp_url());
    let amqp = Amqp::connect(&AmqpSettings {
        queue_type: QueueType::Quorum,
        ..AmqpSettings::new(&urls)
    })
    .unwrap();
    eventually(SOON, "the node that is there is found", async || {
        amqp.ping().await.is_ok()
    })
    .await;

    let (records, received) = mpsc::channel(1);
    let publisher = tokio::spawn(publish_log(amqp.clone(), received));
    records
        .send(LogRecord {
            ts: 1,
            level: LogLevel::Info,
            service: "test".into(),
            node: "test-1".into(),
            target: "test".into(),
            message: "a record".into(),
            fields: serde_json::Map::new(),
        })
        .await
        .unwrap();
    drop(records);
    publisher.await.unwrap();
    let vhost = &servers.vhost;
    let question = format!(
        "rabbit_amqqueue:with(rabbit_misc:r(<<\"{vhost}\">>, queue, <<\"{LOG_QUEUE_ALL}\">>), \
         fun(Queue) -> rabbit_amqqueue:info(Queue, [type, messages]) end)."
    );
    // A quorum queue counts now and then.
    eventually(SOON, "a quorum queue has the record", async || {
        let answer = servers.rabbitmq.eval(&question).await.unwrap();
        answer == "{ok, [{type, quorum}, {messages, 1}]}"
    })
    .await;
    amqp.close().await;
}
