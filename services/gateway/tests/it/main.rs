//! The gateway against a real Redis, a real RabbitMQ and the real `auth`.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "also in functions that only tests call"
)]

mod abuse;
mod account;
mod accounts;
mod browser;
mod csrf;
mod dist;
mod headers;
mod lifecycle;
mod outages;
mod pages;
mod providers;
mod sessions;
mod static_files;
mod username;
mod world;
