use std::{io::Write, time::Instant};

use actix_http::ws::{OpCode, Parser};
use bytes::BytesMut;
use criterion::{Criterion, Throughput};

use crate::{
    MESSAGE,
    server::{LAST, Server},
};

/// Events that are under way at once.
const BATCH: usize = 1_000;

/// An event from the client's TCP socket to its handler, its argument taken apart there.
pub(crate) fn bench(criterion: &mut Criterion) {
    let server = Server::start();
    let mut client = server.client();
    let mut batch = BytesMut::new();
    for index in 1..=BATCH {
        let name = if index == BATCH { LAST } else { "message" };
        let event = serde_json::json!([name, MESSAGE]);
        Parser::write_message(&mut batch, format!("42{event}"), OpCode::Text, true, true);
    }
    let mut group = criterion.benchmark_group("receive");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.sample_size(50);
    group.bench_function(format!("{BATCH} events"), |bencher| {
        bencher.iter_custom(|iterations| {
            let start = Instant::now();
            for _ in 0..iterations {
                client.write_all(&batch).unwrap();
                server.last_handled();
            }
            start.elapsed()
        });
    });
    group.finish();
}
