//! Joining with an e-mail address and a password: a registration whose key roams. Everything that needs a person comes first,
//! without a connection; then it is one block or nothing.

use super::registering::{Roaming, first_blob, opaque_key_of, register, side_of};
use super::seen::{self, Seen};
use crate::chain::{Header, Message};
use crate::client::accounts::seal_profile;
use crate::client::link::{Anonymous, Reopen as _};
use crate::client::sealing::Using;
use crate::client::sending::{DEADLINE, Outcome, RunBook, RunKind, Runner, submit_one};
use crate::client::{ClientError, Home, Signer};
use crate::crypto::{Digest, LedgerId, random, sha3};
use crate::domain::accounts::{self, Custody, JOIN, Join, Registered};
use crate::domain::{AccountId, Command, Event, TextForm};
use crate::password::{Credential, normalised_e_mail};
use crate::refusal;
use crate::wire::{Accepted, Side};

/// Characters of a handle that a machine makes: none that looks like another.
const HANDLE_CHARACTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Handles that are tried one after the other before somebody is told that all were taken.
const HANDLES_TRIED: u64 = 8;

/// Somebody who joins.
#[derive(Clone, Copy)]
pub struct Newcomer<'a> {
    /// The e-mail address with which to log in.
    pub e_mail: &'a str,
    /// The name by which people know the member.
    pub name: &'a str,
    /// The password, which was checked before.
    pub password: &'a str,
}

/// An account that stands in the ledger. Whoever tells it says so with [`JoinedByPassword::told`].
#[derive(Debug)]
pub struct JoinedByPassword {
    /// Its number.
    pub account: AccountId,
    /// Its public name, which a machine made.
    pub handle: String,
    /// The block.
    pub block: u64,
    book: RunBook,
}

impl JoinedByPassword {
    /// The account was told.
    ///
    /// # Errors
    /// [`ClientError::Untold`] when that cannot be kept.
    pub fn told(self) -> Result<(), ClientError> {
        let account = self.account;
        self.book.finish().map_err(|error| {
            ClientError::Untold(format!(
                "account {account} is there and was told, but that could not be kept: {error}"
            ))
        })
    }
}

fn runner(home: &Home, ledger_id: LedgerId) -> Runner<'_> {
    Runner { home, ledger_id, account: AccountId::NONE }
}

fn content(e_mail: &str) -> Digest {
    sha3(&[b"ledgerctl/join/1\0", normalised_e_mail(e_mail).as_bytes()])
}

/// Finds out what became of an earlier attempt to join with this e-mail address whose outcome is not known; none if there was
/// no such attempt, or if it was refused.
///
/// # Errors
/// [`ClientError::Unknown`] when it is still not known.
pub fn settle_join(
    home: &Home,
    link: &mut Anonymous,
    e_mail: &str,
) -> Result<Option<JoinedByPassword>, ClientError> {
    let ledger_id = link.server().ledger_id;
    let left = RunBook::left_behind(runner(home, ledger_id), RunKind::Registration, content(e_mail))?;
    let Some(book) = left else { return Ok(None) };
    let Some(signed) = book.sent_before().cloned() else {
        book.finish()?;
        return Ok(None);
    };
    let handle = Message::parse(&signed.message).ok().and_then(|message| {
        match Command::decode(message.header.tag, message.body) {
            Ok(Command::Accounts(accounts::Command::Join(join))) => Some(join.handle),
            _ => None,
        }
    });
    match submit_one(link, signed, DEADLINE)? {
        Outcome::Done(accepted) => {
            joined(home, ledger_id, &accepted, handle.unwrap_or_default(), book).map(Some)
        }
        Outcome::Refused(refusal) => {
            home.tell(&format!(
                "an earlier attempt to join with this e-mail address was refused: {}",
                refusal.message
            ));
            book.finish()?;
            Ok(None)
        }
        Outcome::Unknown => Err(unknown()),
    }
}

/// Joins with an e-mail address and a password.
///
/// # Errors
/// [`ClientError::Refused`] with `email_taken` among others; after [`ClientError::Unknown`] [`settle_join`] finds out.
pub fn join(
    home: &Home,
    link: &mut Anonymous,
    newcomer: Newcomer<'_>,
    roaming: &Roaming,
) -> Result<JoinedByPassword, ClientError> {
    let Newcomer { e_mail, name, password } = newcomer;
    check_e_mail(e_mail)?;
    let (opaque, ledger_id) = (opaque_key_of(home, link.server())?, link.server().ledger_id);
    let registered = register(link.connection(), (ledger_id, &opaque), (e_mail, password))?;
    let key_id = roaming.key.public().key_id();
    let blob = first_blob(ledger_id, roaming, &registered)?;
    let credential = Credential::new(key_id, Join::EPOCH, &opaque, registered.record, blob);
    let commit = credential.commit(ledger_id, &opaque.server_key);
    let mut book = RunBook::open(runner(home, ledger_id), RunKind::Registration, content(e_mail), None)?;
    for attempt in 0.. {
        let command_id = book.id(attempt, JOIN, &key_id.0);
        let header =
            Header { ledger_id, account: AccountId::NONE, key_id, command_id, issued_at: 0, tag: JOIN };
        let (join, side) = command_of(&header, (e_mail, name), roaming, commit, &credential)?;
        let handle = join.handle.clone();
        let signer = Signer { ledger_id, account: AccountId::NONE, key: roaming.key.clone() };
        let command = Command::Accounts(accounts::Command::Join(join));
        let signed = signer.sign(command_id, &command).with(&side);
        book.sending(&signed, true)?;
        match submit_one(link, signed, DEADLINE)? {
            Outcome::Done(accepted) => return joined(home, ledger_id, &accepted, handle, book),
            // Somebody has this very name: another one is made.
            Outcome::Refused(refusal)
                if refusal.name == refusal::HANDLE_TAKEN && attempt + 1 < HANDLES_TRIED =>
            {
                book.refused(command_id)?;
            }
            Outcome::Refused(refusal) => {
                book.finish()?;
                return Err(ClientError::Refused(refusal));
            }
            Outcome::Unknown => return Err(unknown()),
        }
    }
    Err(unknown())
}

/// The command under a new handle, with the profile sealed for it.
fn command_of(
    header: &Header,
    (e_mail, name): (&str, &str),
    roaming: &Roaming,
    commit: [u8; 32],
    credential: &Credential,
) -> Result<(Join, Side), ClientError> {
    let using = Using::opened(header);
    let (name, e_mail) = seal_profile(header, &using, name, e_mail)?;
    let join = Join {
        handle: machine_made_handle(),
        public_key: roaming.key.public().spki().to_vec(),
        custody: Custody::Roaming,
        scope_key: using.key.commitment(header.ledger_id, using.scope),
        name,
        e_mail,
        commit: Some(commit),
    };
    Ok((join, Side { scope_key: using.side.scope_key, ..side_of(credential) }))
}

fn joined(
    home: &Home,
    ledger_id: LedgerId,
    accepted: &Accepted,
    handle: String,
    book: RunBook,
) -> Result<JoinedByPassword, ClientError> {
    let Ok(Event::Accounts(accounts::Event::Registered(Registered { account }))) =
        Event::decode(&accepted.event)
    else {
        return Err(ClientError::other_answer());
    };
    let block = accepted.index;
    seen::remember(home, ledger_id, account, Seen { epoch: Join::EPOCH, walked: block + 1 })?;
    Ok(JoinedByPassword { account, handle, block, book })
}

/// Checks the form of an e-mail address, before anything is asked or sent.
pub(super) fn check_e_mail(e_mail: &str) -> Result<(), ClientError> {
    if TextForm::EMail.fits(e_mail) {
        return Ok(());
    }
    Err(ClientError::Usage(format!("{e_mail:?}: {}", TextForm::EMail.sentence())))
}

/// A public name for who gives none: `m-` and eight characters.
fn machine_made_handle() -> String {
    let bytes: [u8; 8] = random::bytes(&mut random::os());
    let character = |byte: u8| HANDLE_CHARACTERS.get(usize::from(byte) % HANDLE_CHARACTERS.len());
    let characters = bytes.into_iter().filter_map(character).map(|byte| char::from(*byte));
    ["m", "-"].into_iter().map(str::to_owned).chain(characters.map(String::from)).collect()
}

fn unknown() -> ClientError {
    ClientError::Unknown(
        "no answer came: whether the account is there is not known. Run the same command again; nothing is done twice"
            .to_owned(),
    )
}
