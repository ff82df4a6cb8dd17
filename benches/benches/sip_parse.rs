//! Reading and printing SIP messages, beside what the memory alone allows for the same bytes.
#![allow(missing_docs, clippy::expect_used, reason = "a bench on its own fixtures")]

use std::hint::black_box;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use sip::message::{Limits, Message};
use sip::sdp::SessionDescription;

/// A set of messages that is read in turn, and its name with the mean size.
struct Input {
    name: String,
    messages: Vec<Bytes>,
}

impl Input {
    fn new(name: &str, messages: Vec<Bytes>) -> Self {
        let mean = messages.iter().map(Bytes::len).sum::<usize>() / messages.len();
        Self {
            name: format!("{name}_{mean}B"),
            messages,
        }
    }

    fn mean(&self) -> u64 {
        let total: usize = self.messages.iter().map(Bytes::len).sum();
        (total / self.messages.len()) as u64
    }

    fn parsed(&self) -> Vec<Message> {
        self.messages.iter().cloned().map(parse).collect()
    }
}

fn inputs() -> [Input; 5] {
    [
        Input::new("invite_sdp", vec![fixtures::sip::invite_with_sdp()]),
        Input::new("ok_sdp", vec![fixtures::sip::ok_with_sdp()]),
        Input::new("register", vec![fixtures::sip::register()]),
        Input::new("invite_60_headers", vec![fixtures::sip::invite_60_headers()]),
        Input::new("mix_of_256", fixtures::sip::mix()),
    ]
}

fn parse(bytes: Bytes) -> Message {
    Message::parse(bytes, &Limits::default()).expect("a fixture that parses")
}

/// What the transaction layer asks of every message.
fn transaction_fields(message: &Message) {
    black_box(message.top_via().expect("Via"));
    black_box(message.from().expect("From"));
    black_box(message.to().expect("To"));
    black_box(message.call_id().expect("Call-ID"));
    black_box(message.cseq().expect("CSeq"));
}

/// Runs `work` on the items in turn, so that the time is that of one item.
fn each<T>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, items: &[T], mut work: impl FnMut(&T)) {
    let mut at = 0;
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            work(black_box(&items[at]));
            at += 1;
            if at == items.len() {
                at = 0;
            }
        });
    });
}

fn sip_parse(c: &mut Criterion) {
    for input in inputs() {
        let mut group = c.benchmark_group(&input.name);
        group.throughput(Throughput::Bytes(input.mean()));
        let mut copy = BytesMut::with_capacity(8192);
        each(&mut group, "limit_copy", &input.messages, |bytes| {
            copy.clear();
            copy.extend_from_slice(bytes);
            black_box(&copy);
        });
        each(&mut group, "limit_find_line_ends", &input.messages, |bytes| {
            black_box(memchr::memchr_iter(b'\n', bytes).count());
        });
        each(
            &mut group,
            "limit_index_lines_and_colons",
            &input.messages,
            |bytes| {
                let mut lines = [(0u32, 0u32); 128];
                let mut start = 0;
                for (slot, end) in lines.iter_mut().zip(memchr::memchr_iter(b'\n', bytes)) {
                    let colon = memchr::memchr(b':', &bytes[start..end]).unwrap_or_default();
                    *slot = (start as u32, colon as u32);
                    start = end + 1;
                }
                black_box(&lines);
            },
        );
        each(&mut group, "parse", &input.messages, |bytes| {
            black_box(parse(bytes.clone()));
        });
        each(
            &mut group,
            "parse_and_transaction_fields",
            &input.messages,
            |bytes| {
                let message = parse(bytes.clone());
                transaction_fields(&message);
                black_box(message);
            },
        );
        let mut out = BytesMut::with_capacity(8192);
        each(&mut group, "print", &input.parsed(), |message| {
            out.clear();
            message.write_to(&mut out);
            black_box(&out);
        });
        group.finish();
    }
}

fn sdp_parse(c: &mut Criterion) {
    let body = fixtures::sip::SDP.as_bytes();
    let mut group = c.benchmark_group(format!("sdp_{}B", body.len()));
    group.throughput(Throughput::Bytes(body.len() as u64));
    each(&mut group, "limit_find_line_ends", &[body], |body| {
        black_box(memchr::memchr_iter(b'\n', body).count());
    });
    each(&mut group, "parse", &[body], |body| {
        black_box(SessionDescription::parse(body).expect("a fixture that parses"));
    });
    let parsed = SessionDescription::parse(body).expect("a fixture that parses");
    each(&mut group, "print", &[parsed], |parsed| {
        black_box(parsed.to_string());
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    targets = sip_parse, sdp_parse
}
criterion_main!(benches);
