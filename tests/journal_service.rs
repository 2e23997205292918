//! The journal at the service: what is noted of whom, who may look, and that nothing waits for it.

use std::io::ErrorKind;
use std::time::Duration;

use ledgerd::domain::accounts::{self, GrantRole, Role};
use ledgerd::domain::{AccountId, Command, Query, payments};
use ledgerd::eventlog::Fault;
use ledgerd::journal::{Code, Kind, described};
use ledgerd::limits::Limits;
use ledgerd::wire::{JournalPage, JournalPlace, Reply, Request};

use crate::service_world::{Client, START_MS, World, refused};

const HERE: &str = "127.0.0.1";
const BALANCE: Request<'static> = Request::Ask(Query::Payments(payments::Query::Balance));

/// A look at everything.
const LOOK: Request<'static> = Request::Journal {
    account: None,
    since_ms: 0,
    from: JournalPlace { file_ms: 0, record: 0 },
    limit: 1_000,
};

fn look(world: &mut World, client: &mut Client, what: &Request<'_>) -> JournalPage {
    match world.ask(client, what) {
        Reply::Journal(page) => page,
        other => panic!("{other:?}"),
    }
}

/// Account, name of what happened, count and about of each line.
fn lines(page: &JournalPage) -> Vec<(u64, &'static str, u16, u64)> {
    let name = |code: Code| described().find(|(known, ..)| *known == code).map(|(.., name)| name);
    page.lines.iter().map(|it| (it.account.0, name(it.code).unwrap(), it.count, it.about.0)).collect()
}

fn grant(account: u64) -> Command {
    let grant = GrantRole { account: AccountId(account), role: Role::Agent };
    Command::Accounts(accounts::Command::GrantRole(grant))
}

#[test]
fn sessions_questions_and_refusals_are_noted_by_their_codes_and_so_is_a_look() {
    let mut world = World::new(Limits { second_factor: 0, ..Limits::default() }, |_| ());
    let (mut alice, mut bob) = (world.member(HERE, 0), world.member(HERE, 1));
    for _ in 0..3 {
        world.ask(&mut bob, &BALANCE);
    }
    world.ask(&mut bob, &Request::Ask(Query::Accounts(accounts::Query::Keys(AccountId(1)))));
    world.ask(&mut bob, &Request::Locate(AccountId(3)));
    let to_himself = world.payment(1, 1);
    assert_eq!(refused(world.submit(&mut bob, &to_himself)), "self_payment");
    assert_eq!(refused(world.ask(&mut bob, &LOOK)), "no_permission", "he is neither operator nor agent");
    // What becomes a block stands in the log, and what a stranger asks is nobody's.
    let payment = world.payment(1, 2);
    world.submit(&mut bob, &payment);
    let mut stranger = world.stranger(HERE);
    world.ask(&mut stranger, &Request::Checkpoint);
    assert_eq!(refused(world.ask(&mut stranger, &BALANCE)), "not_authenticated");

    let expected = [
        (1, "opened", 1, 0),
        (2, "opened", 1, 0),
        (2, "balance", 3, 0),
        (2, "keys", 1, 1),
        (2, "locate", 1, 3),
        (2, "self_payment", 1, 0),
        (2, "journal", 1, 0),
        (2, "no_permission", 1, 0),
        (0, "not_authenticated", 1, 0),
        (1, "journal", 1, 0),
    ];
    let page = look(&mut world, &mut alice, &LOOK);
    assert_eq!((lines(&page), page.next), (expected.to_vec(), None));
    assert_eq!(page.lines[0].handle, "member-0");
    assert!(page.lines.iter().all(|line| line.time_ms >= START_MS), "by the server's clock");
    let again = look(&mut world, &mut alice, &LOOK);
    assert_eq!(lines(&again).last(), Some(&(1, "journal", 2, 0)), "the look before is noted");

    // Of one account, in pages.
    let of_bob = |from, limit| Request::Journal { account: Some(AccountId(2)), since_ms: 0, from, limit };
    let first = look(&mut world, &mut alice, &of_bob(JournalPlace::default(), 2));
    let rest = look(&mut world, &mut alice, &of_bob(first.next.unwrap(), 1_000));
    assert_eq!([lines(&first), lines(&rest)].concat(), expected[1..8]);
    let later =
        Request::Journal { account: None, since_ms: u64::MAX, from: JournalPlace::default(), limit: 9 };
    assert_eq!(look(&mut world, &mut alice, &later).lines, []);

    // An agent may look, too.
    let granted = world.command(0, START_MS + 1_000, &grant(2), true);
    assert!(matches!(world.submit(&mut alice, &granted), Reply::Accepted(_)));
    assert!(!look(&mut world, &mut bob, &LOOK).lines.is_empty());
}

#[test]
fn a_session_that_was_resumed_is_told_from_one_by_key() {
    let mut world = World::new(Limits::default(), |_| ());
    let (mut alice, bob) = (world.member(HERE, 0), world.member(HERE, 1));
    let ticket = bob.ticket.unwrap();
    assert!(world.resume(HERE, &ticket).is_open);
    let page = look(&mut world, &mut alice, &LOOK);
    let of_bob: Vec<_> = lines(&page).into_iter().filter(|line| line.0 == 2).collect();
    assert_eq!(of_bob, [(2, "opened", 1, 0), (2, "resumed", 1, 0)]);
    let kinds: Vec<Kind> = described().filter(|(code, ..)| (1..3).contains(code)).map(|it| it.1).collect();
    assert_eq!(kinds, [Kind::Session, Kind::Session]);
}

#[test]
fn it_is_written_a_second_after_the_first_note_and_a_disk_that_refuses_it_is_in_nobodys_way() {
    let mut world = World::new(Limits::default(), |_| ());
    let (mut alice, mut bob) = (world.member(HERE, 0), world.member(HERE, 1));
    let has_file = |world: &World| world.disk.image().keys().any(|path| path.starts_with("journal/"));
    assert!(!has_file(&world), "within the first second");
    world.helpers_wait = true;
    world.wait(Duration::from_secs(1));
    world.turn();
    world.disk.fail_call(world.disk.calls(), Fault::Error(ErrorKind::StorageFull));
    world.help();
    world.helpers_wait = false;
    assert!(!has_file(&world));
    let payment = world.payment(1, 2);
    assert!(matches!(world.submit(&mut bob, &payment), Reply::Accepted(_)), "the ledger goes on");
    assert!(matches!(world.ask(&mut bob, &BALANCE), Reply::Answer(_)));
    // For a minute it rests; then it says what is missing, and what came meanwhile is there.
    assert_eq!(look(&mut world, &mut alice, &LOOK).lines, []);
    world.wait(Duration::from_secs(61));
    world.turn();
    let page = look(&mut world, &mut alice, &LOOK);
    let names: Vec<_> = lines(&page).into_iter().map(|line| (line.0, line.1)).collect();
    assert_eq!(names, [(2, "balance"), (1, "journal"), (0, "missed"), (1, "journal")]);
    assert_eq!(page.lines[2].count, 2, "the two sessions");
}

#[test]
fn a_bounded_number_of_looks_is_under_way() {
    let mut world = World::new(Limits::default(), |_| ());
    let mut alice = world.member(HERE, 0);
    world.helpers_wait = true;
    for request in 1..=20 {
        world.send(&mut alice, request, &LOOK);
    }
    world.exchange(&mut alice);
    let busy =
        alice.replies.iter().filter(|(_, reply)| matches!(reply, Reply::Refused(it) if it.name == "busy"));
    assert_eq!((busy.count(), alice.replies.len()), (4, 4));
    world.help();
    world.helpers_wait = false;
    world.exchange(&mut alice);
    assert_eq!(alice.replies.len(), 20);
    assert!(matches!(world.ask(&mut alice, &LOOK), Reply::Journal(_)));
}
