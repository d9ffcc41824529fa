#![doc = include_str!("../README.md")]

mod config;
mod connection;
mod engine;
mod errors;
mod event;
mod flusher;
mod frame;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod handshake;
mod heartbeat;
mod hub;
mod listen;
mod member;
mod namespace;
mod outbox;
mod pace;
#[cfg(test)]
mod properties;
mod rooms;
mod server;
mod session;
mod socket;
mod transport;

pub use config::{Config, Cors, Transports};
pub use engine::{EngineMessage, EngineSocket};
pub use errors::{AckError, CloseReason, ConnectError, DisconnectReason, EncodeError};
pub use event::{Ack, AckSender, Event};
pub use frame::Frame;
pub use handshake::HandshakeData;
pub use hub::Hub;
pub use listen::listen;
pub use namespace::Namespace;
pub use rooms::Rooms;
pub use server::{SocketIo, SocketIoBuilder};
pub use socket::Socket;
