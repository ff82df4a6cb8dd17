//! Events as text that is the same in every run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tlib::Message;

/// Prints events in the SDK log format with everything that differs from run to run replaced: connection ids by `c1`,
/// `c2`, ... in the order of their first appearance, times and numbers that count by words.
#[derive(Default)]
pub(crate) struct Mask {
    conns: BTreeMap<String, usize>,
    uuids: BTreeMap<String, usize>,
    text: String,
}

impl Mask {
    pub(crate) fn push(&mut self, event: &Message) {
        let text = event.log().with_personal_data(true).to_string();
        for line in text.lines() {
            let Some(line) = self.line(line) else { continue };
            writeln!(self.text, "{line}").unwrap();
        }
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }

    fn line(&mut self, line: &str) -> Option<String> {
        let Some((name, value)) = line.split_once(" = ") else {
            return Some(line.to_owned());
        };
        let shown = match name.split_whitespace().next().unwrap() {
            "Time" => "t".to_owned(),
            // The two halves of the time above.
            "AttributeTimeinSecs" | "AttributeTimeinuSecs" => return None,
            "AttributeEventSequenceNumber" => "n".to_owned(),
            "AttributeReferenceID" => "r".to_owned(),
            "AttributeCallUuid" => format!("u{}", number(&mut self.uuids, value)),
            "AttributeCallID" => "i".to_owned(),
            _ if is_conn(value.trim_matches('"')) => {
                format!("c{}", number(&mut self.conns, value.trim_matches('"')))
            }
            _ => value.to_owned(),
        };
        Some(format!("{name} = {shown}"))
    }
}

fn number(known: &mut BTreeMap<String, usize>, value: &str) -> usize {
    let next = known.len() + 1;
    *known.entry(value.to_owned()).or_insert(next)
}

/// Sixteen hex digits.
fn is_conn(value: &str) -> bool {
    value.len() == 16 && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[test]
fn masked_text_names_connections_in_their_order_and_hides_what_counts() {
    use tlib::{AttributeId, ConnId, KvList, MessageType};

    let event = |conn, seq: i64| {
        Message::new(MessageType::EVENT_HELD)
            .with(AttributeId::CONN_ID, ConnId(conn))
            .with(AttributeId::THIS_DN, "1001")
            .with(AttributeId::EVENT_SEQUENCE_NUMBER, seq)
            .with(
                AttributeId::EXTENSIONS,
                KvList::new().with("conn-1", "0001010e74000001"),
            )
    };
    let mut mask = Mask::default();
    mask.push(&event(0x0001_010e_7400_0002, 8));
    mask.push(&event(0x0001_010e_7400_0001, 9));
    insta::assert_snapshot!(mask.finish(), @r#"
    message: 'EventHeld' (66) attributes:
        AttributeConnID [long] = c1
        AttributeThisDN [str] = "1001"
        AttributeEventSequenceNumber [long] = n
        AttributeExtensions [bstr] = KVList:
            'conn-1' [str] = c2
    message: 'EventHeld' (66) attributes:
        AttributeConnID [long] = c2
        AttributeThisDN [str] = "1001"
        AttributeEventSequenceNumber [long] = n
        AttributeExtensions [bstr] = KVList:
            'conn-1' [str] = c2
    "#);
}
