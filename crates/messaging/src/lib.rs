#![doc = include_str!("../README.md")]

mod amqp;
mod backoff;
mod chats;
mod envelope;
mod invalid_url;
mod lease;
mod log_consumer;
mod log_publisher;
mod log_topology;
mod presence;
mod rate_limit;
mod redis;
mod retention;
mod rooms;
mod rpc_client;
mod rpc_server;
mod sessions;
mod subscriber;
mod unavailable;

pub use amqp::Amqp;
pub use chats::{Append, Chats, History};
pub use envelope::Envelope;
pub use invalid_url::InvalidUrl;
pub use lease::Lease;
pub use log_consumer::{LogQueue, LogSink, SinkError, consume_log};
pub use log_publisher::publish_log;
pub use presence::{Connection, Presence};
pub use rate_limit::RateLimit;
pub use redis::Redis;
pub use retention::{ListedRoom, Retention, RoomRemains, RoomsPage};
pub use rooms::Rooms;
pub use rpc_client::{RpcClient, RpcError};
pub use rpc_server::serve_rpc;
pub use sessions::Sessions;
pub use subscriber::{Published, Subscriber};
pub use unavailable::Unavailable;
