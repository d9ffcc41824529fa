use std::{any::Any, time::Duration};

use actix_web::{dev::Extensions, rt::net::TcpStream};
use socket2::SockRef;

/// Prepares TCP connections for this server; for
/// [`HttpServer::on_connect`](actix_web::HttpServer::on_connect).
///
/// Frames leave without delay, and a peer that takes no bytes for `stall_limit` while some wait
/// for it is cut off by the operating system. actix-web itself waits for ever for such a peer,
/// even when the connection has been closed for it; so without this, peers that never read hold
/// sockets and buffers until they go. The ping timeout is a good limit.
pub fn on_connect(
    stall_limit: Duration,
) -> impl Fn(&dyn Any, &mut Extensions) + Clone + Send + Sync + 'static {
    move |connection, _| {
        if let Some(stream) = connection.downcast_ref::<TcpStream>() {
            let prepared = stream
                .set_nodelay(true)
                .and_then(|()| SockRef::from(stream).set_tcp_user_timeout(Some(stall_limit)));
            if let Err(error) = prepared {
                tracing::debug!(%error, "a TCP connection could not be prepared");
            }
        }
    }
}
