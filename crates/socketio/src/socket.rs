use std::{
    any::Any,
    cell::{Cell, RefCell},
    collections::VecDeque,
    fmt,
    rc::Rc,
    time::Duration,
};

use bytes::Bytes;
use engineioxide_core::Sid;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::{
    errors::{AckError, CloseReason, EncodeError},
    event::Ack,
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
    acks: RefCell<Acks>,
}

/// The acknowledgements a socket was asked for.
#[derive(Default)]
struct Acks {
    last_id: i64,
    waiting: Vec<(i64, oneshot::Sender<Ack>)>,
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
            acks: RefCell::default(),
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

    /// Sends an event and waits for the client to acknowledge it. Wait in a handler only if
    /// fewer events than [`Config::max_pending_events`](crate::Config::max_pending_events) may
    /// follow meanwhile: the client is not read while as many wait for their turn.
    ///
    /// # Errors
    /// When `data` cannot be serialized, the client does not answer within `timeout`, or the
    /// socket is disconnected.
    pub async fn emit_with_ack<T: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &T,
        timeout: Duration,
    ) -> Result<Ack, AckError> {
        self.ask(timeout, |id| {
            Frame::event_with_ack(self.namespace(), event, data, id)
        })
        .await
    }

    /// The same with arguments and attachments as an [`Event`](crate::Event) holds them.
    ///
    /// # Errors
    /// As [`emit_with_ack`](Self::emit_with_ack).
    pub async fn emit_parts_with_ack(
        &self,
        event: &str,
        args: &[Box<RawValue>],
        attachments: VecDeque<Bytes>,
        timeout: Duration,
    ) -> Result<Ack, AckError> {
        self.ask(timeout, |id| {
            Frame::event_parts_with_ack(self.namespace(), event, args, attachments, id)
        })
        .await
    }

    async fn ask(
        &self,
        timeout: Duration,
        frame: impl FnOnce(i64) -> Result<Frame, EncodeError>,
    ) -> Result<Ack, AckError> {
        let (waiting, answer) = self.expect_ack();
        let frame = frame(waiting.id)?;
        if self.0.phase.get() == Phase::Disconnected {
            return Err(AckError::Disconnected);
        }
        self.send(&frame);
        match tokio::time::timeout(timeout, answer).await {
            Ok(Ok(ack)) => Ok(ack),
            Ok(Err(_)) => Err(AckError::Disconnected),
            Err(_) => Err(AckError::Timeout),
        }
    }

    fn expect_ack(&self) -> (Waiting<'_>, oneshot::Receiver<Ack>) {
        let (sender, answer) = oneshot::channel();
        let mut acks = self.0.acks.borrow_mut();
        acks.last_id += 1;
        let id = acks.last_id;
        acks.waiting.push((id, sender));
        (Waiting { socket: self, id }, answer)
    }

    /// The client acknowledged an event. What nobody waits for (any more) is ignored.
    pub(crate) fn acknowledged(&self, id: i64, ack: Ack) {
        if let Some(sender) = self.0.acks.borrow_mut().take(id) {
            let _ = sender.send(ack);
        }
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
        self.0.acks.borrow_mut().waiting = Vec::new();
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

/// Forgets an acknowledgement nobody waits for any more.
struct Waiting<'a> {
    socket: &'a Socket,
    id: i64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.socket.0.acks.borrow_mut().take(self.id);
    }
}

impl Acks {
    fn take(&mut self, id: i64) -> Option<oneshot::Sender<Ack>> {
        let at = self
            .waiting
            .iter()
            .position(|(waiting, _)| *waiting == id)?;
        let (_, sender) = self.waiting.swap_remove(at);
        if self.waiting.is_empty() {
            self.waiting = Vec::new();
        }
        Some(sender)
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
