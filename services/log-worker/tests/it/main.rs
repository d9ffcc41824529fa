//! The log-worker on a real RabbitMQ, with real files.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "also in functions that only tests call"
)]

mod outages;
mod process;
mod records;
mod world;
