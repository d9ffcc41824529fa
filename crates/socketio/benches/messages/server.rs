use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use actix_web::{
    App,
    dev::{Server as Actix, ServerHandle},
    rt::{self, System},
};
use serde_json::value::RawValue;
use socketio::{
    Config, ConnectError, DisconnectReason, Event, Frame, HandshakeData, Hub, Namespace, Rooms,
    Socket, SocketIo,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::{MESSAGE, Message};

/// The event whose handling the benchmark waits for.
pub(crate) const LAST: &str = "last";

const ROOM: &str = "room";
/// Frames to each member between two waits until all are read.
const BATCH: u64 = 32;

/// A server with one worker thread, stopped when dropped.
pub(crate) struct Server {
    port: u16,
    handled: mpsc::Receiver<()>,
    fan_outs: UnboundedSender<FanOut>,
    read: Arc<AtomicU64>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// Frames to send to the room.
struct FanOut {
    count: u64,
    /// Until they are written, not only queued.
    write: bool,
    took: mpsc::Sender<Duration>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let hub = Hub::new(Config {
            ping_interval: Duration::from_secs(3_600),
            max_messages_per_second: 0,
            max_buffered_bytes: usize::MAX,
            ..Config::default()
        });
        let (handling, handled) = mpsc::channel();
        let (fan_outs, receiver) = unbounded_channel();
        let receiver = Arc::new(Mutex::new(Some(receiver)));
        let read = Arc::new(AtomicU64::new(0));
        let (started, start) = mpsc::channel();
        let thread = std::thread::spawn({
            let read = read.clone();
            move || {
                System::new().block_on(async move {
                    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                    let port = listener.local_addr().unwrap().port();
                    let server = Actix::build().workers(1).disable_signals();
                    let server = socketio::listen(server, listener, move || {
                        let rooms = Rooms::new();
                        if let Some(fan_outs) = receiver.lock().unwrap().take() {
                            rt::spawn(fan_out(rooms.clone(), fan_outs, read.clone()));
                        }
                        let handled = handling.clone();
                        let io = SocketIo::builder(&hub)
                            .namespace("/", rooms, Handler { handled })
                            .build();
                        (io.clone(), App::new().configure(|app| io.configure(app)))
                    });
                    let server = server.unwrap().run();
                    started.send((port, server.handle())).unwrap();
                    server.await.unwrap();
                });
            }
        });
        let (port, handle) = start.recv().unwrap();
        Self {
            port,
            handled,
            fan_outs,
            read,
            handle,
            thread: Some(thread),
        }
    }

    /// A client in the room.
    pub(crate) fn client(&self) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_nodelay(true).unwrap();
        let request = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n\
            Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        // A masked text frame with the packet `40`; a mask of zeros changes nothing.
        stream.write_all(b"\x81\x82\0\0\0\x0040").unwrap();
        let mut answer = Vec::new();
        // The answer to the CONNECT comes last and ends like this.
        while !(contains(&answer, b"40{\"sid\":\"") && answer.ends_with(b"\"}")) {
            let mut byte = [0; 1024];
            let length = stream.read(&mut byte).unwrap();
            assert!(length > 0, "the server refuses");
            answer.extend_from_slice(&byte[..length]);
        }
        stream
    }

    /// Clients in the room who read whatever comes, in a thread that ends with the server.
    pub(crate) fn members(&self, count: usize) {
        let members: Vec<_> = (0..count).map(|_| self.client()).collect();
        let read = self.read.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build();
            let local = tokio::task::LocalSet::new();
            for member in members {
                local.spawn_local(count_bytes(member, read.clone()));
            }
            runtime.unwrap().block_on(local);
        });
    }

    /// Waits until an event called [`LAST`] was handled.
    pub(crate) fn last_handled(&self) {
        self.handled.recv().unwrap();
    }

    /// How long it takes to send this many frames to the room.
    pub(crate) fn fan_out(&self, count: u64, write: bool) -> Duration {
        let (took, time) = mpsc::channel();
        let fan_out = FanOut { count, write, took };
        assert!(self.fan_outs.send(fan_out).is_ok());
        time.recv().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Sends the command at once; the thread ends with the server.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn count_bytes(member: TcpStream, read: Arc<AtomicU64>) {
    member.set_nonblocking(true).unwrap();
    let member = tokio::net::TcpStream::from_std(member).unwrap();
    let mut buffer = vec![0; 16 * 1024];
    while member.readable().await.is_ok() {
        match member.try_read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => {
                read.fetch_add(length as u64, Ordering::Relaxed);
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

async fn fan_out(rooms: Rooms, mut orders: UnboundedReceiver<FanOut>, read: Arc<AtomicU64>) {
    let frame = Frame::event("/", "message", &MESSAGE).unwrap();
    let text = serde_json::json!(["message", MESSAGE]).to_string();
    // The packet's two types and the header of a frame of this size.
    let size = (text.len() + 2 + 4) as u64;
    while let Some(FanOut { count, write, took }) = orders.recv().await {
        let mut time = Duration::ZERO;
        let mut left = count;
        while left > 0 {
            let batch = left.min(BATCH);
            left -= batch;
            let expected = batch * size * rooms.members(ROOM) as u64;
            for _ in 0..batch {
                let start = Instant::now();
                queue(&rooms, &frame);
                if write {
                    // What was queued is written in the turn of the thread that this leaves.
                    tokio::task::yield_now().await;
                }
                time += start.elapsed();
            }
            // So that no member's socket is ever full.
            while read.load(Ordering::Relaxed) < expected {
                tokio::task::yield_now().await;
            }
            assert_eq!(read.swap(0, Ordering::Relaxed), expected);
        }
        let _ = took.send(time);
    }
}

// By its name instructions are counted.
#[inline(never)]
fn queue(rooms: &Rooms, frame: &Frame) {
    rooms.send(ROOM, frame, None);
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

struct Handler {
    handled: mpsc::Sender<()>,
}

impl Namespace for Handler {
    async fn connect(
        &self,
        socket: &Socket,
        _request: &HandshakeData,
        _auth: Option<Box<RawValue>>,
    ) -> Result<(), ConnectError> {
        socket.join(ROOM);
        Ok(())
    }

    async fn event(&self, _socket: &Socket, event: Event) {
        let message: Message<'_> = serde_json::from_str(event.args[0].get()).unwrap();
        assert_eq!(message.sent, MESSAGE.sent);
        if event.name == LAST {
            let _ = self.handled.send(());
        }
    }

    async fn disconnect(&self, _socket: &Socket, _reason: DisconnectReason) {}
}
