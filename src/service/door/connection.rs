//! One connection as the service sees it: its session, what it asked and was not answered yet, its deadlines.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use crate::crypto::KeyId;
use crate::domain::AccountId;
use crate::limits::Limits;
use crate::service::enrolling::Enrolling;
use crate::service::job::{CommandCheck, SignatureVerdict};
use crate::service::log_in::LogIn;
use crate::service::party::Prefix;
use crate::service::throttle::Charge;
use crate::session::{ServerSession, Stage};
use crate::time::Monotonic;

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::service) enum Caller {
    /// The handshake is not complete.
    Unknown,
    /// Somebody without an account.
    Anonymous,
    /// A member, who proved to hold this key.
    Member(AccountId, KeyId),
}

/// A command on its way: waiting for its signature to be checked, or for its turn.
pub(in crate::service) struct PendingCommand {
    /// Id of the request.
    pub(in crate::service) request: u32,
    /// Bytes it holds in memory.
    pub(in crate::service) bytes: usize,
    /// The verdict, once it is there.
    pub(in crate::service) checked: Option<(CommandCheck, SignatureVerdict)>,
}

/// See the module.
pub(in crate::service) struct Connection {
    pub(in crate::service) address: SocketAddr,
    pub(in crate::service) session: ServerSession,
    pub(in crate::service) caller: Caller,
    /// Messages received and not looked at yet, because the client is ahead of its answers.
    pub(in crate::service) inbox: VecDeque<Vec<u8>>,
    /// Bytes of memory that they take.
    pub(in crate::service) inbox_bytes: usize,
    /// Bytes of memory that are counted for what the client has sent and nobody has looked at.
    pub(in crate::service) input_bytes: usize,
    /// Commands in the order in which they arrived; the first has number `first_sequence`.
    pub(in crate::service) commands: VecDeque<PendingCommand>,
    pub(in crate::service) first_sequence: u64,
    /// Bytes of replies held until the batch is durable.
    pub(in crate::service) held_bytes: usize,
    /// Messages received, which are counted while the session is anonymous.
    pub(in crate::service) messages: u64,
    opened_at: Option<Monotonic>,
    accepted_at: Monotonic,
    first_frame_seen: bool,
    last_input: Monotonic,
    /// Since when output waits without any of it having been taken.
    output_waits_since: Option<Monotonic>,
    /// Nothing is read or answered any more; what is in the output still goes out.
    pub(in crate::service) ending: bool,
    /// The log-in by password that is on its way.
    pub(in crate::service) login: Option<Box<LogIn>>,
    /// What was counted for the registration of a password, until a block uses it.
    pub(in crate::service) registration: Option<Charge>,
    /// Somebody without an account joins or logs in by password, which takes a person some time.
    pub(in crate::service) logs_in: bool,
    /// The second factor that was offered to this session, and is not there yet.
    pub(in crate::service) enrolling: Option<Box<Enrolling>>,
    /// Wrong codes of a second factor that came over this session.
    pub(in crate::service) wrong_codes: u32,
    /// The member is online through this connection.
    pub(in crate::service) present: bool,
    /// The member follows blocks through this connection, for as long as it is heard of.
    pub(in crate::service) follows: bool,
    /// When the client was asked whether it is still there, since it was heard last.
    pub(in crate::service) pinged_at: Option<Monotonic>,
    /// It stands among those whose messages are looked at in turn.
    pub(in crate::service) in_turns: bool,
    /// Its member has as many connections as an account may have: the first request is refused, and this one closed.
    pub(in crate::service) in_excess: bool,
}

impl Connection {
    pub(in crate::service) fn new(address: SocketAddr, session: ServerSession, now: Monotonic) -> Connection {
        Connection {
            address,
            session,
            caller: Caller::Unknown,
            inbox: VecDeque::new(),
            inbox_bytes: 0,
            input_bytes: 0,
            commands: VecDeque::new(),
            first_sequence: 0,
            held_bytes: 0,
            messages: 0,
            opened_at: None,
            accepted_at: now,
            first_frame_seen: false,
            last_input: now,
            output_waits_since: None,
            ending: false,
            login: None,
            registration: None,
            logs_in: false,
            enrolling: None,
            wrong_codes: 0,
            present: false,
            follows: false,
            pinged_at: None,
            in_turns: false,
            in_excess: false,
        }
    }

    /// Whether not even a whole frame has come.
    pub(in crate::service) fn is_silent(&self) -> bool {
        !self.first_frame_seen
    }

    /// Takes in a message for which it is not the turn yet.
    pub(in crate::service) fn push_message(&mut self, message: Vec<u8>) {
        self.inbox_bytes += message.capacity();
        self.inbox.push_back(message);
    }

    /// The next message.
    pub(in crate::service) fn next_message(&mut self) -> Option<Vec<u8>> {
        let message = self.inbox.pop_front()?;
        self.inbox_bytes -= message.capacity();
        Some(message)
    }

    /// Forgets all messages.
    pub(in crate::service) fn clear_inbox(&mut self) {
        self.inbox = VecDeque::new();
        self.inbox_bytes = 0;
    }

    /// The network at the other end.
    pub(in crate::service) fn prefix(&self) -> Prefix {
        Prefix::of(self.address.ip())
    }

    pub(in crate::service) fn account(&self) -> AccountId {
        match self.caller {
            Caller::Member(account, _) => account,
            Caller::Unknown | Caller::Anonymous => AccountId::NONE,
        }
    }

    pub(in crate::service) fn opened(&mut self, caller: Caller, now: Monotonic) {
        self.caller = caller;
        self.opened_at = Some(now);
    }

    /// Notes that the session got on.
    pub(in crate::service) fn received(&mut self, now: Monotonic) {
        (self.last_input, self.pinged_at) = (now, None);
        self.first_frame_seen |= self.session.stage() > Stage::Start;
    }

    /// Notes that output was taken, or that there is some or none now.
    pub(in crate::service) fn output_moved(&mut self, now: Monotonic, progress: bool) {
        let waits = !self.session.output().is_empty();
        self.output_waits_since = match (waits, progress, self.output_waits_since) {
            (false, _, _) => None,
            (true, true, _) | (true, false, None) => Some(now),
            (true, false, since) => since,
        };
    }

    /// Gives memory back when nothing is under way: there are many connections, and most of them are idle.
    pub(in crate::service) fn rest(&mut self) {
        if self.commands.is_empty() && self.inbox.is_empty() {
            self.commands.shrink_to(IDLE_COMMANDS_MAX);
            self.inbox.shrink_to(IDLE_COMMANDS_MAX);
        }
    }

    /// Messages that a session without an account may send.
    pub(in crate::service) fn anonymous_messages_max(&self, limits: &Limits) -> u64 {
        if self.logs_in { limits.login_messages_max } else { limits.anonymous_messages_max }
    }

    /// Whether the other side has taken everything that was sent so far.
    pub(in crate::service) fn has_taken_all(&self) -> bool {
        self.session.output().is_empty() && self.held_bytes == 0
    }

    /// Whether the client may ask for more: the answers to what it asked for so far have room.
    pub(in crate::service) fn has_room(&self, limits: &Limits) -> bool {
        self.session.output().len() + self.held_bytes < limits.output_bytes_max as usize
    }

    /// Spreads what is due for many connections at once: from 0 to [`SPREADS`].
    fn spread(&self) -> u64 {
        u64::from(self.accepted_at.0.subsec_micros()) % SPREADS
    }

    /// Whether its client only listens, so that it is asked after half of the idle time whether it is still there.
    pub(in crate::service) fn is_to_be_pinged(&self) -> bool {
        self.follows && !self.present && self.pinged_at.is_none()
    }

    /// When the connection has to be looked at again, and is closed unless something happened until then.
    pub(in crate::service) fn deadline(&self, limits: &Limits) -> Monotonic {
        let after = |from: Monotonic, ms: u64| Monotonic(from.0 + Duration::from_millis(ms));
        let phase = match (self.caller, self.opened_at) {
            (Caller::Unknown, _) | (_, None) if !self.first_frame_seen => {
                after(self.accepted_at, limits.first_frame_ms)
            }
            (Caller::Unknown, _) | (_, None) => after(self.accepted_at, limits.handshake_ms),
            (Caller::Anonymous, Some(opened_at)) if self.logs_in => after(opened_at, limits.login_ms),
            (Caller::Anonymous, Some(opened_at)) => after(opened_at, limits.anonymous_ms),
            (Caller::Member(..), Some(_)) if self.present => after(self.last_input, limits.presence_ms),
            (Caller::Member(..), Some(_)) if self.is_to_be_pinged() => {
                after(self.last_input, limits.idle_ms / 2 - limits.idle_ms / 16 * self.spread() / SPREADS)
            }
            (Caller::Member(..), Some(_)) => after(self.last_input, limits.idle_ms),
        };
        match self.output_waits_since {
            Some(since) => phase.min(after(since, limits.output_stalled_ms)),
            None => phase,
        }
    }
}

/// Moments over which pings are spread.
const SPREADS: u64 = 64;

/// Commands and messages that an idle connection keeps room for.
const IDLE_COMMANDS_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_commands_took_is_given_back_when_they_are_answered() {
        let address = ([127, 0, 0, 1], 1).into();
        let mut connection = Connection::new(address, ServerSession::new(), Monotonic::default());
        for request in 0..1_000 {
            connection.commands.push_back(PendingCommand { request, bytes: 1, checked: None });
            connection.inbox.push_back(Vec::new());
        }
        connection.rest();
        assert_eq!((connection.commands.len(), connection.inbox.len()), (1_000, 1_000));
        connection.commands.clear();
        connection.inbox.clear();
        connection.rest();
        assert!(connection.commands.capacity() <= IDLE_COMMANDS_MAX);
        assert!(connection.inbox.capacity() <= IDLE_COMMANDS_MAX);
    }
}
