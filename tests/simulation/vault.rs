//! The vault in the simulator: every member says who it is, the operator erases an account that has said so before the run, and
//! after every start the vault holds what the blocks need and nothing that they have erased.

use std::sync::Arc;

use ledgerd::chain::{CommandId, Message};
use ledgerd::codec;
use ledgerd::crypto::sealed::{Place, ScopeId, ScopeKey, Sealed};
use ledgerd::crypto::{KeyId, LedgerId, sha3};
use ledgerd::domain::accounts::{Command as Accounted, SetProfile};
use ledgerd::domain::{AccountId, Command, Scope, ScopeUse};
use ledgerd::eventlog::{Access, SimDisk, Storage, write_all_at};
use ledgerd::ledger::Ledger;
use ledgerd::vault::{
    Kek, Keks, Kind, Name, Position, SLOT_BYTES, Secret, Slot, VaultError, VaultFile, kek_missing, read_keks,
};
use ledgerd::wire::Side;

use super::template::template;
use super::{factors, passwords};

/// The account that the operator erases. Nobody connects as it.
pub(super) const LEAVER: AccountId = AccountId(4);

/// Bytes before the first slot.
const HEADERS_BYTES: usize = 8_192;

/// The file of the key that the vault lies under at first.
const FIRST_KEK: &str = "keys/vault-1";

/// The key of this number, as its file has it.
pub(super) fn kek(disk: &SimDisk, number: u32) -> Option<Kek> {
    let bytes: [u8; 32] = disk.bytes(&format!("keys/vault-{number}"))?.try_into().ok()?;
    Some(Kek { number, key: bytes.into() })
}

/// The keys of the vault, as a start reads them.
pub(super) fn keks(storage: &dyn Storage) -> Result<Keks, VaultError> {
    let header = VaultFile::read_header(storage)?.ok_or(VaultError::Missing)?;
    read_keks(storage, header.kek)?.ok_or_else(|| kek_missing(header.kek))
}

/// Makes the vault forget since when it lies under its key, as a vault that was put back has: where keys are to be changed at all, the
/// next start begins with the next one. Nothing is synced.
pub(super) fn forget_age_of_key(disk: &SimDisk) -> std::io::Result<()> {
    let mut slots = disk.open("vault/slots", Access::ReadWrite)?;
    for place in [0, 4_096] {
        write_all_at(slots.as_mut(), &[0; 12], place + 97)?;
    }
    Ok(())
}

/// The key of a scope: everybody can work it out who knows which scope it is.
pub(super) fn scope_key(scope: ScopeId) -> ScopeKey {
    ScopeKey::from_bytes(sha3(&[b"simulated scope", &scope.0]).0)
}

/// A text, sealed as a field of the command of this id.
pub(super) fn seal(
    (ledger_id, account, scope): (LedgerId, AccountId, ScopeId),
    id: CommandId,
    field: u16,
    text: &str,
) -> Sealed {
    let place = Place { ledger_id, author: account.0, scope, command_id: id.0, field };
    scope_key(scope).leaf(&id.0, field).seal(&place, text).unwrap()
}

/// Whose profile is said with which key by a command of which id.
pub(super) struct Opener<'a> {
    pub(super) account: AccountId,
    pub(super) key_id: KeyId,
    pub(super) opened_by: &'a CommandId,
}

impl Opener<'_> {
    fn scope(&self, ledger_id: ledgerd::crypto::LedgerId) -> ScopeId {
        ScopeId::opened_by(ledger_id, self.account.0, self.key_id, &self.opened_by.0)
    }

    /// The command of this id, which says who the account is: in the scope that it opens itself, or in the one that is open.
    pub(super) fn profile(&self, ledger_id: ledgerd::crypto::LedgerId, id: CommandId) -> Command {
        let scope = self.scope(ledger_id);
        let used = match id == *self.opened_by {
            true => ScopeUse::Open(scope_key(scope).commitment(ledger_id, scope)),
            false => ScopeUse::In(scope),
        };
        let seal = |field, text: &str| seal((ledger_id, self.account, scope), id, field, text);
        let (name, e_mail) = (seal(0, "Somebody"), seal(1, &passwords::e_mail(self.account)));
        Command::Accounts(Accounted::SetProfile(SetProfile { scope: used, name, e_mail, credential: None }))
    }
}

/// What goes beside a command; empty where nothing does.
pub(super) fn side_of(message: &[u8]) -> Vec<u8> {
    let message = Message::parse(message).unwrap();
    let command = Command::decode(message.header.tag, message.body).unwrap();
    let account = message.header.account;
    let opened = command.sealed().map(|part| part.scope).filter(|used| matches!(used, ScopeUse::Open(_)));
    let scope_key = opened.map(|used| *scope_key(message.header.scope(&used)).as_bytes());
    match (Side { scope_key, credential: passwords::beside(account, &command), code: None }) {
        Side { scope_key: None, credential: None, code: None } => Vec::new(),
        side => codec::encode(&side),
    }
}

/// Makes the vault of the ledger that every run begins with: it holds the key of the account that is erased, and what the member
/// has who has a password.
pub(super) fn make(disk: &SimDisk, ledger: &Ledger) {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let committed = ledger.committed();
    let position = Position { durable: committed.size, head: committed.head };
    disk.put(FIRST_KEK, &[7; 32]);
    let kek = kek(disk, 1).expect("the key was just put there");
    let mut vault = VaultFile::create(&storage, ledger.ledger_id(), kek, position).unwrap();
    let scopes = ledger.replica().state().scopes.iter().map(|(scope, Scope { subject, .. })| {
        let key = (Name { kind: Kind::ScopeKey, subject: subject.0, scope: scope.0 }, 0);
        (key, Secret::Short((*scope_key(*scope).as_bytes()).into()))
    });
    let entries: Vec<_> = scopes.chain(passwords::entries(ledger)).chain(factors::entries(ledger)).collect();
    assert!(vault.make_room(entries.len() as u32, entries.len() as u32).unwrap());
    vault.put(&entries, position, &mut ledgerd::crypto::random::Seeded::new("vault")).unwrap();
    vault.close(position).unwrap();
}

/// Holds what lies in the vault against what the blocks say.
///
/// # Errors
/// The scope that is unreadable, or readable, and should not be.
pub(super) fn look_at(disk: &SimDisk, ledger: &Ledger) -> Result<(), String> {
    let slots = disk.bytes("vault/slots").unwrap_or_default();
    let slots = slots.get(HEADERS_BYTES..).unwrap_or_default().chunks_exact(SLOT_BYTES);
    let slots = slots.filter_map(|bytes| Slot::decode(bytes.first_chunk()?).ok().flatten());
    let held: Vec<Slot> = slots.collect();
    let scopes = &ledger.replica().state().scopes;
    for (id, scope) in scopes.iter().filter(|(_, scope)| scope.erased_at.is_none()) {
        let slot = held.iter().find(|slot| slot.name.scope == id.0);
        let key = slot.and_then(|slot| slot.open(template().ledger_id, &kek(disk, slot.kek)?).ok());
        if key.is_none_or(|key| *key != *scope_key(*id).as_bytes()) {
            return Err(format!("the texts of account {} cannot be read any more", scope.subject));
        }
    }
    passwords::look_at(disk, ledger, &held)?;
    factors::look_at(ledger, &held)?;
    for slot in held.iter().filter(|slot| slot.name.kind == Kind::ScopeKey) {
        let scope = scopes.get(&ScopeId(slot.name.scope));
        if scope.is_none_or(|scope| scope.erased_at.is_some()) {
            return Err(format!("{:?} lies in the vault, and no block needs it", slot.name));
        }
    }
    match disk
        .image()
        .keys()
        .filter(|name| name.starts_with("keys/vault-") && !name.ends_with(".tmp"))
        .count()
    {
        1 | 2 => Ok(()),
        keys => Err(format!("the vault has {keys} keys")),
    }
}
