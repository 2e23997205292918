//! The vault beside a log, held against the blocks: whether it belongs to this log, whether each scope that nobody has erased
//! has its key there and each erased one has none, and whether every sealed field opens.
//!
//! What lies in the vault is read before the first block, so that fields are opened as their blocks come by. What a finding
//! means is known at the end only, when all erasures were read.

use std::collections::BTreeMap;

use super::findings::Place;
use super::vault_entries::EntryCheck;
use crate::chain::{Header, SealedFault};
use crate::crypto::sealed::{ScopeId, ScopeKey};
use crate::crypto::{Digest, LedgerId};
use crate::domain::{AccountId, CredentialAt, ScopeKind, SealedPart, State};
use crate::eventlog::{LogError, Storage};
use crate::vault::{
    Keks, Key, Kind, Secret, Standing, VaultError, VaultReader, factors_missing, generation_of, kek_missing,
    locked_out, read_keks, scope_entry, scopes_without_key,
};
use crate::wire::Finding;

/// The file that findings name which are about no single slot.
const SLOTS: &str = "vault/slots";

/// What an audit says of a vault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VaultReport {
    /// The generation of its header; none where there is no vault, or a damaged one.
    pub generation: Option<u64>,
    /// How many entries lie in it.
    pub entries: u64,
    /// What the log has sealed, by kind of scope; none if the state after all blocks is not known.
    pub sealed: Option<BTreeMap<ScopeKind, SealedCounts>>,
}

/// How much the log has sealed under scopes of one kind, whether the vault has their keys or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SealedCounts {
    /// Scopes that nobody has erased.
    pub live_scopes: u64,
    /// Their fields.
    pub live_fields: u64,
    /// Scopes that blocks have erased.
    pub erased_scopes: u64,
    /// Their fields.
    pub erased_fields: u64,
}

/// A vault that is held against a log.
#[derive(Debug)]
pub(super) struct VaultCheck {
    /// The vault; none where there is none, or the reason for which nothing can be said of its entries.
    vault: Result<Option<VaultReader>, VaultError>,
    /// Why its entries cannot be opened, if so.
    unopened: Option<VaultError>,
    /// What looks into its entries; none where they cannot be opened.
    entry_check: Option<EntryCheck>,
    /// The keys of scopes that it holds; none of an entry that does not open.
    keys: BTreeMap<Key, Option<ScopeKey>>,
    /// The hash of the last block that the vault has seen, once it came by.
    seen_head: Option<Digest>,
    /// What came by of each scope.
    scopes: BTreeMap<ScopeId, Fields>,
}

/// The sealed fields of a scope.
#[derive(Debug, Default)]
struct Fields {
    count: u64,
    broken: u64,
    /// The first that does not open, with its step of the audit.
    first_broken: Option<(u64, Finding)>,
}

impl VaultCheck {
    /// Reads the vault.
    ///
    /// # Errors
    /// [`LogError::Io`] when its files cannot be read, which says nothing about them.
    pub(super) fn open(storage: &dyn Storage) -> Result<VaultCheck, LogError> {
        let mut check = VaultCheck {
            vault: VaultReader::look(storage),
            unopened: None,
            entry_check: None,
            keys: BTreeMap::new(),
            seen_head: None,
            scopes: BTreeMap::new(),
        };
        match &check.vault {
            Err(VaultError::Io { file, operation, source }) => {
                return Err(LogError::io(
                    file,
                    operation,
                    std::io::Error::new(source.kind(), source.to_string()),
                ));
            }
            Ok(Some(vault)) => match keks_of(storage, vault) {
                Err(VaultError::KeyUnread { file, source }) => {
                    return Err(LogError::io(&file, "read", source));
                }
                Err(VaultError::Io { file, operation, source }) => {
                    return Err(LogError::io(file, operation, source));
                }
                Ok(keks) => {
                    check.keys = scope_keys(vault, &keks)?;
                    check.entry_check = Some(EntryCheck::new(storage, keks));
                }
                Err(error) => check.unopened = Some(error),
            },
            Ok(None) | Err(_) => {}
        }
        Ok(check)
    }

    /// Notes a block that follows the one before.
    pub(super) fn block(&mut self, index: u64, hash: Digest) {
        if let Ok(Some(vault)) = &self.vault
            && index.checked_add(1) == Some(vault.header().durable)
        {
            self.seen_head = Some(hash);
        }
    }

    /// Opens the sealed fields of a command that was just replayed, if the vault has the key of their scope.
    pub(super) fn sealed(
        &mut self,
        (step, place): (u64, Place<'_>),
        part: &SealedPart<'_>,
        header: &Header,
        state: &State,
    ) {
        let id = header.scope(&part.scope);
        let fields = self.scopes.entry(id).or_default();
        fields.count = fields.count.saturating_add(part.fields.len() as u64);
        let Some(scope) = state.scopes.get(&id) else { return };
        let Some(Some(key)) = self.keys.get(&scope_entry(scope.subject, id)) else { return };
        for fault in header.open_fields(part, key).filter_map(Result::err) {
            let reason = match fault {
                SealedFault::OtherKey => format!(
                    "the key of scope {id} in the vault is not the one that the command has committed itself to"
                ),
                SealedFault::Broken(field) => {
                    format!("sealed field {field} does not open with the key of scope {id} in the vault")
                }
                // The form of a text is a guard of new commands, which may have become stricter.
                SealedFault::InvalidText(..) => continue,
            };
            fields.broken = fields.broken.saturating_add(1);
            fields.first_broken.get_or_insert_with(|| (step, place.finding("seal_broken", reason)));
        }
    }

    /// Says what the vault is to a ledger of so many blocks, given the state after them if that is known. Each finding comes
    /// with its step of the audit.
    pub(super) fn finish(
        self,
        ledger_id: Option<LedgerId>,
        blocks: u64,
        state: Option<&State>,
    ) -> (VaultReport, Vec<(u64, Finding)>) {
        let vault = self.vault.as_ref().ok().and_then(Option::as_ref);
        let report = VaultReport {
            generation: vault.map(|vault| vault.header().generation),
            entries: vault.map_or(0, |vault| vault.keys().count() as u64),
            sealed: state.map(|state| self.counts(state)),
        };
        let at_end = |finding| (u64::MAX, finding);
        let place = Place { file: SLOTS, offset: 0, index: None };
        let Some((ledger_id, state)) = ledger_id.zip(state) else {
            let reason = "what the vault should hold is not known, because blocks are damaged or missing";
            return (report, vec![at_end(place.warning("vault_unchecked", reason))]);
        };
        let findings = match self.belongs(ledger_id, blocks, state) {
            Err(finding) => vec![at_end(finding)],
            Ok(None) => Vec::new(),
            Ok(Some(vault)) => {
                let entries = self.entries(vault, (ledger_id, state));
                let mut findings: Vec<_> = entries.into_iter().map(at_end).collect();
                findings.extend(self.broken(state));
                findings
            }
        };
        (report, findings)
    }

    /// How much is sealed, by kind of scope.
    fn counts(&self, state: &State) -> BTreeMap<ScopeKind, SealedCounts> {
        let mut counts: BTreeMap<ScopeKind, SealedCounts> = BTreeMap::new();
        for (id, scope) in state.scopes.iter() {
            let of_kind = counts.entry(scope.kind).or_default();
            let (scopes, fields) = match scope.erased_at {
                None => (&mut of_kind.live_scopes, &mut of_kind.live_fields),
                Some(_) => (&mut of_kind.erased_scopes, &mut of_kind.erased_fields),
            };
            *scopes += 1;
            *fields += self.scopes.get(id).map_or(0, |fields| fields.count);
        }
        counts
    }

    /// The vault, if it belongs to the log; none where none is needed.
    fn belongs(
        &self,
        ledger_id: LedgerId,
        blocks: u64,
        state: &State,
    ) -> Result<Option<&VaultReader>, Finding> {
        let place = Place { file: SLOTS, offset: 0, index: None };
        let vault = match &self.vault {
            Ok(Some(vault)) => vault,
            Ok(None) if !state.speaks_of_vault() => return Ok(None),
            Ok(None) => return Err(place.finding("vault_missing", VaultError::Missing)),
            Err(error) => return Err(place.finding("vault_damaged", error)),
        };
        let header = vault.header();
        let mismatch = |error| Err(place.finding("vault_mismatch", error));
        if header.ledger_id != ledger_id {
            return mismatch(VaultError::Foreign(header.ledger_id));
        }
        if header.durable > blocks {
            let ahead = VaultError::Ahead { vault: header.durable, log: blocks };
            return Err(place.finding("vault_ahead", ahead));
        }
        if self.seen_head != Some(header.head) {
            return mismatch(VaultError::Mismatch { blocks: header.durable });
        }
        Ok(Some(vault))
    }

    /// What is wrong with the entries of a vault that belongs to the log.
    fn entries(&self, vault: &VaultReader, (ledger_id, state): (LedgerId, &State)) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(error) = &self.unopened {
            let place = Place { file: SLOTS, offset: 0, index: None };
            findings.push(place.finding("vault_key_unusable", format!("{error}: no entry can be opened")));
        }
        for damaged in vault.damaged() {
            let (file, offset) = vault.place_of_damaged(damaged);
            let reason = format!("slot {} is neither free nor readable", damaged.slot);
            findings.push(Place { file, offset, index: None }.finding("slot_damaged", reason));
        }
        let later = if vault.header().clean {
            ""
        } else {
            "; the vault was not closed cleanly, and the next start of ledgerd destroys it"
        };
        for key in vault.keys() {
            let (file, offset) = vault.place_of(key);
            let survives = |index: Option<u64>, reason: String| {
                Place { file, offset, index }.finding("key_survives", format!("{:?} {reason}{later}", key.0))
            };
            findings.extend(match Standing::of(state, key) {
                Standing::Erased(block) => {
                    Some(survives(Some(block), format!("was erased by block {block}")))
                }
                Standing::Unnamed => {
                    Some(survives(None, "is in the vault, and no block speaks of it".to_owned()))
                }
                Standing::Needed if let Some(counts) = older_password(vault, state, key) => {
                    Some(survives(Some(counts.block), "is of a password that was changed since".to_owned()))
                }
                Standing::Needed if matches!(self.keys.get(key), Some(None)) => {
                    let reason = format!("{:?} does not open with the key of the vault", key.0);
                    Some(Place { file, offset, index: None }.finding("slot_damaged", reason))
                }
                Standing::Needed => {
                    let check = self.entry_check.as_ref();
                    check.and_then(|check| check.finding(vault, (ledger_id, state), key))
                }
            });
        }
        for (account, counts) in locked_out(state, vault.keys()) {
            let place = Place { file: SLOTS, offset: 0, index: Some(counts.block) };
            let reason = format!("the password of account {account} is not there; nobody can log in with it");
            findings.push(place.finding("credential_missing", reason));
        }
        for (account, counts) in factors_missing(state, |key| vault.has(key)) {
            let place = Place { file: SLOTS, offset: 0, index: Some(counts.block) };
            let reason =
                format!("the second factor of account {account} is not there; no code of it can be checked");
            findings.push(place.finding("factor_missing", reason));
        }
        let opens = |key: &Key| vault.has(key) && !matches!(self.keys.get(key), Some(None));
        for (id, scope) in scopes_without_key(state, opens) {
            let account = scope.subject;
            let reason = format!(
                "the key of scope {id}, which texts of account {account} are sealed under, is not there"
            );
            let place = Place { file: SLOTS, offset: 0, index: Some(scope.from) };
            findings.push(place.finding("key_missing", reason));
        }
        findings
    }

    /// The fields of live scopes that do not open: the first of each scope.
    fn broken(&self, state: &State) -> Vec<(u64, Finding)> {
        let is_live = |id| state.scopes.get(id).is_some_and(|scope| scope.erased_at.is_none());
        let live = self.scopes.iter().filter(|(id, _)| is_live(id));
        let first = live.filter_map(|(_, fields)| {
            let (step, mut finding) = fields.first_broken.clone()?;
            if fields.broken > 1 {
                finding.reason += &format!(", nor do {} further ones of the scope", fields.broken - 1);
            }
            Some((step, finding))
        });
        first.collect()
    }
}

/// The password that counts, if the entry holds another one of the account although that one is there too.
fn older_password(vault: &VaultReader, state: &State, (name, generation): &Key) -> Option<CredentialAt> {
    if name.kind != Kind::Credential {
        return None;
    }
    let counts = state.credential(AccountId(name.subject))?;
    let counting = generation_of(counts);
    let mut all = vault.keys().filter(|(other, _)| other.kind == name.kind && other.subject == name.subject);
    (*generation != counting && all.any(|(_, other)| *other == counting)).then_some(counts)
}

/// The keys that the entries of a vault are under.
fn keks_of(storage: &dyn Storage, vault: &VaultReader) -> Result<Keks, VaultError> {
    let number = vault.header().kek;
    read_keks(storage, number)?.ok_or_else(|| kek_missing(number))
}

/// Opens every key of a scope.
fn scope_keys(vault: &VaultReader, keks: &Keks) -> Result<BTreeMap<Key, Option<ScopeKey>>, LogError> {
    let mut keys = BTreeMap::new();
    for key in vault.keys().filter(|(name, _)| name.kind == Kind::ScopeKey) {
        let opened = match vault.read_with(key, keks) {
            Ok(Some(Secret::Short(bytes))) => Some(ScopeKey::from_bytes(*bytes)),
            Err(VaultError::Io { file, operation, source }) => {
                return Err(LogError::io(file, operation, source));
            }
            Ok(_) | Err(_) => None,
        };
        keys.insert(*key, opened);
    }
    Ok(keys)
}
