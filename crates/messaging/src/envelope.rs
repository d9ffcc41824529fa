use std::fmt::Write;

use bytes::Bytes;

/// What travels through Redis pub/sub: a Socket.IO packet ready for the sockets, after the two things a node must
/// know without parsing it.
///
/// On the wire: `<seq>\n<except>\n<packet>`. `seq` is the number of the message, 0 for what is no message; `except`
/// is the socket that is not to get it, empty for none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Envelope {
    /// The message's number in its room, 0 for what is no message.
    pub seq: u64,
    /// The id of the socket that is not to get it.
    pub except: Option<String>,
    /// The Socket.IO packet.
    pub packet: Bytes,
}

impl Envelope {
    /// The text to publish for an event that is no message: `except` is left out, everybody else gets `packet`.
    #[must_use]
    pub fn of_event(packet: &str, except: Option<&str>) -> String {
        let except = except.unwrap_or_default();
        let mut text = String::with_capacity(packet.len() + except.len() + 3);
        // Writing to a String cannot fail.
        let _ = write!(text, "0\n{except}\n{packet}");
        text
    }

    /// Reads what was published; `None` for what no node of ours publishes. Shares the payload's memory.
    #[must_use]
    pub fn parse(payload: &Bytes) -> Option<Self> {
        let seq_end = payload.iter().position(|byte| *byte == b'\n')?;
        let except_start = seq_end + 1;
        let except_len = payload[except_start..]
            .iter()
            .position(|byte| *byte == b'\n')?;
        let except_end = except_start + except_len;
        let except = std::str::from_utf8(&payload[except_start..except_end]).ok()?;
        Some(Self {
            seq: std::str::from_utf8(&payload[..seq_end])
                .ok()?
                .parse()
                .ok()?,
            except: (!except.is_empty()).then(|| except.to_owned()),
            packet: payload.slice(except_end + 1..),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_comes_back() {
        let payload = Bytes::from(Envelope::of_event(
            "2/packtchat,[\"AddUser\",\"a\nb\"]",
            Some("sid"),
        ));
        let envelope = Envelope::parse(&payload).unwrap();
        assert_eq!((envelope.seq, envelope.except.as_deref()), (0, Some("sid")));
        assert_eq!(envelope.packet, "2/packtchat,[\"AddUser\",\"a\nb\"]");
    }

    #[test]
    fn nonsense_is_none() {
        for bad in ["", "1", "1\n", "x\n\npacket", "-1\n\npacket"] {
            assert_eq!(
                Envelope::parse(&Bytes::from_static(bad.as_bytes())),
                None,
                "{bad:?}"
            );
        }
    }
}
