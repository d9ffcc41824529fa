//! A real server on a free port and real WebSocket clients.

// clippy.toml allows these in test functions; here the whole binary is a test.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod client;
mod server;

mod connecting;
mod events;
mod limits;
mod polling;
mod stopping;
