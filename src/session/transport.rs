//! The open channel, the same on both sides: messages, pings, key updates, the close.

use super::error::{ALERT_ENCRYPTED, CloseReason, Fault, SendError};
use super::frame::PAYLOAD_BYTES_MAX;
use super::message::Reassembly;
use super::record::{Kind, Opener, Sealer};
use super::schedule::{Schedule, Side};
use crate::time::Monotonic;

/// What one record of an open channel means to its receiver.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    /// Seen to already, or a part of something.
    Nothing,
    /// A whole message.
    Message(Vec<u8>),
    /// A ticket and its lifetime in seconds. Only servers send one.
    Ticket([u8; 16], u32),
    /// The echo of a ping.
    Pong([u8; 8]),
    /// The other side is done, or gave up. What there was to say to that is said.
    Ended(CloseReason),
}

/// How long messages may be, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct MessageCaps {
    /// Of messages that this side sends.
    pub(super) send_bytes: usize,
    /// Of messages that this side takes.
    pub(super) receive_bytes: usize,
}

/// Both directions of an open channel.
#[derive(Debug)]
pub struct Transport {
    sealer: Sealer,
    opener: Opener,
    inbox: Reassembly,
    send_bytes_max: usize,
}

impl Transport {
    /// Opens the channel at the end of a handshake, with the hash over all of it. `own` is the side that this end is.
    pub(super) fn new(
        schedule: &Schedule,
        own: Side,
        th4: &[u8; 32],
        caps: MessageCaps,
        now: Monotonic,
    ) -> Transport {
        Transport {
            sealer: Sealer::new(schedule.application(own, th4), now),
            opener: Opener::new(schedule.application(own.other(), th4)),
            inbox: Reassembly::new(caps.receive_bytes),
            send_bytes_max: caps.send_bytes,
        }
    }

    /// Bytes of memory that the parts of the message that is arriving take.
    pub(super) fn held_bytes(&self) -> usize {
        self.inbox.held_bytes()
    }

    /// Seals a message into `out`, in as many records as it needs.
    ///
    /// # Errors
    /// [`SendError::TooLong`]; nothing was sealed then.
    pub(super) fn send(
        &mut self,
        message: &[u8],
        now: Monotonic,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        if message.len() > self.send_bytes_max {
            return Err(SendError::TooLong);
        }
        let mut rest = message;
        while let Some((part, more)) =
            rest.split_at_checked(PAYLOAD_BYTES_MAX).filter(|(_, more)| !more.is_empty())
        {
            self.record(Kind::MessagePart, &[part], now, out)?;
            rest = more;
        }
        self.record(Kind::MessageFinal, &[rest], now, out)
    }

    /// Seals one record, after a key update if that is due.
    ///
    /// # Errors
    /// [`SendError::NotOpen`] when the direction's counter is used up, which key updates prevent.
    pub(super) fn record(
        &mut self,
        kind: Kind,
        payload: &[&[u8]],
        now: Monotonic,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.sealer.update_if_due(now, out).map_err(|_| SendError::NotOpen)?;
        self.sealer.seal(kind, payload, out).map_err(|_| SendError::NotOpen)
    }

    /// Opens one frame in place. Pings are answered into `out` and key updates followed.
    ///
    /// # Errors
    /// The fault that ends the channel; the other side has been told.
    pub(super) fn receive(
        &mut self,
        frame: &mut [u8],
        now: Monotonic,
        out: &mut Vec<u8>,
    ) -> Result<Incoming, Fault> {
        let incoming = self.open_frame(frame, now, out);
        if incoming.is_err() {
            self.give_up(now, out);
        }
        incoming
    }

    fn open_frame(&mut self, frame: &mut [u8], now: Monotonic, out: &mut Vec<u8>) -> Result<Incoming, Fault> {
        let (kind, payload) = self.opener.open(frame)?;
        match (kind, payload) {
            (Kind::MessagePart | Kind::MessageFinal, part) => {
                let message = self.inbox.push(part, kind == Kind::MessageFinal)?;
                Ok(message.map_or(Incoming::Nothing, Incoming::Message))
            }
            (Kind::NewTicket, &[ref id @ .., a, b, c, d]) => {
                let id = <[u8; 16]>::try_from(id).map_err(|_| Fault::Protocol)?;
                Ok(Incoming::Ticket(id, u32::from_be_bytes([a, b, c, d])))
            }
            (Kind::KeyUpdate, &[]) => self.opener.update(now).map(|()| Incoming::Nothing),
            (Kind::Ping, token) if token.len() == 8 => {
                let token = token.to_vec();
                self.record(Kind::Pong, &[&token], now, out).map_err(|_| Fault::Protocol)?;
                Ok(Incoming::Nothing)
            }
            (Kind::Pong, token) => Ok(Incoming::Pong(token.try_into().map_err(|_| Fault::Protocol)?)),
            (Kind::Alert, &[code]) => Ok(Incoming::Ended(CloseReason::GaveUp(code))),
            (Kind::Close, &[]) => {
                self.close(now, out);
                Ok(Incoming::Ended(CloseReason::Remote))
            }
            (Kind::NewTicket | Kind::KeyUpdate | Kind::Ping | Kind::Alert | Kind::Close, _) => {
                Err(Fault::Protocol)
            }
            (Kind::ServerFinished | Kind::ClientAuth | Kind::ClientFinished | Kind::ServerAuth, _) => {
                Err(Fault::Protocol)
            }
        }
    }

    /// Says goodbye in good order.
    pub(super) fn close(&mut self, now: Monotonic, out: &mut Vec<u8>) {
        // A direction whose counter is used up can say nothing more; the other side sees a truncation.
        let _sent = self.record(Kind::Close, &[], now, out);
    }

    /// Tells the other side, under encryption, that it broke the protocol.
    pub(super) fn give_up(&mut self, now: Monotonic, out: &mut Vec<u8>) {
        // As in `close`.
        let _sent = self.record(Kind::Alert, &[&[ALERT_ENCRYPTED]], now, out);
    }
}
