//! A seeded mix of messages that differ in method, headers, spelling, order and size.

use bytes::Bytes;

use super::{SDP, compose};

/// How many messages [`mix`] makes.
const COUNT: usize = 256;

/// 256 messages that differ in method or status, number of hops, names (long or compact), order of header fields,
/// white space and body; about 1,480 octets on average. The same each time.
///
/// One message that is read again and again teaches the branch predictor its shape and makes a parser look up to
/// twice as fast as it is, so this is the input to quote.
pub fn mix() -> Vec<Bytes> {
    let mut random = Random(0x05EE_D0FC_A115);
    (0..COUNT).map(|_| message(&mut random)).collect()
}

/// SplitMix64: enough for shapes, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to `end` - 1.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % end).unwrap_or_default()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from.get(self.below(from.len())).copied().unwrap_or_default()
    }

    /// True `percent` times of a hundred.
    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn hex(&mut self) -> String {
        format!("{:x}", self.next())
    }
}

const METHODS: &[&str] = &[
    "INVITE",
    "INVITE",
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "OPTIONS",
    "REGISTER",
    "INFO",
    "SUBSCRIBE",
];
const STATUSES: &[&str] = &[
    "100 Trying",
    "180 Ringing",
    "183 Session Progress",
    "200 OK",
    "200 OK",
    "401 Unauthorized",
    "404 Not Found",
    "486 Busy Here",
    "487 Request Terminated",
    "503 Service Unavailable",
];
const HOSTS: &[&str] = &[
    "voice.example.com",
    "192.0.2.14",
    "[2001:db8::20]",
    "edge-3.eu.example.net",
    "pbx.example.org:5080",
];
const NAMES: &[&str] = &[
    "",
    "Alice ",
    "\"Front Desk\" ",
    "\"O'Neil, Zoe \\\"Z\\\"\" ",
    "\"Müller GmbH & Co.\" ",
];
const AGENTS: &[&str] = &[
    "Example-Phone/2.1",
    "Example Trunk Gateway 11.4 (r88123; linux)",
    "softswitch",
];

/// Optional fields with values as they occur.
const EXTRA: &[&str] = &[
    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REFER, NOTIFY, UPDATE, PRACK, MESSAGE, SUBSCRIBE",
    "Supported: 100rel, replaces, timer, from-change, gruu, outbound",
    "k: timer,replaces",
    "Session-Expires: 1800;refresher=uas",
    "Min-SE: 90",
    "P-Asserted-Identity: \"Front Desk\" <sip:+493012345701@voice.example.com;user=phone>",
    "P-Access-Network-Info: IEEE-802.3;network-provided;sbc-domain=\"edge.example.net\"",
    "P-Charging-Vector: icid-value=\"a1f3-77c2-0019\";icid-generated-at=192.0.2.200;orig-ioi=example.com",
    "Privacy: none",
    "History-Info: <sip:8000@voice.example.com>;index=1, <sip:8100@voice.example.com;cause=302>;index=1.1",
    "Diversion: <sip:+493012345799@voice.example.com>;reason=unconditional;privacy=off;screen=no",
    "Accept: application/sdp, application/dtmf-relay, multipart/mixed",
    "Accept-Language: de, en;q=0.8",
    "Date: Sat, 21 Nov 2026 03:45:00 GMT",
    "Timestamp: 41.237",
    "Organization: Example Insurance, Claims Department, Region North",
    "Subject: call from the web site, customer asked to be called back about contract 2026-11-0047",
    "X-Trace-Context: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "X-Customer-Segment: gold;since=2019;language=de;channel=voice",
    "User-to-User: 00C81059ACF3D2E18800;encoding=hex",
    "Reason: Q.850;cause=16;text=\"Normal call clearing\"",
    "Alert-Info: <http://ring.example.com/long-single.wav>;info=alert-internal",
];

fn message(random: &mut Random) -> Bytes {
    let request = random.chance(60);
    let method = random.pick(METHODS);
    let host = random.pick(HOSTS);
    let start = if request {
        format!(
            "{method} sip:{}@{host};transport=udp SIP/2.0",
            1000 + random.below(9000)
        )
    } else {
        format!("SIP/2.0 {}", random.pick(STATUSES))
    };
    let mut headers = vias(random);
    let mut rest = identity(random, method, host);
    for _ in 0..6 + random.below(17) {
        let field = random.pick(EXTRA).to_owned();
        if !rest.contains(&field) {
            rest.push(field);
        }
    }
    for hop in 0..random.below(4) {
        rest.push(format!(
            "Record-Route: <sip:198.51.100.{};lr;r={}>",
            10 + hop,
            random.hex()
        ));
    }
    let body = if random.chance(55) { SDP } else { "" };
    if !body.is_empty() {
        rest.push(
            random
                .pick(&["Content-Type: application/sdp", "c: application/sdp"])
                .to_owned(),
        );
    }
    // Fields with different names may stand in any order.
    for at in (1..rest.len()).rev() {
        rest.swap(at, random.below(at + 1));
    }
    headers.append(&mut rest);
    compose(&start, &headers, body)
}

fn vias(random: &mut Random) -> Vec<String> {
    (0..1 + random.below(3))
        .map(|hop| {
            let name = random.pick(&["Via", "Via", "v", "VIA"]);
            let transport = random.pick(&["UDP", "UDP", "TCP"]);
            let rport = random.pick(&[";rport", ";rport=5060;received=192.0.2.33", ""]);
            format!(
                "{name}: SIP/2.0/{transport} 198.51.100.{hop}:5060;branch=z9hG4bK{}{rport}",
                random.hex()
            )
        })
        .collect()
}

fn identity(random: &mut Random, method: &str, host: &str) -> Vec<String> {
    let compact = random.chance(25);
    let (from, to, call_id, contact) = if compact { ("f", "t", "i", "m") } else { LONG };
    let space = random.pick(&["", " ", "  "]);
    let to_tag = if random.chance(50) {
        format!(";tag={}", random.hex())
    } else {
        String::new()
    };
    vec![
        format!(
            "{from}{space}: {}<sip:{}@{host}>;tag={}",
            random.pick(NAMES),
            random.below(90_000),
            random.hex()
        ),
        format!(
            "{to}: {}<sip:{}@{host};user=phone>{to_tag}",
            random.pick(NAMES),
            random.below(9_000)
        ),
        format!("{call_id}: {}-{}@{host}", random.hex(), random.hex()),
        format!("CSeq: {} {method}", 1 + random.below(100_000)),
        format!("Max-Forwards: {}", 50 + random.below(21)),
        format!(
            "{contact}: <sip:{}@192.0.2.{}:5062;transport=udp>",
            random.below(9_000),
            random.below(255)
        ),
        format!("User-Agent: {}", random.pick(AGENTS)),
    ]
}

const LONG: (&str, &str, &str, &str) = ("From", "To", "Call-ID", "Contact");
