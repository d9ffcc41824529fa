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
    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        self.bytes.extend_from_slice(chunk);
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

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 1_000;
    const FIN: u8 = 0x80;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 4];
        let mut frame = vec![first];
        match payload.len() {
            length @ 0..=125 => frame.push(0x80 | length as u8),
            length => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&(length as u16).to_be_bytes());
            }
        }
        frame.extend_from_slice(&mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m));
        frame
    }

    fn decode(bytes: &[u8]) -> Result<Vec<Message>, ProtocolError> {
        let mut decoder = Decoder::new(MAX);
        decoder.feed(bytes);
        let mut messages = Vec::new();
        while let Some(message) = decoder.decode()? {
            messages.push(message);
        }
        Ok(messages)
    }

    #[test]
    fn messages_come_out_however_the_bytes_are_cut() {
        let bytes = [
            frame(FIN | 1, b"one"),
            frame(FIN | 2, &[7; 300]),
            frame(FIN | 9, b"ping"),
            frame(FIN | 10, b"pong"),
            frame(FIN | 1, b""),
            frame(FIN | 8, &[0x03, 0xE8]),
        ]
        .concat();
        let expected = decode(&bytes).unwrap();
        assert_eq!(expected.len(), 5);
        assert_eq!(expected[0], Message::Text("one".into()));
        assert_eq!(expected[4], Message::Close);
        for size in 1..20 {
            let mut decoder = Decoder::new(MAX);
            let mut messages = Vec::new();
            for chunk in bytes.chunks(size) {
                decoder.feed(chunk);
                while let Some(message) = decoder.decode().unwrap() {
                    messages.push(message);
                }
            }
            assert_eq!(messages, expected, "in chunks of {size}");
            assert_eq!(decoder.bytes.capacity(), 0, "nothing is held when idle");
        }
    }

    #[test]
    fn fragments_make_one_message_with_control_frames_between() {
        let bytes = [
            frame(1, b"a"),
            frame(0, b""),
            frame(FIN | 9, b""),
            frame(FIN, b"b"),
        ];
        let messages = decode(&bytes.concat()).unwrap();
        assert_eq!(
            messages,
            [Message::Ping(Bytes::new()), Message::Text("ab".into())]
        );
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_held() {
        let fits = vec![0; MAX];
        assert!(decode(&frame(FIN | 2, &fits)).is_ok());
        let large = vec![0; MAX + 1];
        let overflow = |bytes: &[u8]| matches!(decode(bytes), Err(ProtocolError::Overflow));
        assert!(overflow(&frame(FIN | 2, &large)));
        assert!(overflow(&[frame(2, &fits), frame(FIN, b"x")].concat()));
        // A frame said to be huge, of which a little more than allowed has arrived.
        let mut huge = vec![FIN | 2, 0x80 | 127, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4];
        assert!(decode(&huge).is_ok());
        huge.resize(MAX + MAX_HEADER + 1, 0);
        assert!(overflow(&huge));
    }

    #[test]
    fn what_breaks_the_rules_is_refused() {
        for (rule, bytes) in [
            ("unmasked", vec![FIN | 1, 1, b'a']),
            ("reserved bit", frame(FIN | 0x40 | 1, b"a")),
            ("unknown kind", frame(FIN | 3, b"a")),
            ("fragmented ping", frame(9, b"a")),
            ("long ping", frame(FIN | 9, &[0; 126])),
            ("nothing to continue", frame(FIN, b"a")),
            (
                "new message within one",
                [frame(1, b"a"), frame(1, b"b")].concat(),
            ),
            ("close without a code", frame(FIN | 8, &[3])),
            ("close with a reserved code", frame(FIN | 8, &[0x03, 0xED])),
        ] {
            assert!(decode(&bytes).is_err(), "{rule}");
        }
    }
}
