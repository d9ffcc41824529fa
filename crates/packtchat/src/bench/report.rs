//! Reports as tables and as JSON.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use super::idle::IdleReport;
use super::load::{LoadReport, Workload};
use super::memory::Memory;
use super::round::{Percentiles, Round};
use super::saturate::SaturateReport;
use super::usage::Usage;

/// A report for people.
pub(crate) trait Table {
    /// Lines of text.
    fn table(&self) -> String;
}

/// Prints the table and, where asked for, writes the JSON.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn publish(
    report: &(impl Table + Serialize),
    json: Option<&Path>,
) -> anyhow::Result<()> {
    let table = report.table();
    let Some(file) = json else {
        println!("{table}");
        return Ok(());
    };
    let json = serde_json::to_string_pretty(report).context("the report cannot be JSON")?;
    if file == Path::new("-") {
        eprintln!("{table}");
        println!("{json}");
        return Ok(());
    }
    println!("{table}");
    fs::write(file, json + "\n").with_context(|| format!("cannot write {}", file.display()))
}

impl Table for LoadReport {
    fn table(&self) -> String {
        let mut rows = Rows::new(&self.workload.to_string());
        rows.round(&self.round);
        if self.stalled.connections > 0 {
            let stalled = &self.stalled;
            let text = format!(
                "{} never read; the server closed {} of them{}",
                stalled.connections,
                stalled.closed,
                counts(&stalled.reasons)
            );
            rows.add("stalled", text);
        }
        rows.memory(&self.memory);
        rows.usage(&self.round.usage);
        rows.0
    }
}

impl Table for SaturateReport {
    fn table(&self) -> String {
        let mut rows = Rows::new(&self.workload.to_string());
        let _ = writeln!(
            rows.0,
            "{:>9} {:>13} {:>8} {:>8} {:>8} {:>9}  µs per delivery",
            "posts/s", "deliveries/s", "p50 ms", "p99 ms", "max ms", "generator"
        );
        for step in &self.steps {
            let round = &step.round;
            let _ = writeln!(
                rows.0,
                "{:>9.1} {:>13.0} {:>8.1} {:>8.1} {:>8.1} {:>7.0} %  {}{}",
                round.rate,
                round.deliveries.per_second,
                round.latency_ms.p50,
                round.latency_ms.p99,
                round.latency_ms.max,
                100.0 * round.usage.generator_busy,
                named(&round.cpu_us_per_delivery, 1),
                step.overload
                    .as_ref()
                    .map_or_else(String::new, |why| format!("  {why}"))
            );
        }
        rows.0.push('\n');
        for limit in &self.limits {
            let failed = match (limit.failed_at, &limit.failed_by) {
                (Some(rate), Some(why)) => format!("; {rate:.1} failed by {why}"),
                _ => "; no higher rate was tried".to_owned(),
            };
            let whose = match limit.generator_was_the_limit {
                true => " while the generator was too busy: the servers may hold more",
                false => "",
            };
            let text = format!(
                "{:.0} deliveries a second ({:.1} posts){failed}{whose}",
                limit.deliveries_per_second, limit.posts_per_second
            );
            rows.add(&format!("p99 ≤ {} ms", limit.p99_limit_ms), text);
        }
        rows.0
    }
}

impl Table for IdleReport {
    fn table(&self) -> String {
        let nodes = plural(self.nodes, "node");
        let mut rows = Rows::new(&format!("{} idle connections, {nodes}", self.connections));
        rows.memory(&self.memory);
        let seconds = self.usage.seconds;
        let heartbeats = match self.heartbeats {
            0 => format!("none in {seconds:.0} s: watch longer"),
            count => {
                let cpu = named(&self.cpu_us_per_heartbeat, 1);
                format!("{count} in {seconds:.0} s; CPU each, µs: {cpu}")
            }
        };
        rows.add("heartbeats", heartbeats);
        rows.add("connections closed by servers", self.closed_connections);
        for (number, round) in self.rounds.iter().enumerate() {
            let growth: Vec<String> = round
                .closed_kib
                .iter()
                .map(|(name, kib)| {
                    let growth = round.growth_percent.get(name).copied().unwrap_or(0.0);
                    format!("{name} {kib} ({growth:+.1} %)")
                })
                .collect();
            let label = format!("KiB after closing, round {}", number + 1);
            rows.add(&label, growth.join("   "));
        }
        rows.usage(&self.usage);
        rows.0
    }
}

impl Display for Workload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} connections in {}, {} of them post {} bytes, {}, {} s measured",
            self.connections,
            plural(self.rooms, "room"),
            self.senders,
            self.bytes,
            plural(self.nodes, "node"),
            self.seconds
        )
    }
}

/// Lines of a label and what it has to say.
struct Rows(String);

impl Rows {
    fn new(title: &str) -> Rows {
        Rows(format!("{title}\n\n"))
    }

    fn add(&mut self, label: &str, text: impl Display) {
        let _ = writeln!(self.0, "{label:<30} {text}");
    }

    fn round(&mut self, round: &Round) {
        let (posts, deliveries) = (&round.posts, &round.deliveries);
        let text = format!(
            "{} at {:.1} a second: {} accepted, {} refused{}, {} unanswered, {} answered twice, {} not taken",
            posts.sent,
            round.rate,
            posts.accepted,
            posts.refused.values().sum::<u64>(),
            counts(&posts.refused),
            posts.unanswered,
            posts.answered_twice,
            posts.not_taken
        );
        self.add("posts", text);
        let text = format!(
            "{} of {}, {:.0} a second",
            deliveries.received, deliveries.owed, deliveries.per_second
        );
        self.add("deliveries", text);
        let text = format!(
            "{} lost, {} doubled, {} out of order, {} in a wrong room, {} malformed",
            deliveries.lost,
            deliveries.doubled,
            deliveries.out_of_order,
            deliveries.wrong_room,
            deliveries.malformed
        );
        self.add("", text);
        self.add("screens with another order", deliveries.order_differs);
        self.add("connections closed by servers", round.closed_connections);
        self.percentiles("delivery, ms", &round.latency_ms);
        if let Some(ack_latency) = &round.ack_latency_ms {
            self.percentiles("acknowledgement, ms", ack_latency);
        }
        let mut cpu = round.cpu_us_per_delivery.clone();
        cpu.insert("generator".to_owned(), round.generator_cpu_us_per_delivery);
        self.add("CPU per delivery, µs", named(&cpu, 1));
        let verdict = match round.generator_was_the_limit {
            true => "; it was the limit, the servers may do better",
            false => "",
        };
        let text = format!(
            "{:.0} % busy, posts up to {:.1} ms late (p99){verdict}",
            100.0 * round.usage.generator_busy,
            posts.late_p99_ms
        );
        self.add("generator", text);
    }

    fn percentiles(&mut self, label: &str, ms: &Percentiles) {
        let text = format!(
            "p50 {:.1}   p90 {:.1}   p99 {:.1}   p99.9 {:.1}   max {:.1}",
            ms.p50, ms.p90, ms.p99, ms.p99_9, ms.max
        );
        self.add(label, text);
    }

    fn memory(&mut self, memory: &Memory) {
        if !memory.kib_per_connection.is_empty() {
            let text = named(&memory.kib_per_connection, 2);
            self.add("KiB per connection", text);
        }
    }

    fn usage(&mut self, usage: &Usage) {
        let mut cores: BTreeMap<String, f64> = usage
            .cpu_seconds
            .iter()
            .map(|(name, seconds)| (name.clone(), seconds / usage.seconds))
            .collect();
        let generator = usage.generator_cpu_seconds / usage.seconds;
        cores.insert("generator".to_owned(), generator);
        let text = format!(
            "{}   others {:.2}   stolen {:.2}",
            named(&cores, 2),
            usage.other_cores,
            usage.stolen_cores
        );
        self.add("cores", text);
    }
}

fn named(values: &BTreeMap<String, f64>, digits: usize) -> String {
    let values = values
        .iter()
        .map(|(name, value)| format!("{name} {value:.digits$}"));
    values.collect::<Vec<_>>().join("   ")
}

/// ` (3 × this, 4 × that)`, or nothing.
fn counts(counts: &BTreeMap<String, u64>) -> String {
    let parts: Vec<String> = counts
        .iter()
        .map(|(what, count)| format!("{count} × {what}"))
        .collect();
    match parts.is_empty() {
        true => String::new(),
        false => format!(" ({})", parts.join(", ")),
    }
}

fn plural(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}
