//! Every command that moves something is killed at its system calls, one after the other, and then given again: what
//! it does is done once. strace kills, so that what is interrupted is the real program between two real calls.
//!
//! `LEDGERD_KILL_STRIDE=1` takes every system call, 7 every seventh.

mod passwords;
mod second_factor;
mod shop;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use ledgerd::client::{Home, Member, question};

use crate::binaries::{CLIENT, Daemon, Place};
use crate::money::bank;
use crate::peers::Listening;

/// Every how many system calls a command is killed.
fn stride() -> usize {
    std::env::var("LEDGERD_KILL_STRIDE").map_or(7, |stride| stride.parse().unwrap())
}

/// Whether strace is here and may trace. Continuous integration says that it has to.
fn strace_is_here() -> bool {
    let traced = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    let here = traced.is_ok_and(|output| output.status.success());
    let missing = "strace is missing, or may not trace: apt-get install strace";
    assert!(here || std::env::var_os("LEDGERD_REQUIRE_STRACE").is_none(), "{missing}");
    if !here {
        // Not with eprintln!, which the test harness keeps to itself when a test passes.
        let message = format!("SKIPPED, no command was killed at its system calls: {missing}\n");
        std::io::stderr().write_all(message.as_bytes()).unwrap();
    }
    here
}

/// A ledger, its members, and somebody who looks at it over a connection of his own.
struct World {
    place: Place,
    at: String,
    watcher: Member,
    _daemon: Daemon,
}

impl World {
    fn new() -> World {
        let place = Place::new();
        let daemon = bank(&place);
        let at = daemon.address.clone();
        place.done("bank", &at, &["issue", "alice", "100000"]);
        place.join("watcher", &at);
        let home = Home::open(Some(&place.directory.path().join("watcher"))).unwrap();
        let watcher = Member::open(&home, &at.parse().unwrap(), &mut |_| None).unwrap();
        World { place, at, watcher, _daemon: daemon }
    }

    fn blocks(&mut self) -> u64 {
        self.watcher.ask(&question::Figures).unwrap().number("blocks").unwrap()
    }
}

/// A system call of a run: which, and how many of its kind came before it in its thread, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    name: String,
    number: usize,
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} number {}", self.name, self.number)
    }
}

/// A command under strace.
fn traced(place: &Place, member: &str, at: &str, arguments: &[&str], strace: &[&str]) -> Output {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq"]).args(strace).arg(CLIENT);
    command.arg("--home").arg(place.directory.path().join(member)).arg(format!("--server={at}"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.output().unwrap()
}

/// Runs a command to its end; gives its system calls, in order, as far as a stride takes them.
fn calls_of(place: &Place, member: &str, at: &str, arguments: &[&str]) -> Vec<Call> {
    let log = place.directory.path().join("calls");
    let output = traced(place, member, at, arguments, &["-o", log.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
    let mut numbers: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in std::fs::read_to_string(&log).unwrap().lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        // A call that was interrupted by another thread's has a second line, which names no argument.
        let Some((name, _)) = rest.trim_start().split_once('(') else { continue };
        if name.is_empty() || name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            continue;
        }
        let number = numbers.entry((thread.to_owned(), name.to_owned())).or_default();
        *number += 1;
        let call = Call { name: name.to_owned(), number: *number };
        if !calls.contains(&call) {
            calls.push(call);
        }
    }
    assert!(calls.len() > 100, "{arguments:?}: {} system calls", calls.len());
    calls.into_iter().step_by(stride()).collect()
}

/// Runs a command and kills it when it enters a system call.
fn killed_at(place: &Place, member: &str, at: &str, arguments: &[&str], call: &Call) -> Output {
    let trace = format!("trace={}", call.name);
    let inject = format!("inject={}:signal=KILL:when={}", call.name, call.number);
    traced(place, member, at, arguments, &["-o", "/dev/null", "-e", &trace, "-e", &inject])
}

/// What a command does, for how often it is given.
struct Killed<'a> {
    member: &'a str,
    /// Arguments of the run with this number; each run asks for something else where a thing can be done once only.
    arguments: &'a mut dyn FnMut(&World, usize) -> Vec<String>,
    /// Blocks that one run makes.
    blocks: u64,
    /// Lines in which it tells of them.
    lines: u64,
    /// Whether the same command given after one that was told does nothing either.
    is_repeatable: bool,
}

fn done_once_wherever_it_is_killed(world: &mut World, killed: &mut Killed<'_>) {
    let owned = (killed.arguments)(world, 0);
    let arguments: Vec<&str> = owned.iter().map(String::as_str).collect();
    let calls = calls_of(&world.place, killed.member, &world.at, &arguments);
    let mut kills = 0;
    for (run, call) in (1..).zip(&calls) {
        let owned = (killed.arguments)(world, run);
        let arguments: Vec<&str> = owned.iter().map(String::as_str).collect();
        let prepared = world.blocks();
        let first = killed_at(&world.place, killed.member, &world.at, &arguments, call);
        if first.status.code() == Some(0) {
            // No two runs make quite the same calls.
            assert_eq!(world.blocks(), prepared + killed.blocks, "{arguments:?}: it was not killed");
            continue;
        }
        assert_eq!(first.status.code(), None, "{arguments:?} at {call}: {first:?}");
        kills += 1;
        let lines = first.stdout.iter().filter(|byte| **byte == b'\n').count() as u64;
        let least = killed.blocks * lines / killed.lines;
        assert!(world.blocks() - prepared >= least, "{arguments:?} at {call}: told, and not done");
        let told = lines >= killed.lines;
        let again = world.place.run(killed.member, &world.at, &arguments);
        let said = String::from_utf8_lossy(&again.stderr);
        // Whoever was told has no reason to ask again; a run that was told and forgotten is a run of its own then.
        let once_more = told && !killed.is_repeatable;
        if !once_more {
            assert_eq!(again.status.code(), Some(0), "{arguments:?} after a kill at {call}: {said}");
            assert!(!again.stdout.is_empty(), "{arguments:?} after a kill at {call}: it was not told");
        }
        let made = world.blocks() - prepared;
        let most = if once_more { 2 * killed.blocks } else { killed.blocks };
        assert!(
            (killed.blocks..=most).contains(&made),
            "{arguments:?} killed at system call {call} and given again made {made} blocks: {said}"
        );
        assert!(
            is_empty(&world.place, killed.member),
            "{arguments:?} after a kill at {call}: something is left"
        );
    }
    assert!(kills > calls.len() / 2, "{owned:?}: killed {kills} times of {}", calls.len());
}

/// Whether nothing is left that is not told.
fn is_empty(place: &Place, member: &str) -> bool {
    ["pending", "sent"].iter().all(|folder| {
        let folder = place.directory.path().join(member).join(folder);
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        // What a killed process did not rename is no file of ours yet.
        names.filter(|name| !name.to_string_lossy().starts_with(".tmp")).count() == 0
    })
}

fn words(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn money_that_is_paid_or_issued_moves_once_wherever_the_client_is_killed() {
    if !strace_is_here() {
        return;
    }
    let mut world = World::new();
    let mut pay = |_: &World, _| words(&["pay", "bob", "0.01"]);
    let mut killed =
        Killed { member: "alice", arguments: &mut pay, blocks: 1, lines: 1, is_repeatable: false };
    done_once_wherever_it_is_killed(&mut world, &mut killed);
    let mut keyed =
        |_: &World, run: usize| words(&["pay", "bob", "0.01", "--idempotency-key", &format!("pay {run}")]);
    let mut killed =
        Killed { member: "alice", arguments: &mut keyed, blocks: 1, lines: 1, is_repeatable: true };
    done_once_wherever_it_is_killed(&mut world, &mut killed);
    let mut issue = |_: &World, _| words(&["issue", "bob", "0.01"]);
    let mut killed =
        Killed { member: "bank", arguments: &mut issue, blocks: 1, lines: 1, is_repeatable: false };
    done_once_wherever_it_is_killed(&mut world, &mut killed);
}

#[test]
fn an_order_that_is_sent_settled_or_revoked_is_so_once_wherever_the_client_is_killed() {
    if !strace_is_here() {
        return;
    }
    let mut world = World::new();
    let mut listening = Listening::start(&world.place, "bob", &world.at, &[]);
    listening.is_not_heard();
    let mut send = |world: &World, run: usize| {
        let receipt = world.place.directory.path().join(format!("{run}.receipt"));
        words(&["send", "bob", "0.01", "--receipt", receipt.to_str().unwrap()])
    };
    let mut killed =
        Killed { member: "alice", arguments: &mut send, blocks: 1, lines: 1, is_repeatable: false };
    done_once_wherever_it_is_killed(&mut world, &mut killed);
    let mut keyed =
        |_: &World, run: usize| words(&["send", "bob", "0.01", "--idempotency-key", &format!("send {run}")]);
    let mut killed =
        Killed { member: "alice", arguments: &mut keyed, blocks: 1, lines: 1, is_repeatable: true };
    done_once_wherever_it_is_killed(&mut world, &mut killed);
    assert_eq!(listening.interrupt(), Some(0));
    let mut settle = |world: &World, run: usize| {
        let file = world.place.directory.path().join(format!("{run}.order"));
        let file = file.to_str().unwrap();
        world.place.done("alice", &world.at, &["cheque", "bob", "0.01", "--out", file]);
        words(&["settle", file])
    };
    let mut killed =
        Killed { member: "bob", arguments: &mut settle, blocks: 1, lines: 1, is_repeatable: false };
    let before = world.blocks();
    done_once_wherever_it_is_killed(&mut world, &mut killed);
    assert!(world.blocks() > before);
    let mut revoke = |_: &World, run: usize| words(&["revoke-cheque", &format!("{run:032x}")]);
    let mut killed =
        Killed { member: "bob", arguments: &mut revoke, blocks: 1, lines: 1, is_repeatable: false };
    done_once_wherever_it_is_killed(&mut world, &mut killed);
}

#[test]
fn orders_are_placed_once_wherever_the_client_is_killed() {
    if !strace_is_here() {
        return;
    }
    let mut world = World::new();
    let folder = world.place.directory.path().to_owned();
    let file = |name: &str, orders: usize| {
        let file = folder.join(name);
        std::fs::write(&file, "{\"operation_type\":\"buy\",\"stock_name\":\"A\"}\n".repeat(orders)).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let (one, three) = (file("one.jsonl", 1), file("three.jsonl", 3));
    let mut add = |_: &World, run: usize| {
        let receipt = folder.join(format!("{run}.receipt"));
        words(&["add", &one, "--receipt", receipt.to_str().unwrap()])
    };
    let mut killed =
        Killed { member: "alice", arguments: &mut add, blocks: 1, lines: 1, is_repeatable: false };
    done_once_wherever_it_is_killed(&mut world, &mut killed);
    let mut keyed = |_: &World, run: usize| {
        words(&["add", "--each", &three, "--inflight=1", "--idempotency-key", &format!("each {run}")])
    };
    let mut killed =
        Killed { member: "alice", arguments: &mut keyed, blocks: 3, lines: 3, is_repeatable: true };
    done_once_wherever_it_is_killed(&mut world, &mut killed);
    let mut each = |_: &World, _| words(&["add", "--each", &one, "--inflight=1"]);
    let mut killed =
        Killed { member: "bob", arguments: &mut each, blocks: 1, lines: 1, is_repeatable: false };
    done_once_wherever_it_is_killed(&mut world, &mut killed);
}

#[test]
fn a_role_is_given_and_taken_once_wherever_the_client_is_killed() {
    if !strace_is_here() {
        return;
    }
    let mut world = World::new();
    // Given and taken in turns: each run finds what the one before it left.
    for (gives, undoes) in [("grant", "revoke"), ("revoke", "grant")] {
        let mut role = |world: &World, run: usize| {
            if run > 0 {
                world.place.done("bank", &world.at, &[undoes, "alice", "operator"]);
            }
            words(&[gives, "alice", "operator"])
        };
        let mut killed =
            Killed { member: "bank", arguments: &mut role, blocks: 1, lines: 1, is_repeatable: false };
        done_once_wherever_it_is_killed(&mut world, &mut killed);
    }
}

#[test]
fn a_key_is_added_or_replaced_once_wherever_the_client_is_killed() {
    if !strace_is_here() {
        return;
    }
    let mut world = World::new();
    for (number, command) in
        [&["keys", "add", "--device", "desk"][..], &["keys", "rotate"]].iter().enumerate()
    {
        // An account has only so many keys in its life: each run has a home and an account of its own.
        let mut fresh = |world: &World, run: usize| {
            let home = world.place.directory.path().join("owner");
            if run > 0 {
                every_key_is_kept(world);
            }
            std::fs::remove_dir_all(home).unwrap_or_default();
            world.place.done("owner", &world.at, &["getKey", "--accept-new"]);
            world.place.done("owner", &world.at, &["register", &format!("owner-{number}-{run}")]);
            words(command)
        };
        let mut killed =
            Killed { member: "owner", arguments: &mut fresh, blocks: 1, lines: 1, is_repeatable: false };
        done_once_wherever_it_is_killed(&mut world, &mut killed);
    }
}

/// The home of the owner has the file of each of its account's keys that stands, and none of one that has ended.
fn every_key_is_kept(world: &World) {
    let home = world.place.directory.path().join("owner");
    let listed = world.place.done("owner", &world.at, &["--json", "keys"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    for key in listed["keys"].as_array().unwrap() {
        let file = match key["label"].as_str().unwrap() {
            "first" => home.join("key.pem"),
            _ => home.join(format!("keys/{}.pem", &key["key_id"].as_str().unwrap()[..16])),
        };
        assert_eq!(file.exists(), key["ended_at"].is_null(), "{key}");
    }
}

#[test]
fn a_key_is_ended_once_wherever_the_client_is_killed() {
    if !strace_is_here() {
        return;
    }
    let mut world = World::new();
    // Another key of the home's, and the very key that signs it: then the key of the device tells what came of it.
    for ends in ["desk", "first"] {
        let mut fresh = |world: &World, run: usize| {
            let home = world.place.directory.path().join("owner");
            if run > 0 && ends == "desk" {
                every_key_is_kept(world);
            }
            std::fs::remove_dir_all(home).unwrap_or_default();
            for command in [
                &["getKey", "--accept-new"][..],
                &["register", &format!("{ends}-{run}")],
                &["keys", "add", "--device", "desk"],
                &["keys", "add"],
            ] {
                world.place.done("owner", &world.at, command);
            }
            words(&["keys", "end", ends])
        };
        let mut killed =
            Killed { member: "owner", arguments: &mut fresh, blocks: 1, lines: 1, is_repeatable: false };
        done_once_wherever_it_is_killed(&mut world, &mut killed);
    }
}

#[test]
fn a_profile_is_said_once_wherever_the_client_is_killed() {
    if !strace_is_here() {
        return;
    }
    let mut world = World::new();
    // The first run of a member opens the scope; bob's is open before.
    world.place.done("bob", &world.at, &["profile", "--name", "Bob", "--e-mail", "bob@example.org"]);
    let mut fresh = |world: &World, run: usize| {
        let home = world.place.directory.path().join("newcomer");
        std::fs::remove_dir_all(home).unwrap_or_default();
        for command in [&["getKey", "--accept-new"][..], &["register", &format!("newcomer-{run}")]] {
            world.place.done("newcomer", &world.at, command);
        }
        words(&["profile", "--name", "Newcomer", "--e-mail", "new@example.org"])
    };
    let mut known =
        |_: &World, run: usize| words(&["profile", "--e-mail", &format!("bob-{run}@example.org")]);
    let mut killed =
        Killed { member: "newcomer", arguments: &mut fresh, blocks: 1, lines: 1, is_repeatable: false };
    done_once_wherever_it_is_killed(&mut world, &mut killed);
    let mut killed =
        Killed { member: "bob", arguments: &mut known, blocks: 1, lines: 1, is_repeatable: false };
    done_once_wherever_it_is_killed(&mut world, &mut killed);
}

#[test]
fn an_account_is_erased_once_wherever_the_client_is_killed() {
    if !strace_is_here() {
        return;
    }
    let mut world = World::new();
    let mut fresh = |world: &World, run: usize| {
        let home = world.place.directory.path().join("leaver");
        std::fs::remove_dir_all(home).unwrap_or_default();
        let handle = format!("leaver-{run}");
        for command in [&["getKey", "--accept-new"][..], &["register", &handle]] {
            world.place.done("leaver", &world.at, command);
        }
        words(&["erase", "--confirm", &handle])
    };
    // The account can be erased once only: the same command tells it again, from what the ledger tells everybody.
    let mut killed =
        Killed { member: "leaver", arguments: &mut fresh, blocks: 1, lines: 1, is_repeatable: true };
    done_once_wherever_it_is_killed(&mut world, &mut killed);
}

#[test]
fn an_account_is_registered_once_wherever_the_client_is_killed() {
    if !strace_is_here() {
        return;
    }
    let template = Place::new();
    let daemon = Daemon::start(&template.data(), "127.0.0.1:0");
    let at = daemon.address.clone();
    template.done("carol", &at, &["getKey", "--accept-new"]);
    template.done("carol", &at, &["keygen"]);
    assert_eq!(daemon.terminate(), Some(0));
    let world = |after: &Path| {
        let place = Place::new();
        copy_all(after, place.directory.path());
        let daemon = Daemon::start(&place.data(), &at);
        (place, daemon)
    };
    let (reference, daemon) = world(template.directory.path());
    let calls = calls_of(&reference, "carol", &at, &["register", "carol"]);
    daemon.kill();
    let mut kills = 0;
    for call in &calls {
        let (place, daemon) = world(template.directory.path());
        let first = killed_at(&place, "carol", &at, &["register", "carol"], call);
        assert!([None, Some(0)].contains(&first.status.code()), "at {call}: {first:?}");
        kills += usize::from(first.status.code().is_none());
        let again = place.run("carol", &at, &["register", "carol"]);
        let said = String::from_utf8_lossy(&again.stderr);
        if first.stdout.is_empty() {
            assert_eq!(again.status.code(), Some(0), "after a kill at {call}: {said}");
            assert_eq!(again.stdout, b"1\n", "after a kill at {call}");
        } else {
            assert!(again.status.success() || said.contains("already_registered"), "at {call}: {said}");
        }
        assert!(place.done("carol", &at, &["whoami"]).contains("carol"));
        assert_eq!(place.status("carol", &at)["blocks"], 2, "after a kill at {call}");
        assert!(is_empty(&place, "carol"), "after a kill at {call}");
        daemon.kill();
    }
    assert!(kills > calls.len() / 2, "killed {kills} times of {}", calls.len());
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}
