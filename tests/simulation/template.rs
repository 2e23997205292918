//! What every run starts from: a ledger with three members, made once. Keys come from the fixtures, and what
//! costs an RSA private operation is remembered between runs, so that thousands of seeds are cheap.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use ledgerd::chain::{CommandId, Genesis, Header, Message, block_hash};
use ledgerd::crypto::note::LogKey;
use ledgerd::crypto::random::Seeded;
use ledgerd::crypto::rsa::PrivateKey;
use ledgerd::crypto::{Digest, KeyKind, LedgerId, SigningKey};
use ledgerd::domain::{AccountId, Command, Settings, accounts};
use ledgerd::eventlog::{self, Options, SimDisk, Storage};
use ledgerd::ledger::Ledger;
use ledgerd::session::{Descriptor, ServerIdentity};
use ledgerd::time::Timestamp;

use super::vault::{self, Opener};
use super::{domains, factors, passwords, shop};

pub(super) const OPTIONS: Options = Options { segment_bytes: 64 << 10, block_bytes_max: 32 << 10 };

/// When every run begins.
pub(super) const START_MS: u64 = 1_700_000_000_000;

/// What every member has at first.
const GRANT: u64 = 100;

/// The member who gives and takes roles.
pub(super) const OPERATOR: usize = 0;

/// The member who has a password before the run begins.
pub(super) const SEASONED: usize = 2;

/// The number of the command with which that member has said who it is; the next one gave it the password.
pub(super) const SEASONED_PROFILE: u32 = 1_000_000;

/// The number of the first command of those that have opened the shop.
const SHOP_BEFORE: u32 = 1_000_010;

/// M and its signature.
type Signed = (Vec<u8>, Vec<u8>);

pub(super) struct Template {
    pub(super) disk: SimDisk,
    pub(super) genesis: Vec<u8>,
    pub(super) ledger_id: LedgerId,
    pub(super) server_key: PrivateKey,
    pub(super) members: Vec<SigningKey>,
    /// The key that each member adds to its account in a run.
    pub(super) devices: Vec<SigningKey>,
    /// The key of each member that a password fetches.
    pub(super) roaming: Vec<SigningKey>,
    /// The key that each member puts in the place of its first one in some of the runs.
    pub(super) next: Vec<SigningKey>,
    pub(super) anchor: Vec<u8>,
    /// Of all commands that a member sends in a run.
    pub(super) numbers: Vec<u32>,
    signed: Mutex<BTreeMap<(usize, u32), Signed>>,
    pub(super) secrets: Mutex<BTreeMap<Vec<u8>, [u8; 32]>>,
}

pub(super) fn log_key() -> LogKey {
    LogKey::from_seed("sim.example/ledger", &[5; 32]).unwrap()
}

pub(super) fn template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(make)
}

fn make() -> Template {
    let server_key = include_str!("../../fixtures/keys/server.pem");
    let server_key = PrivateKey::from_pkcs8_pem(server_key, None).unwrap();
    let key = |pem: &str| SigningKey::from_pkcs8_pem(pem, None).unwrap();
    let mut members = vec![
        key(include_str!("../../fixtures/keys/client.pem")),
        key(include_str!("../../fixtures/keys/other.pem")),
        key(include_str!("../../fixtures/keys/server_next.pem")),
        server_key_as_member(),
    ];
    let generated = |name| SigningKey::generate(KeyKind::Ed25519, &mut Seeded::new(name));
    let devices = ["device-0", "device-1", "device-2"].map(generated).to_vec();
    let roaming = ["roaming-0", "roaming-1", "roaming-2"].map(generated).to_vec();
    let next = ["next-0", "next-1", "next-2"].map(generated).to_vec();
    let operator = Some(members[OPERATOR].public().key_id());
    let settings = Settings { opening_grant: GRANT, operator, ..Settings::default() };
    let genesis = Genesis {
        origin: "sim.example/ledger".to_owned(),
        log_key: *log_key().public().bytes(),
        server_key: server_key.public().spki().to_vec(),
        nonce: [3; 32],
        settings: settings.write(),
    };
    let genesis = genesis.to_block(Timestamp::from_millis(START_MS));
    let ledger_id = LedgerId(block_hash(&genesis).0);
    let disk = SimDisk::new();
    let mut rng = Seeded::new("template");
    eventlog::create(&disk, ledger_id, &genesis, OPTIONS, &mut rng).unwrap();
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let (mut ledger, _) = Ledger::open(&storage, OPTIONS).unwrap();
    for (number, member) in members.iter().enumerate() {
        let command = Command::Accounts(accounts::Command::Register(accounts::Register {
            handle: format!("member-{number}"),
            public_key: member.public().spki().to_vec(),
        }));
        let (message, signature) = sign(ledger_id, AccountId::NONE, member, number as u32, &command);
        let message = Message::parse(&message).unwrap();
        ledger.propose(message, &signature, command, Timestamp::from_millis(START_MS)).unwrap();
        ledger.commit(&mut rng).unwrap();
    }
    // The account that is erased has said who it is before the run begins.
    let leaver = members.pop().unwrap();
    let id = command_id(members.len() as u32);
    let opener = Opener { account: vault::LEAVER, key_id: leaver.public().key_id(), opened_by: &id };
    let command = opener.profile(ledger_id, id);
    let (message, signature) = sign(ledger_id, vault::LEAVER, &leaver, members.len() as u32, &command);
    let message = Message::parse(&message).unwrap();
    ledger.propose(message, &signature, command, Timestamp::from_millis(START_MS)).unwrap();
    ledger.commit(&mut rng).unwrap();
    // One member has said so, too, and has a password and a second factor.
    let (member, account) = (&members[SEASONED], AccountId(SEASONED as u64 + 1));
    let id = command_id(SEASONED_PROFILE);
    let opener = Opener { account, key_id: member.public().key_id(), opened_by: &id };
    let key = &roaming[SEASONED];
    let proof = accounts::key_proof_bytes(ledger_id, account, &key.public().key_id());
    let proof = key.sign(&mut rng, &[&proof]).to_vec();
    let password = Command::Accounts(passwords::first(ledger_id, account, key, proof));
    let profile = opener.profile(ledger_id, id);
    let factor = (SEASONED_PROFILE + 2, factors::first());
    for (number, command) in [(SEASONED_PROFILE, profile), (SEASONED_PROFILE + 1, password), factor.clone()] {
        let (message, signature) = sign(ledger_id, account, member, number, &command);
        let message = Message::parse(&message).unwrap();
        ledger.propose(message, &signature, command, Timestamp::from_millis(START_MS)).unwrap();
        ledger.commit(&mut rng).unwrap();
    }
    // And so has the operator.
    let (account, (number, command)) = (AccountId(OPERATOR as u64 + 1), factor);
    let (message, signature) = sign(ledger_id, account, &members[OPERATOR], number, &command);
    let message = Message::parse(&message).unwrap();
    ledger.propose(message, &signature, command, Timestamp::from_millis(START_MS)).unwrap();
    ledger.commit(&mut rng).unwrap();
    // There is a shop.
    for (number, (account, command)) in (SHOP_BEFORE..).zip(shop::before()) {
        let key = if account == vault::LEAVER { &leaver } else { &members[account.0 as usize - 1] };
        let (message, signature) = sign(ledger_id, account, key, number, &command);
        let message = Message::parse(&message).unwrap();
        ledger.propose(message, &signature, command, Timestamp::from_millis(START_MS)).unwrap();
        ledger.commit(&mut rng).unwrap();
    }
    vault::make(&disk, &ledger);
    ledger.close().unwrap();
    let anchor = disk.bytes("anchor").unwrap();
    let (numbers, signed, secrets) = (domains::numbers(), Mutex::default(), Mutex::default());
    Template {
        disk,
        genesis,
        ledger_id,
        server_key,
        members,
        devices,
        roaming,
        next,
        anchor,
        numbers,
        signed,
        secrets,
    }
}

/// The key of the account that is erased.
fn server_key_as_member() -> SigningKey {
    SigningKey::from_pkcs8_pem(include_str!("../../fixtures/keys/server.pem"), None).unwrap()
}

/// The id of the command of this number.
pub(super) fn command_id(number: u32) -> CommandId {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    CommandId(id)
}

fn sign(
    ledger_id: LedgerId,
    account: AccountId,
    key: &SigningKey,
    number: u32,
    command: &Command,
) -> (Vec<u8>, Vec<u8>) {
    let (tag, body) = command.encode();
    let header = Header {
        ledger_id,
        account,
        key_id: key.public().key_id(),
        command_id: command_id(number),
        issued_at: START_MS,
        tag,
    };
    let message = header.message(&body);
    let signature = key.sign(&mut Seeded::new("signature"), &[&message]);
    (message, signature.to_vec())
}

impl Template {
    /// Command `number` of a member, signed. What numbers there are stands in [`domains`].
    pub(super) fn command(&self, member: usize, number: u32) -> (Vec<u8>, Vec<u8>) {
        if let Some(signed) = self.signed.lock().unwrap().get(&(member, number)) {
            return signed.clone();
        }
        let command = domains::command(self, member, number);
        let account = AccountId(member as u64 + 1);
        let key = domains::signer(self, member, number);
        let signed = sign(self.ledger_id, account, key, number, &command);
        self.signed.lock().unwrap().insert((member, number), signed.clone());
        signed
    }

    pub(super) fn identity(&self) -> ServerIdentity {
        let descriptor = self.descriptor();
        ServerIdentity::new(&self.genesis, descriptor, None).unwrap()
    }

    pub(super) fn descriptor(&self) -> Descriptor {
        Descriptor::make(&log_key(), self.ledger_id, 1, self.server_key.public(), None)
    }
}

/// What a block of a run hashes to.
pub(super) fn hash(bytes: &[u8]) -> Digest {
    block_hash(bytes)
}
