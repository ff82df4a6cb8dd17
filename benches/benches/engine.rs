//! A whole inbound call through the T-Server engine on a simulated switch.
#![allow(missing_docs, clippy::expect_used, reason = "a bench on its own fixtures")]

use std::hint::black_box;
use std::time::Duration;

use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fixtures::engine::CallPath;
use fixtures::tlx::{event_established, frame};

fn engine(c: &mut Criterion) {
    let mut path = CallPath::new(tokio::time::Instant::now().into_std()).expect("a valid configuration");
    let result = path.call();
    assert_eq!(
        (result.established, result.left),
        (1, 0),
        "the call goes through and is over"
    );
    let mut group = c.benchmark_group(format!("inbound_call_{}_messages", result.messages));
    group.throughput(Throughput::Elements(1));
    // Whoever sends the messages of a call must at least put their bytes somewhere.
    let bytes = frame(&event_established());
    let mut buffer = BytesMut::with_capacity(1 << 16);
    group.bench_function("limit_copy_its_frames", |bencher| {
        bencher.iter(|| {
            buffer.clear();
            for _ in 0..result.messages {
                buffer.extend_from_slice(black_box(&bytes));
            }
            black_box(&buffer);
        });
    });
    group.bench_function("offered_to_released", |bencher| {
        bencher.iter(|| black_box(path.call()))
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = engine
}
criterion_main!(benches);
