//! Followers: what is sent to them, when, and what is not lost. The service without sockets, and then `ledgerctl tail`
//! with the real programs.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use ledgerd::chain::Block;
use ledgerd::domain::payments::{self, Pay, Payment};
use ledgerd::domain::{AccountId, Command, Notice, Role, accounts};
use ledgerd::limits::{FOLLOWS_PER_CONNECTION_MAX, Limits};
use ledgerd::wire::{Followed, Followings, Push, Reply, Request};

use serde_json::Value;

use super::binaries::{Daemon, Place};
use super::money::bank;
use super::service_world::{Client, START_MS, World, refused};

const HERE: &str = "192.0.2.1";
const THERE: &str = "198.51.100.1";

/// The indexes of the blocks that were pushed under a request, and the place that the last push named.
fn pushed(client: &mut Client, request: u32) -> (Vec<u64>, Option<u64>) {
    let (mut indexes, mut place) = (Vec::new(), None);
    for (id, reply) in client.replies.drain(..) {
        if let (true, Reply::Push(Push::Blocks(Followings { blocks, next }))) = (id == request, reply) {
            indexes.extend(blocks.iter().map(|block| Block::parse(block).unwrap().index));
            place = Some(next);
        }
    }
    (indexes, place)
}

fn pay(payees: &[u64]) -> Command {
    let payment = |to: &u64| Payment { to: AccountId(*to), amount: 1, memo: String::new() };
    Command::Payments(payments::Command::Pay(Pay { payments: payees.iter().map(payment).collect() }))
}

/// A member pays, and the block is durable.
fn pays(world: &mut World, payer: &mut Client, member: usize, payees: &[u64]) {
    let signed = world.command(member, START_MS + 1_000, &pay(payees), true);
    assert!(matches!(world.submit(payer, &signed), Reply::Accepted(_)));
}

#[test]
fn a_follower_is_sent_its_own_blocks_and_those_that_concern_it_and_no_others() {
    let mut world = World::new(Limits::default(), |founding| {
        founding.pay(0, 1, 1, "before");
    });
    let (mut payer, mut follower) = (world.member(HERE, 0), world.member(THERE, 1));
    world.send(&mut follower, 7, &Request::Follow { from: 0, of: Followed::Concerning });
    world.send(&mut follower, 8, &Request::Follow { from: 5, of: Followed::Own });
    world.exchange(&mut follower);
    world.exchange(&mut follower);
    // Its registration and the payment of before; and that there is nothing of its own yet.
    let replies = follower.replies.clone();
    assert_eq!(pushed(&mut follower, 7), (vec![2, 4], Some(5)));
    follower.replies = replies;
    assert_eq!(pushed(&mut follower, 8), (vec![], Some(5)));

    pays(&mut world, &mut payer, 0, &[2]);
    pays(&mut world, &mut payer, 0, &[3]);
    world.exchange(&mut follower);
    assert_eq!(
        pushed(&mut follower, 7),
        (vec![5], Some(6)),
        "the block between others is not the follower's"
    );
    pays(&mut world, &mut follower, 1, &[1, 3]);
    world.exchange(&mut follower);
    let replies = follower.replies.clone();
    assert_eq!(pushed(&mut follower, 7), (vec![7], Some(8)));
    follower.replies = replies;
    assert_eq!(pushed(&mut follower, 8), (vec![7], Some(8)));
}

#[test]
fn a_push_leaves_in_the_turn_in_which_its_block_is_durable() {
    let mut world = World::new(Limits::default(), |_| ());
    let (mut payer, mut follower) = (world.member(HERE, 0), world.member(THERE, 1));
    world.send(&mut follower, 7, &Request::Follow { from: 4, of: Followed::Concerning });
    world.exchange(&mut follower);
    follower.replies.clear();
    let signed = world.command(0, START_MS + 1_000, &pay(&[2]), true);
    world.send(&mut payer, 1, &signed.request());
    world.carry(&mut payer);
    while world.service.ledger().committed().size < 5 {
        world.hear(&mut follower);
        assert!(follower.replies.is_empty(), "nothing is told before it is durable");
        world.turn();
    }
    world.hear(&mut follower);
    assert_eq!(pushed(&mut follower, 7), (vec![4], Some(5)));
}

#[test]
fn a_follower_that_takes_nothing_lags_and_then_misses_nothing() {
    let mut world = World::new(Limits::default(), |founding| {
        (0..600).for_each(|_| {
            founding.pay(0, 1, 20, &"m".repeat(90));
        });
    });
    let mut follower = world.member(THERE, 1);
    world.deaf.insert(follower.id);
    world.send(&mut follower, 7, &Request::Follow { from: 4, of: Followed::Concerning });
    for _ in 0..50 {
        world.carry(&mut follower);
        world.turn();
    }
    use ledgerd::driven::Handler as _;
    let waiting = world.service.output(follower.id).len() as u64;
    assert!(waiting > 0 && waiting < Limits::default().output_bytes_max, "{waiting} bytes wait");
    assert!(
        world.service.next_deadline().is_none_or(|due| due > world.now.mono),
        "a follower that lags does not keep the loop awake"
    );
    world.deaf.clear();
    world.service.touch(follower.id);
    let mut seen = Vec::new();
    let mut place = None;
    while place != Some(604) {
        world.exchange(&mut follower);
        let (indexes, next) = pushed(&mut follower, 7);
        seen.extend(indexes);
        place = next.or(place);
    }
    assert_eq!(seen, (4..604).collect::<Vec<u64>>(), "each once, in order");
}

#[test]
fn whoever_reads_all_blocks_follows_all_and_stops_when_the_role_is_taken_away() {
    let mut world = World::new(Limits::default(), |_| ());
    let mut nobody = world.member(HERE, 1);
    let follow = Request::Follow { from: 0, of: Followed::Readable };
    assert_eq!(refused(world.ask(&mut nobody, &follow)), "no_permission");

    // The first member of this world is an operator.
    let mut operator = world.member(THERE, 0);
    let grant =
        accounts::Command::GrantRole(accounts::GrantRole { account: AccountId(2), role: Role::Operator });
    let granted = world.command(0, START_MS + 1_000, &Command::Accounts(grant), true);
    assert!(matches!(world.submit(&mut operator, &granted), Reply::Accepted(_)));
    world.send(&mut nobody, 7, &follow);
    world.send(&mut operator, 7, &follow);
    for _ in 0..3 {
        world.exchange(&mut nobody);
        world.exchange(&mut operator);
    }
    assert_eq!(pushed(&mut nobody, 7), (vec![0, 1, 2, 3, 4], Some(5)));
    assert_eq!(pushed(&mut operator, 7), (vec![0, 1, 2, 3, 4], Some(5)));

    let revoke =
        accounts::Command::RevokeRole(accounts::RevokeRole { account: AccountId(2), role: Role::Operator });
    let revoked = world.command(0, START_MS + 1_000, &Command::Accounts(revoke), true);
    world.send(&mut operator, 1, &revoked.request());
    for _ in 0..3 {
        world.exchange(&mut operator);
        world.exchange(&mut nobody);
    }
    let ended = nobody.replies.iter().any(
        |(id, reply)| matches!(reply, Reply::Refused(refusal) if *id == 7 && refusal.name == "no_permission"),
    );
    assert!(ended, "{:?}", nobody.replies);
    assert_eq!(pushed(&mut operator, 7), (vec![5], Some(6)));
}

#[test]
fn a_payee_among_many_hears_that_money_came_and_is_not_sent_the_block() {
    let mut world = World::new(Limits::default(), |_| ());
    let (mut payer, mut payee) = (world.member(HERE, 0), world.member(THERE, 1));
    world.send(&mut payee, 7, &Request::Follow { from: 4, of: Followed::Concerning });
    world.exchange(&mut payee);
    world.exchange(&mut payee);
    payee.replies.clear();
    pays(&mut world, &mut payer, 0, &[2, 3]);
    world.exchange(&mut payee);
    let notice = Push::Notice(Notice::Payments(payments::Notice::Paid { index: 4 }));
    assert_eq!(payee.replies, [(7, Reply::Push(notice))]);
}

#[test]
fn a_connection_follows_so_many_times_and_a_follower_that_is_silent_is_asked_whether_it_is_there() {
    let limits = Limits::default();
    let mut world = World::new(limits.clone(), |_| ());
    let mut follower = world.member(HERE, 1);
    for request in 1..=FOLLOWS_PER_CONNECTION_MAX as u32 + 1 {
        world.send(&mut follower, request, &Request::Follow { from: 0, of: Followed::Own });
    }
    (0..3).for_each(|_| world.exchange(&mut follower));
    let busy: Vec<u32> = follower
        .replies
        .iter()
        .filter(|(_, reply)| matches!(reply, Reply::Refused(refusal) if refusal.name == "busy"))
        .map(|(id, _)| *id)
        .collect();
    assert_eq!(busy, [FOLLOWS_PER_CONNECTION_MAX as u32 + 1]);

    // The client answers each ping, whatever it does else; one that is gone does not.
    let mut silent = world.member(THERE, 2);
    world.send(&mut silent, 1, &Request::Follow { from: 0, of: Followed::Own });
    world.exchange(&mut silent);
    for _ in 0..8 {
        world.wait(Duration::from_millis(limits.idle_ms / 4));
        world.turn();
        world.exchange(&mut follower);
        world.exchange(&mut follower);
    }
    assert!(world.holds(follower.id), "it answers, and stays for as long as it does");
    assert!(!world.holds(silent.id), "what answers nothing is closed after the idle time");
}

#[test]
fn tail_shows_what_concerns_one_and_follows_through_a_restart_without_a_gap_or_a_double() {
    let place = Place::new();
    let daemon = bank(&place);
    let at = daemon.address.clone();
    place.done("bank", &at, &["issue", "alice", "5"]);
    place.done("alice", &at, &["pay", "bob", "1"]);

    let indexes = |text: &str| -> Vec<u64> {
        let blocks = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        blocks.map(|block| block["index"].as_u64().unwrap()).collect()
    };
    let all = indexes(&place.done("bank", &at, &["tail", "--all"]));
    assert_eq!(all, (0..all.len() as u64).collect::<Vec<u64>>());
    let newest = all.len() as u64 - 1;
    let of_alice = indexes(&place.done("alice", &at, &["tail"]));
    assert_eq!(
        of_alice[of_alice.len() - 2..],
        [newest - 1, newest],
        "what was issued to her, and what she paid"
    );
    let of_bob = indexes(&place.done("bob", &at, &["tail", "--from", "1"]));
    assert!(of_bob.contains(&newest) && !of_bob.contains(&(newest - 1)), "{of_bob:?}");
    assert!(place.ends(3, "bob", &at, &["tail", "--all"]).contains("no_permission"));

    let mut following = place.command("bob", &at, &["tail", "--follow", "--json"]);
    let mut following = following.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let mut next = || indexes(&lines.next().unwrap().unwrap())[0];
    // The first block to come may be there before he follows: he is paid until he sees one.
    let (seen, heard) = std::sync::mpsc::channel();
    let waiting = std::thread::scope(|scope| {
        scope.spawn(|| seen.send(next()).unwrap());
        loop {
            place.done("alice", &at, &["pay", "bob", "0.01"]);
            if let Ok(index) = heard.recv_timeout(Duration::from_millis(200)) {
                break index;
            }
        }
    });
    daemon.kill();
    let daemon = Daemon::start(&place.data(), &at);
    for _ in 0..3 {
        place.done("alice", &at, &["pay", "bob", "0.01"]);
    }
    let newest = indexes(&place.done("alice", &at, &["tail"])).pop().unwrap();
    let mut last = waiting;
    while last < newest {
        let index = next();
        assert_eq!(index, last + 1, "every block since is a payment to bob");
        last = index;
    }
    following.kill().unwrap();
    following.wait().unwrap();
    drop(daemon);
}
