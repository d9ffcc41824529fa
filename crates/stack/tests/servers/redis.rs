use stack::{Durability, Redis};

use crate::ask_redis;

#[tokio::test]
async fn starts_on_a_free_port_and_stops() {
    let dir = tempfile::tempdir().unwrap();
    let redis = Redis::start(dir.path(), Durability::None).await.unwrap();
    assert_eq!(ask_redis(redis.port(), "PING").await.unwrap(), "+PONG");
    assert!(redis.url().contains(&redis.port().to_string()));
    redis.stop().await;
    assert!(ask_redis(redis.port(), "PING").await.is_err());
}

#[tokio::test]
async fn durable_data_survives_a_kill_and_other_data_does_not() {
    for (durability, expected) in [(Durability::EverySecond, ":1"), (Durability::None, ":0")] {
        let dir = tempfile::tempdir().unwrap();
        let mut redis = Redis::start(dir.path(), durability).await.unwrap();
        ask_redis(redis.port(), "SET key value").await.unwrap();
        redis.kill().await;
        redis.restart().await.unwrap();
        assert_eq!(
            ask_redis(redis.port(), "EXISTS key").await.unwrap(),
            expected
        );
    }
}

#[tokio::test]
async fn a_server_that_cannot_start_shows_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let redis = Redis::start(dir.path(), Durability::None).await.unwrap();
    let config = stack::redis::RedisConfig {
        dir: dir.path().join("second"),
        port: redis.port(),
        durability: Durability::None,
        password: None,
        replica_of: None,
        log: dir.path().join("second.log"),
    };
    // The probe would be answered by the first server, so wait for the end of the second.
    let process = stack::process::Process::spawn(config.prepare().unwrap()).unwrap();
    process.child().ended().await.unwrap();
    assert!(stack::process::tail(&config.log).contains("in use"));
}

#[tokio::test]
async fn a_password_is_needed_where_one_is_set() {
    let dir = tempfile::tempdir().unwrap();
    let config = stack::redis::RedisConfig {
        dir: dir.path().to_owned(),
        port: stack::ports::free_port().unwrap(),
        durability: Durability::None,
        password: Some("secret".into()),
        replica_of: None,
        log: dir.path().join("redis.log"),
    };
    let redis = Redis::start_with(config).await.unwrap();
    let answer = ask_redis(redis.port(), "PING").await.unwrap();
    assert!(answer.starts_with("-NOAUTH"), "{answer}");
}
