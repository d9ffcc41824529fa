//! What carries a [`Connection`](crate::connection::Connection): thin shells around TCP streams
//! and HTTP requests.

mod decoder;
pub(crate) mod http;
mod polling;
mod task;
mod upgrade;
mod websocket;

pub(crate) use polling::Visit;
pub(crate) use upgrade::upgrade;
