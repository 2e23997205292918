//! The way of a command, step by step:
//!
//! ```text
//! submit             the form, the ledger, the author, an earlier answer
//! check_signature    the signature waits for a helper thread, or is checked at once
//! run_commands       the turn of the command among those of its connection
//! decide             the verdict on the signature, the id, the time, the quota, the guards, the rules
//! ```
//!
//! A refused command may not be accepted when a copy of it arrives later. Where that could happen, the refusal is
//! remembered, and only of a command that its author has signed: a copy under a bad signature is refused anyway, and
//! commands that anybody can make up take nobody's room.
//!
//! Commands of one connection are decided in the order in which they arrived, whichever signature a helper
//! finishes first. Nothing before the rules changes anything, and nothing is told before the batch is durable.

use serde_bytes::ByteBuf;
use zeroize::Zeroizing;

use super::door::{Caller, Connection, PendingCommand};
use super::job::{CheckingKey, CommandCheck, EndorsementCheck, SignatureVerdict};
use super::lines::Line;
use super::sealed_check::SealedCheck;
use super::sealed_fields::Beside;
use super::{ConnectionId, Job, Service};
use crate::chain::{BLOCK_FIELDS_BYTES, Message};
use crate::crypto::is_signature_length;
use crate::domain::{self, AccountId, Command, Context, Happened, Rejection};
use crate::eventlog::LogError;
use crate::ledger::{Admission, Placement, Refused};
use crate::refusal;
use crate::time::Now;
use crate::wire::{Accepted, Refusal, Reply, SideCredential, Submission};

/// The weight of the checks that the helpers are given at once: enough that no helper is ever idle, and few enough that
/// the fair queue, and not the queue of the helpers, decides whose command is next. The unit is the check of a small
/// command, which takes some 20 to 60 µs.
const CHECKS_WITH_HELPERS_MAX: u64 = 256;

/// The cost of finding that a command's id was used for another command, in microseconds: that command is read, and may
/// be large.
const CONFLICT_WORK: u64 = 100;

/// What a command is checked with.
struct Screened {
    /// The key to check the author's signature with.
    key: CheckingKey,
    /// The further signatures that the command has to carry.
    endorsements: Vec<EndorsementCheck>,
    /// What opens the sealed fields.
    sealed: Option<SealedCheck>,
    /// The credential beside the command.
    credential: Option<Box<SideCredential>>,
    /// The code of a second factor beside the command.
    code: Option<Zeroizing<String>>,
}

/// The outcome of the checks before the rules.
enum Screening {
    /// Nothing stands against the command.
    Pass,
    /// The command gets this answer: it was answered before, or this check decides.
    Answer(Reply),
}

impl Service {
    /// Takes a submitted command as far as its signature check.
    pub(super) fn submit(
        &mut self,
        id: ConnectionId,
        request: u32,
        (submission, side): (Submission<'_>, &[u8]),
        now: Now,
    ) {
        if self.ledger.log().is_unmended()
            && Message::parse(submission.message).is_ok_and(|message| self.ledger.is_in_doubt(&message))
        {
            // Neither an acknowledgement nor a refusal would be true. The author finds out when the disk has room again.
            return self.end(id, "the outcome of a command is not known before there is room on the disk");
        }
        match self.screen_submission(id, submission, side, now) {
            Ok(screened) => self.check_signature(id, request, submission, screened),
            Err(reply) => {
                self.count(&reply);
                self.log_answer(id, &reply, now);
                self.hold(id, request, *reply);
            }
        }
    }

    /// Makes all checks that need no signature, and returns what the command is checked with. The side is not read before it is
    /// clear that the command is new.
    fn screen_submission(
        &mut self,
        id: ConnectionId,
        submission: Submission<'_>,
        side: &[u8],
        now: Now,
    ) -> Result<Screened, Box<Reply>> {
        let malformed =
            || Box::new(refused(refusal::MALFORMED_COMMAND, "the bytes are not a signed command"));
        let message = Message::parse(submission.message).map_err(|_| malformed())?;
        if !is_signature_length(submission.signature.len()) {
            return Err(malformed());
        }
        if message.header.ledger_id != self.ledger.ledger_id() {
            return Err(Box::new(refused(
                refusal::OTHER_LEDGER,
                "the command was signed for another ledger",
            )));
        }
        self.check_caller(id, &message)?;
        // A command that was sent again gets its earlier answer without a further check of its signature, whatever became
        // of its key.
        if let Screening::Answer(reply) = self.recall(&message, now) {
            return Err(Box::new(reply));
        }
        let key = self.checking_key(&message)?;
        let endorsements = self.endorsement_checks(&message)?;
        let beside = self.beside(&message, side);
        let Beside { sealed, credential, code } =
            beside.map_err(|reason| Box::new(refused(refusal::MALFORMED_COMMAND, reason)))?;
        Ok(Screened { key, endorsements, sealed, credential, code })
    }

    /// Whether this session may submit the command: as its author, or as a stranger who registers.
    fn check_caller(&self, id: ConnectionId, message: &Message<'_>) -> Result<(), Box<Reply>> {
        let caller = self.door.connections.get(&id).map_or(Caller::Unknown, |connection| connection.caller);
        let header = &message.header;
        match caller {
            Caller::Anonymous
                if Command::is_registration(header.tag) && header.account == AccountId::NONE =>
            {
                Ok(())
            }
            Caller::Unknown | Caller::Anonymous => Err(Box::new(not_authenticated())),
            Caller::Member(account, _) if header.account == account => Ok(()),
            Caller::Member(..) => {
                Err(Box::new(refused(refusal::NO_PERMISSION, "a command is submitted by its author")))
            }
        }
    }

    /// Looks for an earlier answer to a command. The same answer is given again, and needs no further check of a signature.
    /// A command that is in the ledger already gets its acknowledgement even when no new command is taken.
    fn recall(&mut self, message: &Message<'_>, now: Now) -> Screening {
        if let Some(refusal) = self.refusals.get(message) {
            return Screening::Answer(Reply::Refused(refusal.clone()));
        }
        match self.ledger.admit(message, now.wall) {
            Ok(Admission::Known(placement)) => Screening::Answer(accepted(placement, true)),
            Ok(Admission::Conflict) => {
                self.work += CONFLICT_WORK;
                Screening::Pass
            }
            Ok(Admission::Fresh | Admission::Pending(_) | Admission::OutsideWindow) => Screening::Pass,
            Err(error) => Screening::Answer(self.failed(error)),
        }
    }

    /// Makes the checks of a command that its author has signed, up to the rules: an earlier answer, the id, the time.
    fn screen(&mut self, message: &Message<'_>, now: Now) -> Screening {
        if let Some(refusal) = self.refusals.get(message) {
            return Screening::Answer(Reply::Refused(refusal.clone()));
        }
        let now = self.clock.measure(now.wall, self.ledger.known_time());
        let admission = self.ledger.admit(message, now);
        if matches!(admission, Ok(Admission::Fresh | Admission::OutsideWindow))
            && let Some(refusal) = self.clock.refusal()
        {
            self.refusals.remember_copy(message, refusal.clone());
            return Screening::Answer(Reply::Refused(refusal));
        }
        match admission {
            Ok(Admission::Fresh) => Screening::Pass,
            Ok(Admission::Known(placement) | Admission::Pending(placement)) => {
                Screening::Answer(accepted(placement, true))
            }
            Ok(Admission::Conflict) => Screening::Answer(refused(
                refusal::CONFLICT,
                "another command with this id is in the ledger; nothing was changed",
            )),
            Ok(Admission::OutsideWindow) => {
                let refusal = Refusal::fail(
                    refusal::ISSUED_AT_OUT_OF_RANGE,
                    "the command was issued more than 24 hours ago or more than 5 minutes ahead of the ledger",
                );
                self.refusals.remember_copy(message, refusal.clone());
                Screening::Answer(Reply::Refused(refusal))
            }
            Err(error) => Screening::Answer(self.failed(error)),
        }
    }

    /// Notes that the log has failed. The process ends before this answer leaves.
    pub(super) fn failed(&mut self, error: LogError) -> Reply {
        self.fatal.get_or_insert(error);
        refused(refusal::UNREADABLE, "the log cannot be read")
    }

    /// Gives a command its place among those of its connection, and has its signature checked.
    fn check_signature(
        &mut self,
        id: ConnectionId,
        request: u32,
        submission: Submission<'_>,
        Screened { key, endorsements, sealed, credential, code }: Screened,
    ) {
        let Some(connection) = self.door.connections.get_mut(&id) else { return };
        let sequence = connection.first_sequence + connection.commands.len() as u64;
        let bytes = submission.message.len() + submission.signature.len();
        connection.commands.push_back(PendingCommand { request, bytes, checked: None });
        let party = connection.party();
        self.door.shares.begin(party, bytes);
        self.checks_under_way += 1;
        let (message, signature) = (submission.message.to_vec(), submission.signature.to_vec());
        let connection = id;
        let check = CommandCheck {
            connection,
            sequence,
            key,
            message,
            signature,
            endorsements,
            sealed,
            credential,
            code,
        };
        self.checks.push(party, check);
    }

    /// Gives the helpers enough to do, one check of each party in turn: a party that submits much waits behind itself.
    pub(super) fn hand_out_checks(&mut self) {
        while self.checks_with_helpers < CHECKS_WITH_HELPERS_MAX
            && let Some((_, check)) = self.checks.pop()
        {
            self.checks_with_helpers += check.weight();
            self.jobs.push(Job::VerifyCommand(check));
        }
    }

    /// Checks a signature in the loop where that is quicker for everybody: no other signature is being checked, commands come
    /// one by one, and the check takes less time than the sync that follows. A helper would cost two wake-ups, which take
    /// about as long as the check.
    pub(super) fn check_at_once(&mut self, now: Now) {
        let alone = self.checks_under_way == 1 && self.jobs.len() == 1 && self.newest_batch <= 1;
        let quick = |job: &mut Job| matches!(job, Job::VerifyCommand(check) if check.is_quick());
        if alone && let Some(Job::VerifyCommand(mut check)) = self.jobs.pop_if(quick) {
            let verdict = check.verdict();
            self.command_verified(check, verdict, now);
        }
    }

    /// Takes the verdict on a command's signatures. The command waits for its turn on its connection.
    pub(super) fn command_verified(&mut self, check: CommandCheck, verdict: SignatureVerdict, now: Now) {
        self.checks_under_way = self.checks_under_way.saturating_sub(1);
        self.checks_with_helpers = self.checks_with_helpers.saturating_sub(check.weight());
        self.hand_out_checks();
        self.keep_keys(&check);
        let id = check.connection;
        let Some(connection) = self.door.connections.get_mut(&id) else { return };
        let place = check.sequence.checked_sub(connection.first_sequence);
        let place = place.and_then(|place| usize::try_from(place).ok());
        if let Some(pending) = place.and_then(|place| connection.commands.get_mut(place)) {
            pending.checked = Some((check, verdict));
        }
        self.run_commands(id, now);
        self.await_turn(id);
    }

    /// Decides the commands of a connection, in order, as far as their signatures are checked.
    pub(super) fn run_commands(&mut self, id: ConnectionId, now: Now) {
        while let Some(connection) = self.door.connections.get_mut(&id) {
            let Some((check, verdict)) =
                connection.commands.front_mut().and_then(|first| first.checked.take())
            else {
                break;
            };
            let reply = self.decide(&check, &verdict, now);
            let Some(connection) = self.door.connections.get_mut(&id) else { break };
            let Some(reply) = reply else {
                // The batch is full: the command keeps its place and its verdict until the next tick.
                if let Some(first) = connection.commands.front_mut() {
                    first.checked = Some((check, verdict));
                }
                self.postponed.push_back(id);
                break;
            };
            let party = connection.party();
            let (request, bytes) =
                connection.commands.pop_front().map_or((0, 0), |first| (first.request, first.bytes));
            connection.first_sequence += 1;
            self.commands_ended(party, 1, bytes);
            self.door.touched.insert(id);
            self.count(&reply);
            self.log_answer(id, &reply, now);
            self.hold(id, request, reply);
        }
    }

    /// The answer to a command whose signature was checked; none if the batch has no room for the block.
    fn decide(&mut self, check: &CommandCheck, verdict: &SignatureVerdict, now: Now) -> Option<Reply> {
        let Ok(message) = Message::parse(&check.message) else {
            return Some(refused(refusal::MALFORMED_COMMAND, "the bytes are not a signed command"));
        };
        // The verdict on its signatures. An endorser who is not known is told further down, after older answers.
        match verdict {
            SignatureVerdict::Good | SignatureVerdict::UnknownEndorser(_) => {}
            SignatureVerdict::Bad => {
                return Some(refused(refusal::BAD_SIGNATURE, "the signature does not hold"));
            }
            SignatureVerdict::BadEndorsement(name, sentence) => return Some(refused(name, sentence)),
            SignatureVerdict::BadKey(error) => return Some(refused(refusal::INVALID_KEY, error)),
        }
        if check.key_id() != message.header.key_id {
            // Only a registration can name another key than the one that it holds, and every copy of it is as wrong.
            return Some(Reply::Refused(self.refusal_of(&Rejection::not_its_key())));
        }
        // What is known of the command by its id and its time.
        if let Screening::Answer(reply) = self.screen(&message, now) {
            return Some(reply);
        }
        // What the author may take of what is scarce.
        if message.header.account == AccountId::NONE && !self.takes_registration(check.connection, now) {
            return Some(refused(refusal::BUSY, "too many registrations at once; try again in a moment"));
        }
        if let SignatureVerdict::UnknownEndorser(rejection) = verdict {
            // Whether the author's own key may sign comes before all that is said of others.
            let state = self.ledger.replica().state();
            let of_author = Command::decode(message.header.tag, message.body).ok().and_then(|command| {
                domain::author_may_sign(state, &command, message.header.account, &message.header.key_id).err()
            });
            let refusal = self.refusal_of(of_author.as_ref().unwrap_or(rejection));
            self.refusals.remember_copy(&message, refusal.clone());
            return Some(Reply::Refused(refusal));
        }
        if let Some(refusal) = self.over_quota(&message, check.signature.len(), now) {
            return Some(Reply::Refused(refusal));
        }
        // The guards, and at last the rules.
        let Ok(command) = Command::decode(message.header.tag, message.body) else {
            return Some(refused(refusal::MALFORMED_COMMAND, "the command does not decode"));
        };
        let author = message.header.account;
        let brought = match self.guard_command(check, &command, author, now) {
            Ok(Ok(brought)) => brought,
            Ok(Err(refusal)) => {
                self.refusals.remember_copy(&message, refusal.clone());
                return Some(Reply::Refused(refusal));
            }
            Err(error) => return Some(self.failed(error)),
        };
        let (ends_sessions_of, erases) = (command.ends_sessions_of(), command.erases());
        let moves_factor_of = command.moves_second_factor_of(author);
        let password_before = self.ledger.replica().state().credential(author);
        let following = &mut self.following;
        let told = &mut |happened: &Happened, context: &Context<'_>| following.hear(happened, context);
        match self.ledger.propose_telling(message, &check.signature, command, now.wall, told) {
            Ok(placement) => {
                let bytes = message.bytes.len() + check.signature.len() + placement.event.len();
                self.quota.add(message.header.account, (bytes + BLOCK_FIELDS_BYTES) as u64);
                self.take_brought(check, erases);
                self.take_credential(check, brought.credential, (author, password_before));
                self.take_factor(check, brought.factor, moves_factor_of, now);
                if let Some(whose) = ends_sessions_of {
                    self.end_sessions(whose, (check.connection, author), now);
                }
                Some(accepted(placement, false))
            }
            Err(Refused::BatchFull) => None,
            Err(Refused::ReadOnly) => {
                self.look_for_room_later(now.mono);
                let refusal = Refusal::fail(
                    refusal::DISK_FULL,
                    "the disk is full: the ledger can be read but not changed",
                );
                self.refusals.remember_copy(&message, refusal.clone());
                Some(Reply::Refused(refusal))
            }
            Err(Refused::Failed(error)) => Some(self.failed(error)),
            Err(Refused::Rule(rejection)) => {
                let refusal = self.refusal_of(&rejection);
                self.refusals.remember(&message, refusal.clone());
                Some(Reply::Refused(refusal))
            }
        }
    }

    /// The reply to a command that a rule refuses.
    fn refusal_of(&self, rejection: &Rejection) -> Refusal {
        let sentence = rejection.sentence(&self.ledger.replica().state().settings);
        Refusal { facts: rejection.facts(), ..Refusal::fail(rejection.name(), sentence) }
    }

    /// Whether a registration may be decided now. It takes a token of all registrations, and one of those from its network,
    /// unless that is this machine.
    fn takes_registration(&mut self, id: ConnectionId, now: Now) -> bool {
        let prefix =
            self.door.connections.get(&id).map(Connection::prefix).filter(|prefix| !prefix.is_loopback());
        prefix.is_none_or(|prefix| self.door.registrations_by_prefix.take(prefix, now.mono))
            && self.door.registrations.take(now.mono)
    }

    /// The refusal for an author who has written as much of the log today as an account may; none for every other author.
    /// A newcomer who registers has no account yet, and no quota.
    fn over_quota(&mut self, message: &Message<'_>, signature_bytes: usize, now: Now) -> Option<Refusal> {
        let (most, author) = (self.limits.log_bytes_per_account_day, message.header.account);
        if most == 0 || author == AccountId::NONE {
            return None;
        }
        let time = self.ledger.replica().link().next_timestamp(now.wall);
        let wanted = (message.bytes.len() + signature_bytes + BLOCK_FIELDS_BYTES) as u64;
        if self.quota.written(author, time).saturating_add(wanted) <= most {
            return None;
        }
        let refusal = Refusal::fail(
            refusal::LOG_QUOTA,
            format!(
                "this account may write {most} bytes of the log in a day, which it has; the next day of UTC begins anew"
            ),
        );
        self.refusals.remember_copy(message, refusal.clone());
        Some(refusal)
    }

    /// Counts a reply to a command.
    fn count(&mut self, reply: &Reply) {
        match reply {
            Reply::Accepted(accepted) if accepted.duplicate => self.counters.duplicate += 1,
            Reply::Accepted(_) => self.counters.accepted += 1,
            _ => self.counters.refused += 1,
        }
    }

    /// Writes a line about a reply to a command, if the caller may still cause one.
    fn log_answer(&mut self, id: ConnectionId, reply: &Reply, now: Now) {
        let Some(connection) = self.door.connections.get(&id) else { return };
        let (account, party) = (connection.account(), connection.party());
        match reply {
            Reply::Accepted(accepted) if accepted.duplicate => {
                tracing::debug!(connection = %id, %account, block = accepted.index, "duplicate command");
            }
            Reply::Accepted(accepted) => {
                tracing::debug!(connection = %id, %account, block = accepted.index, "command accepted");
            }
            Reply::Refused(refusal) if self.lines.take(party, Line::Refused, now.mono) => {
                tracing::info!(connection = %id, %account, name = refusal.name, "command refused");
            }
            _ => {}
        }
    }
}

/// The reply to a command that stands in a block.
fn accepted(placement: Placement, duplicate: bool) -> Reply {
    Reply::Accepted(Accepted {
        index: placement.index,
        hash: placement.hash,
        timestamp: placement.timestamp,
        event: ByteBuf::from(placement.event),
        duplicate,
    })
}

/// The reply that refuses a command by this name.
pub(super) fn refused(name: &str, message: impl ToString) -> Reply {
    Reply::Refused(Refusal::fail(name, message))
}

/// The reply to a session without an account that asks for something which needs one.
pub(super) fn not_authenticated() -> Reply {
    Reply::Refused(Refusal {
        code: Refusal::AUTH_FAIL,
        name: refusal::NOT_AUTHENTICATED.to_owned(),
        message: "this needs an authenticated session: register first".to_owned(),
        facts: Vec::new(),
    })
}
