use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use models::{amqp_names::LOG_EXCHANGE, log_record::LogRecord};
use tokio::sync::mpsc;

use crate::{Amqp, Unavailable, backoff::Attempts, log_topology};

/// Records in flight between two waits for the broker's confirms.
const BATCH: usize = 256;
/// Written to disk by the broker, so that a record survives its restart.
const PERSISTENT: u8 = 2;

/// Publishes records to the log exchange until their sender is dropped and the last is confirmed, or the connection
/// is closed for good. A batch that was not confirmed is published again after the connection is back, so a record
/// may come twice, never not at all.
pub async fn publish_log(amqp: Amqp, mut records: mpsc::Receiver<LogRecord>) {
    let mut attempts = Attempts::new("RabbitMQ log exchange");
    let mut batch = Vec::with_capacity(BATCH);
    while !amqp.is_closing() {
        match publish_while_connected(&amqp, &mut records, &mut batch, &mut attempts).await {
            Ok(()) => return,
            Err(unavailable) => tokio::select! {
                () = attempts.failed(unavailable.reason) => {}
                () = amqp.closing() => return,
            },
        }
    }
}

async fn publish_while_connected(
    amqp: &Amqp,
    records: &mut mpsc::Receiver<LogRecord>,
    batch: &mut Vec<LogRecord>,
    attempts: &mut Attempts,
) -> Result<(), Unavailable> {
    let channel = amqp.channel().await?;
    amqp.within(log_topology::declare(amqp, &channel)).await?;
    amqp.within(channel.confirm_select(ConfirmSelectOptions::default()))
        .await?;
    attempts.succeeded();
    loop {
        if batch.is_empty() && records.recv_many(batch, BATCH).await == 0 {
            return amqp.within(channel.close(200, "OK".into())).await;
        }
        publish(amqp, &channel, batch).await?;
        batch.clear();
    }
}

async fn publish(amqp: &Amqp, channel: &Channel, batch: &[LogRecord]) -> Result<(), Unavailable> {
    let mut confirms = Vec::with_capacity(batch.len());
    for record in batch {
        // A record is plain data, which always serializes.
        let Ok(payload) = serde_json::to_vec(record) else {
            continue;
        };
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(PERSISTENT);
        let publish = channel.basic_publish(
            LOG_EXCHANGE.into(),
            record.level.routing_key().into(),
            BasicPublishOptions::default(),
            &payload,
            properties,
        );
        confirms.push(amqp.within(publish).await?);
    }
    for confirm in confirms {
        if let Confirmation::Nack(_) = amqp.within(confirm).await? {
            return Err(Unavailable::rabbitmq("the broker refused a log record"));
        }
    }
    Ok(())
}
