use std::{future::Future, rc::Rc};

use futures_util::future::{FutureExt, LocalBoxFuture};
use serde_json::value::RawValue;

use crate::{
    errors::{ConnectError, DisconnectReason},
    event::Event,
    handshake::HandshakeData,
    socket::Socket,
};

/// What an application does with the sockets of one namespace.
///
/// One value per worker thread serves all sockets of that thread; nothing has to be `Send`. The
/// futures of one socket run one after another, those of different sockets interleave. They are
/// never dropped half-way: when the connection ends, the one that runs comes to its end, the
/// events that had arrived are handled, then `disconnect` runs. So a handler that waits for
/// something needs a deadline of its own. A handler that panics ends its connection only.
pub trait Namespace: 'static {
    /// A client asks to join; `auth` is the object it gave, if any.
    ///
    /// The socket may already join rooms and be sent to; it gets all that after the admission.
    ///
    /// # Errors
    /// Refuses the client, which reads the reason in its `connect_error`; then no other method
    /// is called for this socket.
    fn connect(
        &self,
        socket: &Socket,
        request: &HandshakeData,
        auth: Option<Box<RawValue>>,
    ) -> impl Future<Output = Result<(), ConnectError>>;

    /// The client sent an event.
    fn event(&self, socket: &Socket, event: Event) -> impl Future<Output = ()>;

    /// The socket is disconnected and has left its rooms. Called exactly once for every socket
    /// whose `connect` succeeded.
    fn disconnect(&self, socket: &Socket, reason: DisconnectReason) -> impl Future<Output = ()>;
}

/// [`Namespace`] as the connections hold it, of whatever type it is.
pub(crate) trait Handler {
    fn connect(
        self: Rc<Self>,
        socket: Socket,
        request: Rc<HandshakeData>,
        auth: Option<Box<RawValue>>,
    ) -> LocalBoxFuture<'static, Result<(), ConnectError>>;

    fn event(self: Rc<Self>, socket: Socket, event: Event) -> LocalBoxFuture<'static, ()>;

    fn disconnect(
        self: Rc<Self>,
        socket: Socket,
        reason: DisconnectReason,
    ) -> LocalBoxFuture<'static, ()>;
}

impl<N: Namespace> Handler for N {
    fn connect(
        self: Rc<Self>,
        socket: Socket,
        request: Rc<HandshakeData>,
        auth: Option<Box<RawValue>>,
    ) -> LocalBoxFuture<'static, Result<(), ConnectError>> {
        async move { Namespace::connect(&*self, &socket, &request, auth).await }.boxed_local()
    }

    fn event(self: Rc<Self>, socket: Socket, event: Event) -> LocalBoxFuture<'static, ()> {
        async move { Namespace::event(&*self, &socket, event).await }.boxed_local()
    }

    fn disconnect(
        self: Rc<Self>,
        socket: Socket,
        reason: DisconnectReason,
    ) -> LocalBoxFuture<'static, ()> {
        async move { Namespace::disconnect(&*self, &socket, reason).await }.boxed_local()
    }
}
