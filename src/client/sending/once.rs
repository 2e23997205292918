//! One command from its signature to its outcome: written down before it leaves, sent until its deadline, and never done
//! twice, because the same command given again has the same id until its outcome was told.

use super::idempotency::IdempotencyKey;
use super::run_book::{RunBook, RunKind, Runner};
use super::submitter::{DEADLINE, Outcome, submit_one};
use crate::chain::CommandId;
use crate::client::link::{Member, Reopen as _};
use crate::client::proofs::refuse_id_of_cheque;
use crate::client::{ClientError, Signed, Signer};
use crate::crypto::{Digest, sha3};
use crate::domain::payments::ChequeId;
use crate::domain::{Command, Tag};
use crate::wire::{Accepted, Side};

/// A command that stands in a block. Whoever tells it says so with [`Submitted::told`]; if nobody does, the same
/// command given again tells it, and does nothing a second time.
#[derive(Debug)]
pub struct Submitted {
    /// Where it stands.
    pub accepted: Accepted,
    book: RunBook,
}

impl Submitted {
    /// Tells the outcome, and strikes the command out once it was told.
    ///
    /// # Errors
    /// [`ClientError::Untold`] when it could not be told, or when that it was told cannot be kept.
    pub fn tell(self, telling: impl FnOnce(&Accepted) -> Result<(), ClientError>) -> Result<(), ClientError> {
        let index = self.accepted.index;
        telling(&self.accepted).map_err(|error| ClientError::untold(index, error))?;
        self.told()
    }

    /// The outcome was told: the same command given again is another one.
    ///
    /// # Errors
    /// [`ClientError::Untold`] when that cannot be kept.
    pub fn told(self) -> Result<(), ClientError> {
        let index = self.accepted.index;
        self.book.finish().map_err(|error| {
            ClientError::Untold(format!(
                "block {index} is written and was told, but that could not be kept: {error}. The same command given \
                 again tells it once more, and does nothing a second time"
            ))
        })
    }
}

/// Names what a command asks for: the same command given again has the same content.
fn content_of(command: &Command) -> Digest {
    let (tag, body) = command.encode();
    sha3(&[&tag.schema.to_be_bytes(), &tag.kind.to_be_bytes(), &body])
}

/// Whether an earlier run has left this very command open: its outcome was not told.
///
/// # Errors
/// As for [`RunBook::open`].
pub(in crate::client) fn is_untold(member: &mut Member, command: &Command) -> Result<bool, ClientError> {
    let (home, ledger_id, account) = (member.home().clone(), member.server().ledger_id, member.account_id());
    let runner = Runner { home: &home, ledger_id, account };
    Ok(RunBook::left_behind(runner, RunKind::Once, content_of(command))?.is_some())
}

/// Ends what an earlier run left open of a command, whose outcome is known by other means and was told.
///
/// # Errors
/// As for [`RunBook::open`].
pub(in crate::client) fn end_left_behind(runner: Runner<'_>, command: &Command) -> Result<(), ClientError> {
    let left = RunBook::left_behind(runner, RunKind::Once, content_of(command))?;
    left.map_or(Ok(()), RunBook::finish)
}

/// Signs a command of the member's and sees it through. `again` is called when the same command was sent by an
/// earlier run that did not tell its outcome: then this is that command. Where the server wants a second factor first, it is
/// given, if somebody is there to give it, and the command is issued anew.
///
/// # Errors
/// [`ClientError::Refused`], with `conflict` when the key stands for a cheque; [`ClientError::Unknown`] when no
/// answer came before the deadline.
pub fn submit_once(
    member: &mut Member,
    command: &Command,
    key: Option<&IdempotencyKey>,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    submit_named(member, command, key.map_or(Named::ByRun, Named::ByKey), again)
}

/// The same of a command whose id somebody else has signed for, so that it can have no other.
///
/// # Errors
/// As for [`submit_once`].
pub(in crate::client) fn submit_with_id(
    member: &mut Member,
    command: &Command,
    id: CommandId,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    submit_named(member, command, Named::Given(id), again)
}

/// Where the id of a command comes from.
#[derive(Clone, Copy)]
enum Named<'a> {
    /// From the run, which is the same run when the same command is given again.
    ByRun,
    /// From the key that the run was given.
    ByKey(&'a IdempotencyKey),
    /// From somebody else.
    Given(CommandId),
}

fn submit_named(
    member: &mut Member,
    command: &Command,
    named: Named<'_>,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    member.with_second_factor(|member| submit_now(member, command, named, again))
}

fn submit_now(
    member: &mut Member,
    command: &Command,
    named: Named<'_>,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let key = match named {
        Named::ByKey(key) => Some(key),
        Named::ByRun | Named::Given(_) => None,
    };
    refuse_key_of_cheque(member, key)?;
    let (home, ledger_id) = (member.home().clone(), member.server().ledger_id);
    let account = member.account_id();
    let (tag, body) = command.encode();
    let content = content_of(command);
    let runner = Runner { home: &home, ledger_id, account };
    let mut book = RunBook::open(runner, RunKind::Once, content, key)?;
    if book.goes_on() {
        again();
    }
    let signer = Signer { ledger_id, account, key: member.key().clone() };
    let id = match named {
        Named::Given(id) => id,
        Named::ByRun | Named::ByKey(_) => book.id(0, tag, &body),
    };
    let signed = signer.sign(id, command);
    book.sending(&signed, true)?;
    see_through(member, signed, book)
}

/// Sends a command that stands in its run book until its outcome is known.
fn see_through(member: &mut Member, signed: Signed, book: RunBook) -> Result<Submitted, ClientError> {
    match submit_one(member, signed, DEADLINE)? {
        Outcome::Done(accepted) => Ok(Submitted { accepted, book }),
        Outcome::Refused(refusal) => {
            book.finish()?;
            Err(ClientError::Refused(refusal))
        }
        Outcome::Unknown => Err(ClientError::Unknown(
            "no answer came: whether it was done is not known. Run the same command again; nothing is done twice"
                .to_owned(),
        )),
    }
}

/// Signs a command with sealed texts and sees it through. `texts` says what the command asks for, before it is sealed: the same
/// texts given again are the same command. `seal` makes the command of this id, with what goes beside it.
///
/// # Errors
/// As for [`submit_once`], and those of `seal`.
pub(in crate::client) fn submit_sealed_once(
    member: &mut Member,
    tag: Tag,
    texts: &[u8],
    seal: impl FnOnce(CommandId) -> Result<(Command, Side), ClientError>,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let (home, ledger_id) = (member.home().clone(), member.server().ledger_id);
    let account = member.account_id();
    let content = content_of_texts(tag, texts);
    let runner = Runner { home: &home, ledger_id, account };
    let mut book = RunBook::open(runner, RunKind::Once, content, None)?;
    // What was sent before is sent again as it was: sealed anew it would be another command.
    if let Some(signed) = book.sent_before().cloned() {
        again();
        return see_through(member, signed, book);
    }
    let id = book.id(0, tag, texts);
    let (command, side) = seal(id)?;
    let signer = Signer { ledger_id, account, key: member.key().clone() };
    let signed = signer.sign(id, &command).with(&side);
    book.sending(&signed, true)?;
    see_through(member, signed, book)
}

/// Finds out what became of a sealed command that an earlier run has sent and whose outcome was not told; none if no such run has
/// left anything behind.
///
/// # Errors
/// As for [`submit_once`].
pub(in crate::client) fn settle_sealed(
    member: &mut Member,
    tag: Tag,
    texts: &[u8],
) -> Result<Option<Submitted>, ClientError> {
    let (home, ledger_id, account) = (member.home().clone(), member.server().ledger_id, member.account_id());
    let runner = Runner { home: &home, ledger_id, account };
    let Some(book) = RunBook::left_behind(runner, RunKind::Once, content_of_texts(tag, texts))? else {
        return Ok(None);
    };
    match book.sent_before().cloned() {
        Some(signed) => see_through(member, signed, book).map(Some),
        None => book.finish().map(|()| None),
    }
}

/// Names what a sealed command asks for.
fn content_of_texts(tag: Tag, texts: &[u8]) -> Digest {
    sha3(&[&tag.schema.to_be_bytes(), &tag.kind.to_be_bytes(), texts])
}

/// A key that stands for a cheque already is not free for a command: the id of both is the key's.
pub(in crate::client) fn refuse_key_of_cheque(
    member: &mut Member,
    key: Option<&IdempotencyKey>,
) -> Result<(), ClientError> {
    let Some(key) = key else { return Ok(()) };
    let id = key.command_id(member.server().ledger_id, member.account_id(), 0);
    refuse_id_of_cheque(member, ChequeId(id.0))
}
