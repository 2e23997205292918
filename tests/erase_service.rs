//! Erasures at the service: what is destroyed before anybody hears of one, and what anybody may ask afterwards.

use std::cell::RefCell;
use std::io::ErrorKind;

use ledgerd::chain::{Block, Erasure, LeafHash, block_hash};
use ledgerd::domain::accounts::{self, Erase, EraseReason};
use ledgerd::domain::{AccountId, Command, Fact};
use ledgerd::eventlog::Fault;
use ledgerd::wire::{ErasureProof, Reply, Request};

use crate::hostile_disk::every_failure;
use crate::profile_service::{HERE, TEXTS, accepted, key, said, side, submit, world};
use crate::service_world::{Client, START_MS, Signed, World, log_key, refused};

const BOB: AccountId = AccountId(2);

/// A ledger on which bob, the second member, has said who he is.
fn with_profile() -> (World, Client) {
    let mut world = world();
    let mut bob = world.member(HERE, 1);
    let command = said(&world, 1, None, &key(1), TEXTS);
    let signed = world.command(1, START_MS + 1_000, &command, true);
    accepted(submit(&mut world, &mut bob, &signed, &side(&key(1))));
    (world, bob)
}

/// The operator erases bob, who has money left.
fn erasure(world: &mut World) -> Signed {
    let erase = Erase { account: BOB, reason: EraseReason::Requested, force: true };
    world.command(0, START_MS + 1_000, &Command::Accounts(accounts::Command::Erase(erase)), true)
}

fn proof(world: &mut World, client: &mut Client, account: u64) -> ErasureProof {
    match world.ask(client, &Request::Erasure(AccountId(account))) {
        Reply::Erasure(proof) => proof,
        other => panic!("{other:?}"),
    }
}

/// Whether something lies in a slot of the vault.
fn holds_secrets(world: &World) -> bool {
    world.disk.bytes("vault/slots").unwrap()[8_192..].iter().any(|byte| *byte != 0)
}

#[test]
fn an_erasure_ends_the_sessions_destroys_the_key_and_is_proven_to_anybody() {
    let (mut world, mut bob) = with_profile();
    let (mut alice, mut stranger) = (world.member(HERE, 0), world.stranger(HERE));
    assert!(holds_secrets(&world));
    assert_eq!(refused(world.ask(&mut stranger, &Request::Erasure(BOB))), "not_erased");
    let signed = erasure(&mut world);
    let (block, _) = accepted(world.submit(&mut alice, &signed));
    assert!(!holds_secrets(&world));
    world.exchange(&mut bob);
    assert!(!bob.is_open, "his session has ended");
    assert!(!world.member(HERE, 1).is_open, "his key opens none");

    let told = proof(&mut world, &mut stranger, BOB.0);
    let parsed = Block::parse(&told.block).unwrap();
    let note = Erasure::of_note(&told.erasure, log_key().public()).unwrap();
    let expected = Erasure {
        origin: "service.example/ledger".to_owned(),
        ledger_id: world.ledger_id(),
        block,
        hash: block_hash(&told.block),
        subject: BOB,
        destroyed: 1,
        vault: note.vault,
        time: parsed.timestamp.to_string(),
    };
    assert_eq!((&note, note.vault > 0), (&expected, true));
    let checkpoint = ledgerd::chain::Checkpoint::of_note(&told.note, log_key().public()).unwrap();
    let leaf = LeafHash::of_block(&told.block);
    told.inclusion.check(checkpoint.size, checkpoint.root, block, leaf).unwrap();

    assert_eq!(refused(world.ask(&mut stranger, &Request::Erasure(AccountId(1)))), "not_erased");
    assert_eq!(refused(world.ask(&mut stranger, &Request::Erasure(AccountId(99)))), "invalid_user");
    // A second erasure names the block of the first.
    let again = erasure(&mut world);
    let Reply::Refused(refusal) = world.submit(&mut alice, &again) else { panic!("erased twice") };
    assert_eq!((refusal.name.as_str(), refusal.facts[1].clone()), ("erased", (Fact::Block, block.into())));
    // The same command sent again has its receipt.
    assert_eq!(accepted(world.submit(&mut alice, &signed)), (block, true));
}

#[test]
fn a_profile_and_an_erasure_of_one_batch_leave_nothing_behind() {
    let mut world = world();
    let (mut alice, mut bob) = (world.member(HERE, 0), world.member(HERE, 1));
    let command = said(&world, 1, None, &key(1), TEXTS);
    let profile = world.command(1, START_MS + 1_000, &command, true);
    let beside = side(&key(1));
    let erase = erasure(&mut world);
    world.send(&mut bob, 1, &profile.request_with(&beside));
    world.send(&mut alice, 1, &erase.request());
    // Both arrive in one turn; their signatures are checked in the next.
    world.carry(&mut bob);
    world.carry(&mut alice);
    for _ in 0..8 {
        world.turn();
        world.hear(&mut bob);
        world.hear(&mut alice);
    }
    let (profile_at, _) = accepted(bob.replies.remove(0).1);
    let (erased_at, _) = accepted(alice.replies.remove(0).1);
    assert_eq!(erased_at, profile_at + 1);
    assert!(!holds_secrets(&world));
}

/// Erases bob while this call of the disk, counted from the command on, finds no room. Gives in how many turns the block stood
/// and nobody was told; none if the process ended.
fn turns_unanswered(call: u64) -> Option<u64> {
    let (mut world, _bob) = with_profile();
    let mut alice = world.member(HERE, 0);
    let signed = erasure(&mut world);
    world.send(&mut alice, 1, &signed.request());
    world.carry(&mut alice);
    let before = world.service.ledger().committed().size;
    world.disk.fail_call(world.disk.calls() + call, Fault::Error(ErrorKind::StorageFull));
    let mut unanswered = 0;
    for _ in 0..20 {
        if world.try_turn().is_err() {
            assert!(alice.replies.is_empty(), "call {call}: told, and not durable");
            return None;
        }
        world.hear(&mut alice);
        if let Some((_, reply)) = alice.replies.pop() {
            accepted(reply);
            assert!(!holds_secrets(&world), "call {call}: told, and not destroyed");
            return Some(unanswered);
        }
        unanswered += u64::from(world.service.ledger().committed().size > before);
    }
    panic!("call {call}: no answer came");
}

#[test]
fn an_erasure_whose_destruction_finds_no_room_is_answered_when_it_is_done() {
    let outcomes: Vec<Option<u64>> = (0..24).map(turns_unanswered).collect();
    let waited = outcomes.iter().flatten().filter(|turns| **turns > 0).count();
    let ended = outcomes.iter().filter(|outcome| outcome.is_none()).count();
    // The write of the slot is delayed; a log that cannot be written, and every failed sync, end the process.
    assert!(waited >= 1 && ended >= 2, "{outcomes:?}");
    assert_eq!(outcomes.last(), Some(&Some(0)), "calls behind the erasure");
}

#[test]
fn an_erasure_is_whole_after_a_restart_whatever_call_failed_and_nothing_is_destroyed_without_its_block() {
    let (world, _bob) = with_profile();
    let before = world.disk.copy();
    let world = RefCell::new(world);
    let (mut told_and_gone, mut untold_and_gone, mut not_erased) = (0, 0, 0);
    every_failure(
        || {
            let (disk, world) = (before.copy(), &mut world.borrow_mut());
            world.restart(&disk);
            (disk, world.member(HERE, 0))
        },
        |_, mut alice| {
            let world = &mut world.borrow_mut();
            let signed = erasure(world);
            world.ask_while_it_runs(&mut alice, &signed.request());
            alice.replies.iter().any(|(_, reply)| matches!(reply, Reply::Accepted(_)))
        },
        |disk, told, which| {
            disk.clear_faults();
            let world = &mut world.borrow_mut();
            world.restart(disk);
            let mut stranger = world.stranger(HERE);
            if matches!(world.ask(&mut stranger, &Request::Erasure(BOB)), Reply::Erasure(_)) {
                assert!(!holds_secrets(world), "{which}: erased, and the key is there");
                *(if told { &mut told_and_gone } else { &mut untold_and_gone }) += 1;
                return;
            }
            assert!(!told, "{which}: told, and not erased");
            assert!(holds_secrets(world), "{which}: not erased, and the key is gone");
            not_erased += 1;
            let (mut alice, signed) = (world.member(HERE, 0), erasure(world));
            accepted(world.submit(&mut alice, &signed));
            assert!(!holds_secrets(world), "{which}");
        },
    );
    let seen = (told_and_gone, untold_and_gone, not_erased);
    assert!(told_and_gone > 0 && untold_and_gone > 0 && not_erased > 0, "{seen:?}");
}
