//! Whoever registers may ask for what is free, as often as it likes: what one of them can take from the others.

use std::time::Duration;

use ledgerd::domain::orders::{Operation, Order, PlaceOrders, StockName};
use ledgerd::domain::{AccountId, Command, accounts, orders};
use ledgerd::limits::Limits;
use ledgerd::service::{Input, Job, JobResult};
use ledgerd::wire::{Reply, Request, StatementLine, StatementPlace};

use crate::forge::member_key;
use crate::service_world::{GRANT, START_MS, Signed, World, refused};

const HERE: &str = "198.51.100.1";
const THERE: &str = "203.0.113.1";

fn an_order() -> Command {
    let stock_name = StockName::new("AAPL").unwrap();
    let order = Order { operation: Operation::Buy, stock_name, quantity: 1, price: None };
    Command::Orders(orders::Command::PlaceOrders(PlaceOrders { orders: vec![order] }))
}

#[test]
fn a_check_of_the_log_is_asked_for_once_by_an_account_and_its_progress_waits_for_its_reader() {
    let mut world = World::new(Limits::default(), |_| ());
    let mut first = world.member(HERE, 0);
    let mut second = world.resume(HERE, &first.ticket.clone().unwrap());
    world.helpers_wait = true;
    for request in 1..=500 {
        world.send(&mut first, request, &Request::Verify);
        world.send(&mut second, request, &Request::Verify);
    }
    for _ in 0..20 {
        world.exchange(&mut first);
        world.exchange(&mut second);
    }
    let mut names: Vec<String> =
        first.replies.drain(..).chain(second.replies.drain(..)).map(|(_, reply)| refused(reply)).collect();
    assert_eq!(names.len(), 999, "one of them waits");
    names.dedup();
    assert_eq!(names, ["busy"]);
    assert!(matches!(world.jobs[..], [Job::VerifyLog { .. }]));

    // Who does not read is told once, and the newest when it reads again.
    world.deaf.insert(first.id);
    for done in 0..10_000 {
        let progress = JobResult::LogProgress { done, total: 10_000 };
        world.service.handle(Input::JobDone(progress), world.now, &mut ledgerd::crypto::random::os());
        if done % 100 == 0 {
            world.turn();
        }
    }
    assert!(world.service.output(first.id).len() < 1_000, "{}", world.service.output(first.id).len());
    world.deaf.clear();
    world.service.touch(first.id);
    world.help();
    world.exchange(&mut first);
    assert!(matches!(first.replies[..], [(_, Reply::Progress(_)), (_, Reply::Verification(_))]));

    // Answered, the account may ask again.
    world.helpers_wait = false;
    world.send(&mut second, 9, &Request::Verify);
    (0..3).for_each(|_| world.exchange(&mut second));
    assert!(matches!(second.replies.last(), Some((9, Reply::Verification(_)))));
}

/// All lines of a member's statement, so many of them at once, and how many pages they took.
fn statement(world: &mut World, member: usize, limit: u64) -> (Vec<StatementLine>, usize) {
    let mut client = world.member(HERE, member);
    let (mut lines, mut pages) = (Vec::new(), 0);
    let mut next = Some(StatementPlace::default());
    while let Some(from) = next {
        let Reply::Statement(page) = world.ask(&mut client, &Request::Statement { from, limit }) else {
            panic!("no statement");
        };
        assert!(page.lines.len() as u64 <= limit && page.next.is_none_or(|next| next > from));
        lines.extend(page.lines);
        (next, pages) = (page.next, pages + 1);
    }
    (lines, pages)
}

#[test]
fn a_statement_is_the_same_whatever_its_pages_and_each_reads_a_bounded_number_of_blocks() {
    let mut world = World::new(Limits::default(), |founding| {
        founding.pay(0, 1, 300, "many");
        for _ in 0..600 {
            founding.pay(2, 1, 1, "one");
        }
        founding.pay(1, 0, 2, "back");
    });
    let (all, pages) = statement(&mut world, 1, u64::MAX);
    assert_eq!((all.len(), pages), (1 + 300 + 600 + 2, 3), "256 blocks are read for a page");
    let mut balance = 0;
    for line in &all {
        balance += line.amount;
        assert_eq!(line.balance, balance as u64, "{line:?}");
    }
    assert_eq!(balance as u64, GRANT + 300 + 600 - 2);
    assert_eq!(statement(&mut world, 1, 7).0, all);
    let (payer, _) = statement(&mut world, 0, 100);
    assert_eq!((payer.len(), payer.last().unwrap().balance), (1 + 300 + 2, GRANT - 300 + 2));
}

#[test]
fn a_page_that_came_to_its_bound_may_be_empty_and_says_where_to_go_on() {
    let mut large = 0;
    let mut world = World::new(Limits::default(), |founding| {
        large = founding.pay(0, 1, 4_096, &"m".repeat(96));
        founding.pay(0, 1, 1, "after");
    });
    let mut client = world.member(HERE, 1);
    let from = StatementPlace { index: large, element: 5_000 };
    let Reply::Statement(page) = world.ask(&mut client, &Request::Statement { from, limit: 9 }) else {
        panic!("no statement");
    };
    assert_eq!((page.lines.len(), page.next), (0, Some(StatementPlace { index: large + 1, element: 0 })));
    let Reply::Statement(page) =
        world.ask(&mut client, &Request::Statement { from: page.next.unwrap(), limit: 0 })
    else {
        panic!("no statement");
    };
    assert_eq!((page.lines.len(), page.next), (1, None), "no lines count as one");
}

#[test]
fn copies_read_a_bounded_number_of_blocks_for_a_page_as_well() {
    let mut world = World::new(Limits::default(), |founding| {
        for _ in 0..300 {
            founding.pay(0, 1, 1, "");
        }
    });
    let mut client = world.member(HERE, 0);
    let (mut from, mut sizes) = (0, Vec::new());
    loop {
        let Reply::CopyPage(page) = world.ask(&mut client, &Request::Copy { from, limit: u64::MAX }) else {
            panic!("no page");
        };
        sizes.push(page.blocks.len());
        let Some(next) = page.next else { break };
        assert!(next > from);
        from = next;
    }
    assert_eq!(sizes.iter().sum::<usize>(), 301, "the registration and the payments");
    assert!(sizes.iter().all(|size| *size <= 256), "{sizes:?}");
}

#[test]
fn answers_that_cost_much_and_are_short_keep_nobody_waiting_who_asks_for_little() {
    let mut large = 0;
    let mut world = World::new(Limits::default(), |founding| {
        large = founding.pay(0, 1, 4_096, &"m".repeat(96));
    });
    let (mut greedy, mut honest) = (world.member(HERE, 1), world.member(THERE, 2));
    // Far behind the last payment of a large block: much to read, and nothing to send.
    let from = StatementPlace { index: large, element: 5_000 };
    (1..=400).for_each(|request| world.send(&mut greedy, request, &Request::Statement { from, limit: 1 }));
    world.send(&mut honest, 1, &Request::Balance);
    world.carry(&mut greedy);
    world.exchange(&mut honest);
    world.hear(&mut greedy);
    assert!(matches!(honest.replies[..], [(1, Reply::Balance(_))]), "{:?}", honest.replies);
    let answered = greedy.replies.len();
    assert!((1..20).contains(&answered), "one turn of the loop answered {answered}");
    assert!(
        world.service.next_deadline().is_some_and(|due| due <= world.now.mono),
        "the rest is not forgotten"
    );
    for _ in 0..400 {
        world.exchange(&mut greedy);
    }
    assert_eq!(greedy.replies.len(), 400);
}

#[test]
fn nothing_that_was_queued_is_worked_through_when_the_process_is_asked_to_end() {
    let mut large = 0;
    let mut world = World::new(Limits::default(), |founding| {
        large = founding.pay(0, 1, 4_096, &"m".repeat(96));
    });
    let mut greedy = world.member(HERE, 1);
    let from = StatementPlace { index: large, element: 5_000 };
    for request in 1..=400 {
        world.send(&mut greedy, request, &Request::Statement { from, limit: 1 });
    }
    world.carry(&mut greedy);
    world.service.shut_down();
    world.exchange(&mut greedy);
    assert!(greedy.replies.is_empty() && !world.holds(greedy.id));
    assert!(world.service.next_deadline().is_none(), "nothing is left to do");
}

#[test]
fn only_what_its_author_has_signed_is_refused_for_its_time_and_remembered() {
    let mut world = World::new(Limits::default(), |_| ());
    let mut member = world.member(HERE, 0);
    let early = START_MS + 3_600_000;
    let (junk, signed) =
        (world.command(0, early, &an_order(), false), world.command(0, early, &an_order(), true));
    assert_eq!(refused(world.submit(&mut member, &junk)), "bad_signature");
    assert_eq!(refused(world.submit(&mut member, &signed)), "issued_at_out_of_range");
    // When its time has come, no copy of it succeeds, and there is nothing to remember of the other.
    world.wait(Duration::from_secs(3_600));
    let mut member = world.member(HERE, 0);
    assert_eq!(refused(world.submit(&mut member, &signed)), "issued_at_out_of_range");
    assert_eq!(refused(world.submit(&mut member, &junk)), "bad_signature");
    let anew = world.command(0, early, &an_order(), true);
    assert!(matches!(world.submit(&mut member, &anew), Reply::Accepted(_)));
    let members = world.service.ledger().replica().state().accounts.get(AccountId(1));
    assert!(members.is_some());
}

fn registration(world: &mut World, member: usize, good: bool) -> Signed {
    let public_key = member_key(member).public().spki().to_vec();
    let register = accounts::Register { handle: "somebody-else".to_owned(), public_key };
    let now = world.now.wall.millis();
    world.command(member, now, &Command::Accounts(accounts::Command::Register(register)), good)
}

#[test]
fn a_registration_takes_its_token_when_its_signature_holds_and_that_of_its_network_first() {
    let limits = Limits { registrations_burst: 3, registrations_per_prefix_burst: 2, ..Limits::default() };
    let mut world = World::new(limits, |_| ());
    let mut here = world.stranger(HERE);
    for _ in 0..5 {
        let junk = registration(&mut world, 0, false);
        assert_eq!(refused(world.submit(&mut here, &junk)), "bad_signature");
    }
    let mut register = |from: &str| {
        let mut client = world.stranger(from);
        let signed = registration(&mut world, 0, true);
        refused(world.submit(&mut client, &signed))
    };
    // The rules are asked, and say that there is such a member already.
    assert_eq!([register(HERE), register("198.51.100.200")], ["already_registered"; 2]);
    assert_eq!(register(HERE), "busy", "its network has had its share");
    assert_eq!(register(THERE), "already_registered", "another network has its own");
    assert_eq!(register("192.0.2.1"), "busy", "and all together have had theirs");
}
