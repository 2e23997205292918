//! Keys and signatures of Ed25519 about which programs disagree: "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko
//! 2020) has the list. Both verifiers take the same ones, and none that stands for two things.

use std::ops::{Add, Mul};

use ed25519_dalek::{SigningKey, VerifyingKey};
use ledgerd::crypto::KeyId;
use ledgerd::domain::{Command, Event, Rights, accounts};
use sha2::{Digest as _, Sha512};

use super::chains::{ANNA, Named, chained, judge};
use super::hostile::small_order_points;
use super::receipts::library;
use super::{Case, compare, python_is_here, script};
use crate::forge::{Draft, Forge, Seeded, device_key, member_key, receipt};

/// The base point B.
const BASE: [u8; 32] = *b"Xfffffffffffffffffffffffffffffff";

/// The order of the group of B, little-endian.
const ORDER: [u8; 32] =
    *b"\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10";

/// The point that changes nothing, as it is written.
const IDENTITY: [u8; 32] = *b"\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// A key that an honest program never makes: `secret·B + T`, where T is of small order. Without a secret it is T alone, in
/// whichever encoding.
struct OddKey {
    secret: Option<SigningKey>,
    small: [u8; 32],
}

/// What an odd signature has for R.
enum OddPoint {
    /// This number times B.
    Of(u8),
    /// A point of small order, in this encoding.
    Small([u8; 32]),
}

/// A signature, and whether `S·B = R + h·A`, which is all that a lenient verifier asks.
struct OddSignature {
    bytes: Vec<u8>,
    holds: bool,
}

impl OddKey {
    fn of(small: [u8; 32]) -> OddKey {
        OddKey { secret: Some(SigningKey::from_bytes(&[7; 32])), small }
    }

    fn bytes(&self) -> [u8; 32] {
        let Some(secret) = &self.secret else { return self.small };
        let small = VerifyingKey::from_bytes(&self.small).unwrap().to_edwards();
        (secret.verifying_key().to_edwards() + small).compress().to_bytes()
    }

    fn spki(&self) -> Vec<u8> {
        [&device_key(0).public().spki()[..12], &self.bytes()].concat()
    }

    fn key_id(&self) -> KeyId {
        KeyId::of_spki(&self.spki())
    }

    /// Signs as well as the key allows.
    fn sign(&self, point: &OddPoint, message: &[u8]) -> OddSignature {
        let decoded = |bytes: &[u8; 32]| VerifyingKey::from_bytes(bytes).unwrap().to_edwards();
        let any = SigningKey::from_bytes(&[1; 32]).to_scalar();
        let zero = reduced(any, &[]);
        let secret = self.secret.as_ref().map_or(zero, SigningKey::to_scalar);
        let (nonce, r) = match point {
            OddPoint::Of(number) => {
                let nonce = SigningKey::from_bytes(&[*number; 32]);
                (nonce.to_scalar(), nonce.verifying_key().to_bytes())
            }
            OddPoint::Small(bytes) => (zero, *bytes),
        };
        let key = self.bytes();
        let digest = Sha512::new().chain_update(r).chain_update(key).chain_update(message).finalize();
        let h = reduced(any, &digest);
        let s = nonce + h * secret;
        let holds = decoded(&BASE) * s == decoded(&r) + decoded(&key) * h;
        OddSignature { bytes: [r, s.to_bytes()].concat(), holds }
    }

    /// Signs until the signature holds for a lenient verifier, or until it holds for none but one that multiplies by 8.
    fn sign_until(&self, holds: bool, message: &[u8]) -> Vec<u8> {
        let mut tried = (2..).map(|number| self.sign(&OddPoint::Of(number), message));
        tried.find(|signature| signature.holds == holds).unwrap().bytes
    }

    /// A block that makes this one of [`ANNA`]'s keys.
    fn added(&self, forge: &mut Forge, proof: impl FnOnce(&OddKey, &[u8]) -> Vec<u8>) -> Draft {
        let proof = proof(self, &accounts::key_proof_bytes(forge.ledger_id, ANNA, &self.key_id()));
        let add = forge.addition(ANNA, device_key(0), Rights::Full);
        let add = accounts::AddKey { spki: self.spki(), proof, ..add };
        let event = accounts::Event::KeyAdded(accounts::KeyAdded { standing: 5 });
        let command = Command::Accounts(accounts::Command::AddKey(add));
        forge.draft_by(member_key(0), ANNA, &command).with_event(&Event::Accounts(event))
    }

    /// An order of [`ANNA`]'s, signed with this key.
    fn order(&self, forge: &mut Forge, sign: impl FnOnce(&OddKey, &[u8]) -> Vec<u8>) -> Draft {
        let (header, body) = forge.order_by(device_key(0), ANNA, 1).message_parts();
        let header = ledgerd::chain::Header { key_id: self.key_id(), ..header };
        let draft = forge.draft_message_by(device_key(0), &header, &body);
        Draft { signature: sign(self, &draft.message), ..draft }
    }
}

/// A number of any length, little-endian, as a number of the field that `_like` is of.
fn reduced<S: Copy + From<u16> + Add<Output = S> + Mul<Output = S>>(_like: S, digest: &[u8]) -> S {
    digest.iter().rev().fold(S::from(0), |sum, &byte| sum * S::from(256) + S::from(u16::from(byte)))
}

/// The points of small order, each in its one encoding.
fn small_points() -> Vec<[u8; 32]> {
    let is_canonical = |bytes: &[u8; 32]| {
        let point = VerifyingKey::from_bytes(bytes).unwrap().to_edwards();
        point.compress().to_bytes() == *bytes
    };
    let points: Vec<_> = small_order_points().into_iter().filter(is_canonical).collect();
    assert_eq!(points.len(), 8);
    points
}

/// S + L for S.
fn with_order_added(signature: &[u8]) -> Vec<u8> {
    let mut above = signature.to_vec();
    let mut carry = 0;
    for (byte, order) in above[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    above
}

/// Receipts of blocks that come behind those of a ledger. The ledger itself stays as it is.
struct Kept {
    forge: Forge,
    named: Vec<Named>,
}

impl Kept {
    /// The receipt of the second block, an order, with the key that the first one introduces.
    fn order(&mut self, name: &str, expected: Result<(), &'static str>, blocks: [&Draft; 2]) {
        let mut forge = self.forge.clone();
        let at = forge.blocks.len();
        blocks.into_iter().for_each(|draft| forge.push(draft));
        self.named.push((name.to_owned(), expected, receipt(&forge.blocks, at + 1, &[1, at])));
    }

    /// The receipt of a block that introduces a key.
    fn addition(&mut self, name: &str, expected: Result<(), &'static str>, block: &Draft) {
        let mut forge = self.forge.clone();
        let at = forge.blocks.len();
        forge.push(block);
        self.named.push((name.to_owned(), expected, receipt(&forge.blocks, at, &[1])));
    }
}

/// The ledger with the block that introduces a key: an order with that key comes behind it.
fn next(forge: &Forge, added: &Draft) -> Forge {
    let mut forge = forge.clone();
    forge.push(added);
    forge
}

#[test]
fn both_verifiers_take_a_signature_of_ed25519_in_one_form_only() {
    let mut kept = Kept { forge: chained(90), named: Vec::new() };
    let key = OddKey::of(IDENTITY);
    let sign = |key: &OddKey, message: &[u8]| key.sign_until(true, message);
    let mut scratch = kept.forge.clone();
    let added = key.added(&mut scratch, sign);
    let order = key.order(&mut next(&scratch, &added), sign);
    kept.order("as it should be", Ok(()), [&added, &order]);
    type Change = (String, Vec<u8>);
    let changes = |good: &[u8]| {
        let mut all: Vec<Change> = vec![
            ("S + L".to_owned(), with_order_added(good)),
            ("zeros".to_owned(), vec![0; 64]),
            ("all ones".to_owned(), vec![0xff; 64]),
            ("as long as RSA's".to_owned(), vec![0; 384]),
            ("doubled six times".to_owned(), good.repeat(6)),
            ("turned around".to_owned(), good.iter().rev().copied().collect()),
            ("S and R".to_owned(), [&good[32..], &good[..32]].concat()),
        ];
        for at in 0..64 {
            let mut flipped = good.to_vec();
            flipped[at] ^= 1 << (at % 8);
            all.push((format!("byte {at} flipped"), flipped));
        }
        for bit in [0x20, 0x40, 0x80] {
            let mut high = good.to_vec();
            high[63] |= bit;
            all.push((format!("bit {bit:#x} of the last byte"), high));
        }
        for point in small_order_points() {
            all.push((format!("{} for R", const_hex::encode(point)), [&point[..], &good[32..]].concat()));
        }
        all
    };
    for (name, signature) in changes(&order.signature) {
        let changed = Draft { signature, ..order.clone() };
        kept.order(&format!("an order with {name}"), Err("bad_signature"), [&added, &changed]);
    }
    for length in [0, 1, 32, 63, 65, 128, 383, 385] {
        let changed = Draft {
            signature: order.signature.iter().copied().cycle().take(length).collect(),
            ..order.clone()
        };
        kept.order(&format!("an order with {length} bytes"), Err("malformed_block"), [&added, &changed]);
    }
    let proof = key.sign_until(true, &accounts::key_proof_bytes(scratch.ledger_id, ANNA, &key.key_id()));
    for (name, proof) in changes(&proof) {
        let changed = key.added(&mut scratch, |_, _| proof);
        kept.addition(&format!("a proof with {name}"), Err("key_chain"), &changed);
    }
    judge(kept.named);
}

/// `aB + T` is a point of the curve like any other one, and not of small order: a key, of which the owner may have made T what
/// it is. What its signatures must not do is hold for one verifier and not for the other.
#[test]
fn both_verifiers_check_a_signature_without_multiplying_by_8() {
    let mut kept = Kept { forge: chained(91), named: Vec::new() };
    let sign = |key: &OddKey, message: &[u8]| key.sign_until(true, message);
    let only_times_8 = |key: &OddKey, message: &[u8]| key.sign_until(false, message);
    for small in small_points() {
        let key = OddKey::of(small);
        let name = const_hex::encode(key.bytes());
        let mut scratch = kept.forge.clone();
        let added = key.added(&mut scratch, sign);
        kept.addition(&format!("the key {name}"), Ok(()), &added);
        let mut scratch = next(&scratch, &added);
        let order = key.order(&mut scratch, sign);
        kept.order(&format!("an order by {name}"), Ok(()), [&added, &order]);
        if small == IDENTITY {
            continue;
        }
        let order = key.order(&mut scratch, only_times_8);
        kept.order(&format!("an order by {name}, times 8"), Err("bad_signature"), [&added, &order]);
        let added = key.added(&mut kept.forge.clone(), only_times_8);
        kept.addition(&format!("the key {name}, proven times 8"), Err("key_chain"), &added);
    }
    judge(kept.named);
}

/// Each of these signatures satisfies the equation that the standard asks for.
#[test]
fn both_verifiers_refuse_an_r_of_small_order_though_the_equation_holds() {
    let mut kept = Kept { forge: chained(92), named: Vec::new() };
    // A point of order 8: its multiples are all the points of small order.
    let eighth = *small_points().iter().find(|point| point[0] == 0x26).unwrap();
    let key = OddKey::of(eighth);
    let scratch = kept.forge.clone();
    let added = key.added(&mut scratch.clone(), |key, message| key.sign_until(true, message));
    let mut scratch = next(&scratch, &added);
    for point in small_order_points() {
        let order = loop {
            let mut holds = false;
            let order = key.order(&mut scratch, |key, message| {
                let signature = key.sign(&OddPoint::Small(point), message);
                holds = signature.holds;
                signature.bytes
            });
            if holds {
                break order;
            }
        };
        let name = format!("an order with {} for R", const_hex::encode(point));
        kept.order(&name, Err("bad_signature"), [&added, &order]);
    }
    judge(kept.named);
}

/// Under such a key one signature holds for many messages, or for all.
#[test]
fn both_verifiers_refuse_a_key_of_small_order_though_its_proof_holds() {
    let mut kept = Kept { forge: chained(93), named: Vec::new() };
    for small in small_order_points() {
        let key = OddKey { secret: None, small };
        let name = const_hex::encode(small);
        let mut scratch = kept.forge.clone();
        let added = key.added(&mut scratch, |key, message| key.sign_until(true, message));
        kept.addition(&format!("the key {name}"), Err("invalid_key"), &added);
        let order = key.order(&mut next(&scratch, &added), |_, _| [IDENTITY, [0; 32]].concat());
        kept.order(&format!("an order by {name}"), Err("invalid_key"), [&added, &order]);
    }
    judge(kept.named);
}

/// Whether 32 bytes are a point, both compute by themselves. About half of them are: then it is the proof that is missing.
#[test]
fn both_verifiers_know_the_points_of_the_curve() {
    if !python_is_here() {
        return;
    }
    let rng = &mut Seeded::new(94);
    let forge = chained(94);
    let mut cases: Vec<Case> = Vec::new();
    let mut points: Vec<[u8; 32]> = (0..200).map(|_| ledgerd::crypto::random::bytes(rng)).collect();
    points.extend((0..40).flat_map(|low| {
        let mut point = [0; 32];
        point[0] = low;
        let mut other = point;
        other[31] = 0x80;
        [point, other]
    }));
    for point in points {
        let key = OddKey { secret: None, small: point };
        let mut forge = forge.clone();
        let added = key.added(&mut forge, |_, _| vec![0; 64]);
        forge.push(&added);
        let text = receipt(&forge.blocks, 17, &[1]).to_text();
        cases.push((format!("the key {}", const_hex::encode(point)), text.into_bytes()));
    }
    let is_point = |(_, bytes): &Case| library(bytes) == Err("key_chain".to_owned());
    let count = cases.iter().filter(|case| is_point(case)).count();
    assert!((80..200).contains(&count), "{count}");
    assert_eq!(compare(&cases, &script("receipt", &cases, None), true, library), 0);
}
