//! A hundred thousand payments among a hundred members, through the real ledger and a restart of it. Signatures are
//! nobody's here: the ledger does not look at them, the service before it does.

use std::collections::BTreeMap;
use std::sync::Arc;

use ledgerd::chain::{CommandId, Genesis, Header, Message, block_hash};
use ledgerd::crypto::random::{self, Seeded};
use ledgerd::crypto::{KeyId, LedgerId, SIGNATURE_BYTES_MAX, VerifyingKey};
use ledgerd::domain::accounts::{self, Register};
use ledgerd::domain::payments::{self, Cheque, ChequeId, Pay, Payment, Settle};
use ledgerd::domain::{AccountId, Command, Settings};
use ledgerd::eventlog::{self, Options, SimDisk, Storage};
use ledgerd::ledger::{Ledger, Refused};
use ledgerd::time::Timestamp;

use crate::session_world::key;

const MEMBERS: u64 = 100;
const PAYMENTS: usize = 100_000;
const GRANT: u64 = 1_000;
const OPTIONS: Options = Options { segment_bytes: 1 << 20, block_bytes_max: 1 << 20 };

/// Keys that the policy accepts: making real ones would take a minute, and nobody signs.
fn public_keys(rng: &mut Seeded) -> Vec<Vec<u8>> {
    let template = key("client").public().spki().to_vec();
    let modulus = template.len() - 5 - 384..template.len() - 5;
    let mut keys = Vec::new();
    while keys.len() < MEMBERS as usize {
        let mut spki = template.clone();
        let noise: [u8; 380] = random::bytes(rng);
        spki[modulus.start + 4..modulus.end].copy_from_slice(&noise);
        spki[modulus.end - 1] |= 1;
        if VerifyingKey::from_spki(&spki).is_ok() {
            keys.push(spki);
        }
    }
    keys
}

struct World {
    ledger: Ledger,
    ledger_id: LedgerId,
    keys: Vec<KeyId>,
    rng: Seeded,
    now: Timestamp,
    commands: u128,
}

impl World {
    fn propose(&mut self, author: AccountId, key_id: KeyId, command: Command) -> Result<(), Refused> {
        let (tag, body) = command.encode();
        self.commands += 1;
        self.now = self.now.plus_micros(100);
        let header = Header {
            ledger_id: self.ledger_id,
            account: author,
            key_id,
            command_id: CommandId(self.commands.to_be_bytes()),
            issued_at: self.now.millis(),
            tag,
        };
        let bytes = header.message(&body);
        let message = Message::parse(&bytes).unwrap();
        let proposed = self.ledger.propose(message, &[0; SIGNATURE_BYTES_MAX], command.clone(), self.now);
        if matches!(proposed, Err(Refused::BatchFull)) {
            self.ledger.commit(&mut self.rng).unwrap();
            return self.ledger.propose(message, &[0; SIGNATURE_BYTES_MAX], command, self.now).map(|_| ());
        }
        proposed.map(|_| ())
    }

    fn below(&mut self, below: u64) -> u64 {
        u64::from_be_bytes(random::bytes(&mut self.rng)) % below
    }

    fn sum(&self) -> u128 {
        let money = &self.ledger.replica().state().payments;
        assert_eq!(money.sum(), u128::from(money.issued()));
        money.sum()
    }
}

#[test]
fn a_hundred_thousand_payments_among_a_hundred_members_conserve_the_total() {
    let mut rng = Seeded::new("a hundred members");
    let public = public_keys(&mut rng);
    let settings = Settings { opening_grant: GRANT, ..Settings::default() }.write();
    let server_key = key("server").public().spki().to_vec();
    let genesis =
        Genesis { origin: "many.example".to_owned(), log_key: [1; 32], server_key, nonce: [2; 32], settings };
    let now = Timestamp::from_millis(1_700_000_000_000);
    let genesis = genesis.to_block(now);
    let ledger_id = LedgerId(block_hash(&genesis).0);
    let disk = SimDisk::new();
    eventlog::create(&disk, ledger_id, &genesis, OPTIONS, &mut rng).unwrap();
    let storage: Arc<dyn Storage> = Arc::new(disk);
    let (ledger, _) = Ledger::open(&storage, OPTIONS).unwrap();
    let keys: Vec<KeyId> = public.iter().map(|spki| KeyId::of_spki(spki)).collect();
    let mut world = World { ledger, ledger_id, keys, rng, now, commands: 0 };
    for (number, public_key) in public.into_iter().enumerate() {
        let register = Register { handle: format!("member-{number}"), public_key };
        let command = Command::Accounts(accounts::Command::Register(register));
        world.propose(AccountId::NONE, world.keys[number], command).unwrap();
    }
    let mut balances: BTreeMap<u64, i128> = (1..=MEMBERS).map(|member| (member, i128::from(GRANT))).collect();
    let (mut made, mut accepted, mut refused) = (0, 0, 0);
    while made < PAYMENTS {
        let author = 1 + world.below(MEMBERS);
        let settles = world.below(4) == 0;
        // Whom money leaves and reaches, and how much, if the ledger agrees.
        let mut moves: Vec<(u64, u64, u64)> = Vec::new();
        let count = if settles { 1 } else { 1 + world.below(20) };
        for _ in 0..count {
            let other = 1 + (author + world.below(MEMBERS - 1)) % MEMBERS;
            let amount = 1 + world.below(80);
            moves.push(if settles { (other, author, amount) } else { (author, other, amount) });
        }
        let command = match (settles, moves[0]) {
            (true, (payer, payee, amount)) => {
                let cheque = Cheque {
                    ledger_id,
                    payer: AccountId(payer),
                    key_id: world.keys[payer as usize - 1],
                    // Few ids, so that some orders come a second time.
                    cheque_id: ChequeId([world.below(200) as u8; 16]),
                    payee: AccountId(payee),
                    amount,
                    expires_ms: u64::MAX,
                    memo: String::new(),
                };
                payments::Command::Settle(Settle { cheque, signature: vec![0; SIGNATURE_BYTES_MAX] })
            }
            (false, _) => {
                let payment = |&(_, to, amount): &(u64, u64, u64)| Payment {
                    to: AccountId(to),
                    amount: amount as i64,
                    memo: String::new(),
                };
                payments::Command::Pay(Pay { payments: moves.iter().map(payment).collect() })
            }
        };
        made += moves.len();
        let key_id = world.keys[author as usize - 1];
        match world.propose(AccountId(author), key_id, Command::Payments(command)) {
            Ok(()) => {
                accepted += 1;
                for (from, to, amount) in moves {
                    *balances.get_mut(&from).unwrap() -= i128::from(amount);
                    *balances.get_mut(&to).unwrap() += i128::from(amount);
                }
            }
            Err(Refused::Rule(_)) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
        assert_eq!(world.sum(), u128::from(GRANT * MEMBERS), "after {made} payments");
    }
    assert!(accepted > 1_000 && refused > 100, "{accepted} accepted, {refused} refused");
    world.ledger.commit(&mut world.rng).unwrap();
    let digest = world.ledger.replica().digest();
    world.ledger.close().unwrap();

    let (again, _) = Ledger::open(&storage, OPTIONS).unwrap();
    assert_eq!(again.replica().digest(), digest, "a replay yields the same state");
    for (member, balance) in balances {
        let is = again.replica().state().payments.balance(AccountId(member));
        assert_eq!(i128::from(is), balance, "member {member}, counted a second way");
        assert!(balance >= 0);
    }
}
