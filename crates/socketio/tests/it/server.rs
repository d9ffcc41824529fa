use std::{
    cell::Cell,
    net::TcpListener,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use actix_web::{
    App,
    dev::{Server as Actix, ServerHandle},
    rt::System,
};
use serde_json::value::RawValue;
use socketio::{
    CloseReason, Config, ConnectError, DisconnectReason, Event, Frame, HandshakeData, Hub,
    Namespace, Rooms, Socket, SocketIo,
};
use tokio::sync::{Semaphore, mpsc::UnboundedReceiver, mpsc::UnboundedSender, watch};

use crate::client::DEADLINE;

/// A server with the namespaces `/` and `/custom`, stopped when dropped.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) hub: Hub,
    /// What a handler that `wait`s waits for; each permit lets one go on.
    pub(crate) gate: Arc<Semaphore>,
    /// Namespace and reason of each `disconnect`.
    disconnects: UnboundedReceiver<(String, DisconnectReason)>,
    drain: watch::Sender<bool>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(config: Config) -> Self {
        Self::with_workers(config, 1)
    }

    /// Requests of one client come to several threads.
    pub(crate) fn with_workers(config: Config, workers: usize) -> Self {
        let hub = Hub::new(config);
        let gate = Arc::new(Semaphore::new(0));
        let (disconnected, disconnects) = tokio::sync::mpsc::unbounded_channel();
        let (drain, _) = watch::channel(false);
        let (started, start) = mpsc::channel();
        let thread = std::thread::spawn({
            let (hub, gate, drain) = (hub.clone(), gate.clone(), drain.clone());
            move || {
                System::new().block_on(async move {
                    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                    let port = listener.local_addr().unwrap().port();
                    let server = Actix::build().workers(workers).disable_signals();
                    let server = socketio::listen(server, listener, move || {
                        let handler = |rooms: &Rooms| Test {
                            rooms: rooms.clone(),
                            gate: gate.clone(),
                            waited: Cell::new(0),
                            disconnected: disconnected.clone(),
                        };
                        let (root, custom) = (Rooms::new(), Rooms::new());
                        let io = SocketIo::builder(&hub)
                            .namespace("/", root.clone(), handler(&root))
                            .namespace("/custom", custom.clone(), handler(&custom))
                            .allow(|request| match request.header("origin") {
                                Some("https://evil.example") => Err("Not from there".into()),
                                _ => Ok(()),
                            })
                            .build();
                        close_when_drained(io.clone(), drain.subscribe());
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
            hub,
            gate,
            disconnects,
            drain,
            handle,
            thread: Some(thread),
        }
    }

    /// The next `disconnect` of a handler.
    pub(crate) async fn disconnect(&mut self) -> (String, DisconnectReason) {
        let next = tokio::time::timeout(DEADLINE, self.disconnects.recv());
        next.await.expect("no disconnect").unwrap()
    }

    /// Whether a `disconnect` happened that nobody looked at.
    pub(crate) fn had_disconnect(&mut self) -> bool {
        self.disconnects.try_recv().is_ok()
    }

    /// Closes all connections.
    pub(crate) fn drain(&self) {
        self.drain.send(true).unwrap();
    }

    /// Waits until no connection is left.
    pub(crate) async fn emptied(&self) {
        wait_until("connections are left", || self.hub.connections() == 0).await;
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

/// Waits for a condition, and panics with `complaint` when it does not come true.
pub(crate) async fn wait_until(complaint: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.expect(complaint);
}

fn close_when_drained(io: SocketIo, mut drain: watch::Receiver<bool>) {
    actix_web::rt::spawn(async move {
        if drain.wait_for(|drain| *drain).await.is_ok() {
            io.close_all(CloseReason::ServiceRestart);
        }
    });
}

struct Test {
    rooms: Rooms,
    gate: Arc<Semaphore>,
    waited: Cell<usize>,
    disconnected: UnboundedSender<(String, DisconnectReason)>,
}

impl Namespace for Test {
    async fn connect(
        &self,
        socket: &Socket,
        request: &HandshakeData,
        auth: Option<Box<RawValue>>,
    ) -> Result<(), ConnectError> {
        socket.join("lobby");
        let auth = auth.map_or_else(String::new, |auth| auth.get().to_owned());
        match auth.as_str() {
            r#"{"refuse":true}"# => Err(ConnectError {
                message: "No".into(),
                data: Some(serde_json::json!({ "why": request.cookie("why") })),
            }),
            r#"{"wait":true}"# => {
                self.wait().await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn event(&self, socket: &Socket, mut event: Event) {
        let text = event.arg::<String>(0).unwrap_or_default();
        match event.name.as_str() {
            "echo" => {
                let attachments = std::mem::take(&mut event.attachments);
                let frame =
                    Frame::event_parts(socket.namespace(), "echo", &event.args, attachments);
                socket.send(&frame.unwrap());
            }
            "join" => socket.join(&text),
            "leave" => socket.leave(&text),
            "others" => self.say(socket, &text, Some(socket.id())),
            "everybody" => self.say(socket, &text, None),
            "wait" => {
                self.wait().await;
                socket.emit("waited", &self.waited.get()).unwrap();
            }
            "ask" => {
                let timeout = match text.as_str() {
                    "again?" => Duration::from_millis(200),
                    _ => DEADLINE,
                };
                match socket.emit_with_ack("question", &text, timeout).await {
                    Ok(ack) => {
                        let frame = Frame::event_parts(
                            socket.namespace(),
                            "answer",
                            &ack.args,
                            ack.attachments,
                        );
                        socket.send(&frame.unwrap());
                    }
                    Err(error) => socket.emit("no answer", &error.to_string()).unwrap(),
                }
            }
            "out" => socket.disconnect(false),
            "hang up" => socket.disconnect(true),
            "panic" => panic!("as the client wishes"),
            other => panic!("unexpected event {other}"),
        }
        if let Some(ack) = event.ack {
            ack.send(&text).unwrap();
        }
    }

    async fn disconnect(&self, socket: &Socket, reason: DisconnectReason) {
        assert!(!socket.is_connected());
        let _ = self
            .disconnected
            .send((socket.namespace().to_owned(), reason));
    }
}

impl Test {
    fn say(&self, socket: &Socket, text: &str, except: Option<&str>) {
        let frame = Frame::event(socket.namespace(), "said", text).unwrap();
        self.rooms.send("lobby", &frame, except);
    }

    async fn wait(&self) {
        self.gate.acquire().await.unwrap().forget();
        self.waited.set(self.waited.get() + 1);
    }
}
