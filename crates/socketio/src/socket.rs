use std::{
    any::Any,
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
};

use engineioxide_core::Sid;
use serde::Serialize;

use crate::{
    errors::{CloseReason, EncodeError},
    frame::Frame,
    outbox::Outbox,
    rooms::Rooms,
};

/// A client in a namespace. Cloning is shallow; it stays on its worker thread.
#[derive(Clone)]
pub struct Socket(Rc<Inner>);

struct Inner {
    id: Sid,
    namespace: Rc<str>,
    outbox: Rc<Outbox>,
    rooms: Rooms,
    joined: RefCell<Vec<Rc<str>>>,
    phase: Cell<Phase>,
    /// Sent before the client was told that it is admitted; it gets them right after.
    held: RefCell<Vec<Frame>>,
    /// The application disconnected the socket.
    put_out: Cell<bool>,
    state: RefCell<Option<Rc<dyn Any>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connecting,
    Connected,
    Disconnected,
}

impl Socket {
    pub(crate) fn new(namespace: Rc<str>, outbox: Rc<Outbox>, rooms: Rooms) -> Self {
        Self(Rc::new(Inner {
            id: Sid::new(),
            namespace,
            outbox,
            rooms,
            joined: RefCell::default(),
            phase: Cell::new(Phase::Connecting),
            held: RefCell::default(),
            put_out: Cell::new(false),
            state: RefCell::new(None),
        }))
    }

    /// The socket's id, as the client reads it; another in each namespace and each connection.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.id.as_str()
    }

    /// The name of its namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// Whether the client was admitted and has not left since.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.0.phase.get() == Phase::Connected
    }

    /// Sends an event to this client; see [`Frame::event`] for what `data` becomes. To many
    /// receivers, encode a [`Frame`] once instead.
    ///
    /// # Errors
    /// When `data` cannot be serialized.
    pub fn emit<T: Serialize + ?Sized>(&self, event: &str, data: &T) -> Result<(), EncodeError> {
        self.send(&Frame::event(self.namespace(), event, data)?);
        Ok(())
    }

    /// Sends a frame, made for this socket's namespace, to this client. Never waits; sends
    /// nothing once the socket is disconnected; a client that lets too much pile up is
    /// disconnected.
    pub fn send(&self, frame: &Frame) {
        match self.0.phase.get() {
            Phase::Connected => self.0.outbox.push(frame.clone()),
            Phase::Connecting => {
                self.0.held.borrow_mut().push(frame.clone());
                if self.0.held.borrow().len() > self.0.outbox.max_frames() {
                    self.close_connection(CloseReason::SlowReader);
                }
            }
            Phase::Disconnected => {}
        }
    }

    /// Puts the client out of the namespace, which stock clients take as final, and with `close`
    /// ends its whole connection.
    pub fn disconnect(&self, close: bool) {
        self.0.put_out.set(true);
        self.tell_put_out();
        if close {
            self.close_connection(CloseReason::ServerClosed);
        } else {
            self.0.outbox.nudge();
        }
    }

    /// Ends the whole connection for this reason, without a word to the namespaces, so that
    /// stock clients come back by themselves.
    pub fn close_connection(&self, reason: CloseReason) {
        self.0.outbox.ask_to_close(reason);
    }

    /// Joins a room of its namespace; joining twice is joining once.
    pub fn join(&self, room: &str) {
        if self.0.phase.get() == Phase::Disconnected {
            return;
        }
        let mut joined = self.0.joined.borrow_mut();
        if !joined.iter().any(|name| **name == *room) {
            joined.push(self.0.rooms.join(room, self));
        }
    }

    /// Leaves a room; without effect when it is not in it.
    pub fn leave(&self, room: &str) {
        let mut joined = self.0.joined.borrow_mut();
        if let Some(at) = joined.iter().position(|name| **name == *room) {
            joined.swap_remove(at);
            self.0.rooms.leave(room, self);
        }
    }

    /// Leaves all rooms.
    pub fn leave_all(&self) {
        for room in self.0.joined.take() {
            self.0.rooms.leave(&room, self);
        }
    }

    /// Keeps something of the application's with this socket, instead of what was kept before.
    pub fn set_state<T: 'static>(&self, state: Rc<T>) {
        *self.0.state.borrow_mut() = Some(state);
    }

    /// What [`set_state`](Self::set_state) keeps, if it is a `T`.
    #[must_use]
    pub fn state<T: 'static>(&self) -> Option<Rc<T>> {
        self.0.state.borrow().clone()?.downcast().ok()
    }

    pub(crate) fn sid(&self) -> Sid {
        self.0.id
    }

    /// The client is admitted and `connect` is the frame that tells it so.
    pub(crate) fn admitted(&self, connect: Frame) {
        self.0.outbox.push(connect);
        for frame in self.0.held.take() {
            self.0.outbox.push(frame);
        }
        self.0.phase.set(Phase::Connected);
        self.0.rooms.add(self);
        if self.0.put_out.get() {
            self.tell_put_out();
        }
    }

    /// The client is gone or was refused: it leaves its rooms and is sent nothing any more.
    pub(crate) fn disconnected(&self) {
        self.0.phase.set(Phase::Disconnected);
        self.0.held.take();
        self.leave_all();
        self.0.rooms.remove(self);
    }

    /// Whether the application put an admitted client out.
    pub(crate) fn is_put_out(&self) -> bool {
        self.0.put_out.get()
    }

    /// Sends DISCONNECT and disconnects, if the client was admitted; one that is still
    /// connecting is told after its admission.
    pub(crate) fn tell_put_out(&self) {
        if self.is_connected() {
            self.send(&Frame::disconnect(self.namespace()));
            self.disconnected();
        }
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the id, which would end up in logs.
        f.debug_struct("Socket")
            .field("namespace", &self.0.namespace)
            .field("phase", &self.0.phase.get())
            .finish_non_exhaustive()
    }
}
