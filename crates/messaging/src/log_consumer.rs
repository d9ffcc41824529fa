use std::{io, time::Duration};

use futures_util::StreamExt;
use lapin::{
    Channel, Consumer,
    message::Delivery,
    options::{
        BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions,
        BasicQosOptions, BasicRejectOptions,
    },
    types::FieldTable,
};
use models::amqp_names::{LOG_QUEUE_ALL, LOG_QUEUE_ERRORS};
use tokio_util::sync::CancellationToken;

use crate::{Amqp, Unavailable, backoff::Attempts, log_topology};

/// The pause before a sink that could not write is tried again.
const BUSY_PAUSE: Duration = Duration::from_secs(1);

/// A queue of log records.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogQueue {
    /// Every record.
    All,
    /// The errors alone.
    Errors,
}

impl LogQueue {
    fn name(self) -> &'static str {
        match self {
            Self::All => LOG_QUEUE_ALL,
            Self::Errors => LOG_QUEUE_ERRORS,
        }
    }
}

/// Where records end up.
pub trait LogSink {
    /// Writes one record, given as the bytes that were published. When it returns, the record is safe.
    ///
    /// # Errors
    /// When the record is not one, or cannot be written now.
    fn write(&mut self, record: &[u8]) -> impl Future<Output = Result<(), SinkError>> + Send;
}

/// Why a [`LogSink`] did not write a record.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// It is no record, and never will be: it goes to the dead-letter queue.
    #[error("not a log record: {0}")]
    Unreadable(String),
    /// It cannot be written now: it stays in the queue and is tried again.
    #[error("cannot write: {0}")]
    Busy(#[from] io::Error),
}

/// Feeds a queue of log records to a sink until `stop`. At most `prefetch` records are in memory; each is acknowledged
/// after the sink has it. Connects again for ever.
pub async fn consume_log(
    amqp: &Amqp,
    queue: LogQueue,
    prefetch: u16,
    stop: CancellationToken,
    mut sink: impl LogSink,
) {
    let mut attempts = Attempts::new(queue.name());
    while !stop.is_cancelled() {
        match consume_while_connected(amqp, queue, prefetch, &stop, &mut sink, &mut attempts).await
        {
            Ok(()) => return,
            Err(unavailable) => tokio::select! {
                () = attempts.failed(unavailable.reason) => {}
                () = stop.cancelled() => return,
            },
        }
    }
}

async fn consume_while_connected(
    amqp: &Amqp,
    queue: LogQueue,
    prefetch: u16,
    stop: &CancellationToken,
    sink: &mut impl LogSink,
    attempts: &mut Attempts,
) -> Result<(), Unavailable> {
    let channel = amqp.channel().await?;
    let mut consumer = amqp.within(start(amqp, &channel, queue, prefetch)).await?;
    attempts.succeeded();
    let mut sink_is_busy = false;
    loop {
        let delivery = tokio::select! {
            delivery = consumer.next() => delivery,
            () = stop.cancelled() => {
                let tag = consumer.tag();
                amqp.within(channel.basic_cancel(tag, BasicCancelOptions::default())).await?;
                // What was prefetched goes back to the queue.
                return amqp.within(channel.close(200, "OK".into())).await;
            }
        };
        let delivery = match delivery {
            Some(Ok(delivery)) => delivery,
            Some(Err(error)) => return Err(Unavailable::rabbitmq(error)),
            None => return Err(Unavailable::rabbitmq("the consumer was cancelled")),
        };
        settle(amqp, delivery, sink, &mut sink_is_busy, stop).await?;
    }
}

async fn start(
    amqp: &Amqp,
    channel: &Channel,
    queue: LogQueue,
    prefetch: u16,
) -> Result<Consumer, lapin::Error> {
    log_topology::declare(amqp, channel).await?;
    channel
        .basic_qos(prefetch, BasicQosOptions::default())
        .await?;
    channel
        .basic_consume(
            queue.name().into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        )
        .await
}

/// Ends every delivery deliberately: acknowledged, dead-lettered, or back in the queue.
async fn settle(
    amqp: &Amqp,
    delivery: Delivery,
    sink: &mut impl LogSink,
    sink_is_busy: &mut bool,
    stop: &CancellationToken,
) -> Result<(), Unavailable> {
    match sink.write(&delivery.data).await {
        Ok(()) => {
            if std::mem::take(sink_is_busy) {
                tracing::info!("the log sink can be written again");
            }
            amqp.within(delivery.acker.ack(BasicAckOptions::default()))
                .await
                .map(drop)
        }
        Err(SinkError::Unreadable(reason)) => {
            tracing::warn!(
                reason,
                "a log record cannot be read; it is in the dead-letter queue"
            );
            let reject = BasicRejectOptions { requeue: false };
            amqp.within(delivery.acker.reject(reject)).await.map(drop)
        }
        Err(SinkError::Busy(error)) => {
            if !std::mem::replace(sink_is_busy, true) {
                tracing::error!(%error, "the log sink cannot be written; records wait in the queue");
            }
            tokio::select! {
                () = tokio::time::sleep(BUSY_PAUSE) => {}
                () = stop.cancelled() => {}
            }
            let requeue = BasicNackOptions {
                requeue: true,
                multiple: false,
            };
            amqp.within(delivery.acker.nack(requeue)).await.map(drop)
        }
    }
}
