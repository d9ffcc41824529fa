use std::{cell::RefCell, collections::HashMap, rc::Rc};

use engineioxide_core::Sid;

use crate::{frame::Frame, socket::Socket};

/// The sockets of one namespace on one worker thread, and the rooms they are in.
///
/// Made by the application, one for each namespace and thread, and given to
/// [`SocketIoBuilder::namespace`](crate::SocketIoBuilder::namespace). Cloning is shallow. Sockets
/// join with [`Socket::join`] and leave by themselves when they disconnect; a room exists while
/// somebody is in it.
#[derive(Clone, Debug, Default)]
pub struct Rooms(Rc<RefCell<Table>>);

type Members = HashMap<Sid, Socket>;

#[derive(Debug, Default)]
struct Table {
    sockets: Members,
    rooms: HashMap<Rc<str>, Members>,
}

impl Rooms {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends a frame to all in a room but the socket with the id `except`.
    pub fn send(&self, room: &str, frame: &Frame, except: Option<&str>) {
        if let Some(members) = self.0.borrow().rooms.get(room) {
            fan_out(members, frame, except);
        }
    }

    /// Sends a frame to all connected sockets but the one with the id `except`.
    pub fn send_all(&self, frame: &Frame, except: Option<&str>) {
        fan_out(&self.0.borrow().sockets, frame, except);
    }

    /// How many sockets of this thread are in the room.
    #[must_use]
    pub fn members(&self, room: &str) -> usize {
        self.0.borrow().rooms.get(room).map_or(0, HashMap::len)
    }

    /// How many sockets of this thread are connected to the namespace.
    #[must_use]
    pub fn sockets(&self) -> usize {
        self.0.borrow().sockets.len()
    }

    /// The connected socket with this id, if it is on this thread.
    #[must_use]
    pub fn socket(&self, id: &str) -> Option<Socket> {
        let id: Sid = id.parse().ok()?;
        self.0.borrow().sockets.get(&id).cloned()
    }

    /// All sockets of this thread in the room.
    #[must_use]
    pub fn sockets_in(&self, room: &str) -> Vec<Socket> {
        let table = self.0.borrow();
        let members = table.rooms.get(room).map(HashMap::values);
        members.into_iter().flatten().cloned().collect()
    }

    /// Adds a socket that does not know to be in the room yet; the name to remember is returned.
    pub(crate) fn join(&self, room: &str, socket: &Socket) -> Rc<str> {
        let mut table = self.0.borrow_mut();
        let name = match table.rooms.get_key_value(room) {
            Some((name, _)) => name.clone(),
            None => room.into(),
        };
        let members = table.rooms.entry(name.clone()).or_default();
        members.insert(socket.sid(), socket.clone());
        name
    }

    pub(crate) fn leave(&self, room: &str, socket: &Socket) {
        let mut table = self.0.borrow_mut();
        if let Some(members) = table.rooms.get_mut(room) {
            members.remove(&socket.sid());
            if members.is_empty() {
                table.rooms.remove(room);
            }
        }
    }

    pub(crate) fn add(&self, socket: &Socket) {
        let mut table = self.0.borrow_mut();
        table.sockets.insert(socket.sid(), socket.clone());
    }

    pub(crate) fn remove(&self, socket: &Socket) {
        self.0.borrow_mut().sockets.remove(&socket.sid());
    }
}

fn fan_out(members: &Members, frame: &Frame, except: Option<&str>) {
    for (id, socket) in members {
        if except != Some(id.as_str()) {
            socket.send(frame);
        }
    }
}
