//! Nodes of chat-realtime against a real Redis and a real RabbitMQ, with WebSocket clients.

// clippy.toml allows these in test functions; here the whole binary is a test.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod client;
mod http;
mod redis;
mod slow_link;
mod world;

mod admission;
mod chats;
mod cost;
mod draining;
mod heartbeats;
mod history;
mod keys;
mod origins;
mod outages;
mod overload;
mod people;
mod rate_limit;
mod refusals;
mod replies;
mod rooms;
mod sessions;
