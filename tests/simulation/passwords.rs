//! Passwords in the simulator: every member gets a key that roams, one of them before the run, and changes its password. After every start the vault has
//! what the newest block of the account speaks of, so that the old or the new password opens the key, and never neither.

use ledgerd::crypto::{KeyId, LedgerId, SigningKey};
use ledgerd::domain::accounts::{
    AddKey, Command as Accounted, CredentialAt, CredentialCommit, CredentialVia, Custody, Rights,
    SetCredential,
};
use ledgerd::domain::{AccountId, Command};
use ledgerd::eventlog::SimDisk;
use ledgerd::ledger::Ledger;
use ledgerd::password::{Blob, Credential, IndexKey, LoginKeys, OPAQUE_NUMBER, OpaqueKey, Stretch};
use ledgerd::vault::{Key, Kind, Name, PAGE_BYTES, Secret, Slot, open_pages};
use ledgerd::wire::{SideCredential, in_sequences};

use super::template::{Template, template};
use super::vault::kek;

const OPAQUE: OpaqueKey = OpaqueKey { server_key: [8; 32], stretch: Stretch { m_kib: 8, t: 1, p: 1 } };

/// What the service needs for log-ins.
pub(super) fn login_keys() -> LoginKeys {
    LoginKeys { index: IndexKey::from_bytes([6; 32]), opaque: OPAQUE }
}

/// The e-mail address of an account.
pub(super) fn e_mail(account: AccountId) -> String {
    format!("member-{account}@example.org")
}

/// The password of this number. Nobody logs in here, so that neither record nor blob has to open anything.
fn credential(account: AccountId, key_id: KeyId, epoch: u32) -> Credential {
    let blob = Blob::from_bytes(vec![account.0 as u8; 2_000]).unwrap();
    Credential {
        key_id,
        epoch,
        opaque: OPAQUE_NUMBER,
        stretch: OPAQUE.stretch,
        record: [epoch as u8; 192],
        blob,
    }
}

fn commit(ledger_id: LedgerId, account: AccountId, key_id: KeyId, epoch: u32) -> CredentialCommit {
    let commit = credential(account, key_id, epoch).commit(ledger_id, &OPAQUE.server_key);
    CredentialCommit { epoch, commit }
}

/// The command that gives a member a key which roams.
pub(super) fn first(ledger_id: LedgerId, account: AccountId, key: &SigningKey, proof: Vec<u8>) -> Accounted {
    let key = key.public();
    Accounted::AddKey(AddKey {
        spki: key.spki().to_vec(),
        custody: Custody::Roaming,
        rights: Rights::Full,
        label: "roaming".to_owned(),
        proof,
        credential: Some(commit(ledger_id, account, key.key_id(), 1)),
    })
}

/// The command that changes its password.
pub(super) fn change(template: &Template, account: AccountId, epoch: u32) -> Accounted {
    let key_id = template.roaming[account.0 as usize - 1].public().key_id();
    let CredentialCommit { commit, .. } = commit(template.ledger_id, account, key_id, epoch);
    Accounted::SetCredential(SetCredential { key_id, epoch, commit, via: CredentialVia::Password })
}

/// What goes beside a command of an account.
pub(super) fn beside(account: AccountId, command: &Command) -> Option<SideCredential> {
    let part = command.credential()?;
    let credential = credential(account, part.key_id?, part.commit.epoch);
    let Stretch { m_kib, t, p } = credential.stretch;
    let (record, blob) = (in_sequences(&credential.record), credential.blob.as_bytes().to_vec().into());
    Some(SideCredential { opaque: credential.opaque, m_kib, t, p, record, blob })
}

/// The entries of the passwords that there are at the beginning.
pub(super) fn entries(ledger: &Ledger) -> Vec<(Key, Secret)> {
    let accounts = &ledger.replica().state().accounts;
    let entry = |(account, at): (AccountId, CredentialAt)| {
        let key_id = accounts.roaming_key(account).map(|key| key.key_id).expect("the key of a password");
        let content = credential(account, key_id, at.commit.epoch).to_bytes();
        ((name(account), at.commit.epoch as u16), Secret::Long(content.into()))
    };
    accounts.credentials().map(entry).collect()
}

fn name(account: AccountId) -> Name {
    let scope = login_keys().index.vault_name(&e_mail(account));
    Name { kind: Kind::Credential, subject: account.0, scope }
}

/// Holds the passwords in the vault against the blocks.
///
/// # Errors
/// The account that cannot log in any more, or that could with an old password.
pub(super) fn look_at(disk: &SimDisk, ledger: &Ledger, held: &[Slot]) -> Result<(), String> {
    let accounts = &ledger.replica().state().accounts;
    let pages = disk.bytes("vault/pages").unwrap_or_default();
    let passwords: Vec<&Slot> = held.iter().filter(|slot| slot.name.kind == Kind::Credential).collect();
    for (account, at) in accounts.credentials() {
        let key_id = accounts.roaming_key(account).map(|key| key.key_id).expect("the key of a password");
        let expected = credential(account, key_id, at.commit.epoch).to_bytes();
        let name = name(account);
        let generation = at.commit.epoch as u16;
        let slot = passwords.iter().find(|slot| (slot.name, slot.generation) == (name, generation));
        let content = slot.and_then(|slot| {
            let key = slot.open(template().ledger_id, &kek(disk, slot.kek)?).ok()?;
            let (from, count) = (slot.pages.first as usize, slot.pages.count as usize);
            let pages = pages.get(from * PAGE_BYTES..(from + count) * PAGE_BYTES)?;
            open_pages(template().ledger_id, &name, &key, pages).ok()
        });
        if content.is_none_or(|content| !content.starts_with(&expected)) {
            return Err(format!("no password opens the key of account {account} any more"));
        }
    }
    if passwords.len() != accounts.credentials().count() {
        return Err(format!("{} passwords lie in the vault, and not all of them count", passwords.len()));
    }
    Ok(())
}
