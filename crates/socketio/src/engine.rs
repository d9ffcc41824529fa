use std::rc::Rc;

use bytes::Bytes;

use crate::{frame::Frame, outbox::Outbox};

/// A message of Engine.IO, the layer below Socket.IO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineMessage {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

/// A connection that speaks bare Engine.IO: see
/// [`SocketIoBuilder::engine`](crate::SocketIoBuilder::engine).
#[derive(Clone, Debug)]
pub struct EngineSocket(Rc<Outbox>);

impl EngineSocket {
    pub(crate) fn new(outbox: Rc<Outbox>) -> Self {
        Self(outbox)
    }

    /// Sends a message to the client; never waits, like [`Socket::send`](crate::Socket::send).
    pub fn send(&self, message: &EngineMessage) {
        self.0.push(match message {
            EngineMessage::Text(text) => Frame::engine_text(text),
            EngineMessage::Binary(bytes) => Frame::engine_binary(bytes),
        });
    }
}
