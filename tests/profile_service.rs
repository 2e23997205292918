//! Profiles at the service: what has to come beside a command, what its sealed fields have to be, and who is given the keys.

use ledgerd::chain::CommandId;
use ledgerd::codec;
use ledgerd::crypto::sealed::{Place, ScopeId, ScopeKey, Sealed};
use ledgerd::domain::accounts::{self, ProfilePlace, SetProfile};
use ledgerd::domain::{Answer, Command, Query, ScopeUse};
use ledgerd::limits::{Limits, SIDE_BYTES_MAX};
use ledgerd::wire::{Reply, Request, ScopeKeys, Side};

use crate::forge::member_key;
use crate::service_world::{Client, START_MS, Signed, World, refused};

pub(super) const HERE: &str = "192.0.2.1";
const PROFILE: Request<'static> = Request::Ask(Query::Accounts(accounts::Query::Profile));

pub(super) fn world() -> World {
    World::new(Limits::default(), |_| ())
}

pub(super) fn key(byte: u8) -> ScopeKey {
    ScopeKey::from_bytes([byte; 32])
}

/// Where a field of the member's next command stands.
fn place(world: &World, member: usize, scope: ScopeId, id: CommandId, field: u16) -> Place {
    Place { ledger_id: world.ledger_id(), author: member as u64 + 1, scope, command_id: id.0, field }
}

/// The scope that a command of this id opens.
pub(super) fn scope_of(world: &World, member: usize, id: CommandId) -> ScopeId {
    let key_id = member_key(member).public().key_id();
    ScopeId::opened_by(world.ledger_id(), member as u64 + 1, key_id, &id.0)
}

fn profile(scope: ScopeUse, name: Sealed, e_mail: Sealed) -> Command {
    Command::Accounts(accounts::Command::SetProfile(SetProfile { scope, name, e_mail, credential: None }))
}

/// The next command of a member says who it is, in a scope that it opens or in one that is open.
pub(super) fn said(
    world: &World,
    member: usize,
    open: Option<ScopeId>,
    key: &ScopeKey,
    texts: [&str; 2],
) -> Command {
    let id = world.next_id();
    let scope = open.unwrap_or_else(|| scope_of(world, member, id));
    let used = match open {
        Some(scope) => ScopeUse::In(scope),
        None => ScopeUse::Open(key.commitment(world.ledger_id(), scope)),
    };
    let seal = |field: u16| {
        let place = place(world, member, scope, id, field);
        key.leaf(&id.0, field).seal(&place, texts[usize::from(field)]).unwrap()
    };
    profile(used, seal(0), seal(1))
}

fn sign(world: &mut World, command: &Command) -> Signed {
    world.command(0, START_MS + 1_000, command, true)
}

/// A command that opens the scope of the first member, and one in that scope.
fn opening_and_next(world: &mut World) -> (Signed, Signed) {
    let (scope, command) = (scope_of(world, 0, world.next_id()), said(world, 0, None, &key(1), TEXTS));
    let opening = sign(world, &command);
    let command = said(world, 0, Some(scope), &key(1), TEXTS);
    (opening, sign(world, &command))
}

pub(super) fn side(key: &ScopeKey) -> Vec<u8> {
    codec::encode(&Side { scope_key: Some(*key.as_bytes()), ..Side::default() })
}

pub(super) fn submit(world: &mut World, client: &mut Client, signed: &Signed, side: &[u8]) -> Reply {
    world.ask(client, &signed.request_with(side))
}

pub(super) fn accepted(reply: Reply) -> (u64, bool) {
    match reply {
        Reply::Accepted(accepted) => (accepted.index, accepted.duplicate),
        other => panic!("{other:?}"),
    }
}

pub(super) const TEXTS: [&str; 2] = ["Ada Lovelace", "ada@example.org"];

#[test]
fn a_profile_is_kept_with_its_key_and_the_key_is_given_to_its_member_alone() {
    let mut world = world();
    let (mut alice, mut bob) = (world.member(HERE, 0), world.member(HERE, 1));
    assert_eq!(refused(world.ask(&mut alice, &PROFILE)), "no_profile");
    let (scope, command) = (scope_of(&world, 0, world.next_id()), said(&world, 0, None, &key(1), TEXTS));
    let signed = sign(&mut world, &command);
    let (first, _) = accepted(submit(&mut world, &mut alice, &signed, &side(&key(1))));
    let there =
        |block| Reply::Answer(Answer::Accounts(accounts::Answer::Profile(ProfilePlace { scope, block })));
    assert_eq!(world.ask(&mut alice, &PROFILE), there(Some(first)));
    let keys = Request::ScopeKeys(vec![scope, scope]);
    assert_eq!(world.ask(&mut alice, &keys), Reply::ScopeKeys(ScopeKeys(vec![[1; 32]; 2])));
    assert_eq!(refused(world.ask(&mut bob, &keys)), "no_such_scope");
    assert_eq!(refused(world.ask(&mut bob, &PROFILE)), "no_profile");
    let unknown = Request::ScopeKeys(vec![scope, ScopeId([9; 16])]);
    assert_eq!(refused(world.ask(&mut alice, &unknown)), "no_such_scope");
    assert_eq!(refused(world.ask(&mut alice, &Request::ScopeKeys(vec![scope; 17]))), "no_such_scope");
    // What is said anew is sealed under the same key, with nothing beside it.
    let command = said(&world, 0, Some(scope), &key(1), ["Ada", "ada@example.com"]);
    let signed = sign(&mut world, &command);
    let (second, _) = accepted(world.submit(&mut alice, &signed));
    assert_eq!(world.ask(&mut alice, &PROFILE), there(Some(second)));
}

#[test]
fn a_scope_is_used_by_a_command_of_the_very_batch_that_opens_it() {
    let mut world = world();
    let mut alice = world.member(HERE, 0);
    let (opening, next) = opening_and_next(&mut world);
    let beside = side(&key(1));
    world.send(&mut alice, 1, &opening.request_with(&beside));
    world.exchange(&mut alice);
    // The answer to the first is not there yet, or has just come: the key is found in either case.
    world.send(&mut alice, 2, &next.request());
    for _ in 0..20 {
        world.exchange(&mut alice);
    }
    let blocks: Vec<_> = alice.replies.drain(..).map(|(_, reply)| accepted(reply)).collect();
    assert_eq!(blocks, [(blocks[0].0, false), (blocks[0].0 + 1, false)]);
}

#[test]
fn a_scope_that_is_opened_while_a_command_in_it_is_under_way_is_used_by_it() {
    let mut world = world();
    let mut alice = world.member(HERE, 0);
    let (opening, next) = opening_and_next(&mut world);
    let beside = side(&key(1));
    // Both are taken in before either is decided.
    world.helpers_wait = true;
    world.send(&mut alice, 1, &opening.request_with(&beside));
    world.send(&mut alice, 2, &next.request());
    for _ in 0..4 {
        world.exchange(&mut alice);
    }
    world.helpers_wait = false;
    world.help();
    for _ in 0..4 {
        world.exchange(&mut alice);
    }
    let blocks: Vec<u64> = alice.replies.drain(..).map(|(_, reply)| accepted(reply).0).collect();
    assert_eq!(blocks, [blocks[0], blocks[0] + 1]);
}

#[test]
fn a_command_that_comes_with_another_side_than_it_needs_is_malformed() {
    let mut world = world();
    let mut alice = world.member(HERE, 0);
    let command = said(&world, 0, None, &key(1), TEXTS);
    let opening = sign(&mut world, &command);
    let good = side(&key(1));
    let mut longer = good.clone();
    longer.push(0);
    let empty = codec::encode(&Side::default());
    let long = vec![1; SIDE_BYTES_MAX + 1];
    for bad in [&[][..], &empty, &good[..good.len() - 1], &longer, b"\x02", &long] {
        assert_eq!(refused(submit(&mut world, &mut alice, &opening, bad)), "malformed_command", "{bad:?}");
    }
    let scope = scope_of(&world, 0, opening.id());
    let (block, _) = accepted(submit(&mut world, &mut alice, &opening, &good));
    // A known command is answered whatever stands beside it now.
    for other in [&[][..], &side(&key(2)), b"junk", &long] {
        assert_eq!(accepted(submit(&mut world, &mut alice, &opening, other)), (block, true));
    }
    assert_eq!(
        world.ask(&mut alice, &Request::ScopeKeys(vec![scope])),
        Reply::ScopeKeys(ScopeKeys(vec![[1; 32]]))
    );
    // Nor does a command have a side that needs none.
    let command = said(&world, 0, Some(scope), &key(1), TEXTS);
    let next = sign(&mut world, &command);
    assert_eq!(refused(submit(&mut world, &mut alice, &next, &good)), "malformed_command");
    let pay = world.payment(0, 1);
    assert_eq!(refused(submit(&mut world, &mut alice, &pay, &good)), "malformed_command");
    accepted(submit(&mut world, &mut alice, &pay, &empty));
    accepted(submit(&mut world, &mut alice, &next, &empty));
}

#[test]
fn another_key_than_the_one_that_was_committed_to_is_refused_and_the_right_one_is_taken_afterwards() {
    let mut world = world();
    let mut alice = world.member(HERE, 0);
    let command = said(&world, 0, None, &key(1), TEXTS);
    let signed = sign(&mut world, &command);
    assert_eq!(refused(submit(&mut world, &mut alice, &signed, &side(&key(2)))), "side_mismatch");
    // The refusal sticks to this very copy, and to no other.
    assert_eq!(refused(submit(&mut world, &mut alice, &signed, &side(&key(1)))), "side_mismatch");
    let again = signed.issued_at(0, START_MS + 1_001, &mut world);
    accepted(submit(&mut world, &mut alice, &again, &side(&key(1))));
}

#[test]
fn a_field_that_does_not_open_in_its_place_is_refused_and_so_is_what_is_no_address() {
    let mut world = world();
    let mut alice = world.member(HERE, 0);
    let (right, wrong) = (key(1), key(2));
    let sealed = |world: &World, key: &ScopeKey, change: &dyn Fn(&mut Place), field: u16, text: &str| {
        let id = world.next_id();
        let mut place = place(world, 0, scope_of(world, 0, id), id, field);
        change(&mut place);
        key.leaf(&place.command_id, place.field).seal(&place, text).unwrap()
    };
    type Moved<'a> = (&'a ScopeKey, &'a dyn Fn(&mut Place), &'a str, &'static str);
    let tried: [Moved<'_>; 8] = [
        (&wrong, &|_| (), "a@b", "seal_broken"),
        (&right, &|place| place.author = 2, "a@b", "seal_broken"),
        (&right, &|place| place.field = 0, "a@b", "seal_broken"),
        (&right, &|place| place.command_id[0] ^= 1, "a@b", "seal_broken"),
        (&right, &|place| place.scope.0[0] ^= 1, "a@b", "seal_broken"),
        (&right, &|place| place.ledger_id.0[0] ^= 1, "a@b", "seal_broken"),
        (&right, &|_| (), "ada", "invalid_text"),
        (&right, &|_| (), "ada @b", "invalid_text"),
    ];
    for (key, change, e_mail, expected) in tried {
        let scope = scope_of(&world, 0, world.next_id());
        let used = ScopeUse::Open(right.commitment(world.ledger_id(), scope));
        let name = sealed(&world, &right, &|_| (), 0, "Ada");
        let command = profile(used, name, sealed(&world, key, change, 1, e_mail));
        let signed = sign(&mut world, &command);
        assert_eq!(refused(submit(&mut world, &mut alice, &signed, &side(&right))), expected, "{e_mail}");
    }
    assert_eq!(refused(world.ask(&mut alice, &PROFILE)), "no_profile");
}

#[test]
fn the_scope_of_another_member_is_refused_by_a_rule_whatever_stands_in_it() {
    let mut world = world();
    let (mut alice, mut bob) = (world.member(HERE, 0), world.member(HERE, 1));
    let command = said(&world, 0, None, &key(1), TEXTS);
    let signed = sign(&mut world, &command);
    let scope = scope_of(&world, 0, signed.id());
    accepted(submit(&mut world, &mut alice, &signed, &side(&key(1))));
    for (scope, key) in [(scope, key(1)), (ScopeId([7; 16]), key(1))] {
        let command = said(&world, 1, Some(scope), &key, TEXTS);
        let signed = world.command(1, START_MS + 1_000, &command, true);
        assert_eq!(refused(world.submit(&mut bob, &signed)), "wrong_scope");
    }
}

#[test]
fn without_room_for_its_key_a_command_is_refused_before_it_is_decided() {
    let mut world = world();
    let mut alice = world.member(HERE, 0);
    let command = said(&world, 0, None, &key(1), TEXTS);
    let signed = sign(&mut world, &command);
    world.disk.set_capacity(Some(world.disk.used()));
    assert_eq!(refused(submit(&mut world, &mut alice, &signed, &side(&key(1)))), "disk_full");
    // What needs no room in the vault is taken as before.
    let pay = world.payment(0, 1);
    accepted(world.submit(&mut alice, &pay));
    world.disk.set_capacity(None);
    let again = signed.issued_at(0, START_MS + 1_001, &mut world);
    accepted(submit(&mut world, &mut alice, &again, &side(&key(1))));
}
