//! The cleanup-worker on a real Redis.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "also in functions that only tests call"
)]

mod lease;
mod retention;
mod worker;
mod world;
