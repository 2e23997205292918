//! The vault as the service uses it, against what somebody with the disk or with a receipt could try: equal command ids, and pages
//! of another time.

use ledgerd::crypto::sealed::ScopeKey;
use ledgerd::domain::accounts::{self, Erase, EraseReason};
use ledgerd::domain::{AccountId, Command, ScopeKind};
use ledgerd::limits::Limits;
use ledgerd::wire::{Reply, Request};

use crate::profile_service::{TEXTS, accepted, said, side, submit};
use crate::second_factor_service::{THERE, enrol, give};
use crate::service_world::{START_MS, World, refused};

const HERE: &str = "192.0.2.1";

#[test]
fn the_scopes_of_two_members_whose_commands_have_one_id_are_two_and_one_is_erased_without_the_other() {
    let mut world = World::new(Limits::default(), |_| ());
    let mut clients = [0, 1].map(|member| world.member(HERE, member));
    let keys = [1, 2].map(|byte| ScopeKey::from_bytes([byte; 32]));
    let mut ids = Vec::new();
    for member in 0..2 {
        let command = said(&world, member, None, &keys[member], TEXTS);
        let signed = world.command(member, START_MS + 1_000, &command, true);
        ids.push(signed.id());
        accepted(submit(&mut world, &mut clients[member], &signed, &side(&keys[member])));
        world.use_the_id_again();
    }
    assert_eq!(ids[0], ids[1]);
    let scope = |world: &World, member: u64| {
        let scopes = &world.service.ledger().replica().state().scopes;
        scopes.newest(ScopeKind::Subject, member + 1).unwrap()
    };
    let scopes = [scope(&world, 0), scope(&world, 1)];
    assert_ne!(scopes[0], scopes[1]);
    // The second member erases itself: the first one still reads what it has said.
    let erase = Erase { account: AccountId(2), reason: EraseReason::OwnWish, force: false };
    world.use_another_id();
    let erase = world.command(1, START_MS + 1_000, &Command::Accounts(accounts::Command::Erase(erase)), true);
    let answer = world.submit(&mut clients[1], &erase);
    // It has money, which stays in the way of its own wish.
    assert_eq!(refused(answer), "balance_left");
    let force = Erase { account: AccountId(2), reason: EraseReason::Requested, force: true };
    let force = world.command(0, START_MS + 1_000, &Command::Accounts(accounts::Command::Erase(force)), true);
    accepted(world.submit(&mut clients[0], &force));
    let disk = world.disk.copy();
    world.restart(&disk);
    let mut first = world.member(HERE, 0);
    match world.ask(&mut first, &Request::ScopeKeys(vec![scopes[0]])) {
        Reply::ScopeKeys(handed) => assert_eq!(handed.0, [*keys[0].as_bytes()]),
        other => panic!("{other:?}"),
    }
    assert_eq!(refused(world.ask(&mut first, &Request::ScopeKeys(vec![scopes[1]]))), "no_such_scope");
}

#[test]
fn a_page_of_last_week_brings_nothing_of_last_week_back() {
    let mut world = World::new(Limits::default(), |_| ());
    let mut first = world.member(HERE, 0);
    let factor = enrol(&mut world, &mut first, 0);
    let last_week = world.disk.bytes("vault/pages").unwrap();
    let code = factor.spare[0].to_text();
    assert!(give(&code, &mut world, &mut first).is_ok());
    let now = world.disk.bytes("vault/pages").unwrap();
    assert_ne!(last_week, now);
    // The page of before in its own place, and in the place of every other one.
    let page = |bytes: &[u8], at: usize| bytes[at * 4_096..(at + 1) * 4_096].to_vec();
    let of_before = page(&last_week, 0);
    for place in 0..now.len() / 4_096 {
        let mut pages = now.clone();
        pages[place * 4_096..(place + 1) * 4_096].copy_from_slice(&of_before);
        let disk = world.disk.copy();
        disk.put("vault/pages", &pages);
        world.restart(&disk);
        let mut client = world.member(THERE, 0);
        let again = give(&code, &mut world, &mut client).unwrap_err();
        assert!(["invalid_code", "key_missing"].contains(&again.name.as_str()), "{place}: {again:?}");
    }
}
