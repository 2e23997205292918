//! Blocks that introduce keys as no honest server lets them stand, in a tree that a server has signed all the same.

use ledgerd::chain::Header;
use ledgerd::crypto::{LedgerId, SigningKey};
use ledgerd::domain::{AccountId, Command, Event, Rights, accounts};

use super::chains::{ANNA, FULL, Named, chained, judge};
use super::hostile::{ed25519_spkis, refused_keys};
use crate::forge::{Draft, Forge, device_key, ed25519_key, member_key, receipt, spare_key};

type Expected = Result<(), &'static str>;

/// A block of [`ANNA`]'s that is said to introduce [`new_key`], the indexes of the blocks that lead to the key which signs it,
/// and what has to be said of the receipt of an order signed with the new key, and of the block's own receipt.
pub(super) type Forgery = (String, Draft, &'static [usize], Expected, Expected);

const KEY_CHAIN: Expected = Err("key_chain");

/// A change of what M says.
type Change = fn(&mut Header, &mut Vec<u8>);

/// Where the custody and the label stand in a command with a key of Ed25519 and a label of 6 bytes.
const CUSTODY: usize = 45;
const LABEL: usize = 48;

/// How a receipt shows ANNA's first key, and the key of her device, which may only act.
const FIRST: &[usize] = &[1];
const DEVICE: &[usize] = &[1, 5];

/// The key that the forged blocks are about.
fn new_key() -> SigningKey {
    ed25519_key(20)
}

/// The event of a block that introduces a key.
pub(super) fn added() -> Event {
    Event::Accounts(accounts::Event::KeyAdded(accounts::KeyAdded { standing: 5 }))
}

/// The event of a block that puts a key in another's place.
pub(super) fn rotated() -> Event {
    Event::Accounts(accounts::Event::KeyRotated(accounts::KeyRotated { standing: 4 }))
}

fn add_key(forge: &mut Forge, change: impl FnOnce(&mut accounts::AddKey)) -> Draft {
    let mut add = forge.addition(ANNA, &new_key(), Rights::Full);
    change(&mut add);
    let command = Command::Accounts(accounts::Command::AddKey(add));
    forge.draft_by(member_key(0), ANNA, &command).with_event(&added())
}

fn rotate_key(forge: &mut Forge, change: impl FnOnce(&mut accounts::RotateKey)) -> Draft {
    let mut rotate = forge.rotation(ANNA, member_key(0).public().key_id(), &new_key());
    change(&mut rotate);
    let command = Command::Accounts(accounts::Command::RotateKey(rotate));
    forge.draft_by(member_key(0), ANNA, &command).with_event(&rotated())
}

/// A block that introduces the key, of which M says something else, signed anew with the key that is given.
fn said(forge: &mut Forge, key: &SigningKey, change: impl FnOnce(&mut Header, &mut Vec<u8>)) -> Draft {
    let (mut header, mut body) = add_key(forge, |_| ()).message_parts();
    header.key_id = key.public().key_id();
    change(&mut header, &mut body);
    forge.draft_message_by(key, &header, &body).with_event(&added())
}

/// Proofs that are not the new key's for this account of this ledger.
fn bad_proofs(forge: &mut Forge) -> Vec<(&'static str, Vec<u8>)> {
    let (new, other) = (new_key(), ed25519_key(21));
    let good = forge.key_proof(ANNA, &new);
    let signed = |ledger_id: LedgerId, account: AccountId, key: &SigningKey| {
        accounts::key_proof_bytes(ledger_id, account, &key.public().key_id())
    };
    let mut by = |key: &SigningKey, bytes: Vec<u8>| key.sign(&mut forge.rng, &[&bytes]).to_vec();
    let id = forge.ledger_id;
    vec![
        ("by another key", by(&other, signed(id, ANNA, &new))),
        ("of another key, for itself", by(&other, signed(id, ANNA, &other))),
        ("by the key that introduces it", by(member_key(0), signed(id, ANNA, &new))),
        ("for another account", by(&new, signed(id, AccountId(2), &new))),
        ("for no account", by(&new, signed(id, AccountId::NONE, &new))),
        ("for another ledger", by(&new, signed(LedgerId([9; 32]), ANNA, &new))),
        ("for another key", by(&new, signed(id, ANNA, &other))),
        ("over a byte more", by(&new, [&signed(id, ANNA, &new)[..], &[0]].concat())),
        ("of no bytes", vec![]),
        ("of 63 bytes", good[..63].to_vec()),
        ("of 65 bytes", [&good[..], &[0]].concat()),
        ("of zeros", vec![0; 64]),
        ("as long as RSA's", vec![0; 384]),
    ]
}

fn forged_proofs(forge: &mut Forge) -> Vec<Forgery> {
    let mut all = Vec::new();
    for (name, proof) in bad_proofs(forge) {
        let draft = add_key(forge, |add| add.proof.clone_from(&proof));
        all.push((format!("added with a proof {name}"), draft, FIRST, KEY_CHAIN, KEY_CHAIN));
        let draft = rotate_key(forge, |rotate| rotate.proof = proof);
        all.push((format!("rotated with a proof {name}"), draft, FIRST, KEY_CHAIN, KEY_CHAIN));
    }
    all
}

/// Keys of neither kind, and keys of Ed25519 that a lenient program takes.
fn forged_policies(forge: &mut Forge) -> Vec<Forgery> {
    let refused = refused_keys().into_iter().filter(|(name, _)| *name != "ed25519");
    let refused = refused.map(|(name, spki)| (name.to_owned(), spki)).chain(ed25519_spkis());
    let mut all = Vec::new();
    for (name, spki) in refused {
        let invalid = Err("invalid_key");
        let draft = add_key(forge, |add| add.spki.clone_from(&spki));
        all.push((format!("added: {name}"), draft, FIRST, invalid, invalid));
        let draft = rotate_key(forge, |rotate| rotate.spki = spki);
        all.push((format!("rotated: {name}"), draft, FIRST, invalid, invalid));
    }
    all
}

/// Blocks whose event is another one than that of a block which introduces a key. Such a block introduces none.
fn forged_events(forge: &mut Forge) -> Vec<Forgery> {
    let good = add_key(forge, |_| ());
    let events = [
        ("of an order", vec![0, 1, 0, 16, 5]),
        ("of a registration", vec![0, 1, 0, 1, 1]),
        ("of a rotation", vec![0, 1, 0, 6, 5]),
        ("of another schema", vec![0, 2, 0, 4, 5]),
        ("without a number", vec![0, 1, 0, 4]),
        ("with a padded number", vec![0, 1, 0, 4, 0x85, 0]),
        ("with a byte more", vec![0, 1, 0, 4, 5, 0]),
        ("of three bytes", vec![0, 1, 0]),
        ("of no bytes", vec![]),
    ];
    let mut all: Vec<Forgery> = events
        .into_iter()
        .map(|(name, event)| {
            let draft = Draft { event, ..good.clone() };
            (format!("with an event {name}"), draft, FIRST, KEY_CHAIN, Ok(()))
        })
        .collect();
    let counted = Draft { event: vec![0, 1, 0, 4, 99], ..good };
    all.push((
        "that counts keys otherwise, which a receipt does not".to_owned(),
        counted,
        FIRST,
        Ok(()),
        Ok(()),
    ));
    all
}

/// Blocks whose command has not the one form of a command that introduces a key.
fn forged_forms(forge: &mut Forge) -> Vec<Forgery> {
    let no_key: &[(&str, Change)] = &[
        ("with an unknown custody", |_, body| body[CUSTODY] = 3),
        ("with an unknown right", |_, body| body[CUSTODY + 1] = 2),
        ("with a padded custody", |_, body| drop(body.splice(CUSTODY..=CUSTODY, [0x82, 0]))),
        ("with a label that is not text", |_, body| body[LABEL] = 0xff),
        ("with a padded length", |_, body| drop(body.splice(..1, [0xac, 0]))),
        ("with a byte more", |_, body| body.push(0)),
        ("with a byte less", |_, body| _ = body.pop()),
        ("with half a credential", |_, body| *body.last_mut().unwrap() = 1),
        ("with an unknown option", |_, body| *body.last_mut().unwrap() = 2),
        ("with an epoch of 33 bits", |_, body| {
            body.pop();
            body.extend([1, 0x80, 0x80, 0x80, 0x80, 0x10].into_iter().chain([7; 32]));
        }),
        ("with a padded epoch", |_, body| {
            body.pop();
            body.extend([1, 0x81, 0].into_iter().chain([7; 32]));
        }),
        ("of another schema", |header, _| header.tag.schema = 2),
        ("of the kind of a rotation", |header, _| header.tag.kind = 6),
        ("of the kind of an end", |header, _| header.tag.kind = 5),
        ("of an unknown kind", |header, _| header.tag.kind = 99),
    ];
    let mut all: Vec<Forgery> = Vec::new();
    for (name, change) in no_key {
        let draft = said(forge, member_key(0), change);
        all.push(((*name).to_owned(), draft, FIRST, KEY_CHAIN, Ok(())));
    }
    let draft = said(forge, member_key(0), |_, _| ());
    all.push(("as it should be".to_owned(), draft, FIRST, Ok(()), Ok(())));
    all.push(("rotated as it should be".to_owned(), rotate_key(forge, |_| ()), FIRST, Ok(()), Ok(())));
    let draft = rotate_key(forge, |rotate| rotate.ends.0[0] ^= 1);
    all.push(("rotated for a key that did not sign it".to_owned(), draft, FIRST, Ok(()), Ok(())));
    all
}

/// Blocks that only the rules refuse. Neither verifier asks them.
fn refused_by_rules(forge: &mut Forge) -> Vec<Forgery> {
    let changes: &[(&str, Change)] = &[
        ("with a credential that it may not have", |_, body| {
            body.pop();
            body.extend([1, 0xff, 0xff, 0xff, 0xff, 0x0f].into_iter().chain([7; 32]));
        }),
        ("in custody of the server", |_, body| body[CUSTODY] = 1),
        ("with a label of blanks", |_, body| body[LABEL..LABEL + 6].fill(b' ')),
    ];
    let drafts =
        changes.iter().map(|(name, change)| ((*name).to_owned(), said(forge, member_key(0), change)));
    drafts.map(|(name, draft)| (name, draft, FIRST, Ok(()), Ok(()))).collect()
}

/// Blocks that introduce a key for an account which has not asked for it.
fn forged_authors(forge: &mut Forge) -> Vec<Forgery> {
    let (first, device, new) = (member_key(0), device_key(0), new_key());
    let bert = AccountId(2);
    let both = |name: &str, draft, expected| (name.to_owned(), draft, FIRST, expected, expected);
    let good = add_key(forge, |_| ());
    let other = add_key(forge, |_| ());
    let by_bert = forge.draft_message_by(member_key(1), &good.message_parts().0, &good.message_parts().1);
    let act = forge.add_key(device, ANNA, &new, Rights::Full).with_event(&added());
    let act_rotates = forge.rotate_key(device, ANNA, &new).with_event(&rotated());
    let by_full = forge.add_key(&ed25519_key(FULL), ANNA, &new, Rights::Full).with_event(&added());
    let by_itself = forge.add_key(&new, ANNA, &new, Rights::Full).with_event(&added());
    let elsewhere = said(forge, first, |header, _| header.ledger_id = LedgerId([9; 32]));
    let another = said(forge, first, |header, _| header.account = bert);
    vec![
        both(
            "with another's signature",
            Draft { signature: by_bert.signature, ..good.clone() },
            Err("bad_signature"),
        ),
        both(
            "with another block's signature",
            Draft { signature: other.signature, ..good.clone() },
            Err("bad_signature"),
        ),
        both(
            "with a signature of zeros",
            Draft { signature: vec![0; 384], ..good.clone() },
            Err("bad_signature"),
        ),
        both("with a short one", Draft { signature: vec![0; 64], ..good.clone() }, Err("bad_signature")),
        both("with none", Draft { signature: vec![], ..good.clone() }, Err("malformed_block")),
        both("with another author", Draft { author: bert, ..good.clone() }, Err("other_author")),
        both("with no author", Draft { author: AccountId::NONE, ..good }, Err("other_author")),
        both("for another account", Draft { author: ANNA, ..another.clone() }, Err("other_author")),
        both("of another account", another, Err("other_author")),
        both("for another ledger", elsewhere, Err("other_ledger")),
        ("signed by a key that may only act".to_owned(), act, DEVICE, KEY_CHAIN, Ok(())),
        ("in the place of a key that may only act".to_owned(), act_rotates, DEVICE, KEY_CHAIN, Ok(())),
        ("signed by a key that is not shown".to_owned(), by_full, FIRST, KEY_CHAIN, Err("other_author")),
        ("signed by the key that it introduces".to_owned(), by_itself, FIRST, KEY_CHAIN, Err("other_author")),
    ]
}

/// A registration in the author's own name would introduce a key without a proof.
fn own_registration(forge: &mut Forge) -> Forgery {
    let (public_key, handle) = (spare_key().public().spki().to_vec(), "anna".to_owned());
    let register = accounts::Command::Register(accounts::Register { handle, public_key });
    let event = Event::Accounts(accounts::Event::Registered(accounts::Registered { account: ANNA }));
    let draft = forge.draft_by(member_key(0), ANNA, &Command::Accounts(register)).with_event(&event);
    ("that registers ANNA's account again".to_owned(), draft, FIRST, KEY_CHAIN, Ok(()))
}

/// All blocks of this file which are wrong in more than the rules, and good ones between them. They come behind the blocks of
/// the forge, each as the only one.
pub(super) fn forgeries(forge: &mut Forge) -> Vec<Forgery> {
    let mut all = Vec::new();
    for forged in [forged_proofs, forged_policies, forged_events, forged_forms, forged_authors] {
        all.extend(forged(forge));
    }
    all.push(own_registration(forge));
    all
}

#[test]
fn both_verifiers_judge_a_forged_introduction_of_a_key_by_the_same_name() {
    let forge = chained(85);
    let mut named: Vec<Named> = Vec::new();
    let mut scratch = forge.clone();
    let all = [forgeries(&mut scratch), refused_by_rules(&mut scratch)].concat();
    for (name, draft, leads, in_chain, itself) in all {
        let mut forge = forge.clone();
        let at = forge.blocks.len();
        forge.push(&draft);
        let signer = if name.contains("registers") { spare_key().clone() } else { new_key() };
        let order = forge.order_by(&signer, ANNA, 1);
        forge.push(&order);
        let chain = [leads, &[at]].concat();
        named.push((format!("an order with a key {name}"), in_chain, receipt(&forge.blocks, at + 1, &chain)));
        named.push((format!("a key {name}"), itself, receipt(&forge.blocks, at, leads)));
    }
    assert!(named.len() > 200, "{}", named.len());
    judge(named);
}

#[test]
fn both_verifiers_judge_what_only_several_blocks_show_by_the_same_name() {
    let (device, new, full) = (device_key(0), new_key(), ed25519_key(FULL));
    let mut named: Vec<Named> = Vec::new();
    // A key keeps the rights that it was introduced with.
    let mut forge = chained(86);
    let again = forge.add_key(member_key(0), ANNA, device, Rights::Full).with_event(&added());
    forge.push(&again);
    let by_device = forge.add_key(device, ANNA, &new, Rights::Full).with_event(&added());
    forge.push(&by_device);
    let order = forge.order_by(&new, ANNA, 1);
    forge.push(&order);
    for (keys, expected) in
        [(&[1, 5, 17, 18][..], KEY_CHAIN), (&[1, 17, 18], Ok(())), (&[1, 5, 18], KEY_CHAIN)]
    {
        named.push((
            format!("a key of more rights over {keys:?}"),
            expected,
            receipt(&forge.blocks, 19, keys),
        ));
    }
    // That a key has not ended before is the ledger's word.
    let mut forge = chained(87);
    let after = forge.add_key(&full, ANNA, &new, Rights::Full).with_event(&added());
    forge.push(&after);
    let order = forge.order_by(&full, ANNA, 1);
    forge.push(&order);
    let order = forge.order_by(&new, ANNA, 1);
    forge.push(&order);
    for (index, keys) in [(17, &[1, 6][..]), (18, &[1, 6]), (19, &[1, 6, 17])] {
        named.push((format!("block {index} with an ended key"), Ok(()), receipt(&forge.blocks, index, keys)));
    }
    // A key signs nothing before it comes.
    let mut forge = chained(89);
    let order = forge.order_by(&new, ANNA, 1);
    forge.push(&order);
    let good = forge.add_key(member_key(0), ANNA, &new, Rights::Full);
    forge.push(&good);
    let order = forge.order_by(&new, ANNA, 1);
    forge.push(&order);
    for (index, expected) in [(17, KEY_CHAIN), (19, Ok(()))] {
        let receipt = receipt(&forge.blocks, index, &[1, 18]);
        named.push((format!("block {index} with a key of block 18"), expected, receipt));
    }
    // An account begins with a key of RSA.
    let mut forge = chained(88);
    let (mut header, _) = forge.registration(0, "dora").message_parts();
    header.key_id = new.public().key_id();
    let register = accounts::Register { handle: "dora".to_owned(), public_key: new.public().spki().to_vec() };
    let (_, body) = Command::Accounts(accounts::Command::Register(register)).encode();
    let event = Event::Accounts(accounts::Event::Registered(accounts::Registered { account: AccountId(4) }));
    let registration = forge.draft_message_by(&new, &header, &body).with_event(&event);
    forge.push(&registration);
    let order = forge.order_by(&new, AccountId(4), 1);
    forge.push(&order);
    for (index, keys) in [(17, &[][..]), (18, &[17])] {
        let receipt = receipt(&forge.blocks, index, keys);
        named.push((format!("block {index} of an account of Ed25519"), Err("invalid_key"), receipt));
    }
    judge(named);
}
