//! Cuts a stream of bytes into frames: `type u8 ‖ len u16 ‖ body`.
//!
//! A header that can never become a good frame is refused as soon as it is there, so that somebody who speaks
//! HTTP, TLS or SSH is gone after one byte, and nobody makes us wait for a body that we would not want.

use super::error::Fault;

/// Bytes of a frame's header.
pub const HEADER_BYTES: usize = 3;

/// Bytes of a record's payload at most.
pub const PAYLOAD_BYTES_MAX: usize = 16_384;

/// Bytes of a frame's body at most: a record's tag, its inner header and its payload.
pub const BODY_BYTES_MAX: usize = 16 + 3 + PAYLOAD_BYTES_MAX;

/// Bytes of input held at most: the largest frame, and as much again so that reads stay large.
pub const INPUT_BYTES_MAX: usize = 64 << 10;

/// Bytes of memory kept for input by a connection on which nothing waits.
const IDLE_BYTES_MAX: usize = 1 << 10;

/// What a frame is. The numbers stand on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameType {
    /// Asks for the server's descriptor.
    GetKey = 0x01,
    /// Block 0 and the server's descriptor.
    KeyInfo = 0x02,
    /// Starts a full handshake.
    ClientHello = 0x10,
    /// The server's half of either handshake.
    ServerHello = 0x11,
    /// Starts a resumption.
    ResumeHello = 0x12,
    /// Starts a handshake between peers.
    PeerHello = 0x13,
    /// Answers a peer's hello.
    PeerReply = 0x14,
    /// One record.
    Data = 0x20,
    /// A plaintext alert.
    Alert = 0x7e,
}

impl FrameType {
    /// The type with this number.
    fn from_wire(number: u8) -> Option<FrameType> {
        Some(match number {
            0x01 => FrameType::GetKey,
            0x02 => FrameType::KeyInfo,
            0x10 => FrameType::ClientHello,
            0x11 => FrameType::ServerHello,
            0x12 => FrameType::ResumeHello,
            0x13 => FrameType::PeerHello,
            0x14 => FrameType::PeerReply,
            0x20 => FrameType::Data,
            0x7e => FrameType::Alert,
            _ => return None,
        })
    }

    /// The least and the greatest length of this type's body, in bytes.
    const fn body_bytes(self) -> (usize, usize) {
        match self {
            FrameType::GetKey => (4, 4),
            FrameType::KeyInfo => (2, BODY_BYTES_MAX),
            FrameType::ClientHello => (472, 472),
            FrameType::ServerHello | FrameType::PeerReply => (68, 68),
            FrameType::ResumeHello => (120, 120),
            FrameType::PeerHello => (72, 72),
            FrameType::Data => (16 + 3, BODY_BYTES_MAX),
            FrameType::Alert => (1, 1),
        }
    }
}

/// The header of a frame whose body has `body_len` bytes.
pub(super) fn header(kind: FrameType, body_len: usize) -> [u8; HEADER_BYTES] {
    let [high, low] = (body_len as u16).to_be_bytes();
    [kind as u8, high, low]
}

/// A whole frame. The bytes may be changed in place, which is how records are opened.
#[derive(Debug)]
pub struct Frame<'a> {
    /// What it is.
    pub kind: FrameType,
    /// Header and body.
    pub bytes: &'a mut [u8],
}

impl Frame<'_> {
    /// The body.
    pub fn body(&self) -> &[u8] {
        self.bytes.get(HEADER_BYTES..).unwrap_or_default()
    }
}

/// The length of the frame at the front of `bytes`, header included, once its header is there.
///
/// # Errors
/// [`Fault::Protocol`] when no frame begins like this.
pub fn front(bytes: &[u8]) -> Result<Option<(FrameType, usize)>, Fault> {
    let Some(first) = bytes.first() else { return Ok(None) };
    let kind = FrameType::from_wire(*first).ok_or(Fault::Protocol)?;
    let Some([high, low]) = bytes.get(1..HEADER_BYTES) else { return Ok(None) };
    let len = usize::from(u16::from_be_bytes([*high, *low]));
    let (least, most) = kind.body_bytes();
    if len < least || len > most { Err(Fault::Protocol) } else { Ok(Some((kind, HEADER_BYTES + len))) }
}

/// Input that has not been consumed. Holds [`INPUT_BYTES_MAX`] bytes at most.
#[derive(Debug, Default)]
pub struct FrameBuffer {
    bytes: Vec<u8>,
    consumed: usize,
}

impl FrameBuffer {
    /// How many more bytes it takes.
    pub fn room(&self) -> usize {
        INPUT_BYTES_MAX - self.len()
    }

    /// How many bytes wait.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.consumed
    }

    /// Takes bytes as they come from the connection.
    ///
    /// # Errors
    /// [`Fault::Protocol`] when there are more than [`FrameBuffer::room`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if bytes.len() > self.room() {
            return Err(Fault::Protocol);
        }
        self.bytes.drain(..self.consumed);
        self.consumed = 0;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The bytes of the next frame, header included, as soon as its header is there: before its body is, so
    /// that a cap on bytes can be held against it.
    ///
    /// # Errors
    /// As for [`front`].
    pub fn next_len(&self) -> Result<Option<usize>, Fault> {
        Ok(front(self.bytes.get(self.consumed..).unwrap_or_default())?.map(|(_, len)| len))
    }

    /// Takes out the next frame, if all of it is there.
    ///
    /// # Errors
    /// As for [`front`].
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, Fault> {
        let waiting = self.bytes.get_mut(self.consumed..).unwrap_or_default();
        let Some((kind, len)) = front(waiting)? else { return Ok(None) };
        let Some(bytes) = waiting.get_mut(..len) else { return Ok(None) };
        self.consumed += len;
        Ok(Some(Frame { kind, bytes }))
    }

    /// Gives memory back when nothing waits: there are many connections, and most of them are idle.
    pub fn release(&mut self) {
        if self.is_empty() {
            self.bytes.clear();
            self.consumed = 0;
            self.bytes.shrink_to(IDLE_BYTES_MAX);
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn strangers_are_refused_at_their_first_byte() {
        for greeting in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"\x16\x03\x01\x02\x00\x01",
            b"SSH-2.0-OpenSSH_9.9\r\n",
            b"\0",
            b"EHLO",
        ] {
            assert_eq!(front(&greeting[..1]).unwrap_err(), Fault::Protocol);
        }
    }

    #[test]
    fn every_length_that_a_type_does_not_have_is_refused_at_the_header() {
        for number in 0..=255u8 {
            let range = FrameType::from_wire(number).map(FrameType::body_bytes);
            for len in 0..=u16::MAX {
                let [high, low] = len.to_be_bytes();
                let good = range.is_some_and(|(least, most)| (least..=most).contains(&usize::from(len)));
                assert_eq!(front(&[number, high, low]).is_ok(), good, "type {number} length {len}");
            }
        }
    }

    proptest! {
        /// However a stream is cut into reads, the same frames come out.
        #[test]
        fn frames_do_not_depend_on_how_the_bytes_arrive(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 19..300), 1..12),
            cuts in prop::collection::vec(1usize..200, 1..60),
        ) {
            let stream: Vec<u8> =
                bodies.iter().flat_map(|body| [&header(FrameType::Data, body.len())[..], body].concat()).collect();
            let (mut buffer, mut out, mut rest) = (FrameBuffer::default(), Vec::new(), &stream[..]);
            for cut in cuts.iter().cycle() {
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                buffer.push(now).unwrap();
                rest = later;
                while let Some(frame) = buffer.next_frame().unwrap() {
                    out.push(frame.body().to_vec());
                }
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(out, bodies);
            prop_assert!(buffer.is_empty() && buffer.room() == INPUT_BYTES_MAX);
            buffer.release();
            prop_assert!(buffer.bytes.capacity() <= IDLE_BYTES_MAX && buffer.room() == INPUT_BYTES_MAX);
        }

        #[test]
        fn bytes_of_a_stranger_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut buffer = FrameBuffer::default();
            buffer.push(&bytes).unwrap();
            while let Ok(Some(_)) = buffer.next_frame() {}
        }
    }
}
