use criterion::{Criterion, Throughput};

use crate::server::Server;

/// Members of the room.
const MEMBERS: usize = 500;

/// A frame sent to a room: only queued for its members, and queued and written to their TCP
/// sockets. The members read it all, on a thread of their own.
pub(crate) fn bench(criterion: &mut Criterion) {
    let server = Server::start();
    server.members(MEMBERS);
    let mut group = criterion.benchmark_group("fan-out");
    group.throughput(Throughput::Elements(MEMBERS as u64));
    for (name, write) in [("queue", false), ("queue and write", true)] {
        group.bench_function(format!("{name} for {MEMBERS}"), |bencher| {
            bencher.iter_custom(|count| server.fan_out(count, write));
        });
    }
    group.finish();
}
