use std::{collections::HashSet, time::Duration};

use bytes::Bytes;
use deadpool_redis::redis::{
    Msg, RedisError,
    aio::{PubSubSink, PubSubStream},
};
use futures_util::StreamExt;
use tokio::{
    sync::{mpsc, oneshot},
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{Redis, Unavailable, backoff::Attempts};

/// Messages waiting for the reader. When it is full for [`STALL`], the connection is dropped and made again, so
/// that memory stays bounded and the reader learns that it has to catch up.
const QUEUE: usize = 1_024;
const STALL: Duration = Duration::from_secs(1);
/// How often an idle connection is asked whether it still lives.
const PING_EVERY: Duration = Duration::from_secs(5);

/// One pub/sub connection for a whole process. Cloning shares it. It ends when the receiver is dropped.
#[derive(Clone)]
pub struct Subscriber {
    commands: mpsc::Sender<Command>,
    deadline: Duration,
}

/// What a [`Subscriber`] tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Published {
    /// A message on a channel.
    Message {
        /// Which channel.
        channel: String,
        /// What was published.
        payload: Bytes,
    },
    /// The connection was lost and is back with every subscription: what was published in between is missing.
    Resubscribed,
}

enum Command {
    Subscribe(String, oneshot::Sender<()>),
    Unsubscribe(String),
}

impl Subscriber {
    /// Connects in the background, for as long as the receiver lives.
    #[must_use]
    pub fn start(redis: &Redis) -> (Self, mpsc::Receiver<Published>) {
        let (commands, command_rx) = mpsc::channel(QUEUE);
        let (published, published_rx) = mpsc::channel(QUEUE);
        let task = Task {
            redis: redis.clone(),
            commands: command_rx,
            published,
            channels: HashSet::new(),
        };
        tokio::spawn(task.run());
        let deadline = redis.deadline();
        (Self { commands, deadline }, published_rx)
    }

    /// Subscribes; when this returns, whatever is published from now on arrives.
    ///
    /// # Errors
    /// When Redis does not confirm within the deadline. The subscription is still wanted, and made as soon as it can
    /// be.
    pub async fn subscribe(&self, channel: String) -> Result<(), Unavailable> {
        let (done, confirmed) = oneshot::channel();
        let subscribed = async {
            self.commands
                .send(Command::Subscribe(channel, done))
                .await
                .ok()?;
            confirmed.await.ok()
        };
        timeout(self.deadline, subscribed)
            .await
            .ok()
            .flatten()
            .ok_or_else(|| Unavailable::redis("the subscription was not confirmed in time"))
    }

    /// Wants no more of this channel. Never waits: false when too much lies before it, as in an outage; nothing has
    /// changed then.
    #[must_use]
    pub fn unsubscribe(&self, channel: String) -> bool {
        self.commands
            .try_send(Command::Unsubscribe(channel))
            .is_ok()
    }
}

struct Task {
    redis: Redis,
    commands: mpsc::Receiver<Command>,
    published: mpsc::Sender<Published>,
    channels: HashSet<String>,
}

/// Why a connection ended.
enum Ended {
    /// Nobody listens any more.
    Abandoned,
    /// Something that a new connection may mend.
    Broken(String),
}

impl From<RedisError> for Ended {
    fn from(error: RedisError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl Task {
    async fn run(mut self) {
        let mut attempts = Attempts::new("Redis pub/sub");
        let mut lost_messages = false;
        loop {
            match self.connection(&mut attempts, lost_messages).await {
                Ended::Abandoned => return,
                Ended::Broken(reason) => {
                    lost_messages = true;
                    tokio::select! {
                        () = attempts.failed(reason) => {}
                        () = self.published.closed() => return,
                    }
                }
            }
        }
    }

    async fn connection(&mut self, attempts: &mut Attempts, lost_messages: bool) -> Ended {
        match self.connect().await {
            Ok((sink, stream)) => {
                attempts.succeeded();
                if lost_messages && self.published.send(Published::Resubscribed).await.is_err() {
                    return Ended::Abandoned;
                }
                match self.serve(sink, stream).await {
                    Ok(ended) | Err(ended) => ended,
                }
            }
            Err(ended) => ended,
        }
    }

    async fn connect(&mut self) -> Result<(PubSubSink, PubSubStream), Ended> {
        let (mut sink, stream) = within(
            self.redis.deadline(),
            self.redis.client().get_async_pubsub(),
        )
        .await?
        .split();
        // In one command: a node may be in thousands of rooms.
        let channels: Vec<_> = self.channels.iter().map(String::as_str).collect();
        if !channels.is_empty() {
            within(self.redis.deadline(), sink.subscribe(channels.as_slice())).await?;
        }
        Ok((sink, stream))
    }

    async fn serve(
        &mut self,
        mut sink: PubSubSink,
        mut stream: PubSubStream,
    ) -> Result<Ended, Ended> {
        let deadline = self.redis.deadline();
        let mut ping = interval(PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = stream.next() => match message {
                    Some(message) => self.publish(&message).await?,
                    None => return Err(Ended::Broken("the connection was closed".to_owned())),
                },
                command = self.commands.recv() => match command {
                    Some(Command::Subscribe(channel, done)) => {
                        // Remembered first: if this connection fails, the next one subscribes.
                        self.channels.insert(channel.clone());
                        within(deadline, sink.subscribe(&channel)).await?;
                        let _ = done.send(());
                    }
                    Some(Command::Unsubscribe(channel)) => {
                        self.channels.remove(&channel);
                        within(deadline, sink.unsubscribe(&channel)).await?;
                    }
                    None => return Ok(Ended::Abandoned),
                },
                _ = ping.tick() => within(deadline, sink.ping::<()>()).await?,
                () = self.published.closed() => return Ok(Ended::Abandoned),
            }
        }
    }

    async fn publish(&self, message: &Msg) -> Result<(), Ended> {
        let published = Published::Message {
            channel: message.get_channel_name().to_owned(),
            payload: Bytes::copy_from_slice(message.get_payload_bytes()),
        };
        self.published
            .send_timeout(published, STALL)
            .await
            .map_err(|error| match error {
                mpsc::error::SendTimeoutError::Closed(_) => Ended::Abandoned,
                mpsc::error::SendTimeoutError::Timeout(_) => {
                    Ended::Broken("messages come faster than they are handled".to_owned())
                }
            })
    }
}

async fn within<T>(
    deadline: Duration,
    work: impl Future<Output = Result<T, RedisError>>,
) -> Result<T, Ended> {
    match timeout(deadline, work).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(Ended::Broken("no answer in time".to_owned())),
    }
}
