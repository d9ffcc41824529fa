//! Whoever is connected with a session that ends is disconnected at once, on every node.
//!
//! A node hears of the ends on a connection to Redis of its own, so that neither a flood of messages nor a fan-out that
//! catches up delays them, and no message waits for them. [`hear`] runs once in a node and hands the news to every
//! worker thread; a [`SessionWatch`] on each of them knows the sockets. What a node may have missed, because its
//! subscription was away or a session grew too old without anybody's doing, it finds by asking Redis for its sessions:
//! for all of them at once after an outage, and bit by bit all the time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::join;
use messaging::{Published, Redis, Sessions, Subscriber, Unavailable};
use models::{
    redis_keys,
    session::{SessionHandle, SessionId, SessionNews},
};
use socketio::{CloseReason, Rooms, Socket};
use tokio::{
    sync::{Notify, broadcast, mpsc},
    time::sleep,
};

use crate::session_sockets::SessionSockets;

/// News that may wait for one worker thread; one that has more to hear asks for all its sessions instead.
const QUEUE: usize = 256;
/// Sessions asked for at once.
const BATCH: usize = 100;
/// The wait before something that Redis did not answer is tried again.
const PAUSE: Duration = Duration::from_millis(200);

/// What worker threads are told.
#[derive(Clone)]
pub(crate) enum News {
    /// Of these sessions.
    Sessions(SessionNews),
    /// Something may have been missed.
    Gap,
}

/// Where worker threads are told.
pub(crate) fn channel() -> broadcast::Sender<News> {
    broadcast::Sender::new(QUEUE)
}

/// Hands on what is told of sessions, for as long as this is polled. `listening` is set once it is heard for sure.
pub(crate) async fn hear(redis: Redis, news: broadcast::Sender<News>, listening: Arc<AtomicBool>) {
    let (subscriber, mut published) = Subscriber::start(&redis);
    while subscriber
        .subscribe(redis_keys::SESSIONS_CHANNEL.to_owned())
        .await
        .is_err()
    {
        sleep(PAUSE).await;
    }
    listening.store(true, Ordering::Relaxed);
    // A node that is not ready yet may have sockets all the same.
    tell(&news, News::Gap);
    hand_on(&mut published, &news).await;
}

async fn hand_on(published: &mut mpsc::Receiver<Published>, news: &broadcast::Sender<News>) {
    while let Some(published) = published.recv().await {
        match published {
            Published::Resubscribed => tell(news, News::Gap),
            Published::Message { payload, .. } => match serde_json::from_slice(&payload) {
                Ok(sessions) => tell(news, News::Sessions(sessions)),
                Err(error) => {
                    tracing::warn!(%error, "something that is no news of sessions was published");
                    tell(news, News::Gap);
                }
            },
        }
    }
}

fn tell(news: &broadcast::Sender<News>, what: News) {
    // Without worker threads there are no sockets.
    let _ = news.send(what);
}

/// The sessions of one worker thread.
pub(crate) struct SessionWatch {
    pub(crate) sockets: SessionSockets,
    pub(crate) rooms: Rooms,
    pub(crate) sessions: Sessions,
    /// How often each session is asked for.
    pub(crate) every: Duration,
}

impl SessionWatch {
    /// Disconnects whoever has to be until the node ends.
    pub(crate) async fn run(self, news: broadcast::Receiver<News>) {
        let gap = Notify::new();
        join(self.listen(news, &gap), self.check(&gap)).await;
    }

    async fn listen(&self, mut news: broadcast::Receiver<News>, gap: &Notify) {
        loop {
            match news.recv().await {
                Ok(News::Sessions(SessionNews::Ended(handles))) => self.end(&handles),
                Ok(News::Sessions(SessionNews::Changed(handles))) => self.renew(&handles),
                Ok(News::Gap) | Err(broadcast::error::RecvError::Lagged(_)) => gap.notify_one(),
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    /// Asks for all sessions again and again: spread over the time there is, and at once where there was a gap.
    async fn check(&self, gap: &Notify) {
        let mut in_haste = false;
        loop {
            let time = if in_haste { Duration::ZERO } else { self.every };
            tokio::select! {
                checked = self.round(time) => {
                    if in_haste && checked.is_err() {
                        sleep(PAUSE).await;
                    } else {
                        in_haste = false;
                    }
                }
                () = gap.notified() => in_haste = true,
            }
        }
    }

    async fn round(&self, time: Duration) -> Result<(), Unavailable> {
        let sessions = self.sockets.sessions();
        let batches = sessions.len().div_ceil(BATCH).max(1);
        let pause = time / u32::try_from(batches).unwrap_or(u32::MAX);
        for batch in sessions.chunks(BATCH) {
            sleep(pause).await;
            let ended = self.sessions.keep(batch).await?;
            let ended: Vec<_> = ended.iter().map(SessionId::handle).collect();
            self.end(&ended);
        }
        if sessions.is_empty() {
            sleep(pause).await;
        }
        Ok(())
    }

    /// These sessions are over. Stock clients take it as final.
    fn end(&self, handles: &[SessionHandle]) {
        let sockets = self.connected(handles);
        for socket in &sockets {
            socket.disconnect(true);
        }
        if !sockets.is_empty() {
            tracing::info!(
                sockets = sockets.len(),
                "sockets were disconnected because their sessions are over"
            );
        }
    }

    /// The user of these sessions has another name: clients come back by themselves, and are introduced by it.
    fn renew(&self, handles: &[SessionHandle]) {
        for socket in self.connected(handles) {
            socket.close_connection(CloseReason::Reconnect);
        }
    }

    /// The sockets of these sessions. Those that are still being admitted find out by their registration.
    fn connected(&self, handles: &[SessionHandle]) -> Vec<Socket> {
        let sockets = self.sockets.take(handles).into_iter();
        sockets.filter_map(|id| self.rooms.socket(&id)).collect()
    }
}
