//! One socket of a connection and the work of its handler: connect, then events one after
//! another, then disconnect.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    task::{Context, Poll},
};

use futures_util::future::{FutureExt, LocalBoxFuture};
use serde_json::value::RawValue;

use crate::{
    errors::{CloseReason, ConnectError, DisconnectReason},
    event::Event,
    handshake::HandshakeData,
    namespace::Handler,
    socket::Socket,
};

pub(crate) struct Member {
    namespace: usize,
    handler: Rc<dyn Handler>,
    socket: Socket,
    /// Events that wait for the one before them.
    inbox: VecDeque<Event>,
    /// The size of their arguments and attachments.
    inbox_bytes: usize,
    work: Work,
    ended: Option<DisconnectReason>,
}

enum Work {
    Connect(LocalBoxFuture<'static, Result<(), ConnectError>>),
    Event(LocalBoxFuture<'static, ()>),
    Disconnect(LocalBoxFuture<'static, ()>),
    /// Admitted, and nothing to do.
    Idle,
    /// Nothing will be done any more.
    Done,
}

/// What came of a piece of work.
#[derive(Debug)]
pub(crate) enum Outcome {
    Admitted,
    Refused(ConnectError),
    Handled,
    Panicked,
    /// Nothing will follow.
    Done,
}

impl Member {
    /// A socket whose namespace is being asked to admit it.
    pub(crate) fn connect(
        namespace: usize,
        handler: Rc<dyn Handler>,
        socket: Socket,
        request: Rc<HandshakeData>,
        auth: Option<Box<RawValue>>,
    ) -> Self {
        let connect = handler.clone().connect(socket.clone(), request, auth);
        Self {
            namespace,
            handler,
            socket,
            inbox: VecDeque::new(),
            inbox_bytes: 0,
            work: Work::Connect(connect),
            ended: None,
        }
    }

    pub(crate) fn namespace(&self) -> usize {
        self.namespace
    }

    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Whether the application put the socket out and that has not been acted on.
    pub(crate) fn is_put_out(&self) -> bool {
        self.socket.is_put_out() && !self.has_ended() && !matches!(self.work, Work::Connect(_))
    }

    /// Whether fewer than this many events and bytes wait.
    pub(crate) fn has_room(&self, events: usize, bytes: usize) -> bool {
        self.inbox.len() < events && self.inbox_bytes < bytes
    }

    pub(crate) fn receive(&mut self, event: Event) {
        self.inbox_bytes += event.size();
        self.inbox.push_back(event);
    }

    /// The socket is disconnected; the first reason counts. What the client said before is
    /// handled, unless the server no longer wants to hear it.
    pub(crate) fn end(&mut self, reason: DisconnectReason) {
        if self.has_ended() {
            return;
        }
        self.socket.disconnected();
        if matches!(
            reason,
            DisconnectReason::ServerLeft
                | DisconnectReason::Closed(
                    CloseReason::ServerClosed | CloseReason::HandlerPanicked
                )
        ) {
            self.forget_events();
        }
        self.ended = Some(reason);
    }

    /// Begins the next piece of work if none runs, and gives it a turn.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        if matches!(self.work, Work::Idle) {
            self.begin_next();
        }
        // A handler's own state may be broken after a panic, which is why the connection is
        // closed then; no state of this crate is borrowed below.
        let polled = catch_unwind(AssertUnwindSafe(|| self.work.poll(cx)));
        let (outcome, next) = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(outcome)) => {
                let done = matches!(outcome, Outcome::Refused(_) | Outcome::Done);
                (outcome, if done { Work::Done } else { Work::Idle })
            }
            // A goodbye is owed to those who were admitted, and once.
            Err(_) if matches!(self.work, Work::Event(_)) => {
                self.forget_events();
                (Outcome::Panicked, Work::Idle)
            }
            Err(_) => (Outcome::Panicked, Work::Done),
        };
        self.work = next;
        Poll::Ready(outcome)
    }

    fn forget_events(&mut self) {
        self.inbox.clear();
        self.inbox_bytes = 0;
    }

    fn begin_next(&mut self) {
        let handler = self.handler.clone();
        if let Some(event) = self.inbox.pop_front() {
            self.inbox_bytes -= event.size();
            self.work = Work::Event(handler.event(self.socket.clone(), event));
        } else if let Some(reason) = self.ended {
            self.work = Work::Disconnect(handler.disconnect(self.socket.clone(), reason));
        }
    }
}

impl Work {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        match self {
            Self::Connect(future) => future.poll_unpin(cx).map(|result| match result {
                Ok(()) => Outcome::Admitted,
                Err(error) => Outcome::Refused(error),
            }),
            Self::Event(future) => future.poll_unpin(cx).map(|()| Outcome::Handled),
            Self::Disconnect(future) => future.poll_unpin(cx).map(|()| Outcome::Done),
            Self::Idle => Poll::Pending,
            Self::Done => Poll::Ready(Outcome::Done),
        }
    }
}
