//! Builds a chat-realtime node from its settings and runs it.

use std::{
    future::{Future, ready},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::{App, dev::Server};
use anyhow::Context;
use futures_util::FutureExt;
use lifecycle::Lifecycle;
use messaging::{Amqp, Presence, Published, Redis, Sessions, Subscriber};
use models::{events::NAMESPACE, redis_keys};
use socketio::{CloseReason, Hub, Rooms, SocketIo};
use tokio::{
    sync::{broadcast, mpsc},
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::{
    chat::Chat,
    fan_out::{self, Batch, Delivery, Workers},
    node::Node,
    origin::OriginCheck,
    session_sockets::SessionSockets,
    session_watch::{self, News, SessionWatch},
    settings::Settings,
    user_connections::UserConnections,
};

/// How often a stopping node looks whether its last connection is gone.
const DRAIN_POLL: Duration = Duration::from_millis(20);

/// The wait before a subscription that was not confirmed is asked for again.
const LOBBY_PAUSE: Duration = Duration::from_millis(200);

/// How often the log may tell of clients that do not read.
const SLOW_READERS_TOLD: Duration = Duration::from_secs(10);

/// Sessions are asked for no more often than this, in milliseconds.
const MIN_SESSION_CHECK_MS: u64 = 100;

/// A node that listens, and serves once it runs.
pub struct Application {
    server: Server,
    port: u16,
    node: Arc<Node>,
    workers: Workers,
    published: mpsc::Receiver<Published>,
    subscriber: Subscriber,
    redis: Redis,
    session_news: broadcast::Sender<News>,
    listening: Listening,
    hub: Hub,
    stop: CancellationToken,
}

/// What a node must hear of to be ready.
#[derive(Clone, Default)]
struct Listening {
    /// What concerns everybody.
    lobby: Arc<AtomicBool>,
    /// Sessions that end.
    sessions: Arc<AtomicBool>,
}

/// Builds a node: takes its address and adds its conditions of readiness. Waits for neither Redis nor RabbitMQ.
///
/// # Errors
/// When the address is taken, or a setting will not do.
pub async fn build(
    settings: Settings,
    amqp: Amqp,
    lifecycle: &Lifecycle,
) -> anyhow::Result<Application> {
    let redis = Redis::connect(&settings.redis)?;
    let sessions = Sessions::new(redis.clone(), &settings.session)
        .context("PACKTCHAT__SESSION__SECRET will not do")?;
    let (subscriber, published) = Subscriber::start(&redis);
    let node = Arc::new(Node::new(
        redis.clone(),
        sessions,
        subscriber.clone(),
        settings.limits,
        UserConnections::new(settings.socket.max_connections_per_user),
    ));
    let workers = Workers::default();
    let hub = Hub::new(socketio::Config::from(&settings.socket));
    let session_news = session_watch::channel();
    let (server, port) = listen(&settings, &node, &workers, &session_news, &hub, lifecycle)?;
    let listening = Listening::default();
    ready_when(lifecycle, redis.clone(), amqp, &listening);
    Ok(Application {
        server,
        port,
        node,
        workers,
        published,
        subscriber,
        redis,
        session_news,
        listening,
        hub,
        stop: lifecycle.stop(),
    })
}

fn listen(
    settings: &Settings,
    node: &Arc<Node>,
    workers: &Workers,
    session_news: &broadcast::Sender<News>,
    hub: &Hub,
    lifecycle: &Lifecycle,
) -> anyhow::Result<(Server, u16)> {
    let address = settings.http.listen;
    let listener = TcpListener::bind(address).with_context(|| {
        format!("cannot listen at {address}: let PACKTCHAT__HTTP__LISTEN name a free address of this machine")
    })?;
    let port = listener.local_addr()?.port();
    let mut server = Server::build().shutdown_timeout(1).disable_signals();
    if let Some(workers) = settings.http.workers {
        server = server.workers(workers);
    }
    let (node, workers, hub) = (node.clone(), workers.clone(), hub.clone());
    let session_news = session_news.clone();
    let session_check =
        Duration::from_millis(settings.socket.session_check_ms.max(MIN_SESSION_CHECK_MS));
    let origins = OriginCheck {
        secure: settings.session.secure,
        trusted_proxies: settings.socket.trusted_proxies.clone(),
        allowed: settings.socket.allowed_origins.clone(),
    };
    let stop = lifecycle.stop();
    // Runs once on each worker thread.
    let server = socketio::listen(server, listener, move || {
        let (worker, deliveries) = workers.add();
        let rooms = Rooms::new();
        let node = node.on_worker(worker);
        let watch = SessionWatch {
            sockets: SessionSockets::default(),
            rooms: rooms.clone(),
            sessions: node.sessions.clone(),
            every: session_check,
        };
        let chat = Chat::new(node, watch.sockets.clone());
        let origins = origins.clone();
        let io = SocketIo::builder(&hub)
            .namespace(NAMESPACE, rooms.clone(), chat)
            .allow(move |request| origins.check(request))
            .build();
        actix_web::rt::spawn(deliver(deliveries, rooms));
        actix_web::rt::spawn(watch.run(session_news.subscribe()));
        actix_web::rt::spawn(close_when(stop.clone(), io.clone()));
        (io.clone(), App::new().configure(|app| io.configure(app)))
    })?;
    Ok((server.run(), port))
}

/// Gives frames to the sockets of this worker thread.
async fn deliver(mut deliveries: mpsc::Receiver<Batch>, rooms: Rooms) {
    while let Some(batch) = deliveries.recv().await {
        for Delivery {
            room,
            except,
            frame,
        } in batch
        {
            // The threads would wait for each other at every receiver, counting references to the same memory.
            let frame = frame.unshared();
            match room {
                Some(room) => rooms.send(room.as_str(), &frame, except.as_deref()),
                None => rooms.send_all(&frame, except.as_deref()),
            }
        }
    }
}

/// Stock clients reconnect by themselves, to a node that stays.
async fn close_when(stop: CancellationToken, io: SocketIo) {
    stop.cancelled().await;
    io.close_all(CloseReason::ServiceRestart);
}

fn ready_when(lifecycle: &Lifecycle, redis: Redis, amqp: Amqp, listening: &Listening) {
    lifecycle.ready_when("redis", move || {
        let redis = redis.clone();
        async move { redis.ping().await }
    });
    lifecycle.ready_when("amqp", move || {
        let amqp = amqp.clone();
        async move { amqp.ping().await }
    });
    for (name, listening) in [
        ("lobby", &listening.lobby),
        ("sessions", &listening.sessions),
    ] {
        let listening = listening.clone();
        lifecycle.ready_when(name, move || {
            let listening = listening.load(Ordering::Relaxed);
            ready(listening.then_some(()).ok_or("not subscribed yet"))
        });
    }
}

impl Application {
    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Serves until it is told to stop, then closes every socket politely and waits until the last has left its room.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn run(self) -> anyhow::Result<()> {
        let handle = self.server.handle();
        let background = CancellationToken::new();
        let _ended = background.clone().drop_guard();
        tokio::spawn(until(
            &background,
            fan_out::run(self.node.clone(), self.workers, self.published),
        ));
        tokio::spawn(until(
            &background,
            listen_to_lobby(self.subscriber, self.listening.lobby),
        ));
        tokio::spawn(until(
            &background,
            session_watch::hear(self.redis, self.session_news, self.listening.sessions),
        ));
        tokio::spawn(until(&background, keep_places(self.node)));
        tokio::spawn(until(&background, tell_of_slow_readers(self.hub.clone())));
        let drain = async {
            self.stop.cancelled().await;
            while self.hub.connections() > 0 {
                sleep(DRAIN_POLL).await;
            }
            handle.stop(true).await;
        };
        let (served, ()) = futures_util::future::join(self.server, drain).await;
        served.context("the HTTP server failed")
    }
}

/// This work, which ends with the node at the latest.
fn until<F: Future<Output = ()>>(
    end: &CancellationToken,
    work: F,
) -> impl Future<Output = ()> + use<F> {
    end.clone().run_until_cancelled_owned(work).map(drop)
}

/// Everybody hears of new rooms. Tries until it is confirmed once; the subscriber keeps it up from there.
async fn listen_to_lobby(subscriber: Subscriber, listening: Arc<AtomicBool>) {
    let lobby = || redis_keys::LOBBY_CHANNEL.to_owned();
    while subscriber.subscribe(lobby()).await.is_err() {
        sleep(LOBBY_PAUSE).await;
    }
    listening.store(true, Ordering::Relaxed);
}

/// Logs how many clients were disconnected because they did not read, once in a while and not for each.
async fn tell_of_slow_readers(hub: Hub) {
    let mut told = 0;
    let mut rounds = interval(SLOW_READERS_TOLD);
    loop {
        rounds.tick().await;
        let count = hub.closed(CloseReason::SlowReader);
        if count > told {
            let new = count - told;
            tracing::warn!(
                new,
                count,
                "clients that did not read what was sent to them were disconnected"
            );
            told = count;
        }
    }
}

/// Heartbeats and sweeps until the node ends. A round that fails was logged as an outage, and the next makes up for it.
async fn keep_places(node: Arc<Node>) {
    let mut rounds = interval(Presence::HEARTBEAT);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        let _ = node.attendance.beat().await;
        node.subscriptions.prune();
    }
}
