use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt;
use lapin::{
    BasicProperties, Channel, Consumer,
    options::{BasicConsumeOptions, BasicPublishOptions},
    types::FieldTable,
};
use models::amqp_names::DIRECT_REPLY_TO;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    sync::{oneshot, watch},
    time::{Instant, timeout_at},
};

use crate::{Amqp, Unavailable, backoff::Attempts, rpc_server::declare_queue};

/// Asks questions over a queue. Cloning shares the channel.
///
/// Requests are not written to disk. They expire in the queue while there is still time to answer, so that nobody does
/// work for which nobody waits any more, however many wait.
#[derive(Clone)]
pub struct RpcClient {
    amqp: Amqp,
    queue: &'static str,
    patience: Duration,
    channel: watch::Receiver<Option<Channel>>,
    pending: Arc<Pending>,
}

/// The callers that wait for an answer, by correlation id.
#[derive(Default)]
struct Pending {
    next: AtomicU64,
    callers: Mutex<HashMap<u64, oneshot::Sender<Vec<u8>>>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// The broker is away, or the connection broke while waiting.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// Nobody answered within the caller's patience.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// Question or answer cannot be put into words, which is a fault of the program.
    #[error("question or answer is not of its type: {0}")]
    Protocol(#[from] serde_json::Error),
}

impl RpcClient {
    /// Opens the channel in the background, and again when it breaks.
    #[must_use]
    pub fn start(amqp: &Amqp, queue: &'static str, patience: Duration) -> Self {
        let (sender, channel) = watch::channel(None);
        let client = Self {
            amqp: amqp.clone(),
            queue,
            patience,
            channel,
            pending: Arc::default(),
        };
        tokio::spawn(client.clone().receive_answers(sender));
        client
    }

    /// Asks, and waits for the answer as long as this client has patience.
    ///
    /// # Errors
    /// When no answer comes; what was asked for may have been done all the same.
    pub async fn call<Q: Serialize + Sync, R: DeserializeOwned>(
        &self,
        question: &Q,
    ) -> Result<R, RpcError> {
        let payload = serde_json::to_vec(question)?;
        let deadline = Instant::now() + self.patience;
        let answer = timeout_at(deadline, self.ask(&payload))
            .await
            .map_err(|_| RpcError::Timeout(self.patience))??;
        Ok(serde_json::from_slice(&answer)?)
    }

    async fn ask(&self, payload: &[u8]) -> Result<Vec<u8>, Unavailable> {
        let channel = self.connected().await?;
        let waiting = self.pending.register();
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_reply_to(DIRECT_REPLY_TO.into())
            .with_correlation_id(waiting.id.to_string().into())
            .with_expiration(in_queue(self.patience).as_millis().to_string().into());
        channel
            .basic_publish(
                "".into(),
                self.queue.into(),
                BasicPublishOptions::default(),
                payload,
                properties,
            )
            .await
            .map_err(Unavailable::rabbitmq)?;
        waiting.answer().await
    }

    async fn connected(&self) -> Result<Channel, Unavailable> {
        let mut channel = self.channel.clone();
        let channel = channel.wait_for(Option::is_some).await;
        let channel = channel.ok().and_then(|channel| channel.clone());
        channel.ok_or_else(|| Unavailable::rabbitmq("the connection was closed"))
    }

    async fn receive_answers(self, sender: watch::Sender<Option<Channel>>) {
        let mut attempts = Attempts::new(self.queue);
        while !self.amqp.is_closing() {
            let reason = match self.open().await {
                Ok((channel, answers)) => {
                    attempts.succeeded();
                    sender.send_replace(Some(channel));
                    self.deliver(answers).await;
                    sender.send_replace(None);
                    self.pending.abandon_all();
                    "the channel was closed".to_owned()
                }
                Err(unavailable) => unavailable.reason,
            };
            tokio::select! {
                () = attempts.failed(reason) => {}
                () = self.amqp.closing() => return,
            }
        }
    }

    async fn open(&self) -> Result<(Channel, Consumer), Unavailable> {
        let channel = self.amqp.channel().await?;
        self.amqp
            .within(declare_queue(&self.amqp, &channel, self.queue))
            .await?;
        // Direct reply-to demands a consumer without acknowledgements.
        let no_ack = BasicConsumeOptions {
            no_ack: true,
            ..BasicConsumeOptions::default()
        };
        let consume = channel.basic_consume(
            DIRECT_REPLY_TO.into(),
            "".into(),
            no_ack,
            FieldTable::default(),
        );
        let answers = self.amqp.within(consume).await?;
        Ok((channel, answers))
    }

    async fn deliver(&self, mut answers: Consumer) {
        while let Some(Ok(delivery)) = answers.next().await {
            let id = delivery.properties.correlation_id();
            if let Some(id) = id.as_ref().and_then(|id| id.as_str().parse().ok()) {
                self.pending.answer(id, delivery.data);
            }
        }
    }
}

/// How much of a caller's patience a request may spend in the queue. Were it all of it, then wherever more is asked
/// than can be answered, each request would be taken just when its caller gives up, and nobody be answered at all.
fn in_queue(patience: Duration) -> Duration {
    patience * 3 / 5
}

impl Pending {
    fn register(self: &Arc<Self>) -> Waiting {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        self.callers().insert(id, sender);
        Waiting {
            id,
            answer,
            pending: self.clone(),
        }
    }

    fn answer(&self, id: u64, data: Vec<u8>) {
        if let Some(caller) = self.callers().remove(&id) {
            // A caller that has given up just now needs no answer.
            let _ = caller.send(data);
        }
    }

    /// The answers went with the channel.
    fn abandon_all(&self) {
        self.callers().clear();
    }

    fn callers(&self) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<Vec<u8>>>> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller's place among the pending, given up when dropped.
struct Waiting {
    id: u64,
    answer: oneshot::Receiver<Vec<u8>>,
    pending: Arc<Pending>,
}

impl Waiting {
    async fn answer(mut self) -> Result<Vec<u8>, Unavailable> {
        (&mut self.answer)
            .await
            .map_err(|_| Unavailable::rabbitmq("the connection broke while waiting for the answer"))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.pending.callers().remove(&self.id);
    }
}
