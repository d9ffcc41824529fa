#![doc = include_str!("../README.md")]

mod config;
mod connection;
mod errors;
mod event;
mod frame;
mod handshake;
mod heartbeat;
mod member;
mod namespace;
mod outbox;
mod rooms;
mod server;
mod session;
mod socket;
mod transport;

pub use config::Config;
pub use errors::{CloseReason, ConnectError, DisconnectReason, EncodeError};
pub use event::{AckSender, Event};
pub use frame::Frame;
pub use handshake::HandshakeData;
pub use namespace::Namespace;
pub use rooms::Rooms;
pub use server::{ConnectionCount, SocketIo, SocketIoBuilder};
pub use socket::Socket;
pub use transport::on_connect;
