//! T-Library events to frames and back, beside the copying of the same bytes.
#![allow(missing_docs, clippy::expect_used, reason = "a bench on its own fixtures")]

use std::hint::black_box;
use std::time::Duration;

use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fixtures::tlx::{event_established, event_ringing, frame};
use tlib::codec::{FrameHead, Tlx1, WireCodec};

fn tlx(c: &mut Criterion) {
    let codec = Tlx1::default();
    for (name, event) in [
        ("event_ringing", event_ringing()),
        ("event_established_user_data", event_established()),
    ] {
        let bytes = frame(&event);
        let mut group = c.benchmark_group(format!("{name}_{}B", bytes.len()));
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        let mut buffer = BytesMut::with_capacity(4096);
        group.bench_function("limit_copy", |bencher| {
            bencher.iter(|| {
                buffer.clear();
                buffer.extend_from_slice(black_box(&bytes));
                black_box(&buffer);
            });
        });
        let head = FrameHead {
            sequence: 1,
            ..FrameHead::default()
        };
        group.bench_function("encode", |bencher| {
            bencher.iter(|| {
                buffer.clear();
                codec
                    .encode(head, black_box(&event), &mut buffer)
                    .expect("a fixture within the limits");
                black_box(&buffer);
            });
        });
        // As on a connection: the bytes are copied into the input buffer, then taken from it.
        group.bench_function("copy_and_decode", |bencher| {
            let mut input = BytesMut::with_capacity(1 << 16);
            bencher.iter(|| {
                input.extend_from_slice(black_box(&bytes));
                black_box(codec.decode(&mut input).expect("a frame"))
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    targets = tlx
}
criterion_main!(benches);
