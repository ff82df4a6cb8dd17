//! One connection seen as frames; shared by the server's and the client's driver.

use std::io;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};

use crate::codec::{DecodeError, DecodeErrorKind, Decoded, EncodeError, Frame, FrameHead, WireCodec};
use crate::id::ReferenceId;
use crate::message::Message;

/// Bytes waiting to be written above which no more messages are taken from a queue.
pub(crate) const HIGH_WATER: usize = 64 * 1024;

/// Room for one read.
const READ_BYTES: usize = 16 * 1024;

/// A stream of frames in both directions, with sequence numbers.
pub(crate) struct Link<S> {
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    codec: Arc<dyn WireCodec>,
    input: BytesMut,
    output: BytesMut,
    received: u64,
    sent: u64,
    unflushed: bool,
}

/// Where the connections that get one message share its frame, one per format.
#[derive(Debug, Default)]
pub(crate) struct SharedFrames(Mutex<Vec<(Arc<dyn WireCodec>, Bytes)>>);

impl SharedFrames {
    /// The frame as some connection of this format encoded it.
    fn get(&self, codec: &Arc<dyn WireCodec>) -> Option<Bytes> {
        let frames = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |other| ptr::addr_eq(Arc::as_ptr(codec), Arc::as_ptr(other));
        let (_, frame) = frames.iter().find(|(other, _)| same(other))?;
        Some(frame.clone())
    }

    /// Two connections that encode at the same time both put their frame in; the first is taken.
    fn put(&self, codec: &Arc<dyn WireCodec>, frame: Bytes) {
        let mut frames = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        frames.push((Arc::clone(codec), frame));
    }
}

/// What [`Link::progress`] did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Bytes came; frames may be complete.
    Read,
    /// Bytes went.
    Wrote,
    /// The peer ended its direction.
    Closed,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    /// A link that starts with bytes already read from the stream.
    pub(crate) fn new(stream: S, codec: Arc<dyn WireCodec>, input: BytesMut) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            reader,
            writer,
            codec,
            input,
            output: BytesMut::new(),
            received: 0,
            sent: 0,
            unflushed: false,
        }
    }

    /// Bytes that wait to be written.
    pub(crate) fn backlog(&self) -> usize {
        self.output.len()
    }

    /// Bytes that were read and are no complete frame yet.
    pub(crate) fn unread(&self) -> usize {
        self.input.len()
    }

    /// Encodes a message behind what waits to be written.
    pub(crate) fn queue(
        &mut self,
        message: &Message,
        reference: Option<ReferenceId>,
    ) -> Result<(), EncodeError> {
        let head = FrameHead {
            reference,
            sequence: self.sent + 1,
        };
        self.codec.encode(head, message, &mut self.output)?;
        self.count_sent();
        Ok(())
    }

    /// [`Link::queue`] for a message that others get as well: encoded by the first of them, if the format allows.
    pub(crate) fn queue_shared(
        &mut self,
        message: &Message,
        reference: Option<ReferenceId>,
        frames: &SharedFrames,
    ) -> Result<(), EncodeError> {
        let head = FrameHead {
            reference: reference.or_else(|| message.reference_id()),
            sequence: self.sent + 1,
        };
        let start = self.output.len();
        if let Some(frame) = frames.get(&self.codec) {
            self.output.extend_from_slice(&frame);
            if !self.codec.readdress(head, &mut self.output[start..]) {
                self.output.truncate(start);
                self.codec.encode(head, message, &mut self.output)?;
            }
        } else {
            self.codec.encode(head, message, &mut self.output)?;
            // A format that writes the head it has can write another one.
            if self.codec.readdress(head, &mut self.output[start..]) {
                let frame = Bytes::copy_from_slice(&self.output[start..]);
                frames.put(&self.codec, frame);
            }
        }
        self.count_sent();
        Ok(())
    }

    fn count_sent(&mut self) {
        self.sent += 1;
        self.unflushed = true;
    }

    /// The next complete frame of what was read.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Frame>, DecodeError> {
        match self.codec.decode(&mut self.input)? {
            Decoded::Incomplete { .. } => Ok(None),
            Decoded::Frame(frame) => {
                self.received += 1;
                let found = frame.head.sequence;
                if found != 0 && found != self.received {
                    let kind = DecodeErrorKind::Sequence {
                        found,
                        expected: self.received,
                    };
                    return Err(DecodeError { offset: 16, kind });
                }
                Ok(Some(frame))
            }
        }
    }

    /// Reads (if `read`) or writes some bytes, whichever is possible first; waits for ever if neither is
    /// wanted. Cancel safe: no byte is lost.
    pub(crate) async fn progress(&mut self, read: bool) -> io::Result<Progress> {
        if read {
            self.input.reserve(READ_BYTES);
        }
        let write = !self.output.is_empty();
        let (writer, output) = (&mut self.writer, &mut self.output);
        // Both operations are cancel safe, and so is the one that is chosen.
        let writing = async {
            if write {
                writer.write_buf(output).await
            } else {
                writer.flush().await.map(|()| 0)
            }
        };
        tokio::select! {
            count = self.reader.read_buf(&mut self.input), if read => match count? {
                0 => Ok(Progress::Closed),
                _ => Ok(Progress::Read),
            },
            count = writing, if write || self.unflushed => {
                match count? {
                    0 if write => return Err(io::ErrorKind::WriteZero.into()),
                    0 => self.unflushed = false,
                    _ => {}
                }
                Ok(Progress::Wrote)
            }
            else => std::future::pending().await,
        }
    }

    /// Writes everything that waits, then ends our direction.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        self.writer.write_all_buf(&mut self.output).await?;
        self.writer.flush().await?;
        self.writer.shutdown().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::MessageType;
    use crate::codec::Tlx1;

    fn link(stream: tokio::io::DuplexStream) -> Link<tokio::io::DuplexStream> {
        Link::new(stream, Arc::new(Tlx1::default()), BytesMut::new())
    }

    #[tokio::test]
    async fn frames_go_both_ways_through_a_pipe_of_one_byte() {
        let (a, b) = tokio::io::duplex(1);
        let (mut a, mut b) = (link(a), link(b));
        a.queue(&Message::new(MessageType::EVENT_ACK), None).unwrap();
        a.queue(&Message::new(MessageType::EVENT_ERROR), Some(ReferenceId(7)))
            .unwrap();
        let mut got = Vec::new();
        while got.len() < 2 {
            tokio::select! {
                done = a.progress(false) => assert_eq!(done.unwrap(), Progress::Wrote),
                done = b.progress(true) => assert_eq!(done.unwrap(), Progress::Read),
            }
            got.extend(b.next_frame().unwrap());
        }
        assert_eq!(got[0].message.message_type, MessageType::EVENT_ACK);
        assert_eq!(got[1].message.reference_id(), Some(ReferenceId(7)));
        assert_eq!((got[0].head.sequence, got[1].head.sequence), (1, 2));
        drop(a);
        assert_eq!(b.progress(true).await.unwrap(), Progress::Closed);
    }

    /// TLX/1 that writes over heads only with those that have no reference.
    #[derive(Debug, Default)]
    struct Choosy(Tlx1);

    impl WireCodec for Choosy {
        fn name(&self) -> &'static str {
            self.0.name()
        }

        fn probe(&self, first: &[u8]) -> crate::codec::Probe {
            self.0.probe(first)
        }

        fn encode(
            &self,
            head: FrameHead,
            message: &Message,
            output: &mut BytesMut,
        ) -> Result<(), EncodeError> {
            self.0.encode(head, message, output)
        }

        fn readdress(&self, head: FrameHead, frame: &mut [u8]) -> bool {
            head.reference.is_none() && self.0.readdress(head, frame)
        }

        fn decode(&self, input: &mut BytesMut) -> Result<Decoded, DecodeError> {
            self.0.decode(input)
        }
    }

    #[tokio::test]
    async fn a_shared_frame_is_for_every_receiver_what_it_would_have_got_alone() {
        use crate::catalog::AttributeId;

        let plain = Message::new(MessageType::EVENT_RINGING).with(AttributeId::THIS_DN, "1001");
        let own = plain.clone().with(AttributeId::REFERENCE_ID, ReferenceId(5));
        let codecs: [Arc<dyn WireCodec>; 2] = [Arc::new(Tlx1::default()), Arc::new(Choosy::default())];
        for message in [&plain, &own] {
            let frames = SharedFrames::default();
            for codec in codecs.iter().cycle().take(6) {
                let (stream, _peer) = tokio::io::duplex(1);
                let new = |stream| Link::new(stream, Arc::clone(codec), BytesMut::new());
                let mut shared = new(stream);
                let (stream, _peer) = tokio::io::duplex(1);
                let mut alone = new(stream);
                for reference in [None, Some(ReferenceId(7)), Some(ReferenceId(0)), None] {
                    shared.queue_shared(message, reference, &frames).unwrap();
                    alone.queue(message, reference).unwrap();
                    assert_eq!(shared.output, alone.output);
                }
            }
        }
    }

    #[tokio::test]
    async fn a_message_that_cannot_be_shared_leaves_the_output_as_it_was() {
        let message =
            Message::new(MessageType::EVENT_RINGING).with(crate::catalog::AttributeId::THIS_DN, "\0");
        let (stream, _peer) = tokio::io::duplex(1);
        let mut link = link(stream);
        let frames = SharedFrames::default();
        link.queue(&Message::new(MessageType::EVENT_ACK), None).unwrap();
        let before = link.output.clone();
        for _ in 0..2 {
            let queued = link.queue_shared(&message, None, &frames);
            assert_eq!(queued, Err(EncodeError::NulInText));
            assert_eq!(link.output, before);
        }
        assert_eq!(link.sent, 1);
    }

    #[tokio::test]
    async fn a_gap_in_the_sequence_is_an_error_and_zero_is_not_counted() {
        let mut bytes = BytesMut::new();
        for sequence in [1, 0, 3, 5] {
            let head = FrameHead {
                reference: None,
                sequence,
            };
            Tlx1::default()
                .encode(head, &Message::new(MessageType::EVENT_ACK), &mut bytes)
                .unwrap();
        }
        let (stream, _peer) = tokio::io::duplex(1);
        let mut link = Link::new(stream, Arc::new(Tlx1::default()), bytes);
        for _ in 0..3 {
            assert!(link.next_frame().unwrap().is_some());
        }
        let kind = DecodeErrorKind::Sequence {
            found: 5,
            expected: 4,
        };
        assert_eq!(link.next_frame(), Err(DecodeError { offset: 16, kind }));
    }
}
