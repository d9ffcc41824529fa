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

#[cfg(test)]
mod tests {
    use std::task::Context;

    use futures_util::task::noop_waker;

    use super::*;
    use crate::{config::Config, outbox::Outbox};

    struct Client {
        socket: Socket,
        outbox: Rc<Outbox>,
    }

    impl Client {
        fn connecting(rooms: &Rooms) -> Self {
            let outbox = Rc::new(Outbox::new(&Config::default(), Rc::default()));
            let socket = Socket::new("/".into(), outbox.clone(), rooms.clone());
            Self { socket, outbox }
        }

        fn connected(rooms: &Rooms) -> Self {
            let client = Self::connecting(rooms);
            client.socket.admitted(Frame::text("connect"));
            client.read();
            client
        }

        fn read(&self) -> Vec<Frame> {
            let frames = self.outbox.take().into_iter();
            frames.map(Frame::from_bytes).collect()
        }
    }

    #[test]
    fn a_room_gets_what_is_sent_to_it_but_the_sender() {
        let rooms = Rooms::new();
        let [a, b, c] = [(); 3].map(|()| Client::connected(&rooms));
        a.socket.join("x");
        b.socket.join("x");
        b.socket.join("y");
        c.socket.join("y");
        let frame = Frame::text("hello");
        rooms.send("x", &frame, Some(a.socket.id()));
        rooms.send("y", &frame, None);
        rooms.send("z", &frame, None);
        assert_eq!(a.read(), []);
        assert_eq!(b.read(), [frame.clone(), frame.clone()]);
        assert_eq!(c.read(), std::slice::from_ref(&frame));
        rooms.send_all(&frame, Some(c.socket.id()));
        assert_eq!((a.read().len(), b.read().len(), c.read().len()), (1, 1, 0));
    }

    #[test]
    fn joining_twice_is_joining_once() {
        let rooms = Rooms::new();
        let a = Client::connected(&rooms);
        a.socket.join("x");
        a.socket.join("x");
        assert_eq!(rooms.members("x"), 1);
        a.socket.leave("x");
        assert_eq!(rooms.members("x"), 0);
        a.socket.leave("x");
    }

    #[test]
    fn who_disconnects_leaves_nothing_behind() {
        let rooms = Rooms::new();
        let a = Client::connected(&rooms);
        a.socket.join("x");
        a.socket.join("y");
        let seen: Vec<_> = rooms.sockets_in("x").iter().map(Socket::sid).collect();
        assert_eq!(seen, [a.socket.sid()]);
        assert!(rooms.socket(a.socket.id()).is_some());
        a.socket.disconnected();
        a.socket.join("x");
        a.socket.send(&Frame::text("late"));
        assert_eq!(a.read(), []);
        assert!(!a.socket.is_connected());
        assert!(rooms.socket(a.socket.id()).is_none());
        let table = rooms.0.borrow();
        assert!(table.rooms.is_empty() && table.sockets.is_empty());
    }

    #[test]
    fn leaving_all_rooms_keeps_the_socket() {
        let rooms = Rooms::new();
        let a = Client::connected(&rooms);
        a.socket.join("x");
        a.socket.join("y");
        a.socket.leave_all();
        assert_eq!((rooms.members("x"), rooms.members("y")), (0, 0));
        assert_eq!(rooms.sockets(), 1);
    }

    #[test]
    fn who_is_not_admitted_yet_gets_everything_after_the_admission() {
        let rooms = Rooms::new();
        let a = Client::connecting(&rooms);
        a.socket.join("x");
        let [first, second] = [Frame::text("first"), Frame::text("second")];
        a.socket.send(&first);
        rooms.send("x", &second, None);
        rooms.send_all(&second, None);
        assert_eq!(a.read(), []);
        let connect = Frame::connect("/", a.socket.id());
        a.socket.admitted(connect.clone());
        assert_eq!(a.read(), [connect, first, second]);
    }

    #[test]
    fn who_is_not_admitted_yet_is_not_sent_without_bound() {
        let rooms = Rooms::new();
        let a = Client::connecting(&rooms);
        for _ in 0..=Config::default().max_buffered_frames {
            a.socket.send(&Frame::text("x"));
        }
        let waker = noop_waker();
        assert!(
            a.outbox
                .poll_asked_to_close(&Context::from_waker(&waker))
                .is_some()
        );
    }
}
