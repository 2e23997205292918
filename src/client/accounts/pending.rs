//! A key that this home makes: it is in a file before its command leaves, and written down as pending, so that the same
//! command given again introduces the same key, whatever happened in between.

use crate::client::identity::{PendingKey, make_further_key};
use crate::client::link::{Member, Reopen as _};
use crate::client::proofs::fetch_owner_of_key;
use crate::client::sending::{Submitted, is_untold, submit_once};
use crate::client::{ClientError, Home, PassphraseSource, load_key_file};
use crate::crypto::{KeyId, KeyKind, LedgerId, SigningKey, random};
use crate::domain::accounts::{self, AddKey, Custody, RotateKey, is_label, key_proof_bytes};
use crate::domain::{Command, Rights};

use super::kept::{change_account, forget_pending, kept_account};
use super::standing::{fetch_keys, key_id_of};

/// Characters of a label that a machine makes: none that looks like another.
const LABEL_CHARACTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

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

/// The key of an earlier run of the same command, or one that is made now and written down before anything leaves; and the
/// command that introduces it.
pub(super) fn prepare(
    member: &mut Member,
    wanted: &WantedKey,
    ends: Option<KeyId>,
    kind: KeyKind,
    passphrase: Option<&str>,
) -> Result<(PendingKey, Command), ClientError> {
    let (home, ledger_id) = (member.home().clone(), member.server().ledger_id);
    if let Some(pending) = kept_account(&home, ledger_id)?.pending {
        let command = command_of(&pending)?;
        if is_open(member, &pending, &command)? {
            only_what_is_untold(member, &command)?;
            if pending.is_wanted_by(wanted, ends.is_some()) {
                return Ok((pending, command));
            }
            return Err(ClientError::Usage(format!(
                "what came of the key {} was not told yet: give that command again first",
                pending.label
            )));
        }
        change_account(&home, ledger_id, |account| account.pending = None)?;
    }
    let pending = make(member, wanted, ends, kind, passphrase)?;
    let command = command_of(&pending)?;
    Ok((pending, command))
}

/// Whether there is something to go on with in what is written down of a pending key.
fn is_open(member: &mut Member, pending: &PendingKey, command: &Command) -> Result<bool, ClientError> {
    let home = member.home().clone();
    let untold = is_untold(member, command)?;
    let stands = fetch_keys(member)?.iter().any(|key| key.key_id.to_string() == pending.key.key_id);
    let is_there = home.read_bytes(&pending.key.file)?.is_some();
    if stands && untold && !is_there {
        home.tell(&format!(
            "{} is gone: if there is no copy of it, end the key {}, which nobody can sign with",
            home.path(&pending.key.file).display(),
            pending.label
        ));
    }
    // One that stands and has no run book was told, and only that could not be written down any more. One that does not
    // stand must not be introduced without its file.
    Ok(if stands { untold } else { is_there })
}

/// Makes a key, and writes it down.
fn make(
    member: &mut Member,
    wanted: &WantedKey,
    ends: Option<KeyId>,
    kind: KeyKind,
    passphrase: Option<&str>,
) -> Result<PendingKey, ClientError> {
    if member.is_of_device() {
        return Err(full_key_has_ended(member));
    }
    let (home, ledger_id) = (member.home().clone(), member.server().ledger_id);
    let label = wanted.label.clone().unwrap_or_else(machine_made_label);
    check_label(&label)?;
    let (signing, key) = make_further_key(&home, kind, passphrase)?;
    let signed = key_proof_bytes(ledger_id, member.account_id(), &signing.public().key_id());
    let proof = const_hex::encode(signing.sign(&mut random::os(), &[&signed]).into_vec());
    let ends_file = match ends {
        Some(_) => Some(kept_account(&home, ledger_id)?.file),
        None => None,
    };
    let pending = PendingKey {
        key,
        custody: wanted.custody,
        rights: wanted.rights,
        label,
        proof,
        ends: ends.map(|key_id| key_id.to_string()),
        ends_file,
        spki: const_hex::encode(signing.public().spki()),
    };
    change_account(&home, ledger_id, |account| account.pending = Some(pending.clone()))?;
    Ok(pending)
}

impl PendingKey {
    /// Whether a command asks for this very key.
    fn is_wanted_by(&self, wanted: &WantedKey, rotates: bool) -> bool {
        let same_label = wanted.label.as_ref().is_none_or(|label| *label == self.label);
        let same = (self.custody, self.rights) == (wanted.custody, wanted.rights);
        same_label && same && self.ends.is_some() == rotates
    }
}

/// The command that introduces a pending key: the same, byte for byte, whenever it is made.
fn command_of(pending: &PendingKey) -> Result<Command, ClientError> {
    let damaged = || ClientError::Config("what is written down of a pending key is damaged".to_owned());
    let decoded = |text: &str| const_hex::decode(text).map_err(|_| damaged());
    let (spki, proof) = (decoded(&pending.spki)?, decoded(&pending.proof)?);
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

/// Submits the command of a pending key.
pub(super) fn see_through(
    member: &mut Member,
    command: &Command,
    pending: &PendingKey,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let submitted = submit_once(member, command, None, again);
    if matches!(submitted, Err(ClientError::Refused(_))) {
        give_up(member, pending)?;
    }
    submitted
}

/// Forgets a key that was refused, with its file, if the ledger says that it is nobody's. The refusal may be the answer to a
/// second copy of a command whose first copy stands: then the key stays.
fn give_up(member: &mut Member, pending: &PendingKey) -> Result<(), ClientError> {
    let (home, ledger_id) = (member.home().clone(), member.server().ledger_id);
    let owner = match fetch_owner_of_key(member, key_id_of(&pending.key)?) {
        Ok(owner) => owner,
        Err(error @ ClientError::Integrity(_)) => return Err(error),
        // The next run of the same command asks again.
        Err(_) => return Ok(()),
    };
    let Some(owner) = owner else {
        home.remove(&pending.key.file)?;
        return change_account(&home, ledger_id, |account| account.pending = None);
    };
    let path = home.path(&pending.key.file);
    home.tell(&format!(
        "account {} has the key {} all the same: it stays in {}",
        owner.account,
        pending.label,
        path.display()
    ));
    if owner.account == member.account_id() {
        use_as_device_key(&home, ledger_id, pending)?;
    }
    forget_pending(&home, ledger_id, &pending.key.key_id)
}

/// Has a key sign from now on what this home does every day, if it was made for that.
pub(super) fn use_as_device_key(
    home: &Home,
    ledger_id: LedgerId,
    pending: &PendingKey,
) -> Result<(), ClientError> {
    if pending.custody != Custody::Device || home.read_bytes(&pending.key.file)?.is_none() {
        return Ok(());
    }
    change_account(home, ledger_id, |account| account.device = Some(pending.key.clone()))
}

/// The private half of a pending key.
pub(super) fn open_pending(
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

/// With a session of the device key, which may only act, nothing about keys is begun; what a full key began before it ended
/// is told all the same.
pub(super) fn only_what_is_untold(member: &mut Member, command: &Command) -> Result<(), ClientError> {
    if !member.is_of_device() || is_untold(member, command)? {
        return Ok(());
    }
    Err(full_key_has_ended(member))
}

fn full_key_has_ended(member: &Member) -> ClientError {
    ClientError::KeyEnded(format!(
        "key_ended: the key with which account {} of this home signs what concerns its keys has ended",
        member.account_id()
    ))
}

pub(super) fn check_label(label: &str) -> Result<(), ClientError> {
    if is_label(label) {
        return Ok(());
    }
    let rejection = accounts::Rejection::InvalidLabel;
    Err(ClientError::Usage(format!("{}: {label:?}: {rejection}", rejection.name())))
}
