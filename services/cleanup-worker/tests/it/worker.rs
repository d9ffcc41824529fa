//! The service as a whole.

use std::time::Duration;

use cleanup_worker::{
    settings::{CleanupSettings, Keep, Settings},
    startup,
};
use lifecycle::Lifecycle;
use messaging::Amqp;
use models::redis_keys::CLEANUP_LEADER;
use settings::{AmqpSettings, LifecycleSettings, RedisSettings, TelemetrySettings};
use stack::eventually;
use tokio::task::JoinHandle;

use crate::world::{SOON, World, room};

struct Worker {
    lifecycle: Lifecycle,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Worker {
    async fn start(world: &World, node: &str, cleanup: CleanupSettings) -> Self {
        let settings = Settings {
            redis: RedisSettings::new(&world.servers.redis_url()),
            amqp: AmqpSettings::new(&world.servers.amqp_url()),
            cleanup,
            lifecycle: LifecycleSettings::default(),
            telemetry: TelemetrySettings {
                node: Some(node.to_owned()),
                ..TelemetrySettings::default()
            },
        };
        let lifecycle = Lifecycle::new();
        let amqp = Amqp::connect(&settings.amqp).unwrap();
        let application = startup::build(settings, amqp, &lifecycle).await.unwrap();
        Self {
            lifecycle,
            task: tokio::spawn(application.run()),
        }
    }

    /// As SIGKILL does: nothing is given back.
    async fn die(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }

    async fn stop(self) {
        self.lifecycle.stop().cancel();
        let ended = tokio::time::timeout(SOON, self.task).await;
        ended.expect("the worker stops").unwrap().unwrap();
    }
}

/// Every second, with a lease of a second.
fn quick() -> CleanupSettings {
    CleanupSettings {
        interval: Duration::from_secs(1),
        retention: Keep::For(Duration::from_secs(60)),
        lease_ms: 1_000,
    }
}

async fn leads(world: &World, node: &str) {
    eventually(SOON, &format!("{node} leads"), async || {
        let leader = world.redis_cli(&["GET", CLEANUP_LEADER]).await;
        leader.starts_with(&format!("{node} "))
    })
    .await;
}

async fn an_idle_room_goes(world: &World) {
    world.list_long_ago(&room("idle")).await;
    eventually(SOON, "the idle room is gone", async || {
        world.rooms().await.is_empty()
    })
    .await;
}

#[tokio::test]
async fn cleans_up_soon_and_regularly() {
    let world = World::new().await;
    let worker = Worker::start(&world, "one", quick()).await;
    for _ in 0..3 {
        an_idle_room_goes(&world).await;
    }
    eventually(SOON, "the worker is ready", async || {
        worker.lifecycle.report().await.ready
    })
    .await;
    worker.stop().await;
}

#[tokio::test]
async fn another_takes_over_when_the_leader_dies_or_stops() {
    let world = World::new().await;
    // A leader that is only slow stays one.
    let settings = CleanupSettings {
        lease_ms: 6_000,
        ..quick()
    };
    let first = Worker::start(&world, "one", settings).await;
    leads(&world, "one").await;
    let second = Worker::start(&world, "two", settings).await;
    an_idle_room_goes(&world).await;
    leads(&world, "one").await;
    first.die().await;
    leads(&world, "two").await;
    an_idle_room_goes(&world).await;
    second.stop().await;
    let leader = world.redis_cli(&["EXISTS", CLEANUP_LEADER]).await;
    assert_eq!(leader, "0", "who stops gives the lease back");
}

#[tokio::test]
async fn goes_on_after_redis_was_away() {
    let mut world = World::new().await;
    let worker = Worker::start(&world, "one", quick()).await;
    an_idle_room_goes(&world).await;
    world.servers.redis.kill().await;
    eventually(SOON, "the worker is not ready", async || {
        !worker.lifecycle.report().await.ready
    })
    .await;
    world.servers.redis.restart().await.unwrap();
    an_idle_room_goes(&world).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_setting_that_will_not_do_ends_the_start() {
    let world = World::new().await;
    let settings = Settings {
        redis: RedisSettings::new(&world.servers.redis_url()),
        amqp: AmqpSettings::new(&world.servers.amqp_url()),
        cleanup: CleanupSettings {
            retention: Keep::For(Duration::from_secs(1)),
            ..CleanupSettings::default()
        },
        lifecycle: LifecycleSettings::default(),
        telemetry: TelemetrySettings::default(),
    };
    let amqp = Amqp::connect(&settings.amqp).unwrap();
    let error = startup::build(settings, amqp, &Lifecycle::new())
        .await
        .err();
    let error = error.unwrap().to_string();
    assert!(error.contains("PACKTCHAT__CLEANUP__RETENTION"), "{error}");
}
