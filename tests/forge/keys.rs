//! Blocks in which keys come and end, and which further keys sign.

use ledgerd::chain::{Block, Message};
use ledgerd::crypto::{KeyId, SigningKey};
use ledgerd::domain::{AccountId, Command, Rights, accounts};

use super::{Draft, Forge, device_key, member_key, order_of};

impl Forge {
    /// A ledger with three members, each with a [`device_key`] that may act, and `orders` orders, placed in turn and signed
    /// with these keys. The registrations are the blocks 1 to 3, and the keys came in the blocks 4 to 6.
    pub(crate) fn with_devices(seed: u64, orders: usize) -> Forge {
        let mut forge = Forge::with_orders(seed, 0);
        for member in 0..3 {
            let by = member_key(member);
            let draft = forge.add_key(by, AccountId(member as u64 + 1), device_key(member), Rights::Act);
            forge.push(&draft);
        }
        for n in 0..orders {
            let account = AccountId(n as u64 % 3 + 1);
            let draft = forge.order_by(device_key(n % 3), account, n as u64 % 9 + 1);
            forge.push(&draft);
        }
        forge
    }

    /// The command that makes `new` a key of an account, with its proof.
    pub(crate) fn addition(
        &mut self,
        account: AccountId,
        new: &SigningKey,
        rights: Rights,
    ) -> accounts::AddKey {
        let proof = self.key_proof(account, new);
        accounts::AddKey {
            spki: new.public().spki().to_vec(),
            custody: accounts::Custody::Device,
            rights,
            label: "device".to_owned(),
            proof,
            credential: None,
        }
    }

    /// The command that puts `new` in the place of the key `ends` of an account, with the proof of `new`.
    pub(crate) fn rotation(
        &mut self,
        account: AccountId,
        ends: KeyId,
        new: &SigningKey,
    ) -> accounts::RotateKey {
        let proof = self.key_proof(account, new);
        accounts::RotateKey {
            spki: new.public().spki().to_vec(),
            custody: accounts::Custody::File,
            label: "rotated".to_owned(),
            proof,
            ends,
            credential: None,
        }
    }

    /// What `new` signs to be a key of an account of this ledger.
    pub(crate) fn key_proof(&mut self, account: AccountId, new: &SigningKey) -> Vec<u8> {
        let bytes = accounts::key_proof_bytes(self.ledger_id, account, &new.public().key_id());
        new.sign(&mut self.rng, &[&bytes]).to_vec()
    }

    /// An account introduces a key, and signs it with the key `by`.
    pub(crate) fn add_key(
        &mut self,
        by: &SigningKey,
        account: AccountId,
        new: &SigningKey,
        rights: Rights,
    ) -> Draft {
        let add = self.addition(account, new, rights);
        self.draft_by(by, account, &Command::Accounts(accounts::Command::AddKey(add)))
    }

    /// An account puts a key in the place of the key `by`, and signs it with that one.
    pub(crate) fn rotate_key(&mut self, by: &SigningKey, account: AccountId, new: &SigningKey) -> Draft {
        let rotate = self.rotation(account, by.public().key_id(), new);
        self.draft_by(by, account, &Command::Accounts(accounts::Command::RotateKey(rotate)))
    }

    /// An account ends a key, and signs it with the key `by`.
    pub(crate) fn end_key(&mut self, by: &SigningKey, account: AccountId, ended: &SigningKey) -> Draft {
        let end = accounts::EndKey { key_id: ended.public().key_id() };
        self.draft_by(by, account, &Command::Accounts(accounts::Command::EndKey(end)))
    }

    /// An account places an order, as [`Forge::order`] does, and signs it with the key `by`.
    pub(crate) fn order_by(&mut self, by: &SigningKey, account: AccountId, quantity: u64) -> Draft {
        self.draft_by(by, account, &order_of(quantity))
    }

    /// Indexes of the blocks that an honest server puts into the receipt of a block to show whose key signed it: the
    /// registration, and those that introduced a key after it, up to the one that signed.
    pub(crate) fn key_blocks(&self, index: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut at = index;
        loop {
            let block = Block::parse(&self.blocks[at]).unwrap();
            if block.author == AccountId::NONE {
                found.reverse();
                return found;
            }
            let key_id = Message::parse(block.message).unwrap().header.key_id;
            at = self.state().accounts.key(block.author, &key_id).unwrap().added_at as usize;
            found.push(at);
        }
    }
}
