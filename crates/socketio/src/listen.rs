use std::{fmt::Debug, io, net::TcpListener, time::Duration};

use actix_http::{HttpService, Request, Response};
use actix_server::ServerBuilder;
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_service, map_config,
};
use actix_web::{Error, body::MessageBody, dev::AppConfig, rt::net::TcpStream};
use socket2::SockRef;

use crate::{server::SocketIo, transport::upgrade};

/// How long a client may take to send the head of a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may be without a request. Longer than load balancers keep one, so that
/// none is closed just when it is used again.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Bytes the operating system takes for a client that does not read, beyond what is on its way;
/// by itself it would take some megabytes for each.
const MAX_UNSENT: u32 = 128 * 1024;

/// Adds a listener to an actix server: the WebSockets and the polling requests that arrive there
/// go to a [`SocketIo`], everything else to the application beside it. `factory` makes both, once
/// on each worker thread; the application includes [`SocketIo::configure`].
///
/// This stands in for [`HttpServer`](actix_web::HttpServer), because a WebSocket's TCP stream is
/// taken over from actix here: an idle one holds no buffers, and fan-out writes to it directly.
/// Connections leave without delay, and a peer that takes no bytes for
/// [`Config::ping_timeout`](crate::Config::ping_timeout) while some wait for it is cut off by
/// the operating system.
///
/// # Errors
/// When the listener cannot be used.
pub fn listen<F, A, S, B>(
    server: ServerBuilder,
    listener: TcpListener,
    factory: F,
) -> io::Result<ServerBuilder>
where
    F: Fn() -> (SocketIo, A) + Send + Clone + 'static,
    A: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let address = listener.local_addr()?;
    server.listen(format!("socket.io {address}"), listener, move || {
        let (io, application) = factory();
        let stall_limit = io.0.hub().config().ping_timeout;
        let application = application
            .into_factory()
            .map_err(|error| error.into().error_response());
        HttpService::build()
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(REQUEST_TIMEOUT)
            // A connection that is done with is closed at once.
            .client_disconnect_timeout(Duration::ZERO)
            // A request whose client is gone ends, which its session has to know.
            .h1_allow_half_closed(false)
            .local_addr(address)
            .on_connect_ext(move |stream, _| prepare(stream, stall_limit))
            .upgrade(fn_service(move |(request, framed)| {
                let upgraded = upgrade(io.clone(), request, framed);
                async move {
                    upgraded.await;
                    Ok::<_, Error>(())
                }
            }))
            .finish(map_config(application, |()| AppConfig::default()))
            .tcp()
    })
}

fn prepare(stream: &TcpStream, stall_limit: Duration) {
    let socket = SockRef::from(stream);
    let prepared = stream
        .set_nodelay(true)
        .and_then(|()| socket.set_tcp_user_timeout(Some(stall_limit)))
        .and_then(|()| socket.set_tcp_notsent_lowat(MAX_UNSENT));
    if let Err(error) = prepared {
        tracing::debug!(%error, "a TCP connection could not be prepared");
    }
}
