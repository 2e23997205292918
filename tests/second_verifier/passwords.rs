//! Ledgers with members who joined with a profile, and with keys that passwords fetch.

use ledgerd::chain::{Block, Header, Message};
use ledgerd::codec;
use ledgerd::crypto::SigningKey;
use ledgerd::crypto::sealed::{Leaf, ScopeId};
use ledgerd::domain::accounts::{self, CredentialCommit, CredentialVia, Custody, Join};
use ledgerd::domain::{AccountId, Command, Event, Rights};

use super::ledgers::{NextBlock, export, judge_next_blocks, library};
use super::receipts::library as library_of_receipts;
use super::sealed::check_leaves;
use super::{Case, compare, damaged_text, offsets, python_is_here, script, with_flipped};
use crate::forge::persons::Said;
use crate::forge::{Draft, Forge, Seeded, device_key, ed25519_key, member_key, receipt, spare_key};

const ANNA: AccountId = AccountId(1);
const BERT: AccountId = AccountId(2);
const CLEO: AccountId = AccountId(3);
const DORA: AccountId = AccountId(4);

/// The block in which DORA joins.
const DORA_AT: usize = 4;

/// What DORA says when she joins.
const SAID: Said<'static> = Said { texts: ["Dóra Nagy", "dora@example.org"], scope_key: [4; 32] };

/// Changes a join before it is signed.
type Change = fn(&mut Header, &mut Join);

/// The trace of a password.
fn password(epoch: u32) -> CredentialCommit {
    CredentialCommit { epoch, commit: [epoch as u8; 32] }
}

/// The key that DORA has in the place of her first one, and the one that ANNA's newest password fetches.
fn doras() -> SigningKey {
    ed25519_key(71)
}

fn annas() -> SigningKey {
    ed25519_key(73)
}

/// ANNA and BERT register, CLEO joins with a key in a file.
fn before() -> Forge {
    let mut forge = Forge::new(70);
    for (member, handle) in ["anna", "bert"].into_iter().enumerate() {
        let draft = forge.registration(member, handle);
        forge.push(&draft);
    }
    let said = Said { texts: ["Cleo", "cleo@example.org"], scope_key: [3; 32] };
    let (draft, _) = forge.joining(member_key(2), "cleo", (Custody::File, None), &said);
    forge.push(&draft);
    forge
}

/// DORA joins with a key that a password fetches.
fn doras_join(forge: &mut Forge) -> (Draft, [Leaf; 2]) {
    forge.joining(spare_key(), "dora", (Custody::Roaming, Some([1; 32])), &SAID)
}

/// A ledger with every kind of block that brings a password, and with the leaves of what DORA said when she joined.
fn ledger() -> (Forge, [Leaf; 2]) {
    let mut forge = before();
    let (joins, leaves) = doras_join(&mut forge);
    forge.push(&joins);
    let scope = joins.message_parts().0.opened_scope();
    let other = Said { texts: ["Dora", "d@example.org"], ..SAID };
    let anna = Said { texts: ["Anna", "anna@example.org"], scope_key: [1; 32] };
    let (first, newest, ended) = ((spare_key(), DORA), (&doras(), DORA), (&ed25519_key(72), ANNA));
    let anna_by_file = (member_key(0), ANNA);
    let drafts: [&dyn Fn(&mut Forge) -> Draft; 13] = [
        &|forge| forge.order_by(spare_key(), DORA, 3),
        &|forge| forge.set_credential(first, password(2), CredentialVia::Password),
        &|forge| forge.set_credential(first, password(3), CredentialVia::Recovery),
        &|forge| forge.profile(first, Some(scope), &other, Some(password(4))).0,
        &|forge| forge.rotate_to_roaming_key(first, newest.0, password(5)),
        &|forge| forge.set_credential(newest, password(6), CredentialVia::Password),
        &|forge| forge.order_by(newest.0, DORA, 4),
        &|forge| forge.profile(anna_by_file, None, &anna, None).0,
        &|forge| forge.add_roaming_key(anna_by_file, ended.0, password(1)),
        &|forge| forge.set_credential(ended, password(2), CredentialVia::Recovery),
        &|forge| forge.end_key(member_key(0), ANNA, ended.0),
        &|forge| forge.add_roaming_key(anna_by_file, &annas(), password(3)),
        &|forge| forge.add_key(member_key(0), ANNA, device_key(0), Rights::Act),
    ];
    for draft in drafts {
        let draft = draft(&mut forge);
        forge.push(&draft);
    }
    let state = &forge.state().accounts;
    let epochs = [ANNA, BERT, CLEO, DORA].map(|it| state.credential(it).map(|it| it.commit.epoch));
    assert_eq!(epochs, [Some(3), None, None, Some(6)], "the rules took every command");
    (forge, leaves)
}

/// DORA's join with a change to it, signed with a key; the event is that of the good one.
fn changed_join(forge: &mut Forge, key: &SigningKey, change: Change) -> Draft {
    let (draft, _) = doras_join(&mut forge.clone());
    let (mut header, body) = draft.message_parts();
    let Ok(Command::Accounts(accounts::Command::Join(mut join))) = Command::decode(header.tag, &body) else {
        unreachable!("it was made by the forge")
    };
    change(&mut header, &mut join);
    let changed = forge.draft_message_by(key, &header, &codec::encode(&join));
    Draft { event: draft.event, ..changed }
}

fn event(event: accounts::Event) -> Event {
    Event::Accounts(event)
}

fn replaces(draft: Draft, replaces: u64) -> Draft {
    draft.with_event(&event(accounts::Event::CredentialSet(accounts::CredentialSet { replaces })))
}

/// DORA says who she is, in the scope that she has.
fn doras_profile(forge: &mut Forge, credential: Option<CredentialCommit>) -> Draft {
    let scope = opened_by(forge, DORA_AT);
    forge.profile((&doras(), DORA), Some(scope), &SAID, credential).0
}

/// The event of a profile after three scopes were opened.
fn said(draft: Draft) -> Draft {
    draft.with_event(&event(accounts::Event::ProfileSet(accounts::ProfileSet { scopes: 3 })))
}

/// The scope that a block opened.
fn opened_by(forge: &Forge, index: usize) -> ScopeId {
    let block = Block::parse(&forge.blocks[index]).unwrap();
    Message::parse(block.message).unwrap().header.opened_scope()
}

/// Blocks in the place of DORA's join, and whether each is good.
fn joins() -> Vec<NextBlock> {
    let mut all: Vec<NextBlock> = Vec::new();
    let mut add = |name, good, forgery: fn(&mut Forge) -> Draft| all.push((name, good, Box::new(forgery)));
    add("a join", true, |forge| doras_join(forge).0);
    add("a join that nothing was changed in", true, |forge| changed_join(forge, spare_key(), |_, _| ()));
    add("a join that another key signed", false, |forge| changed_join(forge, member_key(0), |_, _| ()));
    add("a join that says another key signed it", false, |forge| {
        changed_join(forge, spare_key(), |header, _| header.key_id = member_key(0).public().key_id())
    });
    add("a join by a member", false, |forge| {
        changed_join(forge, member_key(1), |header, _| {
            (header.account, header.key_id) = (BERT, member_key(1).public().key_id());
        })
    });
    add("a join with a key that there is", false, |forge| {
        changed_join(forge, member_key(0), |header, join| {
            header.key_id = member_key(0).public().key_id();
            join.public_key = member_key(0).public().spki().to_vec();
        })
    });
    add("a join with a key of Ed25519", false, |forge| {
        changed_join(forge, device_key(1), |header, join| {
            header.key_id = device_key(1).public().key_id();
            join.public_key = device_key(1).public().spki().to_vec();
        })
    });
    add("a join with a text of another length", false, |forge| {
        changed_join(forge, spare_key(), |_, join| join.name.text.push(0))
    });
    add("a join as another account", false, |forge| {
        let registered = accounts::Registered { account: AccountId(5) };
        doras_join(forge).0.with_event(&event(accounts::Event::Registered(registered)))
    });
    add("a join with the event of a password", false, |forge| replaces(doras_join(forge).0, 4));
    all
}

/// Blocks behind those of [`ledger`], and whether each is good. The event is that of a good one, so that nothing but who may
/// bring which password gives them away.
fn next_blocks() -> Vec<NextBlock> {
    let mut all: Vec<NextBlock> = Vec::new();
    let mut add = |name, good, forgery: fn(&mut Forge) -> Draft| all.push((name, good, Box::new(forgery)));
    add("a password", true, |forge| {
        forge.set_credential((&doras(), DORA), password(7), CredentialVia::Password)
    });
    add("a password by recovery", true, |forge| {
        forge.set_credential((&annas(), ANNA), password(4), CredentialVia::Recovery)
    });
    add("a password with a number that was", false, |forge| {
        let draft = forge.set_credential((&doras(), DORA), password(6), CredentialVia::Password);
        replaces(draft, 10)
    });
    add("a password with a number too high", false, |forge| {
        let draft = forge.set_credential((&doras(), DORA), password(8), CredentialVia::Password);
        replaces(draft, 10)
    });
    add("a password that replaces the one before the newest", false, |forge| {
        replaces(forge.set_credential((&doras(), DORA), password(7), CredentialVia::Password), 9)
    });
    add("a password that the ended key signed", false, |forge| {
        replaces(forge.set_credential((spare_key(), DORA), password(7), CredentialVia::Password), 10)
    });
    add("a password that another's key signed", false, |forge| {
        replaces(forge.set_credential((&annas(), DORA), password(7), CredentialVia::Password), 10)
    });
    add("a password that another key of the account signed", false, |forge| {
        let (key_id, via) = (annas().public().key_id(), CredentialVia::Password);
        let set = accounts::SetCredential { key_id, epoch: 4, commit: [4; 32], via };
        let command = Command::Accounts(accounts::Command::SetCredential(set));
        replaces(forge.draft_by(member_key(0), ANNA, &command), 16)
    });
    add("a password that a key that may act signed", false, |forge| {
        replaces(forge.set_credential((device_key(0), ANNA), password(4), CredentialVia::Password), 16)
    });
    add("a password of somebody who has none", false, |forge| {
        replaces(forge.set_credential((member_key(1), BERT), password(1), CredentialVia::Password), 0)
    });
    add("a profile with a password", true, |forge| doras_profile(forge, Some(password(7))));
    add("a profile without a password", true, |forge| doras_profile(forge, None));
    add("a profile with a password with another number", false, |forge| {
        said(doras_profile(forge, Some(password(9))))
    });
    add("a profile with a password of somebody who has none", false, |forge| {
        let (key, scope) = ((member_key(2), CLEO), opened_by(forge, 3));
        said(forge.profile(key, Some(scope), &SAID, Some(password(1))).0)
    });
    add("a profile with a password after the key ended", false, |forge| {
        let draft = forge.end_key(member_key(0), ANNA, &annas());
        forge.push(&draft);
        let scope = opened_by(forge, 12);
        said(forge.profile((member_key(0), ANNA), Some(scope), &SAID, Some(password(4))).0)
    });
    add("a key rotated to one that a password fetches", true, |forge| {
        forge.rotate_to_roaming_key((&doras(), DORA), &ed25519_key(74), password(7))
    });
    add("a key rotated to one in a file", true, |forge| forge.rotate_key(&doras(), DORA, &ed25519_key(74)));
    add("a key rotated with a password with another number", false, |forge| {
        let draft = forge.rotate_to_roaming_key((&doras(), DORA), &ed25519_key(74), password(1));
        draft.with_event(&event(accounts::Event::KeyRotated(accounts::KeyRotated { standing: 1 })))
    });
    add("a key added that a password fetches", true, |forge| {
        forge.add_roaming_key((member_key(2), CLEO), &ed25519_key(74), password(1))
    });
    add("a key added with a password with another number", false, |forge| {
        let draft = forge.add_roaming_key((member_key(2), CLEO), &ed25519_key(74), password(2));
        draft.with_event(&event(accounts::Event::KeyAdded(accounts::KeyAdded { standing: 2 })))
    });
    add("a key ended that a password fetches", true, |forge| forge.end_key(member_key(0), ANNA, &annas()));
    add("an order with a key that a password fetches", true, |forge| forge.order_by(&annas(), ANNA, 1));
    all
}

#[test]
fn both_verifiers_let_a_password_come_with_the_key_that_it_fetches_and_in_its_order() {
    let (before, (forge, _)) = (before(), ledger());
    let in_place_of_the_join = joins().into_iter().map(|it| (&before, it));
    judge_next_blocks(in_place_of_the_join.chain(next_blocks().into_iter().map(|it| (&forge, it))), 1);
}

#[test]
fn both_verifiers_come_to_the_same_verdict_on_every_ledger_with_passwords() {
    if !python_is_here() {
        return;
    }
    let rng = &mut Seeded::new(75);
    let (forge, _) = ledger();
    let blocks = &forge.blocks;
    let good = export(blocks, blocks);
    let mut cases = vec![("the ledger".to_owned(), good.clone())];
    cases.extend(damaged_text(&good, rng));
    let lines = String::from_utf8(good).unwrap();
    for (from, to) in [
        ("\"set_credential\"", "\"set_profile\""),
        ("\"custody\":\"roaming\"", "\"custody\":\"file\""),
        ("\"custody\":\"file\",\"scope_key\"", "\"custody\":\"roaming\",\"scope_key\""),
        ("\"via\":\"password\"", "\"via\":\"recovery\""),
        ("\"via\":\"recovery\"", "\"via\":\"password\""),
        ("\"epoch\":\"1\"", "\"epoch\":\"2\""),
        ("\"epoch\":\"6\"", "\"epoch\":6"),
        ("\"epoch\":\"3\",", ""),
        ("\"commit\":\"0", "\"commit\":\"1"),
        ("\"scope_key\":\"", "\"scope\":\""),
    ] {
        assert!(lines.contains(from), "{from}");
        cases.push((format!("{to} instead of {from}"), lines.replacen(from, to, 1).into_bytes()));
    }
    // The event of a profile says how many scopes there are, which is for the rules alone.
    let chosen = (3..blocks.len()).filter(|&index| {
        let message = Block::parse(&blocks[index]).unwrap().message;
        [1, 4, 6, 7].contains(&Message::parse(message).unwrap().header.tag.kind)
    });
    for index in chosen {
        for at in offsets(&blocks[index], rng).into_iter().step_by(3) {
            let changed = with_flipped(&blocks[..=index], index, at, rng);
            cases.push((format!("byte {at} of the last block, {index}, flipped"), export(&changed, blocks)));
        }
    }
    let proven = compare(&cases, &script("ledger", &cases, None), false, |bytes| library(bytes, None));
    assert!(proven >= 3 && cases.len() > 400, "{proven} of {}", cases.len());
}

/// A receipt does not say whether the rules allow a block, only whose it is.
#[test]
fn both_verifiers_say_the_same_of_receipts_of_who_joined_with_a_profile() {
    let rng = &mut Seeded::new(76);
    let (before, (forge, _)) = (before(), ledger());
    let mut cases: Vec<Case> = Vec::new();
    for index in [3, DORA_AT, 5, 10, 11, 14] {
        let keys = if index <= DORA_AT { vec![] } else { forge.key_blocks(index) };
        let text = receipt(&forge.blocks, index, &keys).to_text();
        assert_eq!(library_of_receipts(text.as_bytes()), Ok(()), "block {index}");
        cases.push((format!("of block {index}"), text.into_bytes()));
    }
    let good = cases.len();
    cases.extend(damaged_text(&cases[1].1.clone(), rng));
    let mut add = |name: &str, draft: &Draft| {
        let blocks = [&before.blocks[..], &[draft.encode()]].concat();
        cases.push((name.to_owned(), receipt(&blocks, DORA_AT, &[]).to_text().into_bytes()));
    };
    for (name, _, draft) in joins() {
        add(name, &draft(&mut before.clone()));
    }
    let odd: [(&str, Change); 3] = [
        ("in a device", |_, join| join.custody = Custody::Device),
        ("in a file, with a password", |_, join| join.custody = Custody::File),
        ("without a password", |_, join| join.commit = None),
    ];
    for (name, change) in odd {
        add(name, &changed_join(&mut before.clone(), spare_key(), change));
    }
    let (join, _) = doras_join(&mut before.clone());
    let (header, body) = join.message_parts();
    for (name, body) in
        [("cut off", body[..body.len() - 1].to_vec()), ("lengthened", [&body[..], &[0]].concat())]
    {
        let changed = before.clone().draft_message_by(spare_key(), &header, &body);
        add(name, &Draft { event: join.event.clone(), ..changed });
    }
    if python_is_here() {
        let verdicts = script("receipt", &cases, None);
        let proven = compare(&cases, &verdicts, true, library_of_receipts);
        assert!(verdicts[..good].iter().all(Result::is_ok));
        assert!((good + 5..cases.len() / 2).contains(&proven), "{proven} of {}", cases.len());
    }
}

#[test]
fn a_leaf_opens_what_somebody_said_who_joined() {
    let (mut forge, leaves) = ledger();
    check_leaves(&receipt(&forge.blocks, DORA_AT, &[]), &leaves, SAID.texts);
    let scope = opened_by(&forge, DORA_AT);
    let (draft, leaves) = forge.profile((&doras(), DORA), Some(scope), &SAID, None);
    forge.push(&draft);
    let (index, said) = (forge.blocks.len() - 1, SAID.texts);
    check_leaves(&receipt(&forge.blocks, index, &forge.key_blocks(index)), &leaves, said);
}
