//! One member of the crowd: reads until the connection ends.
//!
//! This is the hot path of the generator, which shares the cores with the servers it measures:
//! one read of whatever has come, into a buffer all connections share, and no allocation for a
//! delivery. A connection keeps nothing but the front of a frame whose rest has not come.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::tcp::OwnedReadHalf;

use super::clock::now_ns;
use super::frame::{self, Frame};
use super::shared::{SCRATCH_BYTES, Shared};

/// Longest frame; half of the shared buffer, so that one and what follows it fit.
const MAX_FRAME: usize = SCRATCH_BYTES / 2;

/// A connection in its room.
pub(crate) struct Connection {
    number: usize,
    shared: Rc<Shared>,
    reader: OwnedReadHalf,
    /// The front of a frame whose rest has not come.
    partial: Vec<u8>,
}

impl Connection {
    /// The connection of member `number`; `partial` has been read already.
    pub(crate) fn new(
        number: usize,
        shared: Rc<Shared>,
        reader: OwnedReadHalf,
        partial: Vec<u8>,
    ) -> Connection {
        Connection {
            number,
            shared,
            reader,
            partial,
        }
    }

    /// Reads until the connection ends, and tells the others why it did.
    pub(crate) async fn run(mut self) {
        let early = std::mem::take(&mut self.partial);
        let mut result = self.take(&early);
        while result.is_ok() {
            result = self.receive().await;
        }
        if let Err(why) = result {
            self.shared.ended(self.number, why);
        }
    }

    /// Waits for bytes and handles every whole frame among them.
    ///
    /// # Errors
    /// With the reason when the connection has ended.
    pub(crate) async fn receive(&mut self) -> Result<(), String> {
        poll_fn(|context| self.poll_receive(context)).await
    }

    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Result<(), String>> {
        let shared = self.shared.clone();
        let mut scratch = shared.scratch.borrow_mut();
        let kept = self.partial.len();
        scratch[..kept].copy_from_slice(&self.partial);
        let mut buffer = ReadBuf::new(&mut scratch[kept..]);
        ready!(Pin::new(&mut self.reader).poll_read(context, &mut buffer))
            .map_err(|error| format!("reading failed: {error}"))?;
        let count = buffer.filled().len();
        if count == 0 {
            return Poll::Ready(Err("the server closed the connection".to_owned()));
        }
        self.partial.clear();
        Poll::Ready(self.take(&scratch[..kept + count]))
    }

    fn take(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        let at_ns = now_ns();
        while let Some(frame) = frame::decode(bytes)? {
            bytes = &bytes[frame.len..];
            self.handle(&frame, at_ns)?;
        }
        if bytes.len() > MAX_FRAME {
            return Err(format!("a frame of more than {MAX_FRAME} bytes"));
        }
        self.partial.extend_from_slice(bytes);
        Ok(())
    }

    fn handle(&self, frame: &Frame<'_>, at_ns: u64) -> Result<(), String> {
        let shared = &self.shared;
        match (frame.opcode, frame.payload) {
            (frame::TEXT, [b'4', ..]) => shared.packet(self.number, frame.payload, at_ns),
            (frame::TEXT, b"2") => {
                shared.heartbeats.set(shared.heartbeats.get() + 1);
                shared.write(self.number, frame::TEXT, b"3")
            }
            (frame::TEXT, [b'1', ..]) => Err("the server closed the session".to_owned()),
            (frame::TEXT, _) | (frame::PONG, _) => Ok(()),
            (frame::PING, payload) => shared.write(self.number, frame::PONG, payload),
            (frame::CLOSE, payload) => Err(format!(
                "the server closed the connection: {}",
                frame::close_reason(payload)
            )),
            (frame::BINARY, _) => Err("a binary message".to_owned()),
            (opcode, _) => Err(format!("a frame with opcode {opcode}")),
        }
    }
}
