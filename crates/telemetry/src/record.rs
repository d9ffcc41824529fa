//! From `tracing`'s events and spans to [`LogRecord`]s.

use std::fmt;

use models::{
    log_record::{LogLevel, LogRecord},
    now_ms,
};
use serde_json::{Map, Value};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{layer::Context, registry::LookupSpan};

/// The fields of a span, kept beside it until an event within it needs them.
pub(crate) struct SpanFields(pub(crate) Map<String, Value>);

/// Who speaks.
pub(crate) struct Speaker {
    pub(crate) service: &'static str,
    pub(crate) node: String,
}

impl Speaker {
    /// The record of an event, with the fields of its spans; an inner field hides an outer one of its name.
    pub(crate) fn record<S: Subscriber + for<'a> LookupSpan<'a>>(
        &self,
        event: &Event<'_>,
        context: &Context<'_, S>,
    ) -> LogRecord {
        let mut fields = Map::new();
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(tracing_subscriber::registry::Scope::from_root)
        {
            if let Some(SpanFields(of_span)) = span.extensions().get() {
                fields.extend(of_span.clone());
            }
        }
        event.record(&mut Collect(&mut fields));
        let message = match fields.remove("message") {
            Some(Value::String(message)) => message,
            _ => String::new(),
        };
        LogRecord {
            ts: now_ms(),
            level: level(*event.metadata().level()),
            service: self.service.to_owned(),
            node: self.node.clone(),
            target: event.metadata().target().to_owned(),
            message,
            fields,
        }
    }
}

fn level(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        _ => LogLevel::Debug,
    }
}

/// Collects fields as JSON values.
pub(crate) struct Collect<'a>(pub(crate) &'a mut Map<String, Value>);

impl Collect<'_> {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Collect<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value);
    }
}
