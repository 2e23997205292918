//! Blocks that no honest server writes.

use ledgerd::chain::{Block, Header, Message};
use ledgerd::crypto::LedgerId;
use ledgerd::domain::{self, AccountId, accounts};
use ledgerd::time::Timestamp;

use crate::forge::{Draft, Forge, ed25519_key};

/// Makes the next block of a ledger.
type Forgery = fn(&mut Forge) -> Draft;

/// The keys that registration refuses, with their names.
pub(super) fn refused_keys() -> Vec<(&'static str, Vec<u8>)> {
    let list = include_str!("../../fixtures/keys/refused.txt").lines().filter(|line| !line.starts_with('#'));
    let keys = list.map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        (words[1], const_hex::decode(words[2].trim_matches('-')).unwrap())
    });
    keys.collect()
}

pub(super) fn registration_of(forge: &mut Forge, public_key: Vec<u8>) -> Draft {
    let (header, _) = forge.registration(0, "dora").message_parts();
    let register = accounts::Register { handle: "dora".to_owned(), public_key };
    let (_, body) = domain::Command::Accounts(accounts::Command::Register(register)).encode();
    forge.draft_message(0, &header, &body)
}

/// An order of member 0, changed after it was signed.
fn changed(forge: &mut Forge, change: fn(&mut Draft)) -> Draft {
    let mut draft = forge.order(0, 1);
    change(&mut draft);
    draft
}

/// An order of member 0, changed before it is signed.
fn signed_again(forge: &mut Forge, change: fn(&mut Header, &mut Vec<u8>)) -> Draft {
    let (mut header, mut body) = forge.order(0, 1).message_parts();
    change(&mut header, &mut body);
    forge.draft_message(0, &header, &body)
}

/// Blocks that no honest server writes. Where only a rule of the domains is broken the second verifier has
/// nothing to say, so there is none of these.
pub(super) fn hostile_drafts() -> Vec<(&'static str, Forgery)> {
    vec![
        ("that is good", |forge| forge.order(0, 1)),
        ("with another's signature", |forge| {
            let other = forge.order(0, 1).signature;
            Draft { signature: other, ..forge.order(0, 1) }
        }),
        ("without a signature", |forge| changed(forge, |it| it.signature.clear())),
        ("with a signature of 383 bytes", |forge| changed(forge, |it| it.signature.truncate(383))),
        ("without M", |forge| changed(forge, |it| it.message.clear())),
        ("with a short M", |forge| changed(forge, |it| it.message.truncate(100))),
        ("with a longer M", |forge| changed(forge, |it| it.message.push(0))),
        ("without an event", |forge| changed(forge, |it| it.event.clear())),
        ("with an event of three bytes", |forge| changed(forge, |it| it.event.truncate(3))),
        ("with a longer event", |forge| changed(forge, |it| it.event.push(0))),
        ("with the largest event", |forge| changed(forge, |it| it.event.resize(1 << 16, 0))),
        ("with too large an event", |forge| changed(forge, |it| it.event.resize((1 << 16) + 1, 0))),
        ("with another event", |forge| changed(forge, |it| it.event = vec![0, 1, 0, 1, 1])),
        ("with a padded number", |forge| changed(forge, |it| it.event = vec![0, 1, 0, 16, 0x85, 0])),
        ("with orders numbered otherwise", |forge| changed(forge, |it| it.event = vec![0, 1, 0, 16, 77])),
        ("with another index", |forge| changed(forge, |it| it.index += 1)),
        ("with the index 0", |forge| changed(forge, |it| it.index = 0)),
        ("with another previous hash", |forge| changed(forge, |it| it.previous_hash.0[0] ^= 1)),
        ("in the past", |forge| changed(forge, |it| it.timestamp = Timestamp::from_micros(1))),
        ("at the end of the dates that are shown", |forge| {
            changed(forge, |it| it.timestamp = Timestamp::from_micros(253_402_207_200_000_000))
        }),
        ("after the dates that are shown", |forge| {
            changed(forge, |it| it.timestamp = Timestamp::from_micros(253_402_207_200_000_001))
        }),
        ("of the end of time", |forge| changed(forge, |it| it.timestamp = Timestamp::from_micros(u64::MAX))),
        ("with another block of the author", |forge| changed(forge, |it| it.author_previous = Some(0))),
        ("with no block of the author", |forge| changed(forge, |it| it.author_previous = None)),
        ("of another author", |forge| changed(forge, |it| it.author = AccountId(2))),
        ("of no author", |forge| changed(forge, |it| it.author = AccountId::NONE)),
        ("of a stranger", |forge| signed_again(forge, |header, _| header.account = AccountId(9))),
        ("for account 0", |forge| signed_again(forge, |header, _| header.account = AccountId::NONE)),
        ("for another ledger", |forge| signed_again(forge, |header, _| header.ledger_id = LedgerId([9; 32]))),
        ("with another key id", |forge| signed_again(forge, |header, _| header.key_id.0[31] ^= 1)),
        ("of another's account", |forge| signed_again(forge, |header, _| header.account = AccountId(2))),
        ("of an unknown kind", |forge| signed_again(forge, |header, _| header.tag.kind = 17)),
        ("of an unknown schema", |forge| signed_again(forge, |header, _| header.tag.schema = 2)),
        ("of the kind of a registration", |forge| signed_again(forge, |header, _| header.tag.kind = 1)),
        ("issued at the end of time", |forge| signed_again(forge, |header, _| header.issued_at = u64::MAX)),
        ("with a byte behind the orders", |forge| signed_again(forge, |_, body| body.push(0))),
        ("with a padded number of orders", |forge| {
            signed_again(forge, |_, body| drop(body.splice(..1, [0x81, 0])))
        }),
        ("with an unknown operation", |forge| signed_again(forge, |_, body| body[1] = 2)),
        ("with a stock in small letters", |forge| signed_again(forge, |_, body| body[3] = b'a')),
        ("with a command that stands there already", |forge| {
            let block = Block::parse(&forge.blocks[4]).unwrap();
            let message = Message::parse(block.message).unwrap();
            let (header, body) = (message.header, message.body.to_vec());
            forge.draft_message(0, &header, &body)
        }),
        ("with another command of an id that stands there already", |forge| {
            let block = Block::parse(&forge.blocks[4]).unwrap();
            let command_id = Message::parse(block.message).unwrap().header.command_id;
            let (header, body) = forge.order(0, 8).message_parts();
            forge.draft_message(0, &Header { command_id, ..header }, &body)
        }),
        ("with a command of an id that another has used", |forge| {
            let block = Block::parse(&forge.blocks[5]).unwrap();
            let command_id = Message::parse(block.message).unwrap().header.command_id;
            let (header, body) = forge.order(0, 8).message_parts();
            forge.draft_message(0, &Header { command_id, ..header }, &body)
        }),
        ("that registers the wrong account", |forge| {
            let mut draft = forge.registration(0, "dora");
            draft.event = vec![0, 1, 0, 1, 9];
            draft
        }),
        ("that registers account 0", |forge| Draft {
            event: vec![0, 1, 0, 1, 0],
            ..forge.registration(0, "dora")
        }),
        ("that registers with the event of an order", |forge| forge.registration(0, "dora")),
    ]
}

/// Keys of Ed25519 in encodings that some programs take, and ledgers must not, with what is wrong with each.
pub(super) fn ed25519_spkis() -> Vec<(String, Vec<u8>)> {
    const HEAD: &str = "302a300506032b6570032100";
    let good = ed25519_key(20).public().spki()[12..].to_vec();
    let spki = |head: &str, point: &[u8]| [&const_hex::decode(head).unwrap(), point].concat();
    let mut all: Vec<(String, Vec<u8>)> = small_order_points()
        .into_iter()
        .map(|point| (format!("of small order, {}", const_hex::encode(point)), spki(HEAD, &point)))
        .collect();
    // y + p for each y that leaves room for it: two encodings of one point, where there is a point.
    for sign in [0, 0x80] {
        for low in 0xed..=0xff {
            let mut point = [0xff; 32];
            (point[0], point[31]) = (low, 0x7f | sign);
            all.push((format!("of y above the prime, {}", const_hex::encode(point)), spki(HEAD, &point)));
        }
    }
    // 2 is the y of no point.
    let mut no_point = [0; 32];
    no_point[0] = 2;
    all.extend([
        ("of no point".to_owned(), spki(HEAD, &no_point)),
        ("of 31 bytes".to_owned(), spki(HEAD, &good[..31])),
        ("of 33 bytes".to_owned(), spki(HEAD, &[&good[..], &[0]].concat())),
        ("of no bytes".to_owned(), spki(HEAD, &[])),
        ("with parameters".to_owned(), spki("302c300706032b65700500032100", &good)),
        ("with a length of two bytes".to_owned(), spki("30812a300506032b6570032100", &good)),
        ("with unused bits".to_owned(), spki("302a300506032b6570032101", &good)),
        ("for X25519".to_owned(), spki("302a300506032b656e032100", &good)),
        ("for Ed448".to_owned(), spki("302a300506032b6571032100", &good)),
        ("without its head".to_owned(), good),
    ]);
    all
}

/// The 14 encodings of the points whose order divides 8.
pub(super) fn small_order_points() -> Vec<[u8; 32]> {
    let lines = include_str!("../../fixtures/keys/ed25519_small_order.txt").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .map(|line| const_hex::decode_to_array(line).unwrap())
        .collect()
}
