//! T-Library events as the server sends them.

use bytes::BytesMut;
use tlib::catalog::{CallState, CallType};
use tlib::codec::{FrameHead, Tlx1, WireCodec};
use tlib::{AttributeId, ConnId, KvList, Message, MessageType};

/// Role of the party in `ThisDNRole` and `OtherDNRole`.
const ORIGINATION: i32 = 1;
const DESTINATION: i32 = 2;

fn call_event(message_type: MessageType) -> Message {
    Message::new(message_type)
        .with(AttributeId::CONN_ID, ConnId(0x006c_0246_2a16_1006))
        .with(AttributeId::CALL_UUID, "01M001GA4GC1SG000000000000004711")
        .with(AttributeId::CALL_ID, 4711)
        .with(AttributeId::CALL_TYPE, CallType::INBOUND)
        .with(AttributeId::CALL_STATE, CallState::OK)
        .with(AttributeId::THIS_DN, "7001")
        .with(AttributeId::THIS_DN_ROLE, DESTINATION)
        .with(AttributeId::THIS_QUEUE, "8000")
        .with(AttributeId::OTHER_DN, "+493012345701")
        .with(AttributeId::OTHER_DN_ROLE, ORIGINATION)
        .with(AttributeId::ANI, "+493012345701")
        .with(AttributeId::DNIS, "8000")
}

fn stamped(message: Message) -> Message {
    message
        .with(AttributeId::EVENT_SEQUENCE_NUMBER, 4_899_493_i64)
        .with(AttributeId::TIME_IN_SECS, 1_795_231_348)
        .with(AttributeId::TIME_IN_USECS, 925_856)
}

/// `EventRinging` of an inbound call without user data.
pub fn event_ringing() -> Message {
    stamped(call_event(MessageType::EVENT_RINGING))
}

/// `EventEstablished` of an inbound call with the user data of a typical strategy: 12 pairs, one of them a list.
pub fn event_established() -> Message {
    let data = KvList::new()
        .with("Segment", "gold")
        .with("Skill", "sales")
        .with("Priority", 20)
        .with("CustomerId", "C-2026-0004711")
        .with("Contract", "household, contents, liability")
        .with("Language", "de")
        .with("MenuChoice", "1")
        .with("Attempts", 2)
        .with("LastAgent", "1003")
        .with("CallbackNumber", "+493012345701")
        .with(
            "Summary",
            "asked for a quotation on the web site, wants to be called back today",
        )
        .with(
            "Journey",
            KvList::new()
                .with("Entry", "web")
                .with("Step", 4)
                .with("Page", "/offers/household"),
        );
    stamped(call_event(MessageType::EVENT_ESTABLISHED).with(AttributeId::USER_DATA, data))
}

/// The TLX/1 frame of a message.
///
/// # Panics
/// When the message passes the limits of a frame, which none of this crate does.
pub fn frame(message: &Message) -> BytesMut {
    let mut output = BytesMut::new();
    let written = Tlx1::default().encode(FrameHead::default(), message, &mut output);
    assert_eq!(written, Ok(()), "a fixture within the limits");
    output
}

#[cfg(test)]
mod tests {
    use tlib::codec::Decoded;

    use super::*;

    #[test]
    fn the_events_come_back_from_their_frames() {
        for event in [event_ringing(), event_established()] {
            let Ok(Decoded::Frame(read)) = Tlx1::default().decode(&mut frame(&event)) else {
                panic!("no frame")
            };
            assert_eq!(read.message, event);
        }
    }
}
