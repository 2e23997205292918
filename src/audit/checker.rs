//! What must hold of the blocks themselves, once the log's frames have handed them over intact: form, link,
//! author, signature, and that the rules lead from each command to the very event that was recorded.
//!
//! The checker collects and goes on. While every block follows, it replays the ledger through the same
//! [`Replica`] that serves it; from the first block that is impossible on, it asks the rules no more. From the first
//! block that does not follow, or is missing, the state is unknown: the link is anchored anew at the next intact
//! block, form and signatures are still checked, and nothing is claimed any more about the state, the tree or the
//! rules.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use super::findings::{Findings, Place, Sorted};
use super::late_keys::LateKeys;
use super::links::Chain;
use super::signatures::{Signatures, Signed};
use super::stranded::Stranded;
use super::vault::{VaultCheck, VaultReport};
use crate::chain::{Block, BlockDigests, Header, Link, LinkError, TreeRoot};
use crate::crypto::note::LogPublicKey;
use crate::crypto::{Digest, KeyId, LedgerId, VerifyingKey, rsa};
use crate::domain::{self, AccountId, Command, Endorser, Rights, Settings, Signer, State, Unbalanced};
use crate::ledger::{Replica, Totals, Transaction};
use crate::wire::Finding;

/// Keys kept ready for use. One takes a few kilobytes, and making it again costs less than one signature.
const KEYS_MAX: usize = 4_096;

/// Checks blocks one after the other and remembers all that is wrong with them.
#[derive(Debug)]
pub struct Checker {
    chain: Chain,
    replica: Option<Replica>,
    /// Whether the chain and the tree of `replica` are those of all blocks so far.
    whole: bool,
    /// Whether the state of `replica` is, too, so that the rules can be asked.
    judges: bool,
    /// What was read of keys after the state became unknown.
    late: LateKeys,
    keys: BTreeMap<KeyId, VerifyingKey>,
    signatures: Signatures,
    unknown_authors: u64,
    findings: Findings,
    step: u64,
    blocks: u64,
    wanted_root: Option<(u64, Option<TreeRoot>)>,
    /// The vault that is held against the blocks, if one is.
    vault: Option<VaultCheck>,
}

/// What a checker has to say at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Blocks read.
    pub blocks: u64,
    /// Signatures checked.
    pub signatures: u64,
    /// The ledger that the blocks belong to: the hash of the genesis block.
    pub ledger_id: Option<LedgerId>,
    /// The log key of the genesis block with the origin, if both are usable.
    pub log_key: Option<LogPublicKey>,
    /// Hash of the last block, if every block follows.
    pub head: Option<Digest>,
    /// Root of the tree over all blocks, if every block follows.
    pub root: Option<TreeRoot>,
    /// Root of the tree of the size that was asked for, if it was reached while every block followed.
    pub wanted_root: Option<TreeRoot>,
    /// [`Replica::digest`], if every block follows and is possible.
    pub replica_digest: Option<Digest>,
    /// [`Replica::totals`], if every block follows and is possible.
    pub totals: Option<Totals>,
    /// Money of erased accounts, if every block follows and is possible.
    pub stranded: Option<Stranded>,
    /// What there is to say of the vault that was held against the blocks.
    pub vault: Option<VaultReport>,
    /// Everything found wrong in the order of the log, up to [`crate::wire::FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// What is worth a line and no damage, with the same cap.
    pub warnings: Vec<Finding>,
    /// Number of findings, listed or not; warnings do not count.
    pub findings_total: u64,
}

impl Checker {
    /// A checker that has seen nothing. Signatures are checked beside it, on up to `threads` threads, which end with
    /// it.
    pub fn new(threads: NonZeroUsize) -> Checker {
        Checker {
            chain: Chain { link: Some(Link::default()), anchored_at: 0 },
            replica: None,
            whole: true,
            judges: true,
            late: LateKeys::default(),
            keys: BTreeMap::new(),
            signatures: Signatures::new(threads),
            unknown_authors: 0,
            findings: Findings::default(),
            step: 0,
            blocks: 0,
            wanted_root: None,
            vault: None,
        }
    }

    /// Asks for the root of the tree over the first `size` blocks; to be called before the first block.
    pub fn want_root(&mut self, size: u64) {
        self.wanted_root = Some((size, None));
        self.note_wanted_root();
    }

    /// Holds a vault against the blocks; to be called before the first one.
    pub(super) fn hold_against(&mut self, vault: VaultCheck) {
        self.vault = Some(vault);
    }

    /// Takes a finding of somebody else (the frames, the anchor) at this point of the walk.
    pub fn report(&mut self, finding: Finding) {
        self.step = self.step.saturating_add(1);
        self.findings.push(self.step, finding);
    }

    /// Says that blocks are missing here: the next one stands on nothing that was read.
    pub fn gap(&mut self) {
        self.chain.link = None;
        self.whole = false;
    }

    /// Whether every block so far follows the one before and everything could be replayed.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Blocks read so far.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Checks the next block. Returns its hash. `store` receives the hashes that the tree stores for it, as
    /// long as the tree is known.
    pub fn block(&mut self, place: Place<'_>, bytes: &[u8], store: impl FnMut([u8; 32])) -> Digest {
        self.step = self.step.saturating_add(1);
        self.blocks = self.blocks.saturating_add(1);
        let digests = BlockDigests::of(bytes);
        let Ok(block) = Block::parse(bytes) else {
            self.found(place, "malformed_block", "the bytes are not a block");
            self.gap();
            return digests.hash();
        };
        self.check_link(place, &block, digests.hash());
        if block.index == 0 && self.replica.is_none() {
            self.genesis(place, bytes, store);
        } else {
            self.transaction(place, &block, &digests, store);
        }
        self.note_wanted_root();
        if let Some(vault) = &mut self.vault {
            vault.block(block.index, digests.hash());
        }
        digests.hash()
    }

    fn found(&mut self, place: Place<'_>, name: &str, reason: impl ToString) {
        self.findings.push(self.step, place.finding(name, reason));
    }

    /// Index, previous hash, time and the author's block before.
    fn check_link(&mut self, place: Place<'_>, block: &Block<'_>, hash: Digest) {
        let result = self.chain.check(block, place.index);
        match result {
            Ok(()) => {}
            Err(error) => {
                self.found(place, error.name(), error);
                self.whole = false;
                if matches!(error, LinkError::Index { .. } | LinkError::PreviousHash) {
                    self.chain.link = None;
                }
            }
        }
        self.chain.advance(block, hash);
    }

    fn genesis(&mut self, place: Place<'_>, bytes: &[u8], store: impl FnMut([u8; 32])) {
        let replica = match Replica::from_genesis(bytes, store) {
            Ok(replica) => replica,
            Err(error) => {
                self.whole = false;
                return self.found(place, error.name(), error);
            }
        };
        let genesis = replica.genesis();
        let server_key = rsa::PublicKey::from_spki(&genesis.server_key).err();
        let log_key = LogPublicKey::new(&genesis.origin, &genesis.log_key).err();
        self.replica = Some(replica);
        if let Some(error) = server_key {
            self.found(place, "genesis_key", format!("the server's RSA key: {error}"));
        }
        if let Some(error) = log_key {
            self.found(place, "genesis_key", format!("the log key: {error}"));
        }
    }

    fn transaction(
        &mut self,
        place: Place<'_>,
        block: &Block<'_>,
        digests: &BlockDigests,
        store: impl FnMut([u8; 32]),
    ) {
        let ledger_id = self.replica.as_ref().map(Replica::ledger_id);
        let transaction = match decode(block, ledger_id) {
            Ok(transaction) => transaction,
            Err(error) => {
                self.whole = false;
                return self.found(place, error.name(), error);
            }
        };
        let command = transaction.happened.command();
        match self.author_key(&command, &transaction) {
            Author::Key(key) => {
                let at = (self.step, place);
                let signed = (block.message, block.signature);
                self.signatures.push(&mut self.findings, at, Signed::AUTHOR, key, signed);
            }
            Author::OtherKey => {
                self.found(place, "key_mismatch", "the command was signed by another key than its author's");
            }
            Author::Unknown if self.knows_state() => {
                let reason =
                    format!("account {} has no usable key: nobody can have signed this", block.author);
                self.found(place, "unknown_author", reason);
            }
            Author::Unknown => self.unknown_authors = self.unknown_authors.saturating_add(1),
        }
        let Header { account, key_id, .. } = transaction.message.header;
        if command.signer() == Signer::Author {
            self.check_late_signer(place, "the signature", (account, key_id), command.needs());
        }
        self.endorsements(place, &command, &transaction);
        if self.whole {
            self.replay(place, block, (&command, &transaction), digests, store);
        }
        if let (Some(part), Some(vault), Some(replica)) = (command.sealed(), &mut self.vault, &self.replica) {
            vault.sealed((self.step, place), &part, &transaction.message.header, replica.state());
        }
        if !self.knows_state() {
            self.late.note(&transaction.happened, block.author, block.index);
        }
    }

    /// The rules, then the state. What the rules refuse is reported and then applied all the same: the server
    /// that wrote it serves what follows from it, and the next blocks are judged on that ground. What cannot be applied
    /// ends the judging of rules; the chain, the tree and signatures are checked on.
    fn replay(
        &mut self,
        place: Place<'_>,
        block: &Block<'_>,
        (command, transaction): (&Command, &Transaction<'_>),
        digests: &BlockDigests,
        store: impl FnMut([u8; 32]),
    ) {
        let Some(mut replica) = self.replica.take() else {
            self.whole = false;
            return;
        };
        if self.judges {
            self.judge(place, block, command, (replica.state(), transaction));
        }
        if let Err(error) = replica.follow_form(digests, block, transaction, store) {
            self.whole = false;
            self.found(place, error.name(), error);
        } else if self.judges
            && let Err(error) = replica.follow_meaning(transaction)
        {
            self.judges = false;
            self.found(place, error.name(), error);
        }
        self.replica = Some(replica);
    }

    /// Asks the rules, and holds the event that they lead to against the one that was recorded.
    fn judge(
        &mut self,
        place: Place<'_>,
        block: &Block<'_>,
        command: &Command,
        (state, transaction): (&State, &Transaction<'_>),
    ) {
        match domain::decide(state, command, &transaction.context) {
            Err(rejection) => {
                let sentence = rejection.sentence(&state.settings);
                let reason = format!("the rules refuse this command ({}): {sentence}", rejection.name());
                self.found(place, "refused_by_rules", reason);
            }
            Ok(event) if event.encode() != block.event => {
                let reason = "the rules lead from this command to another event than the one recorded";
                self.found(place, "event_differs", reason);
            }
            Ok(_) => {}
        }
    }

    /// Whether the state after all blocks so far is known.
    fn knows_state(&self) -> bool {
        self.whole && self.judges
    }

    /// The further signatures that a command carries. A key that is not known is for the rules to refuse.
    fn endorsements(&mut self, place: Place<'_>, command: &Command, transaction: &Transaction<'_>) {
        let context = &transaction.context;
        for endorsement in command.endorsements(context.ledger_id, context.author, context.command_id) {
            let key = match endorsement.by {
                Endorser::Of { account, key_id, needs, .. } => {
                    self.check_late_signer(place, "a further signature", (account, key_id), needs);
                    self.member_key(account, key_id)
                }
                Endorser::Itself(spki) => {
                    let key_id = KeyId::of_spki(spki);
                    key_of(&mut self.keys, key_id, key_id, spki)
                }
            };
            match key {
                Author::Key(key) => {
                    let at = (self.step, place);
                    let (name, reason) = endorsement.refusal;
                    let what = Signed { turn: 2, name, reason };
                    let signed = (&endorsement.signed[..], endorsement.signature);
                    self.signatures.push(&mut self.findings, at, what, key, signed);
                }
                Author::OtherKey => {}
                Author::Unknown if self.knows_state() => {}
                Author::Unknown => self.unknown_authors = self.unknown_authors.saturating_add(1),
            }
        }
    }

    /// The key that must have signed a command.
    fn author_key(&mut self, command: &Command, transaction: &Transaction<'_>) -> Author {
        let header = &transaction.message.header;
        if transaction.context.author == AccountId::NONE {
            return match command.signer() {
                Signer::Itself(spki) => key_of(&mut self.keys, header.key_id, KeyId::of_spki(spki), spki),
                // Nobody else comes without an account; the rules say so where they are asked.
                Signer::Author => Author::Unknown,
            };
        }
        self.member_key(header.account, header.key_id)
    }

    /// The key of a member that was named, standing or ended: whether it stands is for the rules to say.
    fn member_key(&mut self, account: AccountId, named: KeyId) -> Author {
        let state = self.replica.as_ref().map(Replica::state);
        let known = state.and_then(|state| state.key(account, &named)).map(|key| &key.spki[..]);
        if let Some(spki) = known.or_else(|| self.late.spki(account, named)) {
            return key_of(&mut self.keys, named, named, spki);
        }
        let is_member = state.is_some_and(|state| state.handle(account).is_some());
        // The block that introduced the key may be one of those that are missing.
        if is_member && self.knows_state() { Author::OtherKey } else { Author::Unknown }
    }

    /// Without the state the rules are not asked, but for one: what is known of the key of somebody who signed `what` has to
    /// allow it. Of a key that came with a missing block nothing is claimed.
    fn check_late_signer(
        &mut self,
        place: Place<'_>,
        what: &str,
        (account, key_id): (AccountId, KeyId),
        needed: Rights,
    ) {
        if self.knows_state() {
            return;
        }
        let before = self.replica.as_ref().and_then(|replica| replica.state().key(account, &key_id));
        let ended_at = before.and_then(|key| key.ended_at).or_else(|| self.late.ended_at(account, key_id));
        let rights = before.map(|key| key.rights).or_else(|| self.late.rights(account, key_id));
        if let Err(rejection) = domain::key_may_sign(ended_at, rights.unwrap_or(Rights::Full), needed) {
            // No amount stands in the sentence, so that it is the same whatever the settings of the ledger are.
            let sentence = rejection.sentence(&Settings::default());
            self.found(place, rejection.name(), format!("{what}: {sentence}"));
        }
    }

    fn note_wanted_root(&mut self) {
        let size = self.replica.as_ref().map_or(0, |replica| replica.frontier().size());
        if let Some((wanted, root @ None)) = &mut self.wanted_root
            && *wanted == size
            && self.whole
        {
            let empty = crate::chain::Frontier::default();
            *root = Some(self.replica.as_ref().map_or(&empty, Replica::frontier).root());
        }
    }

    /// Waits for the signatures that are not checked yet, and says everything.
    pub fn finish(mut self) -> Outcome {
        self.signatures.finish(&mut self.findings);
        if self.unknown_authors > 0 {
            let place = Place { file: "log", offset: 0, index: None };
            let reason = format!(
                "{} signatures could not be checked: their keys came with blocks that are missing, or are not usable",
                self.unknown_authors
            );
            self.findings.push(u64::MAX, place.warning("signatures_unchecked", reason));
        }
        self.check_conservation();
        let vault = self.check_vault();
        let Sorted { findings, warnings, total } = self.findings.finish();
        let replica = self.replica.as_ref();
        let whole = replica.filter(|_| self.whole);
        let genesis = replica.map(Replica::genesis);
        Outcome {
            blocks: self.blocks,
            signatures: self.signatures.checked(),
            ledger_id: replica.map(Replica::ledger_id),
            log_key: genesis.and_then(|it| LogPublicKey::new(&it.origin, &it.log_key).ok()),
            head: whole.map(|replica| replica.link().head()),
            root: whole.map(|replica| replica.frontier().root()),
            wanted_root: self.wanted_root.and_then(|(_, root)| root),
            replica_digest: whole.filter(|_| self.judges).map(Replica::digest),
            totals: whole.filter(|_| self.judges).map(Replica::totals),
            stranded: whole.filter(|_| self.judges).map(|replica| Stranded::of(replica.state())),
            vault,
            findings,
            warnings,
            findings_total: total,
        }
    }
}

impl Checker {
    /// Money and goods only move: what is there is what came in.
    fn check_conservation(&mut self) {
        let Some(replica) = self.replica.as_ref().filter(|_| self.knows_state()) else { return };
        if let Err(unbalanced) = replica.state().conserved() {
            let place = Place { file: "log", offset: 0, index: None };
            let reason = unbalanced.to_string();
            let finding = match unbalanced {
                Unbalanced::Money { .. } | Unbalanced::Held { .. } => place.finding("not_conserved", reason),
                Unbalanced::Stock(_) => place.finding("stock_not_conserved", reason),
            };
            self.findings.push(u64::MAX, finding);
        }
    }

    /// Says what the vault is to the blocks.
    fn check_vault(&mut self) -> Option<VaultReport> {
        let vault = self.vault.take()?;
        let replica = self.replica.as_ref();
        let blocks = replica.map_or(0, |replica| replica.frontier().size());
        let known = replica.filter(|_| self.knows_state());
        let (report, findings) =
            vault.finish(replica.map(Replica::ledger_id), blocks, known.map(Replica::state));
        findings.into_iter().for_each(|(step, finding)| self.findings.push(step, finding));
        Some(report)
    }
}

/// What is known of who signed a command.
enum Author {
    Key(VerifyingKey),
    OtherKey,
    Unknown,
}

fn key_of(keys: &mut BTreeMap<KeyId, VerifyingKey>, named: KeyId, own: KeyId, spki: &[u8]) -> Author {
    if named != own {
        return Author::OtherKey;
    }
    if let Some(key) = keys.get(&own) {
        return Author::Key(key.clone());
    }
    let Ok(key) = VerifyingKey::from_spki(spki) else {
        // The rules refuse such a key, which is reported where they are asked.
        return Author::Unknown;
    };
    if keys.len() >= KEYS_MAX {
        keys.clear();
    }
    keys.insert(own, key.clone());
    Author::Key(key)
}

/// Decodes a block's command and event; without a genesis block every ledger's id is as good as any other.
fn decode<'a>(
    block: &Block<'a>,
    ledger_id: Option<LedgerId>,
) -> Result<Transaction<'a>, crate::ledger::TransactionError> {
    let own = || crate::chain::Message::parse(block.message).ok().map(|message| message.header.ledger_id);
    Transaction::decode(block, ledger_id.or_else(own).unwrap_or_default())
}
