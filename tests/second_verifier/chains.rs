//! Receipts which show how a key came to its author, over blocks that introduced one key after the other: good ones, and
//! such as a server gives who wants to leave something out.

use base64ct::{Base64, Encoding as _};
use ledgerd::chain::Receipt;
use ledgerd::crypto::SigningKey;
use ledgerd::domain::{AccountId, Command, Rights, accounts};

use super::forged_keys::{added, rotated};
use super::receipts::{changed_receipts, library};
use super::{Case, compare, damaged_text, offsets, python_is_here, script, with_flipped};
use crate::forge::{Draft, Forge, Seeded, device_key, ed25519_key, member_key, receipt, spare_key};

/// Who has the keys that come one after the other in [`chained`].
pub(super) const ANNA: AccountId = AccountId(1);

/// The key that ANNA's first key introduces with full rights, in block 6 of [`chained`].
pub(super) const FULL: u64 = 10;
/// The key that the one before introduces, in block 7.
const ADDED: u64 = 11;
/// The key that comes in the place of one that both kinds of keys led to, in block 9.
const ROTATED: u64 = 12;

/// A receipt, and the name by which it has to be refused, if it has to be.
pub(super) type Named = (String, Result<(), &'static str>, Receipt);

/// Holds the library's verdicts against those that are expected, and the script's against the library's.
pub(super) fn judge(named: Vec<Named>) {
    let (mut cases, mut wrong) = (Vec::new(), Vec::new());
    for (name, expected, receipt) in named {
        let text = receipt.to_text().into_bytes();
        let found = library(&text);
        if found.as_ref().map_err(String::as_str) != expected.as_ref().map_err(|name| *name) {
            wrong.push(format!("{name}: expected {expected:?}, the library says {found:?}"));
        }
        cases.push((name, text));
    }
    assert!(wrong.is_empty(), "of {} cases:\n{}\n", cases.len(), wrong.join("\n"));
    if python_is_here() {
        compare(&cases, &script("receipt", &cases, None), true, library);
    }
}

/// A ledger in which ANNA has keys of both kinds, introduced by one another.
///
/// ```text
///  1 to 3  three members join             10  order, with the device's key
///  4  BERT: a key that may act            11  order, with the key of block 7
///  5  ANNA: a key that may act            12  order, with the key of block 9
///  6  her first key: FULL                 13  order, with her first key
///  7  FULL: ADDED                         14  ADDED ends FULL
///  8  ADDED: a key of RSA                 15  order, with ADDED
///  9  that one: ROTATED in its place      16  BERT: order, with the device's key
/// ```
pub(super) fn chained(seed: u64) -> Forge {
    let mut forge = Forge::with_orders(seed, 0);
    let [full, added, rotated] = [FULL, ADDED, ROTATED].map(ed25519_key);
    let bert = AccountId(2);
    let first = member_key(0);
    let drafts: [&dyn Fn(&mut Forge) -> Draft; 13] = [
        &|forge| forge.add_key(member_key(1), bert, device_key(1), Rights::Act),
        &|forge| forge.add_key(first, ANNA, device_key(0), Rights::Act),
        &|forge| forge.add_key(first, ANNA, &full, Rights::Full),
        &|forge| forge.add_key(&full, ANNA, &added, Rights::Full),
        &|forge| forge.add_key(&added, ANNA, spare_key(), Rights::Full),
        &|forge| forge.rotate_key(spare_key(), ANNA, &rotated),
        &|forge| forge.order_by(device_key(0), ANNA, 1),
        &|forge| forge.order_by(&added, ANNA, 2),
        &|forge| forge.order_by(&rotated, ANNA, 3),
        &|forge| forge.order_by(first, ANNA, 4),
        &|forge| forge.end_key(&added, ANNA, &full),
        &|forge| forge.order_by(&added, ANNA, 5),
        &|forge| forge.order_by(device_key(1), bert, 6),
    ];
    for draft in drafts {
        let draft = draft(&mut forge);
        forge.push(&draft);
    }
    let standing = forge.state().accounts.standing_keys(ANNA).len();
    assert_eq!((forge.blocks.len(), standing), (17, 4), "the rules took every command");
    forge
}

fn honest(forge: &Forge, index: usize) -> Receipt {
    receipt(&forge.blocks, index, &forge.key_blocks(index))
}

#[test]
fn both_verifiers_find_the_key_of_every_block_proven() {
    let forge = chained(80);
    let chains: Vec<Vec<usize>> = (0..forge.blocks.len()).map(|index| forge.key_blocks(index)).collect();
    assert_eq!(chains[8], [1, 6, 7], "the block that introduces a key is signed by another one");
    assert_eq!(chains[12], [1, 6, 7, 8, 9]);
    assert_eq!(chains[16], [2, 4]);
    let mut named: Vec<Named> = (0..forge.blocks.len())
        .map(|index| (format!("block {index}"), Ok(()), honest(&forge, index)))
        .collect();
    for (index, keys) in [(12, &[1, 5, 6, 7, 8, 9][..]), (10, &[1, 5]), (15, &[1, 5, 6, 7])] {
        let receipt = receipt(&forge.blocks, index, keys);
        named.push((format!("block {index}, with {keys:?}, more than is needed"), Ok(()), receipt));
    }
    judge(named);
}

/// What follows rests on every block being in the tree; whatever else is said of the key has to be wrong.
#[test]
fn both_verifiers_refuse_a_chain_with_a_block_missing_or_out_of_place_by_the_same_name() {
    let forge = chained(81);
    let whole = forge.key_blocks(12);
    let mut named = Vec::new();
    let mut add = |name: String, expected, index: usize, keys: &[usize]| {
        named.push((name, Err(expected), receipt(&forge.blocks, index, keys)));
    };
    for at in 0..whole.len() {
        let mut keys = whole.clone();
        keys.remove(at);
        let expected = if at == 0 { "no_registration" } else { "key_chain" };
        add(format!("block {} missing", whole[at]), expected, 12, &keys);
        let mut keys = whole.clone();
        keys.insert(at, whole[at]);
        add(format!("block {} twice", whole[at]), "key_chain", 12, &keys);
        if at > 0 {
            let mut keys = whole.clone();
            keys.swap(at - 1, at);
            let expected = if at == 1 { "no_registration" } else { "key_chain" };
            add(format!("block {} before its turn", whole[at]), expected, 12, &keys);
        }
    }
    add("no key blocks".to_owned(), "no_registration", 12, &[]);
    add("the registration alone".to_owned(), "other_author", 12, &[1]);
    add("genesis first".to_owned(), "malformed_block", 12, &[0, 1, 6, 7, 8, 9]);
    add("genesis among them".to_owned(), "malformed_block", 12, &[1, 0, 6, 7, 8, 9]);
    add("another registration".to_owned(), "other_author", 12, &[2, 6, 7, 8, 9]);
    add("a further registration".to_owned(), "other_author", 12, &[1, 2, 6, 7, 8, 9]);
    add("BERT's key among them".to_owned(), "other_author", 12, &[1, 4, 6, 7, 8, 9]);
    add("BERT's keys".to_owned(), "other_author", 12, &[2, 4]);
    add("an order among them".to_owned(), "key_chain", 15, &[1, 6, 7, 10]);
    add("an order last".to_owned(), "key_chain", 15, &[1, 6, 7, 13]);
    add("the end of a key last".to_owned(), "key_chain", 15, &[1, 6, 7, 14]);
    add("another of the author's keys last".to_owned(), "key_chain", 15, &[1, 5]);
    add("more behind the last".to_owned(), "key_chain", 15, &[1, 6, 7, 8]);
    add("a key that signed nothing here, for the first key".to_owned(), "key_chain", 13, &[1, 5]);
    add("the block itself last".to_owned(), "key_chain", 9, &[1, 6, 7, 8, 9]);
    add("the block itself alone".to_owned(), "no_registration", 9, &[9]);
    add("a block behind it last".to_owned(), "key_chain", 8, &[1, 6, 7, 9]);
    add("a registration for a registration".to_owned(), "no_registration", 2, &[2]);
    add("keys for genesis".to_owned(), "no_registration", 0, &[1, 6]);
    let mut add = |name: &str, expected, change: &dyn Fn(&mut Receipt)| {
        let mut receipt = receipt(&forge.blocks, 12, &whole);
        change(&mut receipt);
        named.push((name.to_owned(), Err(expected), receipt));
    };
    for at in 0..whole.len() {
        add(&format!("key block {at} with a hash too many"), "not_included", &|it| {
            it.keys[at].inclusion.0.push([7; 32]);
        });
        add(&format!("key block {at} with a hash too few"), "not_included", &|it| {
            it.keys[at].inclusion.0.pop();
        });
        add(&format!("key block {at} with another's proof"), "not_included", &|it| {
            it.keys[at].inclusion = it.inclusion.clone();
        });
        add(&format!("key block {at} with another byte at its end"), "not_included", &|it| {
            *it.keys[at].block.last_mut().unwrap() ^= 1;
        });
        add(&format!("key block {at} with a byte more"), "malformed_block", &|it| {
            it.keys[at].block.push(0);
        });
        add(&format!("key block {at} empty"), "malformed_block", &|it| it.keys[at].block.clear());
        add(&format!("key block {at} with 65 hashes"), "malformed_extra", &|it| {
            it.keys[at].inclusion.0.resize(65, [7; 32]);
        });
    }
    judge(named);
}

/// A rotation by ANNA's first key which ends a key that is not the one that signs it, as no honest server takes it.
fn ending(forge: &mut Forge, ends: &SigningKey, new: &SigningKey) -> Draft {
    let rotate = forge.rotation(ANNA, ends.public().key_id(), new);
    let command = Command::Accounts(accounts::Command::RotateKey(rotate));
    forge.draft_by(member_key(0), ANNA, &command).with_event(&rotated())
}

/// A ledger behind [`chained`] in which keys of ANNA's come again, or sign after they ended.
///
/// ```text
/// 17  her first key adds FULL again        23  the first key adds 21
/// 18  FULL: order                          24  order, with 21
/// 19  SPARE, which ended, adds 20          25  a rotation ends 22 and introduces it
/// 20  order, with 20                       26  order, with 22
/// 21  the first key rotates to itself      27  her first key is rotated to 24
/// 22  a rotation ends 21 and introduces 23 28  her first key adds 25
///                                          29  order, with 25
/// ```
fn contradicting(seed: u64) -> Forge {
    let mut forge = chained(seed);
    let first = member_key(0);
    let key = ed25519_key;
    let drafts: [&dyn Fn(&mut Forge) -> Draft; 13] = [
        &|forge| forge.add_key(first, ANNA, &key(FULL), Rights::Full).with_event(&added()),
        &|forge| forge.order_by(&key(FULL), ANNA, 1),
        &|forge| forge.add_key(spare_key(), ANNA, &key(20), Rights::Full).with_event(&added()),
        &|forge| forge.order_by(&key(20), ANNA, 1),
        &|forge| forge.rotate_key(first, ANNA, first).with_event(&rotated()),
        &|forge| ending(forge, &key(21), &key(23)),
        &|forge| forge.add_key(first, ANNA, &key(21), Rights::Full).with_event(&added()),
        &|forge| forge.order_by(&key(21), ANNA, 1),
        &|forge| ending(forge, &key(22), &key(22)),
        &|forge| forge.order_by(&key(22), ANNA, 1),
        &|forge| forge.rotate_key(first, ANNA, &key(24)).with_event(&rotated()),
        &|forge| forge.add_key(first, ANNA, &key(25), Rights::Full).with_event(&added()),
        &|forge| forge.order_by(&key(25), ANNA, 1),
    ];
    for draft in drafts {
        let draft = draft(&mut forge);
        forge.push(&draft);
    }
    assert_eq!(forge.blocks.len(), 30);
    forge
}

/// What a stranger can see from the blocks of a receipt alone: the same blocks without the one that contradicts are good.
#[test]
fn both_verifiers_refuse_a_chain_that_contradicts_itself_by_the_same_name() {
    let forge = contradicting(90);
    let contradiction = Err("key_chain");
    let named = [
        ("FULL introduced once", Ok(()), 18, &[1, 17][..]),
        ("FULL introduced twice", contradiction, 18, &[1, 6, 17]),
        ("FULL introduced again by the block itself", contradiction, 17, &[1, 6, 7, 8]),
        ("FULL introduced by the block itself", Ok(()), 17, &[1]),
        ("the first key introduced again by the block itself", contradiction, 21, &[1]),
        ("the first key introduced again", contradiction, 29, &[1, 21, 28]),
        ("a key by one that ended", contradiction, 20, &[1, 6, 7, 8, 9, 19]),
        ("a key by one that ended, the end not shown", Ok(()), 20, &[1, 6, 7, 8, 19]),
        ("a key by the first one, which ended", contradiction, 29, &[1, 27, 28]),
        ("a key by the first one, the end not shown", Ok(()), 29, &[1, 28]),
        ("a key that ended before it came", contradiction, 24, &[1, 22, 23]),
        ("a key that came", Ok(()), 24, &[1, 23]),
        ("a key that ends with the block in which it comes", contradiction, 26, &[1, 25]),
        ("the block that ends another key", Ok(()), 22, &[1]),
        ("the end of the first key in the block itself", Ok(()), 27, &[1]),
    ];
    let receipts = named.map(|(name, expected, index, keys)| {
        (format!("{name}: block {index} over {keys:?}"), expected, receipt(&forge.blocks, index, keys))
    });
    judge(receipts.to_vec());
}

/// Keys come one in the other's place until the account may have no more.
#[test]
fn both_verifiers_count_the_keys_of_an_account_alike() {
    let mut forge = Forge::with_orders(82, 0);
    let mut newest = member_key(0).clone();
    for number in 100..164 {
        let next = ed25519_key(number);
        let mut draft = forge.rotate_key(&newest, ANNA, &next);
        if number == 163 {
            // The rules refuse the 65th key; a server that lies does not ask them.
            let rotated = ledgerd::domain::accounts::KeyRotated { standing: 1 };
            let event = ledgerd::domain::accounts::Event::KeyRotated(rotated);
            draft = draft.with_event(&ledgerd::domain::Event::Accounts(event));
        }
        forge.push(&draft);
        newest = next;
        if [162, 163].contains(&number) {
            let order = forge.order_by(&newest, ANNA, 1);
            forge.push(&order);
        }
    }
    let (last, most) = (forge.blocks.len() - 1, forge.blocks.len() - 3);
    let [longest, longer] = [most, last].map(|index| forge.key_blocks(index));
    assert_eq!((longest.len(), longer.len()), (64, 65));
    let repeated = |count: usize| longest.iter().copied().cycle().take(count).collect::<Vec<_>>();
    let named = vec![
        ("64 key blocks".to_owned(), Ok(()), receipt(&forge.blocks, most, &longest)),
        ("65 key blocks".to_owned(), Err("malformed_extra"), receipt(&forge.blocks, last, &longer)),
        ("255 key blocks".to_owned(), Err("malformed_extra"), receipt(&forge.blocks, most, &repeated(255))),
        ("256 key blocks".to_owned(), Err("malformed_extra"), receipt(&forge.blocks, most, &repeated(256))),
    ];
    judge(named);
}

/// Every receipt with one thing changed: parts, the extra data, lines of the text, and bytes of a block of the chain in a
/// tree that holds the changed block.
#[test]
fn both_verifiers_come_to_the_same_verdict_on_damaged_receipts_with_chains() {
    if !python_is_here() {
        return;
    }
    let rng = &mut Seeded::new(83);
    let forge = chained(84);
    let chosen = [10, 12, 9, 16];
    let mut cases: Vec<Case> = Vec::new();
    for (number, index) in chosen.into_iter().enumerate() {
        let (good, other) = (honest(&forge, index), honest(&forge, chosen[(number + 1) % chosen.len()]));
        let name = format!("block {index}");
        cases.extend(changed_receipts(&name, &good, &other, rng));
        cases.extend(lying_counts(&name, &good));
        if number < 2 {
            let damaged = damaged_text(good.to_text().as_bytes(), rng);
            cases.extend(damaged.into_iter().map(|(what, bytes)| (format!("{name}, {what}"), bytes)));
        }
    }
    let chain = forge.key_blocks(12);
    for &changed in &chain {
        for at in offsets(&forge.blocks[changed], rng) {
            let blocks = with_flipped(&forge.blocks, changed, at, rng);
            let text = receipt(&blocks, 12, &chain).to_text();
            cases.push((format!("block 12, byte {at} of block {changed} flipped"), text.into_bytes()));
        }
    }
    let proven = compare(&cases, &script("receipt", &cases, None), true, library);
    assert!(proven >= 4 * chosen.len() && cases.len() > 700, "{proven} of {}", cases.len());
}

/// The extra data with another number of key blocks, or of hashes of one, than follow.
fn lying_counts(name: &str, good: &Receipt) -> Vec<Case> {
    let text = good.to_text();
    let extra = text.lines().nth(1).unwrap().strip_prefix("extra ").unwrap();
    let bytes = Base64::decode_vec(extra).unwrap();
    let count = 22 + good.block.len();
    assert_eq!(usize::from(bytes[count]), good.keys.len());
    let hashes = count + 5 + good.keys[0].block.len();
    assert_eq!(usize::from(bytes[hashes]), good.keys[0].inclusion.0.len());
    let mut cases = Vec::new();
    for at in [count, hashes] {
        for said in [0, 1, 2, 3, 4, 5, 6, 7, 63, 64, 65, 128, 254, 255] {
            let mut lie = bytes.clone();
            lie[at] = said;
            let text = text.replace(extra, &Base64::encode_string(&lie));
            cases.push((format!("{name}, {said} for byte {at} of the extra data"), text.into_bytes()));
        }
    }
    cases
}
