//! State charts: reading the document, starting a session, ten events; with and without a script engine.
#![allow(missing_docs, clippy::expect_used, reason = "a bench on its own fixtures")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fixtures::scxml::{ECMASCRIPT, NULL, document, events, run};

fn scxml(c: &mut Criterion) {
    let now = tokio::time::Instant::now().into_std();
    for (name, text) in [("null", NULL), ("ecmascript", ECMASCRIPT)] {
        let parsed = document(text).expect("a valid document");
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("limit_find_tags_{}B", text.len()), |bencher| {
            bencher.iter(|| memchr::memchr_iter(b'<', black_box(text).as_bytes()).count());
        });
        group.bench_function(format!("parse_document_{}B", text.len()), |bencher| {
            bencher.iter(|| document(black_box(text)).expect("a valid document"));
        });
        group.throughput(Throughput::Elements(1));
        group.bench_function("session_start", |bencher| {
            bencher.iter(|| black_box(run(&parsed, now, []).expect("a session")));
        });
        group.bench_function("session_start_and_10_events", |bencher| {
            bencher.iter(|| {
                let session = run(&parsed, now, events()).expect("a session");
                debug_assert!(session.is_done(), "ten events end it");
                black_box(session)
            });
        });
        group.finish();
    }
}

/// What a session with ECMAScript cannot do without: an engine of its own with the standard objects.
fn script_engine(c: &mut Criterion) {
    c.bench_function("ecmascript/limit_new_script_engine", |bencher| {
        bencher.iter(|| {
            let runtime = rquickjs::Runtime::new().expect("an engine");
            black_box(rquickjs::Context::full(&runtime).expect("a context"))
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    targets = script_engine, scxml
}
criterion_main!(benches);
