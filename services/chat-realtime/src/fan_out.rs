//! From Redis to the sockets: one task per node reads what is published, makes a frame of it, and hands the frame to
//! one task per worker thread, which gives it to the sockets it has in the room.
//!
//! Every queue is bounded. When a worker falls behind, the node's task waits; when that takes too long, the subscriber
//! drops its connection and makes a new one, and what was missed is read from the rooms' streams.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use messaging::{Envelope, Published, Unavailable};
use models::{
    Chat, RoomName,
    events::{ADD_CHAT, GET_ROOM, GET_USER, NAMESPACE},
    redis_keys,
};
use socketio::Frame;
use tokio::{sync::mpsc, time::sleep};

use crate::{events::get_room, node::Node};

/// Deliveries that wait for one worker thread.
const QUEUE: usize = 1_024;
/// Messages read at once when a room is caught up on.
const CATCH_UP: usize = 500;
/// The wait before a catch-up that failed is tried again.
const CATCH_UP_PAUSE: Duration = Duration::from_millis(200);

/// A frame for the sockets of one worker thread.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// `None` for every socket.
    pub(crate) room: Option<RoomName>,
    /// The socket that is not to get it.
    pub(crate) except: Option<String>,
    pub(crate) frame: Frame,
}

/// The worker threads of this node. Cloning shares them.
#[derive(Clone, Default)]
pub(crate) struct Workers(Arc<Mutex<Vec<mpsc::Sender<Delivery>>>>);

impl Workers {
    /// One more worker thread; what it has to deliver comes out here.
    pub(crate) fn add(&self) -> mpsc::Receiver<Delivery> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(sender);
        receiver
    }

    async fn deliver(&self, delivery: Delivery) {
        let workers = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for worker in workers {
            // A worker that has ended has no sockets.
            let _ = worker.send(delivery.clone()).await;
        }
    }
}

/// Delivers what is published until the subscriber ends.
pub(crate) async fn run(
    node: Arc<Node>,
    workers: Workers,
    mut published: mpsc::Receiver<Published>,
) {
    while let Some(published) = published.recv().await {
        match published {
            Published::Message { channel, payload } => {
                let Some(envelope) = Envelope::parse(&payload) else {
                    tracing::warn!(channel, "something that is no envelope was published");
                    continue;
                };
                deliver(&node, &workers, &channel, envelope).await;
            }
            Published::Resubscribed => {
                // Until it is done: what is published waits, and goes out after what was missed.
                while catch_up(&node, &workers).await.is_err() {
                    sleep(CATCH_UP_PAUSE).await;
                }
            }
        }
    }
}

async fn deliver(node: &Node, workers: &Workers, channel: &str, envelope: Envelope) {
    let room = if channel == redis_keys::LOBBY_CHANNEL {
        None
    } else {
        let Some(room) = redis_keys::room_of_channel(channel) else {
            return;
        };
        Some(room)
    };
    if let Some(room) = &room
        && envelope.seq > 0
        && !node.subscriptions.arrived(room, envelope.seq).await
    {
        return;
    }
    let Ok(packet) = std::str::from_utf8(&envelope.packet) else {
        return;
    };
    let delivery = Delivery {
        room,
        except: envelope.except,
        frame: Frame::text(packet),
    };
    workers.deliver(delivery).await;
}

/// Gives every room what it missed: messages by their numbers, and the lists of rooms and people anew.
async fn catch_up(node: &Node, workers: &Workers) -> Result<(), Unavailable> {
    let rooms = get_room::list(node).await?;
    workers.deliver(to(None, GET_ROOM, &rooms)).await;
    for (room, mut last_seq) in node.subscriptions.rooms().await {
        let stored = node.chats.last_seq(&room).await?;
        if stored < last_seq {
            tracing::warn!(%room, last_seq, stored, "Redis has lost messages, their numbers are given anew");
            node.subscriptions.rewind(&room, stored).await;
            last_seq = stored;
        }
        loop {
            let missed = node.chats.since(&room, last_seq, CATCH_UP).await?;
            for chat in &missed.chats {
                last_seq = chat.seq;
                deliver_chat(node, workers, &room, chat).await;
            }
            if !missed.more {
                break;
            }
        }
        let users = node.presence.in_room(&room).await?;
        workers.deliver(to(Some(room), GET_USER, &users)).await;
    }
    Ok(())
}

async fn deliver_chat(node: &Node, workers: &Workers, room: &RoomName, chat: &Chat) {
    if node.subscriptions.arrived(room, chat.seq).await {
        workers
            .deliver(to(Some(room.clone()), ADD_CHAT, chat))
            .await;
    }
}

fn to<T: serde::Serialize>(room: Option<RoomName>, event: &str, data: &T) -> Delivery {
    // Plain data of ours always serializes.
    let json = serde_json::to_string(data).unwrap_or_default();
    Delivery {
        room,
        except: None,
        frame: Frame::text(&format!("2{NAMESPACE},[\"{event}\",{json}]")),
    }
}
