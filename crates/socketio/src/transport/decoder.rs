use actix_http::ws::{OpCode, Parser, ProtocolError};
use bytes::{Bytes, BytesMut};

use crate::errors::Violation;

/// The longest header of a client's frame, in bytes.
const MAX_HEADER: usize = 14;

/// A message of a client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// Not yet known to be UTF-8.
    Text(Bytes),
    Binary(Bytes),
    Ping(Bytes),
    Close,
}

/// Turns the bytes a client sends into messages, putting fragments together. Holds at most one
/// chunk, one frame and the fragments of one message, the latter two no larger than the limit.
#[derive(Debug)]
pub(crate) struct Decoder {
    max_message: usize,
    bytes: BytesMut,
    /// The message whose fragments are arriving, and the kind of its first.
    fragments: Option<(OpCode, BytesMut)>,
}

impl Decoder {
    pub(crate) fn new(max_message: usize) -> Self {
        Self {
            max_message,
            bytes: BytesMut::new(),
            fragments: None,
        }
    }

    /// More bytes arrived.
    pub(crate) fn feed(&mut self, chunk: Bytes) {
        if self.bytes.is_empty() {
            self.bytes = chunk.into();
        } else {
            self.bytes.extend_from_slice(&chunk);
        }
    }

    /// The next message, or `None` until there are more bytes.
    pub(crate) fn next(&mut self) -> Result<Option<Message>, Violation> {
        self.decode().map_err(Violation::Frame)
    }

    fn decode(&mut self) -> Result<Option<Message>, ProtocolError> {
        while !self.bytes.is_empty() {
            let Some((finished, kind, payload)) =
                Parser::parse(&mut self.bytes, true, self.max_message)?
            else {
                // The parser looks at the length of a frame only when the frame is complete.
                if self.bytes.len() > self.max_message + MAX_HEADER {
                    return Err(ProtocolError::Overflow);
                }
                return Ok(None);
            };
            let payload = payload.unwrap_or_default();
            match kind {
                OpCode::Text | OpCode::Binary => {
                    if self.fragments.is_some() {
                        return Err(ProtocolError::ContinuationStarted);
                    }
                    if finished {
                        return Ok(Some(data(kind, payload)));
                    }
                    self.fragments = Some((kind, payload));
                }
                OpCode::Continue => {
                    let Some((kind, mut message)) = self.fragments.take() else {
                        return Err(ProtocolError::ContinuationNotStarted);
                    };
                    if message.len() + payload.len() > self.max_message {
                        return Err(ProtocolError::Overflow);
                    }
                    message.extend_from_slice(&payload);
                    if finished {
                        return Ok(Some(data(kind, message)));
                    }
                    self.fragments = Some((kind, message));
                }
                _ if !finished => return Err(ProtocolError::ContinuationFragment(kind)),
                OpCode::Ping => return Ok(Some(Message::Ping(payload.freeze()))),
                OpCode::Pong => {}
                OpCode::Close => {
                    Parser::try_parse_close_payload(&payload)?;
                    return Ok(Some(Message::Close));
                }
                OpCode::Bad => return Err(ProtocolError::BadOpCode),
            }
        }
        // Gives back the chunk, which an idle connection would go on holding.
        self.bytes = BytesMut::new();
        Ok(None)
    }
}

fn data(kind: OpCode, payload: BytesMut) -> Message {
    if kind == OpCode::Text {
        Message::Text(payload.freeze())
    } else {
        Message::Binary(payload.freeze())
    }
}
