//! What all connections of a run share. They run on one thread.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use tokio::net::tcp::OwnedWriteHalf;

use super::clock::now_ns;
use super::frame;
use super::packets::{Packet, Packets, is_whole};
use super::tally::Tally;

/// Size of the buffer that all connections read into.
pub(crate) const SCRATCH_BYTES: usize = 256 * 1024;

/// One connection's place in the crowd.
#[derive(Default)]
pub(crate) struct Member {
    /// The room it is in.
    pub(crate) room: Option<usize>,
    /// It never reads.
    pub(crate) stalled: bool,
    /// `None` before it is open and after it has ended.
    pub(crate) writer: RefCell<Option<OwnedWriteHalf>>,
}

/// What all connections share.
pub(crate) struct Shared {
    packets: Packets,
    /// By number of the connection.
    pub(crate) members: Vec<Member>,
    /// The account of the round under way.
    pub(crate) tally: RefCell<Option<Tally>>,
    /// Deliveries since the start, of whatever round.
    pub(crate) delivered: Cell<u64>,
    /// Heartbeats answered since the start.
    pub(crate) heartbeats: Cell<u64>,
    /// Connections that ended without our closing them, by reason.
    pub(crate) lost: RefCell<BTreeMap<String, u64>>,
    /// We are closing: that connections end is no news.
    pub(crate) closing: Cell<bool>,
    pub(crate) scratch: RefCell<Vec<u8>>,
}

impl Shared {
    pub(crate) fn new(namespace: &str, members: Vec<Member>) -> Shared {
        Shared {
            packets: Packets::of(namespace),
            members,
            tally: RefCell::default(),
            delivered: Cell::default(),
            heartbeats: Cell::default(),
            lost: RefCell::default(),
            closing: Cell::default(),
            scratch: RefCell::new(vec![0; SCRATCH_BYTES]),
        }
    }

    /// Connections that ended without our closing them.
    pub(crate) fn lost_connections(&self) -> u64 {
        self.lost.borrow().values().sum()
    }

    /// Handles one Socket.IO packet.
    pub(crate) fn packet(&self, number: usize, packet: &[u8], at_ns: u64) -> Result<(), String> {
        match self.packets.read(packet) {
            Packet::Chat { number: post } => {
                self.delivered.set(self.delivered.get() + 1);
                if let Some(tally) = self.tally.borrow_mut().as_mut() {
                    let whole = match post {
                        // One of each connection is looked at closely; all would be too dear.
                        Some(post) => !tally.delivered(number, post, at_ns) || is_whole(packet),
                        None => false,
                    };
                    tally.malformed += u64::from(!whole);
                }
                Ok(())
            }
            Packet::Answer {
                number: post,
                refusal,
            } => {
                if let Some(tally) = self.tally.borrow_mut().as_mut() {
                    tally.answered(post, refusal, at_ns);
                }
                Ok(())
            }
            Packet::Disconnect => Err("the server disconnected the namespace".to_owned()),
            Packet::Other(_) => Ok(()),
        }
    }

    /// Writes a short frame. A connection without room for a few bytes is not read by its server
    /// any more, and ends.
    pub(crate) fn write(&self, number: usize, opcode: u8, payload: &[u8]) -> Result<(), String> {
        let mut bytes = Vec::with_capacity(payload.len() + 6);
        frame::encode(&mut bytes, opcode, payload, now_ns() as u32);
        match self.members[number].writer.borrow().as_ref() {
            Some(writer) if writer.try_write(&bytes).is_ok_and(|n| n == bytes.len()) => Ok(()),
            _ => Err("the server does not read any more".to_owned()),
        }
    }

    /// A connection has ended.
    pub(crate) fn ended(&self, number: usize, why: String) {
        self.members[number].writer.take();
        if !self.closing.get() {
            *self.lost.borrow_mut().entry(why).or_default() += 1;
            if let Some(tally) = self.tally.borrow_mut().as_mut() {
                tally.left(number);
            }
        }
    }
}
