use std::hint::black_box;

use criterion::Criterion;
use socketio::Frame;

use crate::MESSAGE;

/// An event made into the frame that all its receivers get.
pub(crate) fn bench(criterion: &mut Criterion) {
    criterion.bench_function("encode an event", |bencher| bencher.iter(encode));
}

// By its name instructions are counted.
#[inline(never)]
fn encode() -> Frame {
    Frame::event("/", "message", black_box(&MESSAGE)).unwrap()
}
