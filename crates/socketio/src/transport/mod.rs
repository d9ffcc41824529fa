//! What carries a [`Connection`](crate::connection::Connection): thin shells around TCP streams
//! and HTTP requests.

pub(crate) mod decoder;
pub(crate) mod http;
pub(crate) mod polling;
mod task;
mod upgrade;
mod websocket;

pub(crate) use polling::Visit;
pub(crate) use upgrade::upgrade;
