//! Whoever registers may ask for what is free, as often as it likes: what one of them can take from the others.

use std::time::Duration;

use ledgerd::domain::orders::{Operation, Order, PlaceOrders, StockName};
use ledgerd::domain::payments::{StatementLine, StatementPlace};
use ledgerd::domain::{AccountId, Answer, Command, Query, accounts, orders, payments};
use ledgerd::driven::{ConnectionId, Handler as _};
use ledgerd::limits::Limits;
use ledgerd::service::{Job, JobResult};
use ledgerd::wire::{Reply, Request, Submission};

use crate::forge::member_key;
use crate::service_world::{Client, GRANT, START_MS, Signed, World, refused};

const HERE: &str = "198.51.100.1";
const THERE: &str = "203.0.113.1";

fn an_order() -> Command {
    let stock_name = StockName::new("AAPL").unwrap();
    let order = Order { operation: Operation::Buy, stock_name, quantity: 1.into(), price: None };
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
        world.service.answered(progress, world.now, &mut ledgerd::crypto::random::os());
        if done % 100 == 0 {
            world.turn();
        }
    }
    assert!(world.service.output(first.id).len() < 1_000, "{}", world.service.output(first.id).len());
    world.deaf.clear();
    world.service.touch(first.id);
    world.help();
    world.exchange(&mut first);
    assert!(matches!(first.replies[..], [(_, Reply::Push(_)), (_, Reply::Verification(_))]));

    // Answered, the account may ask again.
    world.helpers_wait = false;
    world.send(&mut second, 9, &Request::Verify);
    (0..3).for_each(|_| world.exchange(&mut second));
    assert!(matches!(second.replies.last(), Some((9, Reply::Verification(_)))));
}

fn asks(query: payments::Query) -> Request<'static> {
    Request::Ask(Query::Payments(query))
}

/// All lines of a member's statement, so many of them at once, and how many pages they took.
fn statement(world: &mut World, member: usize, limit: u64) -> (Vec<StatementLine>, usize) {
    let mut client = world.member(HERE, member);
    let (mut lines, mut pages) = (Vec::new(), 0);
    let mut next = Some(StatementPlace::default());
    while let Some(from) = next {
        let Reply::Answer(Answer::Payments(payments::Answer::Statement(page))) =
            world.ask(&mut client, &asks(payments::Query::Statement { from, limit }))
        else {
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
    let Reply::Answer(Answer::Payments(payments::Answer::Statement(page))) =
        world.ask(&mut client, &asks(payments::Query::Statement { from, limit: 9 }))
    else {
        panic!("no statement");
    };
    assert_eq!((page.lines.len(), page.next), (0, Some(StatementPlace { index: large + 1, element: 0 })));
    let Reply::Answer(Answer::Payments(payments::Answer::Statement(page))) =
        world.ask(&mut client, &asks(payments::Query::Statement { from: page.next.unwrap(), limit: 0 }))
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
        let Reply::CopyPage(page) =
            world.ask(&mut client, &Request::Copy { from, limit: u64::MAX, concerning: false })
        else {
            panic!("no page");
        };
        sizes.push(page.blocks.len());
        let Some(next) = page.next else { break };
        assert!(next > from);
        from = next;
    }
    assert_eq!(sizes.iter().sum::<usize>(), 300);
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
    (1..=400).for_each(|request| {
        world.send(&mut greedy, request, &asks(payments::Query::Statement { from, limit: 1 }))
    });
    world.send(&mut honest, 1, &asks(payments::Query::Balance));
    world.carry(&mut greedy);
    world.exchange(&mut honest);
    world.hear(&mut greedy);
    assert!(matches!(honest.replies[..], [(1, Reply::Answer(_))]), "{:?}", honest.replies);
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
        world.send(&mut greedy, request, &asks(payments::Query::Statement { from, limit: 1 }));
    }
    world.carry(&mut greedy);
    world.service.shut_down();
    world.exchange(&mut greedy);
    assert!(greedy.replies.is_empty() && !world.holds(greedy.id));
    let due = world.service.next_deadline();
    assert!(due.is_none_or(|due| due > world.now.mono), "nothing is left to do at once");
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
    let limits = Limits {
        registrations_per_second: 1,
        registrations_burst: 3,
        registrations_per_prefix_burst: 2,
        ..Limits::default()
    };
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

#[test]
fn an_account_has_its_share_of_connections_and_is_told_when_it_is_used_up() {
    let limits = Limits { connections_per_account_max: 3, ..Limits::default() };
    let mut world = World::new(limits, |_| ());
    let mut first = world.member(HERE, 0);
    let ticket = first.ticket.clone().unwrap();
    let more: Vec<Client> = (0..2).map(|_| world.resume(THERE, &ticket)).collect();
    let mut excess = world.resume(HERE, &ticket);
    assert_eq!(refused(world.ask(&mut excess, &asks(payments::Query::Balance))), "busy");
    world.turn();
    assert!(!world.holds(excess.id), "it is closed");
    assert!(
        matches!(world.ask(&mut first, &asks(payments::Query::Balance)), Reply::Answer(_)),
        "the others go on"
    );
    let mut other = world.member(HERE, 1);
    assert!(
        matches!(world.ask(&mut other, &asks(payments::Query::Balance)), Reply::Answer(_)),
        "other accounts have their own"
    );
    world.hang_up(more[0].id);
    let mut again = world.resume(HERE, &ticket);
    assert!(matches!(world.ask(&mut again, &asks(payments::Query::Balance)), Reply::Answer(_)));
}

#[test]
fn a_network_has_its_share_of_connections_and_the_machine_itself_is_not_one() {
    let limits = Limits { connections_per_prefix_max: 2, ..Limits::default() };
    let mut world = World::new(limits, |_| ());
    let (first, second) = (world.member(HERE, 0), world.member("198.51.100.77", 1));
    let third = world.knock("::ffff:198.51.100.3");
    assert!(!world.holds(third) && world.holds(first.id) && world.holds(second.id));
    let last = world.output(third);
    assert_eq!(last.last(), Some(&2), "it is told that the server is busy: {last:?}");
    assert!(world.member(THERE, 2).is_open, "another network has its own share");
    for _ in 0..5 {
        let id = world.knock("127.0.0.1");
        assert!(world.holds(id));
    }
    // One who has said nothing yet makes room for the next of the same network.
    world.hang_up(first.id);
    let silent = world.knock(HERE);
    assert!(world.member(HERE, 0).is_open && !world.holds(silent));
}

#[test]
fn silent_sockets_keep_neither_newcomers_nor_resumptions_out() {
    let limits = Limits { connections_unauthenticated_max: 20, ..Limits::default() };
    let mut world = World::new(limits, |_| ());
    let ticket = world.member(THERE, 0).ticket.unwrap();
    let other = world.knock("192.0.2.1");
    let silent: Vec<ConnectionId> = (0..200).map(|n| world.knock(&format!("198.51.100.{n}"))).collect();
    assert_eq!(silent.iter().filter(|id| world.holds(**id)).count(), 19, "as many as there is room for");
    assert!(world.member(THERE, 1).is_open && world.resume(HERE, &ticket).is_open);
    assert!(world.stranger("203.0.113.9").is_open);
    assert!(world.holds(other), "only those of the network with most of them make room");
    assert!(!world.holds(silent[199 - 18]) && world.holds(silent[199]), "the oldest first");
}

#[test]
fn half_read_messages_take_a_bounded_room_which_is_given_back() {
    let limits = Limits { input_bytes_max: 4 << 20, ..Limits::default() };
    let mut world = World::new(limits, |_| ());
    let mut honest = world.member(THERE, 1);
    let orders = Order {
        operation: Operation::Buy,
        stock_name: StockName::new("AAPL").unwrap(),
        quantity: 1.into(),
        price: None,
    };
    let orders = orders::Command::PlaceOrders(PlaceOrders { orders: vec![orders; 8_000] });
    let large = world.command(1, START_MS, &Command::Orders(orders), true);
    // Half of an honest message, and then as much as can be sent without ever ending one.
    world.send(&mut honest, 1, &large.request());
    let rest = honest.split_off_half();
    world.exchange(&mut honest);
    let mut greedy = vec![world.member(HERE, 0)];
    let ticket = greedy[0].ticket.clone().unwrap();
    greedy.extend((0..15).map(|_| world.resume(HERE, &ticket)));
    let half = vec![7; (1 << 20) - 100];
    for client in &mut greedy {
        world.send(client, 1, &Request::Submit(Submission { message: &half, signature: b"" }));
        client.split_off_half();
        (0..20).for_each(|_| world.exchange(client));
    }
    let held = greedy.iter().filter(|client| world.holds(client.id)).count();
    assert!((1..8).contains(&held), "{held} of 16 hold half a message");
    // The honest member, who holds less, ends its message and is answered.
    honest.resume_with(rest);
    (0..10).for_each(|_| world.exchange(&mut honest));
    assert!(matches!(honest.replies[..], [(1, Reply::Accepted(_))]), "{:?}", honest.replies);
    // What they held is given back with their connections.
    for client in greedy {
        world.hang_up(client.id);
    }
    let mut again = world.resume(HERE, &ticket);
    world.send(&mut again, 1, &Request::Submit(Submission { message: &half, signature: b"" }));
    (0..20).for_each(|_| world.exchange(&mut again));
    assert!(matches!(again.replies[..], [(1, Reply::Refused(_))]));
}

#[test]
fn many_connections_of_one_member_delay_an_order_of_another_no_more_than_one_does() {
    const SENT: u32 = 40;
    // How many checks of signatures of the greedy member come before that of the honest one.
    let before = |connections: usize| {
        let mut world = World::new(Limits::default(), |_| ());
        world.helpers_wait = false;
        let first = world.member(HERE, 0);
        let ticket = first.ticket.clone().unwrap();
        let mut greedy = vec![first];
        greedy.extend((1..connections).map(|_| world.resume(HERE, &ticket)));
        let mut honest = world.member(THERE, 1);
        world.helpers_wait = true;
        for client in &mut greedy {
            for request in 1..=SENT {
                let junk = world.command(0, START_MS, &an_order(), false);
                world.send(client, request, &junk.request());
            }
            world.carry(client);
        }
        world.turn();
        let order = world.command(1, START_MS, &an_order(), true);
        world.send(&mut honest, 1, &order.request());
        world.exchange(&mut honest);
        let mut checked = 0;
        while honest.replies.is_empty() {
            checked += world.jobs.len();
            assert!(checked <= connections * SENT as usize + 1, "the order is not checked");
            world.help();
            world.exchange(&mut honest);
        }
        checked
    };
    let (one, fifty) = (before(1), before(50));
    assert!((1..=42).contains(&one), "{one}");
    assert!(fifty <= 256 + 2 + 256, "{fifty}: what the helpers had already, and no more than that again");
}

#[test]
fn commands_in_flight_are_counted_by_account_and_all_are_answered_in_the_end() {
    let limits = Limits { commands_in_flight_max: 4, ..Limits::default() };
    let mut world = World::new(limits, |_| ());
    let first = world.member(HERE, 0);
    let ticket = first.ticket.clone().unwrap();
    let mut clients = vec![first];
    clients.extend((0..3).map(|_| world.resume(HERE, &ticket)));
    world.helpers_wait = true;
    for client in &mut clients {
        for request in 1..=5 {
            let junk = world.command(0, START_MS, &an_order(), false);
            world.send(client, request, &junk.request());
        }
        world.exchange(client);
    }
    assert_eq!(world.jobs.len(), 4, "over all its connections");
    world.hang_up(clients.pop().unwrap().id);
    let mut turns = 0;
    while clients.iter().any(|client| client.replies.len() < 5) {
        assert!(world.jobs.len() <= 4 && turns < 100, "{} checks at once", world.jobs.len());
        turns += 1;
        world.help();
        clients.iter_mut().for_each(|client| world.exchange(client));
    }
}

#[test]
fn bytes_are_read_by_account_and_everybody_is_read_from_again_in_the_next_turn() {
    let mut world = World::new(Limits::default(), |_| ());
    let first = world.member(HERE, 0);
    let ticket = first.ticket.clone().unwrap();
    let mut greedy = vec![first];
    greedy.extend((0..15).map(|_| world.resume(HERE, &ticket)));
    let honest = world.member(THERE, 1);
    let half = vec![7; 500_000];
    for client in &mut greedy {
        world.send(client, 1, &Request::Submit(Submission { message: &half, signature: b"" }));
        client.split_off_half();
        world.carry(client);
    }
    assert!(greedy.iter().all(|client| world.service.input_room(client.id) == 0), "its share is used up");
    assert!(world.service.input_room(honest.id) > 0);
    world.turn();
    assert!(greedy.iter().all(|client| world.service.input_room(client.id) > 0));
}

#[test]
fn an_account_writes_so_much_of_the_log_in_a_day_and_is_told_so() {
    let limits = Limits { log_bytes_per_account_day: 2_000, ..Limits::default() };
    let mut world = World::new(limits, |_| ());
    let (mut member, mut other) = (world.member(HERE, 0), world.member(THERE, 1));
    let order = |world: &mut World, client: &mut Client, member| {
        let issued_at = world.now.wall.millis();
        let signed = world.command(member, issued_at, &an_order(), true);
        (world.submit(client, &signed), signed)
    };
    let mut accepted = 0;
    let (refusal, copy) = loop {
        match order(&mut world, &mut member, 0) {
            (Reply::Accepted(_), _) => accepted += 1,
            (Reply::Refused(refusal), copy) => break (refusal, copy),
            (other, _) => panic!("{other:?}"),
        }
    };
    assert!((1..5).contains(&accepted), "{accepted}");
    assert!(refusal.name == "log_quota" && refusal.message.contains("2000"), "{refusal:?}");
    assert!(matches!(order(&mut world, &mut other, 1).0, Reply::Accepted(_)), "another has its own");
    // The next day begins anew; what was refused stays refused, and may be issued again.
    world.wait(Duration::from_secs(23 * 3_600));
    let mut member = world.member(HERE, 0);
    assert_eq!(refused(world.submit(&mut member, &copy)), "log_quota");
    assert!(matches!(order(&mut world, &mut member, 0).0, Reply::Accepted(_)));
}
