//! What a client needs of WebSocket frames (RFC 6455): masked ones out, unmasked ones in.
//!
//! It borrows: a frame is a part of what was read, so that a delivery costs no copy and no
//! allocation. Fragmented messages and extensions, which no server here uses, are refused.

/// A text message.
pub(crate) const TEXT: u8 = 0x1;
/// A binary message.
pub(crate) const BINARY: u8 = 0x2;
/// The end of the connection, with a code and a reason.
pub(crate) const CLOSE: u8 = 0x8;
/// A question whether the other side is there.
pub(crate) const PING: u8 = 0x9;
/// The answer to it.
pub(crate) const PONG: u8 = 0xA;

/// The client key of RFC 6455, section 1.3. It need not be a secret here.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// What a server makes of [`KEY`].
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;

/// A frame at the front of what was read.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    /// What kind it is.
    pub(crate) opcode: u8,
    /// What it carries.
    pub(crate) payload: &'a [u8],
    /// Bytes it took, its head included.
    pub(crate) len: usize,
}

/// The frame at the front of `bytes`; `None` while it is incomplete.
///
/// # Errors
/// With what is wrong when a server may not send this.
pub(crate) fn decode(bytes: &[u8]) -> Result<Option<Frame<'_>>, &'static str> {
    let &[first, second, ref rest @ ..] = bytes else {
        return Ok(None);
    };
    if first & RESERVED != 0 {
        return Err("a reserved bit of a frame is set");
    }
    if first & FIN == 0 {
        return Err("a message in several frames");
    }
    if second & MASKED != 0 {
        return Err("a masked frame from a server");
    }
    let (head, payload_len) = match second {
        126 => match rest.first_chunk() {
            Some(len) => (4, usize::from(u16::from_be_bytes(*len))),
            None => return Ok(None),
        },
        127 => match rest.first_chunk() {
            Some(len) => {
                let len = usize::try_from(u64::from_be_bytes(*len));
                (10, len.map_err(|_| "a frame longer than memory")?)
            }
            None => return Ok(None),
        },
        len => (2, usize::from(len)),
    };
    let end = payload_len
        .checked_add(head)
        .ok_or("a frame longer than memory")?;
    Ok(bytes.get(head..end).map(|payload| Frame {
        opcode: first & 0x0F,
        payload,
        len: end,
    }))
}

/// Appends a whole message as one frame, masked by `key`.
pub(crate) fn encode(out: &mut Vec<u8>, opcode: u8, payload: &[u8], key: u32) {
    out.push(FIN | opcode);
    match payload.len() {
        len @ 0..126 => out.push(MASKED | len as u8),
        len @ 126..=0xFFFF => {
            out.push(MASKED | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(MASKED | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    // Servers may skip the unmasking under a key of zeros, which no real client has.
    let key = (key | 1).to_be_bytes();
    out.extend_from_slice(&key);
    out.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
}

/// What a close frame says.
pub(crate) fn close_reason(payload: &[u8]) -> String {
    match payload.split_first_chunk() {
        Some((code, reason)) => {
            let code = u16::from_be_bytes(*code);
            format!("{code} {}", String::from_utf8_lossy(reason))
                .trim_end()
                .to_owned()
        }
        None => "no code".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame as a server sends it, with the length in its shortest form.
    fn from_server(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut masked = Vec::new();
        encode(&mut masked, opcode, payload, 1);
        let head = masked.len() - payload.len() - 4;
        let mut frame = masked[..head].to_vec();
        frame[1] &= !MASKED;
        frame.extend_from_slice(payload);
        frame
    }

    #[test]
    fn every_form_of_length_is_read() {
        for len in [0, 1, 125, 126, 127, 65_535, 65_536] {
            let payload = vec![b'a'; len];
            let mut bytes = from_server(TEXT, &payload);
            let whole = bytes.len();
            bytes.extend_from_slice(b"\x81\x01");
            let frame = decode(&bytes).unwrap().unwrap();
            assert_eq!(
                (frame.opcode, frame.payload, frame.len),
                (TEXT, payload.as_slice(), whole)
            );
        }
    }

    #[test]
    fn a_part_of_a_frame_is_waited_for() {
        for len in [3, 300, 70_000] {
            let bytes = from_server(TEXT, &vec![b'a'; len]);
            for end in [0, 1, 2, 3, 9, bytes.len() - 1] {
                let part = &bytes[..end.min(bytes.len() - 1)];
                assert!(decode(part).unwrap().is_none(), "{len} {end}");
            }
        }
    }

    #[test]
    fn what_no_server_may_send_is_refused() {
        for bytes in [b"\xC1\x00", b"\x01\x00", b"\x81\x80"] {
            assert!(decode(bytes).is_err(), "{bytes:?}");
        }
        let endless = [0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255];
        assert!(decode(&endless).is_err());
    }

    #[test]
    fn a_client_masks_and_never_with_zeros() {
        let mut out = Vec::new();
        encode(&mut out, TEXT, b"Hello", 0x37FA_213D);
        // The example of RFC 6455, section 5.7.
        let example = [
            0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58,
        ];
        assert_eq!(out, example);
        out.clear();
        encode(&mut out, TEXT, b"hi", 0);
        assert_eq!(out, [0x81, 0x82, 0, 0, 0, 1, b'h', b'i']);
    }

    #[test]
    fn a_close_frame_tells_why() {
        assert_eq!(close_reason(b"\x03\xF5slow reader"), "1013 slow reader");
        assert_eq!(close_reason(b"\x03\xE8"), "1000");
        assert_eq!(close_reason(b""), "no code");
    }
}
