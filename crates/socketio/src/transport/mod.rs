//! What carries a [`Connection`](crate::connection::Connection).

mod decoder;
mod tcp;
pub(crate) mod websocket;

pub use tcp::on_connect;
