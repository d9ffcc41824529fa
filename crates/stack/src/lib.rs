#![doc = include_str!("../README.md")]

pub mod child;
pub mod haproxy;
mod lock;
pub mod ports;
mod postgres;
pub mod private_file;
pub mod probe;
pub mod process;
pub mod programs;
pub mod rabbitmq;
pub mod redis;
mod sentinels;
pub mod service;
mod stack;
mod state;
mod supervisor;
mod tcp_proxy;
mod test_process;
mod test_servers;
mod tools;
mod wait;

pub use crate::lock::Lock;
pub use crate::postgres::Postgres;
pub use crate::rabbitmq::{RabbitMq, RabbitMqConfig};
pub use crate::redis::{Durability, Redis};
pub use crate::sentinels::Sentinels;
pub use crate::service::Service;
pub use crate::stack::{ORPHANS_PATIENCE, Stack, StackConfig};
pub use crate::state::{RunningProcess, State};
pub use crate::supervisor::{Event, Observer};
pub use crate::tcp_proxy::TcpProxy;
pub use crate::test_process::TestProcess;
pub use crate::test_servers::{QueueDepth, SHARED_RABBITMQ, TestServers, postgres_database};
pub use crate::wait::{eventually, wait_until};
