use std::fs;

use models::log_record::LogLevel;
use stack::eventually;

use crate::world::{SOON, World, numbered, record};

#[tokio::test(flavor = "multi_thread")]
async fn all_records_are_in_one_file_and_errors_in_another_too() {
    let world = World::new().await;
    let worker = world.worker(world.settings("n1")).await;
    let levels = [
        (LogLevel::Debug, "debug"),
        (LogLevel::Info, "info"),
        (LogLevel::Warn, "warn"),
        (LogLevel::Error, "error"),
    ];
    world
        .publish(levels.map(|(level, name)| record(level, name)))
        .await;
    world
        .has_written("all-", &levels.map(|(_, name)| name.to_owned()))
        .await;
    world.has_written("error-", &["error".to_owned()]).await;
    assert!(world.files("all-")[0].ends_with(".n1.jsonl"));
    worker.stop().await;
    for queue in ["debug.log", "error.log", "dead.log"] {
        assert_eq!(world.in_queue(queue).await, 0, "{queue}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_dead_lettered_and_the_next_is_written() {
    let world = World::new().await;
    let worker = world.worker(world.settings("n1")).await;
    // Whoever publishes first declares the queues.
    world.publish([record(LogLevel::Info, "before")]).await;
    world.publish_raw("info.log", "no JSON").await;
    world.publish_raw("info.log", "{}").await;
    // This one is in both queues.
    world.publish_raw("error.log", "no JSON either").await;
    world.publish([record(LogLevel::Info, "after")]).await;
    let readable = ["before", "after"].map(str::to_owned);
    world.has_written("all-", &readable).await;
    eventually(
        SOON,
        "the unreadable are in the dead-letter queue",
        async || world.in_queue("dead.log").await == 4,
    )
    .await;
    worker.stop().await;
    assert_eq!(world.in_queue("debug.log").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_a_newer_version_keeps_what_this_one_does_not_know() {
    let world = World::new().await;
    let _worker = world.worker(world.settings("n1")).await;
    let body = "{\\\"ts\\\":1,\\\"level\\\":\\\"info\\\",\\n\\\"service\\\":\\\"x\\\",\\\"node\\\":\\\"x\\\",\
                \\\"target\\\":\\\"x\\\",\\\"message\\\":\\\"m\\\",\\\"new\\\":7}";
    world.publish([record(LogLevel::Info, "before")]).await;
    world.publish_raw("info.log", body).await;
    let messages = ["before", "m"].map(str::to_owned);
    world.has_written("all-", &messages).await;
    let file = world.dir().join(&world.files("all-")[0]);
    assert!(fs::read_to_string(file).unwrap().contains("\"new\":7"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_file_is_followed_by_another() {
    let world = World::new().await;
    let mut settings = world.settings("n1");
    settings.sink.max_file_bytes = 1_000;
    let _worker = world.worker(settings).await;
    let messages = numbered(50);
    world
        .publish(messages.iter().map(|text| record(LogLevel::Info, text)))
        .await;
    world.has_written("all-", &messages).await;
    let files = world.files("all-");
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        assert!(fs::metadata(world.dir().join(file)).unwrap().len() <= 1_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_files_go_when_the_total_is_reached() {
    let world = World::new().await;
    let mut settings = world.settings("n1");
    settings.sink.max_file_bytes = 1_000;
    settings.sink.max_total_bytes = 3_000;
    fs::create_dir_all(world.dir()).unwrap();
    fs::write(world.dir().join("all-2020-01-01.gone.jsonl"), "").unwrap();
    fs::write(world.dir().join("notes.txt"), "mine").unwrap();
    let _worker = world.worker(settings).await;
    world
        .publish(numbered(50).iter().map(|text| record(LogLevel::Info, text)))
        .await;
    eventually(SOON, "the last record is written", async || {
        let files = world.files("all-").into_iter();
        files
            .filter_map(|file| fs::read_to_string(world.dir().join(file)).ok())
            .any(|text| text.contains("message 49"))
    })
    .await;
    let total: u64 = world
        .files("all-")
        .iter()
        .map(|file| fs::metadata(world.dir().join(file)).unwrap().len())
        .sum();
    assert!(total <= 4_000, "{total}");
    assert_eq!(world.files("all-2020"), [""; 0]);
    assert_eq!(world.files("notes"), ["notes.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_workers_share_queues_and_directory() {
    let world = World::new().await;
    let first = world.worker(world.settings("n1")).await;
    let second = world.worker(world.settings("n2")).await;
    let messages = numbered(400);
    world
        .publish(messages.iter().map(|text| record(LogLevel::Error, text)))
        .await;
    world.has_written("all-", &messages).await;
    world.has_written("error-", &messages).await;
    for (queue, node) in [
        ("all", "n1"),
        ("all", "n2"),
        ("error", "n1"),
        ("error", "n2"),
    ] {
        let file = world
            .files(queue)
            .into_iter()
            .find(|file| file.contains(node));
        assert!(file.is_some(), "{queue} of {node}");
    }
    first.stop().await;
    second.stop().await;
}
