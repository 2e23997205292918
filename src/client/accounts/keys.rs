//! The keys of the member's account: listing them, introducing a further one, ending one, replacing the home's own.
//!
//! A key that this home makes is in a file before its command leaves, and written down as pending, so that the same command
//! given again introduces the same key, whatever happened in between.

use crate::client::identity::{KeyFile, PendingKey, make_further_key, remove_ended_key, write_account};
use crate::client::link::{Member, Reopen as _};
use crate::client::proofs::{Registrant, fetch_owner_of_key};
use crate::client::sending::{Submitted, is_untold, submit_once};
use crate::client::{Account, ClientError, Home, PassphraseSource, load_key_file, read_account};
use crate::crypto::{KeyId, KeyKind, LedgerId, SigningKey, random};
use crate::domain::accounts::{self, AddKey, Custody, EndKey, KeyFace, RotateKey, is_label, key_proof_bytes};
use crate::domain::{AccountId, Command, Rights};
use crate::wire::Accepted;

use super::key_request::KeyRequest;
use super::question;

/// Characters of a label that a machine makes: none that looks like another.
const LABEL_CHARACTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Every key that the member's account ever had, as the server tells it.
///
/// # Errors
/// [`ClientError`].
pub fn fetch_keys(member: &mut Member) -> Result<Vec<KeyFace>, ClientError> {
    let account = member.account_id();
    member.ask(&question::KeysOf(account))
}

/// Has the ledger prove that a key is one of a member's, and asks the server whether it stands; none if either is not so.
///
/// # Errors
/// [`ClientError::Integrity`] when the proof does not hold.
pub fn fetch_standing_key(
    member: &mut Member,
    account: AccountId,
    key_id: KeyId,
) -> Result<Option<Registrant>, ClientError> {
    let Some(owner) = fetch_owner_of_key(member, key_id)?.filter(|owner| owner.account == account) else {
        return Ok(None);
    };
    let keys = member.ask(&question::KeysOf(account))?;
    let stands = keys.iter().any(|key| key.key_id == key_id && key.ended_at.is_none());
    Ok(Some(owner).filter(|_| stands))
}

/// A label for a key whose owner gives none: `k-` and four characters.
pub fn machine_made_label() -> String {
    let bytes: [u8; 4] = random::bytes(&mut random::os());
    let character = |byte: &u8| LABEL_CHARACTERS.get(usize::from(*byte) % LABEL_CHARACTERS.len());
    let characters = bytes.iter().filter_map(character).map(|byte| char::from(*byte));
    ["k", "-"].into_iter().map(str::to_owned).chain(characters.map(String::from)).collect()
}

/// What a new key is to be.
#[derive(Clone, Debug)]
pub struct WantedKey {
    /// Its public name; one is made if none is given.
    pub label: Option<String>,
    /// Where its private half is.
    pub custody: Custody,
    /// What it may sign.
    pub rights: Rights,
}

/// A key that the ledger took. Whoever tells it says so with [`Introduced::told`]; if nobody does, the same command given
/// again tells it.
#[derive(Debug)]
pub struct Introduced {
    submitted: Submitted,
    /// Names it.
    pub key_id: String,
    /// Its public name.
    pub label: String,
    /// Its file in this home, if it is here.
    pub file: Option<String>,
    /// Where it is written down as pending, if it is.
    noted: Option<(Home, LedgerId)>,
}

impl Introduced {
    /// Tells the outcome, and strikes the command out once it was told.
    ///
    /// # Errors
    /// As for [`Submitted::tell`].
    pub fn tell(self, telling: impl FnOnce(&Accepted) -> Result<(), ClientError>) -> Result<(), ClientError> {
        self.submitted.tell(telling)?;
        match self.noted {
            Some((home, ledger_id)) => forget_pending(&home, ledger_id),
            None => Ok(()),
        }
    }
}

/// Introduces a further key of this home's, which is made now, or was made by an earlier run of the same command whose
/// outcome was not told.
///
/// # Errors
/// [`ClientError`]; after [`ClientError::Unknown`] the same call goes on with the same key.
pub fn add_own_key(
    member: &mut Member,
    wanted: &WantedKey,
    passphrase: Option<&str>,
    again: &mut dyn FnMut(),
) -> Result<Introduced, ClientError> {
    let (pending, command) = prepare(member, wanted, None, KeyKind::Ed25519, passphrase)?;
    let submitted = see_through(member, &command, &pending, again)?;
    let (home, ledger_id) = (member.home().clone(), member.server().ledger_id);
    if pending.custody == Custody::Device {
        let account = kept_account(&home, ledger_id)?;
        write_account(&home, ledger_id, &Account { device: Some(pending.key.clone()), ..account })?;
    }
    Ok(introduced(submitted, pending, (home, ledger_id)))
}

fn introduced(submitted: Submitted, pending: PendingKey, noted: (Home, LedgerId)) -> Introduced {
    let PendingKey { key: KeyFile { key_id, file }, label, .. } = pending;
    Introduced { submitted, key_id, label, file: Some(file), noted: Some(noted) }
}

/// Introduces the key of another machine, which has asked for it.
///
/// # Errors
/// [`ClientError::Usage`] for a request of another ledger or account; otherwise as for [`add_own_key`].
pub fn add_requested_key(
    member: &mut Member,
    request: &KeyRequest,
    wanted: &WantedKey,
    again: &mut dyn FnMut(),
) -> Result<Introduced, ClientError> {
    if request.ledger_id != member.server().ledger_id {
        return Err(ClientError::Usage(format!(
            "other_ledger: the request is for the ledger {}, and this is {}",
            request.ledger_id,
            member.server().ledger_id
        )));
    }
    if request.account != member.account_id() {
        return Err(ClientError::Usage(format!(
            "the request is for account {}, and this home has account {}",
            request.account,
            member.account_id()
        )));
    }
    // The same request given again has the same label, and so is the same command.
    let key_id = request.key.key_id().to_string();
    let label = wanted.label.clone().unwrap_or_else(|| format!("k-{}", key_id.get(..4).unwrap_or(&key_id)));
    check_label(&label)?;
    let command = Command::Accounts(accounts::Command::AddKey(AddKey {
        spki: request.key.spki().to_vec(),
        custody: wanted.custody,
        rights: wanted.rights,
        label: label.clone(),
        proof: request.proof.clone(),
        credential: None,
    }));
    let submitted = submit_once(member, &command, None, again)?;
    Ok(Introduced { submitted, key_id, label, file: None, noted: None })
}

/// Replaces the key of this home by a new one of the same kind. The old one has ended when this returns. A rotation of which
/// an earlier run did not tell the outcome is gone on with.
///
/// # Errors
/// [`ClientError`]; after [`ClientError::Unknown`] the next command of this home finds out which of the two stands.
pub fn rotate_key(
    member: &mut Member,
    label: Option<String>,
    passphrase: Option<&str>,
    again: &mut dyn FnMut(),
) -> Result<Introduced, ClientError> {
    let old = member.key().public().clone();
    let wanted = WantedKey { label, custody: Custody::File, rights: Rights::Full };
    let (pending, command) = prepare(member, &wanted, Some(old.key_id()), old.kind(), passphrase)?;
    let submitted = see_through(member, &command, &pending, again)?;
    let (home, ledger_id) = (member.home().clone(), member.server().ledger_id);
    let account = kept_account(&home, ledger_id)?;
    if account.key_id != pending.key.key_id {
        succeed(&home, ledger_id, account, pending.key.clone())?;
    }
    Ok(introduced(submitted, pending, (home, ledger_id)))
}

/// Ends a key of the account's. One that is in this home goes with it.
///
/// # Errors
/// [`ClientError`].
pub fn end_key(
    member: &mut Member,
    key_id: KeyId,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let command = Command::Accounts(accounts::Command::EndKey(EndKey { key_id }));
    let submitted = submit_once(member, &command, None, again)?;
    let (home, ledger_id) = (member.home().clone(), member.server().ledger_id);
    let mut account = kept_account(&home, ledger_id)?;
    if let Some(device) = account.device.take_if(|device| device.key_id == key_id.to_string()) {
        write_account(&home, ledger_id, &account)?;
        remove_ended_key(&home, ledger_id, &device)?;
    }
    Ok(submitted)
}

/// The key that has taken the place of the account's is the account's; the old one has ended, and goes. It stays pending
/// until that was told.
pub(super) fn succeed(
    home: &Home,
    ledger_id: LedgerId,
    mut account: Account,
    key: KeyFile,
) -> Result<(), ClientError> {
    let old = account.key();
    (account.key_id, account.file) = (key.key_id, key.file);
    write_account(home, ledger_id, &account)?;
    remove_ended_key(home, ledger_id, &old)
}

/// The key of an earlier run of the same command, or one that is made now and written down before anything leaves; and the
/// command that introduces it.
fn prepare(
    member: &mut Member,
    wanted: &WantedKey,
    ends: Option<KeyId>,
    kind: KeyKind,
    passphrase: Option<&str>,
) -> Result<(PendingKey, Command), ClientError> {
    let (home, ledger_id) = (member.home().clone(), member.server().ledger_id);
    if let Some(pending) = kept_account(&home, ledger_id)?.pending {
        let command = command_of(&home, &pending, passphrase)?;
        if is_untold(member, &command)? || !stands(member, &pending)? {
            if pending.is_wanted_by(wanted, ends.is_some()) {
                return Ok((pending, command));
            }
            return Err(ClientError::Usage(format!(
                "what came of the key {} was not told yet: give that command again first",
                pending.label
            )));
        }
        // It was told, and only that could not be written down any more.
        forget_pending(&home, ledger_id)?;
    }
    let label = wanted.label.clone().unwrap_or_else(machine_made_label);
    check_label(&label)?;
    let (key, file) = make_further_key(&home, kind, passphrase)?;
    let signed = key_proof_bytes(ledger_id, member.account_id(), &key.public().key_id());
    let proof = const_hex::encode(key.sign(&mut random::os(), &[&signed]).into_vec());
    let (custody, rights) = (wanted.custody, wanted.rights);
    let ends = ends.map(|key_id| key_id.to_string());
    let pending = PendingKey { key: file, custody, rights, label, proof, ends };
    let account = kept_account(&home, ledger_id)?;
    write_account(&home, ledger_id, &Account { pending: Some(pending.clone()), ..account })?;
    let command = command_of(&home, &pending, passphrase)?;
    Ok((pending, command))
}

impl PendingKey {
    /// Whether a command asks for this very key.
    fn is_wanted_by(&self, wanted: &WantedKey, rotates: bool) -> bool {
        let same_label = wanted.label.as_ref().is_none_or(|label| *label == self.label);
        let same = (self.custody, self.rights) == (wanted.custody, wanted.rights);
        same_label && same && self.ends.is_some() == rotates
    }
}

/// Whether the ledger has a pending key by now.
fn stands(member: &mut Member, pending: &PendingKey) -> Result<bool, ClientError> {
    Ok(fetch_keys(member)?.iter().any(|key| key.key_id.to_string() == pending.key.key_id))
}

/// The command that introduces a pending key: the same, byte for byte, whenever it is made.
fn command_of(home: &Home, pending: &PendingKey, passphrase: Option<&str>) -> Result<Command, ClientError> {
    let damaged = || ClientError::Config("what is written down of a pending key is damaged".to_owned());
    let spki = open_pending(home, pending, passphrase)?.public().spki().to_vec();
    let proof = const_hex::decode(&pending.proof).map_err(|_| damaged())?;
    let PendingKey { custody, rights, ref label, ref ends, .. } = *pending;
    let label = label.clone();
    Ok(Command::Accounts(match ends {
        None => accounts::Command::AddKey(AddKey { spki, custody, rights, label, proof, credential: None }),
        Some(ends) => {
            let ends = KeyId(const_hex::decode_to_array(ends).map_err(|_| damaged())?);
            accounts::Command::RotateKey(RotateKey { spki, custody, label, proof, ends, credential: None })
        }
    }))
}

/// Submits the command of a pending key. One that is refused is forgotten, with its file.
fn see_through(
    member: &mut Member,
    command: &Command,
    pending: &PendingKey,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let submitted = submit_once(member, command, None, again);
    let (home, ledger_id) = (member.home().clone(), member.server().ledger_id);
    if matches!(submitted, Err(ClientError::Refused(_)))
        && kept_account(&home, ledger_id)?.key_id != pending.key.key_id
    {
        forget_pending(&home, ledger_id)?;
        home.remove(&pending.key.file)?;
    }
    submitted
}

fn forget_pending(home: &Home, ledger_id: LedgerId) -> Result<(), ClientError> {
    write_account(home, ledger_id, &Account { pending: None, ..kept_account(home, ledger_id)? })
}

fn open_pending(
    home: &Home,
    pending: &PendingKey,
    passphrase: Option<&str>,
) -> Result<SigningKey, ClientError> {
    let mut ask = |_: &str| passphrase.map(|text| zeroize::Zeroizing::new(text.to_owned()));
    let ask: &mut PassphraseSource<'_> = &mut ask;
    load_key_file(home, &pending.key.file, ask)?.ok_or_else(|| {
        ClientError::Config(format!(
            "{} is gone: put a copy of it back",
            home.path(&pending.key.file).display()
        ))
    })
}

fn kept_account(home: &Home, ledger_id: LedgerId) -> Result<Account, ClientError> {
    read_account(home, ledger_id)?
        .ok_or_else(|| ClientError::Config("the account of this home is gone".to_owned()))
}

fn check_label(label: &str) -> Result<(), ClientError> {
    if is_label(label) {
        return Ok(());
    }
    let rejection = accounts::Rejection::InvalidLabel;
    Err(ClientError::Usage(format!("{}: {label:?}: {rejection}", rejection.name())))
}
