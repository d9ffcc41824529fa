use std::{
    io::Write,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use models::{
    log_record::{LogLevel, LogRecord},
    now_ms,
};
use serde_json::Map;
use tokio::sync::mpsc::{self, error::TrySendError};
use tracing::{Event, Subscriber, span};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use crate::record::{Collect, SpanFields, Speaker};

/// Hands every event to the publisher of the log exchange, without ever waiting.
pub(crate) struct AmqpLayer {
    speaker: Speaker,
    /// `None` after [`AmqpLayer::close`].
    records: RwLock<Option<mpsc::Sender<LogRecord>>>,
    /// Records the buffer had no room for since that was last told.
    dropped: AtomicU64,
}

impl AmqpLayer {
    /// A layer that speaks for this service, and its records, of which at most `buffer` wait.
    pub(crate) fn new(speaker: Speaker, buffer: usize) -> (Self, mpsc::Receiver<LogRecord>) {
        let (sender, receiver) = mpsc::channel(buffer);
        let layer = Self {
            speaker,
            records: RwLock::new(Some(sender)),
            dropped: AtomicU64::new(0),
        };
        (layer, receiver)
    }

    /// Takes no more records, so that the publisher ends with the last.
    pub(crate) fn close(&self) {
        self.records
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    fn send(&self, record: LogRecord) {
        let records = self.records.read().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = records.as_ref() else {
            return;
        };
        match sender.try_send(record) {
            Ok(()) => self.tell_dropped(sender),
            Err(TrySendError::Full(record)) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                to_standard_error(&record);
            }
            Err(TrySendError::Closed(_)) => {}
        }
    }

    /// Once there is room again, the exchange learns what it missed.
    fn tell_dropped(&self, sender: &mpsc::Sender<LogRecord>) {
        if self.dropped.load(Ordering::Relaxed) == 0 {
            return;
        }
        let Ok(permit) = sender.try_reserve() else {
            return;
        };
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        permit.send(LogRecord {
            ts: now_ms(),
            level: LogLevel::Warn,
            service: self.speaker.service.to_owned(),
            node: self.speaker.node.clone(),
            target: module_path!().to_owned(),
            message: "log records went to standard error because the broker did not take them"
                .to_owned(),
            fields: Map::from_iter([("dropped".to_owned(), dropped.into())]),
        });
    }
}

fn to_standard_error(record: &LogRecord) {
    if let Ok(line) = serde_json::to_string(record) {
        // When not even standard error can be written, there is nobody left to tell.
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

/// Shared, so that [`AmqpLayer::close`] can be called on what `tracing` holds for ever.
pub(crate) struct Shared(pub(crate) std::sync::Arc<AmqpLayer>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Shared {
    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        context: Context<'_, S>,
    ) {
        let mut fields = Map::new();
        attributes.record(&mut Collect(&mut fields));
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(SpanFields(fields));
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(SpanFields(fields)) = span.extensions_mut().get_mut()
        {
            values.record(&mut Collect(fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        self.0.send(self.0.speaker.record(event, &context));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracing_subscriber::{layer::SubscriberExt, registry};

    use super::*;

    fn layer(buffer: usize) -> (Arc<AmqpLayer>, mpsc::Receiver<LogRecord>) {
        let speaker = Speaker {
            service: "auth",
            node: "auth-1".to_owned(),
        };
        let (layer, records) = AmqpLayer::new(speaker, buffer);
        (Arc::new(layer), records)
    }

    #[test]
    fn an_event_becomes_a_record_with_the_fields_of_its_spans() {
        let (layer, mut records) = layer(8);
        tracing::subscriber::with_default(registry().with(Shared(layer)), || {
            let span = tracing::info_span!(
                "request",
                request_id = "r-1",
                status = tracing::field::Empty
            );
            span.record("status", 503);
            span.in_scope(|| tracing::error!(attempts = 3, "no answer"));
        });
        let record = records.try_recv().unwrap();
        assert_eq!(
            (record.level, record.message.as_str()),
            (LogLevel::Error, "no answer")
        );
        assert_eq!(
            (record.service.as_str(), record.node.as_str()),
            ("auth", "auth-1")
        );
        assert_eq!(record.fields["request_id"], "r-1");
        assert_eq!(record.fields["status"], 503);
        assert_eq!(record.fields["attempts"], 3);
    }

    #[test]
    fn a_full_buffer_drops_and_tells_once_there_is_room() {
        let (layer, mut records) = layer(2);
        tracing::subscriber::with_default(registry().with(Shared(layer)), || {
            for n in 0..5 {
                tracing::info!(n, "hello");
            }
            assert_eq!(records.try_recv().unwrap().fields["n"], 0);
            assert_eq!(records.try_recv().unwrap().fields["n"], 1);
            tracing::info!(n = 5, "hello");
        });
        assert_eq!(records.try_recv().unwrap().fields["n"], 5);
        assert_eq!(records.try_recv().unwrap().fields["dropped"], 3);
    }

    #[test]
    fn nothing_is_taken_after_the_end() {
        let (layer, mut records) = layer(2);
        layer.close();
        tracing::subscriber::with_default(registry().with(Shared(layer)), || {
            tracing::info!("late");
        });
        assert!(matches!(
            records.try_recv(),
            Err(mpsc::error::TryRecvError::Disconnected)
        ));
    }
}
