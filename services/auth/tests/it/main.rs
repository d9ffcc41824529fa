//! `auth` as the gateway meets it: over a real RabbitMQ, with a real database.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "also in functions that only tests call"
)]

mod change_password;
mod load;
mod outages;
mod process;
mod register;
mod secrecy;
mod verify;
mod world;
