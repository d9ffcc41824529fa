//! Starts a Redis and a RabbitMQ in a directory, prints RabbitMQ's settings as one line of JSON,
//! and stops both at the end of its standard input: `servers DIRECTORY`. `scripts/test` shares
//! the RabbitMQ between all test processes.
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

use std::io::{self, Read, Write};
use std::path::PathBuf;

use anyhow::Context;
use stack::{Durability, RabbitMq, Redis};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let dir: PathBuf = std::env::args_os()
        .nth(1)
        .context("the directory for the servers is missing")?
        .into();
    let redis_dir = dir.join("redis");
    std::fs::create_dir_all(&redis_dir)?;
    let redis = Redis::start(&redis_dir, Durability::None).await?;
    let rabbitmq = RabbitMq::start(&dir.join("rabbitmq")).await?;
    println!("{}", serde_json::to_string(rabbitmq.config())?);
    io::stdout().flush()?;
    tokio::task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new())).await??;
    rabbitmq.stop().await;
    redis.stop().await;
    Ok(())
}
