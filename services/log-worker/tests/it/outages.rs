use std::{fs, os::unix::fs::symlink};

use models::log_record::LogLevel;
use stack::{TcpProxy, eventually};
use time::{Duration, OffsetDateTime};

use crate::world::{SOON, World, record};

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_after_the_broker_was_away() {
    let world = World::new().await;
    let mut proxy = TcpProxy::start(&world.servers.amqp_url()).await.unwrap();
    let mut settings = world.settings("n1");
    settings.amqp.url = proxy.url().into();
    let worker = world.worker(settings).await;
    world.publish([record(LogLevel::Info, "before")]).await;
    world.has_written("all-", &["before".to_owned()]).await;
    // What is written and not acknowledged yet would be delivered and written again.
    eventually(SOON, "it is acknowledged", async || {
        world.in_queue("debug.log").await == 0
    })
    .await;
    proxy.cut().await;
    world.publish([record(LogLevel::Info, "meanwhile")]).await;
    assert_eq!(world.in_queue("debug.log").await, 1);
    proxy.resume().await.unwrap();
    world
        .has_written("all-", &["before".to_owned(), "meanwhile".to_owned()])
        .await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_wait_in_the_queue_while_the_disk_is_full() {
    let world = World::new().await;
    fs::create_dir_all(world.dir()).unwrap();
    let today = OffsetDateTime::now_utc().date();
    // Tomorrow's too, for a test at midnight.
    let full = [today, today + Duration::days(1)]
        .map(|day| world.dir().join(format!("all-{day}.n1.jsonl")));
    for path in &full {
        symlink("/dev/full", path).unwrap();
    }
    let worker = world.worker(world.settings("n1")).await;
    world.publish([record(LogLevel::Error, "patient")]).await;
    eventually(SOON, "the worker says that it cannot write", async || {
        let report = worker.lifecycle.report().await;
        report.checks["all"].contains("No space left")
    })
    .await;
    world.has_written("error-", &["patient".to_owned()]).await;
    assert_eq!(world.in_queue("debug.log").await, 1);
    for path in &full {
        fs::remove_file(path).unwrap();
    }
    world.has_written("all-", &["patient".to_owned()]).await;
    worker.is_ready().await;
    worker.stop().await;
    assert_eq!(world.in_queue("debug.log").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_worker_leaves_what_it_has_not_written_in_the_queue() {
    let world = World::new().await;
    let worker = world.worker(world.settings("n1")).await;
    worker.stop().await;
    world.publish([record(LogLevel::Info, "later")]).await;
    assert_eq!(world.in_queue("debug.log").await, 1);
    let _worker = world.worker(world.settings("n1")).await;
    world.has_written("all-", &["later".to_owned()]).await;
}
