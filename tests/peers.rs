//! Two members pay each other, with the real binaries: one listens, the other sends, and the daemon between them
//! comes and goes.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use ledgerd::client::{Anonymous, Home, Member, Reopen, SignedCheque, Waited, fetch_registrant};
use ledgerd::domain::payments::StatementPlace;
use ledgerd::domain::{AccountId, Query, accounts, payments};
use ledgerd::peer::{HandedOver, PeerLink};
use ledgerd::wire::{Followed, PeerReply, ReceiptOf, Refusal, Reply, Request};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::binaries::{Daemon, Place};

/// A `ledgerctl listen`; killed when the test ends, however it ends.
pub(super) struct Listening {
    child: Child,
    stdout: BufReader<Box<dyn Read + Send>>,
    stderr: BufReader<Box<dyn Read + Send>>,
    /// Where it listens.
    address: String,
}

impl Listening {
    pub(super) fn start(place: &Place, member: &str, server: &str, more: &[&str]) -> Listening {
        let arguments = [&["listen", "--json"], more].concat();
        let mut command = place.command(member, server, &arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout: Box<dyn Read + Send> = Box::new(child.stdout.take().unwrap());
        let stderr: Box<dyn Read + Send> = Box::new(child.stderr.take().unwrap());
        let (stdout, stderr) = (BufReader::new(stdout), BufReader::new(stderr));
        let mut listening = Listening { child, stdout, stderr, address: String::new() };
        let said = listening.says();
        let address = said.strip_prefix("online: listening on ").unwrap_or_else(|| panic!("{said}"));
        listening.address = address.to_owned();
        listening
    }

    /// Has somebody read all that it says from now on and forget it: a listener tells each payment, and waits for whoever
    /// does not take it.
    pub(super) fn is_not_heard(&mut self) {
        for words in [&mut self.stdout, &mut self.stderr] {
            let mut words = std::mem::replace(words, BufReader::new(Box::new(std::io::empty())));
            std::thread::spawn(move || std::io::copy(&mut words, &mut std::io::sink()));
        }
    }

    /// The next line of words.
    fn says(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The next line of words that starts like this; it may be offline for a moment before it is online again.
    fn says_of(&mut self, start: &str) -> String {
        loop {
            let line = self.says();
            if line.is_empty() || line.starts_with(start) {
                return line;
            }
        }
    }

    /// Where it listens.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Waits until it ends by itself; gives its exit code and what it has said.
    pub(super) fn ends(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }

    /// The next payment.
    pub(super) fn incoming(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.child.id() as i32).unwrap(), signal).unwrap();
    }

    pub(super) fn interrupt(mut self) -> Option<i32> {
        self.signal(Signal::INT);
        self.child.wait().unwrap().code()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn daemon(place: &Place, listen: &str) -> Daemon {
    Daemon::start_with(&place.data(), listen, &["--opening-grant=100", "--currency=TWD"])
}

fn balance(place: &Place, member: &str, at: &str) -> u64 {
    let text = place.done(member, at, &["balance", "--json"]);
    let said = serde_json::from_str::<Value>(&text).unwrap();
    said["balance_minor"].as_str().unwrap().parse().unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text.trim()).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

#[test]
fn two_members_pay_each_other_while_the_daemon_comes_and_goes() {
    let place = Place::new();
    let first = daemon(&place, "127.0.0.1:0");
    let at = first.address.clone();
    assert_eq!((place.join("alice", &at), place.join("bob", &at)), (1, 2));
    let mut bob = Listening::start(&place, "bob", &at, &[]);

    let sent = json(&place.done("alice", &at, &["send", "bob", "30", "--memo", "für Tee", "--json"]));
    assert_eq!((sent["to"].as_u64(), sent["amount"].as_str()), (Some(2), Some("30")));
    let came = bob.incoming();
    assert_eq!(
        came.to_string(),
        format!(
            r#"{{"index":{},"movement":"settlement","payer":1,"handle":"alice","amount":"30","minor":"30","memo":"für Tee"}}"#,
            sent["index"]
        )
    );
    assert_eq!((balance(&place, "alice", &at), balance(&place, "bob", &at)), (70, 130));

    // Killed and started again on the same port: bob comes back online by itself.
    first.kill();
    let unreachable = place.ends(4, "alice", &at, &["send", "bob", "1"]);
    assert!(unreachable.contains(&at), "{unreachable}");
    let second = daemon(&place, &at);
    assert_eq!(bob.says_of("online"), format!("online: listening on {}", bob.address));
    place.done("alice", &at, &["send", "#2", "5", "--receipt", path(&place, "sent.receipt")]);
    assert_eq!(bob.incoming()["amount"], "5");

    // The other way round, at the same time.
    let mut alice = Listening::start(&place, "alice", &at, &["--hidden"]);
    place.done("bob", &at, &["send", "alice", "100"]);
    assert_eq!(alice.incoming()["handle"], "bob");
    assert_eq!((balance(&place, "alice", &at), balance(&place, "bob", &at)), (165, 35));

    // The receipt of the settlement convinces a stranger.
    let vkey = place.done("alice", &at, &["getKey", "--vkey"]);
    let checked = ["check-receipt", path(&place, "sent.receipt"), "--vkey", vkey.trim()];
    assert!(place.done("stranger", "127.0.0.1:1", &checked).contains("bob"));

    assert_eq!((bob.interrupt(), alice.interrupt()), (Some(0), Some(0)));
    assert_eq!(second.terminate(), Some(0));
    let audit = place.run("nobody", &at, &["audit", place.data().to_str().unwrap()]);
    assert_eq!(audit.status.code(), Some(0), "{audit:?}");
}

fn path(place: &Place, name: &str) -> &'static str {
    Box::leak(place.directory.path().join(name).to_string_lossy().into_owned().into_boxed_str())
}

#[test]
fn a_listener_hears_of_plain_payments_once_and_of_its_own_displacement() {
    let place = Place::new();
    let daemon = daemon(&place, "127.0.0.1:0");
    let at = daemon.address.as_str();
    for member in ["alice", "bob"] {
        place.join(member, at);
    }
    place.done("alice", at, &["pay", "bob", "1", "--memo", "before"]);
    let mut bob = Listening::start(&place, "bob", at, &[]);
    place.done("alice", at, &["send", "bob", "2"]);
    place.done("alice", at, &["pay", "bob", "3", "--memo", "rent"]);
    let came = [bob.incoming(), bob.incoming()];
    let told = came.iter().map(|line| [&line["movement"], &line["memo"], &line["handle"]].map(Value::clone));
    let expected = [["settlement", "", "alice"], ["payment", "rent", "alice"]];
    assert_eq!(told.collect::<Vec<_>>(), expected.map(|words| words.map(Value::from)));

    let second = Listening::start(&place, "bob", at, &[]);
    let said = bob.says_of("{\"error\"");
    assert!(said.contains("displaced") && said.contains(&second.address), "{said}");
    assert_eq!(bob.child.wait().unwrap().code(), Some(3));
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut bob.stdout, &mut rest).unwrap();
    assert_eq!(rest, "", "each payment is told once");
    drop(second);
}

#[test]
fn who_is_online_is_listed_unless_hidden_and_only_as_long_as_it_listens() {
    let place = Place::new();
    let daemon = daemon(&place, "127.0.0.1:0");
    let at = daemon.address.as_str();
    for member in ["alice", "bob", "carol"] {
        place.join(member, at);
    }
    let online = |member: &str| json(&place.done(member, at, &["online", "--json"]));
    assert_eq!(online("alice")["members"], Value::Array(Vec::new()));
    let bob = Listening::start(&place, "bob", at, &[]);
    let carol = Listening::start(&place, "carol", at, &["--hidden"]);
    let seen = online("alice");
    assert_eq!((seen["balance"].as_str(), seen["currency"].as_str()), (Some("100"), Some("TWD")));
    let [listed] = &seen["members"].as_array().unwrap()[..] else { panic!("{seen}") };
    let (_, port) = bob.address.rsplit_once(':').unwrap();
    assert_eq!((listed["account"].as_u64(), listed["handle"].as_str()), (Some(2), Some("bob")));
    assert_eq!(
        (listed["address"].as_str(), listed["port"].to_string()),
        (Some("127.0.0.1"), port.to_owned())
    );
    assert_eq!(listed["keys"][0].as_str().map(str::len), Some(64));
    let text = place.done("alice", at, &["online"]);
    assert!(text.starts_with("balance 100 TWD\n") && text.contains(&bob.address), "{text}");
    // Hidden is not unreachable.
    place.done("alice", at, &["send", "carol", "1"]);
    assert_eq!((bob.interrupt(), carol.interrupt()), (Some(0), Some(0)));
    assert_eq!(online("alice")["members"], Value::Array(Vec::new()));
    let gone = place.ends(4, "alice", at, &["send", "bob", "1"]);
    assert!(gone.contains("bob (#2) is not online"), "{gone}");
}

#[test]
fn a_cheque_goes_by_file_once_and_only_to_its_payee() {
    let place = Place::new();
    let daemon = daemon(&place, "127.0.0.1:0");
    let at = daemon.address.as_str();
    for member in ["alice", "bob", "carol"] {
        place.join(member, at);
    }
    let cheque = |name: &str, arguments: &[&str]| {
        let file = path(&place, name);
        place.done("alice", at, &[&["cheque"], arguments, &["--out", file]].concat());
        file
    };
    let rent = cheque("rent", &["bob", "40", "--memo", "rent"]);
    assert!(std::fs::read_to_string(rent).unwrap().starts_with("-----BEGIN LEDGERD CHEQUE-----\n"));
    // Captured by somebody else, and by the payer itself.
    assert!(place.ends(3, "carol", at, &["settle", rent]).contains("no_permission"));
    assert!(place.ends(3, "alice", at, &["settle", rent]).contains("no_permission"));
    let settled = json(&place.done("bob", at, &["settle", rent, "--json"]));
    assert_eq!((settled["amount"].as_str(), settled["balance_minor"].as_str()), (Some("40"), Some("140")));
    assert!(place.ends(3, "bob", at, &["settle", rent]).contains("already_settled"));
    assert!(place.ends(3, "alice", at, &["revoke-cheque", rent]).contains("already_settled"));

    let gift = cheque("gift", &["bob", "10"]);
    place.done("alice", at, &["revoke-cheque", gift]);
    assert!(place.ends(3, "bob", at, &["settle", gift]).contains("revoked"));
    assert!(place.ends(3, "alice", at, &["revoke-cheque", gift]).contains("revoked"));

    let much = cheque("much", &["bob", "61"]);
    assert!(place.ends(3, "bob", at, &["settle", much]).contains("insufficient_balance"));
    place.done("bob", at, &["pay", "alice", "1"]);
    place.done("bob", at, &["settle", much]);
    assert_eq!(
        [balance(&place, "alice", at), balance(&place, "bob", at), balance(&place, "carol", at)],
        [0, 200, 100]
    );

    // What was changed on the way is no cheque of hers any more.
    let text = std::fs::read_to_string(cheque("other", &["bob", "1"])).unwrap();
    let forged = path(&place, "forged");
    std::fs::write(forged, flip_in_pem(&text)).unwrap();
    assert!(place.ends(3, "bob", at, &["settle", forged]).contains("bad_cheque_signature"));
    assert!(place.ends(2, "bob", at, &["settle", path(&place, "nothing")]).contains("nothing"));
    assert!(place.ends(3, "alice", at, &["cheque", "alice", "1"]).contains("self_payment"));
    assert!(place.ends(3, "alice", at, &["cheque", "nobody", "1"]).contains("invalid_user"));
    assert!(place.ends(3, "alice", at, &["cheque", "#9", "1"]).contains("invalid_user"));
    assert!(place.ends(2, "alice", at, &["cheque", "bob", "0"]).contains("zero_amount"));
    assert!(place.ends(2, "alice", at, &["send", "bob", "-1"]).contains("negative_amount"));
    assert!(place.ends(2, "alice", at, &["revoke-cheque", "xyz"]).contains("hexadecimal"));

    let statement = place.done("bob", at, &["statement", "--json"]);
    let movements: Vec<String> =
        statement.lines().map(|line| json(line)["movement"].as_str().unwrap().to_owned()).collect();
    assert_eq!(movements, ["grant", "settlement", "payment", "settlement"]);
}

/// Changes the last letter of the signature that decodes.
fn flip_in_pem(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let last = lines.len() - 2;
    let line = &mut lines[last];
    let flipped = if line.starts_with('A') { "B" } else { "A" };
    line.replace_range(0..1, flipped);
    lines.join("\n") + "\n"
}

#[test]
fn a_payee_who_vanishes_midway_leaves_an_outcome_that_the_next_call_settles() {
    let place = Place::new();
    let daemon = daemon(&place, "127.0.0.1:0");
    let at = daemon.address.as_str();
    for member in ["alice", "bob"] {
        place.join(member, at);
    }
    // The cheque that left is kept; here it is put where `send` keeps it, as after a lost answer.
    let file = path(&place, "lost");
    let note = place.run("alice", at, &["cheque", "bob", "25", "--out", file]);
    let words = String::from_utf8(note.stderr).unwrap();
    let id = words.split_whitespace().nth(1).unwrap();
    let ledger =
        json(&place.done("alice", at, &["getKey", "--json"]))["ledger_id"].as_str().unwrap().to_owned();
    let sent = place.directory.path().join("alice/sent").join(format!("{ledger}-1-{id}.cheque"));
    std::fs::copy(file, &sent).unwrap();

    // Still open: the same cheque is handed over again, and none beside it, whatever the home signs with now.
    place.done("alice", at, &["keys", "add", "--device", "desk"]);
    let mut bob = Listening::start(&place, "bob", at, &[]);
    let again = place.run("alice", at, &["send", "bob", "25", "--json"]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("handing it over again"));
    assert_eq!(json(&String::from_utf8(again.stdout).unwrap())["cheque_id"], id);
    assert_eq!(bob.incoming()["amount"], "25");
    assert!(!sent.exists(), "its end is known");
    assert_eq!(balance(&place, "bob", at), 125);

    // Settled meanwhile: the next call says so and pays nothing.
    std::fs::copy(file, &sent).unwrap();
    assert_eq!(bob.interrupt(), Some(0));
    let told = json(&place.done("alice", at, &["send", "bob", "25", "--json"]));
    assert_eq!(told["cheque_id"], id);
    assert_eq!((balance(&place, "bob", at), is_empty(&sent)), (125, true));
}

fn is_empty(file: &Path) -> bool {
    std::fs::read_dir(file.parent().unwrap()).unwrap().next().is_none()
}

#[test]
fn what_the_ledger_refuses_to_the_payee_is_taken_back_by_the_payer() {
    let place = Place::new();
    let daemon = daemon(&place, "127.0.0.1:0");
    let at = daemon.address.as_str();
    for member in ["alice", "bob"] {
        place.join(member, at);
    }
    let mut bob = Listening::start(&place, "bob", at, &[]);
    let refused = place.ends(3, "alice", at, &["send", "bob", "101"]);
    assert!(refused.contains("insufficient_balance (210)"), "{refused}");
    assert!(bob.says().contains("not taken from alice: insufficient_balance"));
    assert!(is_empty(&place.directory.path().join("alice/sent/x")));
    let copied = place.done("alice", at, &["copy", "--json"]);
    assert!(copied.lines().last().unwrap().contains("\"operation_type\":\"revoke_cheque\""));
    assert_eq!((balance(&place, "alice", at), balance(&place, "bob", at)), (100, 100));
}

#[test]
fn the_shell_runs_the_same_commands_over_one_connection_and_shows_what_comes_in() {
    let place = Place::new();
    let daemon = daemon(&place, "127.0.0.1:0");
    let at = daemon.address.as_str();
    for member in ["alice", "bob"] {
        place.join(member, at);
    }
    let before = place.status("alice", at);
    let lines = "balance\nwhoami --json\npay bob 10 --memo 'from the shell'\nbalance\nexit\nbalance\n";
    let (code, output) = place.feed("alice", at, &["shell"], lines);
    assert_eq!(code, Some(0));
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!((lines[0], lines[3], lines.len()), ("100 TWD", "90 TWD", 4), "{output}");
    assert_eq!(json(lines[1])["handle"], "alice");
    let after = place.status("alice", at);
    let opened = |status: &Value| {
        status["handshakes_full"].as_u64().unwrap() + status["handshakes_resumed"].as_u64().unwrap()
    };
    assert_eq!(opened(&after) - opened(&before), 2, "one for the shell, one to ask");
    let (code, _) = place.feed("alice", at, &["shell"], "balance\npay bob 1000\n");
    assert_eq!(code, Some(3), "the code of the last command");
    let (code, _) = place.feed("alice", at, &["shell"], "balance 'unclosed\nshell\n");
    assert_eq!(code, Some(2));
}

#[test]
fn a_shell_that_listens_shows_payments_as_they_arrive() {
    let place = Place::new();
    let daemon = daemon(&place, "127.0.0.1:0");
    let at = daemon.address.as_str();
    for member in ["alice", "bob"] {
        place.join(member, at);
    }
    let mut command = place.command("bob", at, &["shell"]);
    let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = shell.stdin.take().unwrap();
    let mut output = BufReader::new(shell.stdout.take().unwrap()).lines();
    input.write_all(b"listen\nbalance\n").unwrap();
    let mut line = || output.next().unwrap().unwrap();
    let first = [line(), line()];
    assert!(first.iter().any(|line| line.starts_with("online: listening on 127.0.0.1:")), "{first:?}");
    assert!(first.iter().any(|line| line == "100 TWD"), "the prompt goes on: {first:?}");
    place.done("alice", at, &["send", "bob", "30", "--memo", "tea"]);
    assert_eq!(line(), "alice paid 30 TWD (block 3): tea");
    input.write_all(b"balance\nexit\n").unwrap();
    assert_eq!(line(), "130 TWD");
    assert_eq!(shell.wait().unwrap().code(), Some(0));
    assert!(!place.done("alice", at, &["online"]).contains("bob"));
}

fn home(place: &Place, member: &str) -> Home {
    Home::open(Some(&place.directory.path().join(member))).unwrap()
}

#[test]
fn an_order_that_somebody_else_captured_is_worth_nothing_to_them() {
    let place = Place::new();
    let daemon = daemon(&place, "127.0.0.1:0");
    let at = daemon.address.as_str();
    for member in ["alice", "bob", "carol"] {
        place.join(member, at);
    }
    let file = path(&place, "captured");
    place.done("alice", at, &["cheque", "bob", "25", "--out", file]);
    let captured = SignedCheque::from_pem(&std::fs::read_to_string(file).unwrap()).unwrap();
    let mut bob = Listening::start(&place, "bob", at, &[]);

    // Carol is who she says she is; the cheque is not hers to hand over.
    let mut carol = Member::open(&home(&place, "carol"), &at.parse().unwrap(), &mut |_| None).unwrap();
    let payee = fetch_registrant(&mut carol, AccountId(2)).unwrap();
    let link = PeerLink::open(&mut carol, &payee, bob.address.parse().unwrap()).unwrap();
    let note = carol.server().checkpoint.clone().unwrap();
    let HandedOver::Answered(PeerReply::Refused(refusal)) = link.hand_over(&note, &captured) else {
        panic!("not refused")
    };
    assert_eq!((refusal.code, refusal.name.as_str()), (210, "no_permission"));
    assert!(bob.says().starts_with("not taken from carol: no_permission"));
    // Nor does she take him for anybody else.
    let alice = fetch_registrant(&mut carol, AccountId(1)).unwrap();
    let other = PeerLink::open(&mut carol, &alice, bob.address.parse().unwrap());
    assert!(other.is_err_and(|error| error.to_string().contains("did not prove to be alice")));
    assert_eq!(balance(&place, "bob", at), 100);
    // To whom it was given, it is money.
    place.done("bob", at, &["settle", file]);
    assert_eq!(balance(&place, "bob", at), 125);
}

#[test]
fn a_member_who_vanishes_without_a_word_is_soon_no_longer_online() {
    let place = Place::new();
    let config = path(&place, "ledgerd.toml");
    std::fs::write(config, "presence_ms = 10000\n").unwrap();
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &["--config", config]);
    let at = daemon.address.as_str();
    for member in ["alice", "bob"] {
        place.join(member, at);
    }
    let bob = Listening::start(&place, "bob", at, &[]);
    let is_listed = || place.done("alice", at, &["online"]).contains("bob");
    assert!(is_listed());
    bob.signal(Signal::STOP);
    let stopped = Instant::now();
    while is_listed() {
        assert!(stopped.elapsed() < Duration::from_secs(30), "still listed");
    }
    bob.signal(Signal::CONT);
}

#[test]
fn without_an_authenticated_session_nothing_about_members_is_told() {
    let place = Place::new();
    let daemon = daemon(&place, "127.0.0.1:0");
    let at = daemon.address.as_str();
    place.join("alice", at);
    place.done("stranger", at, &["getKey", "--accept-new"]);
    let questions = [
        Request::Ask(Query::Payments(payments::Query::Balance)),
        Request::Ask(Query::Payments(payments::Query::Statement {
            from: StatementPlace::default(),
            limit: 1,
        })),
        Request::Ask(Query::Accounts(accounts::Query::Member("alice"))),
        Request::Follow { from: 0, of: Followed::Own },
        Request::Announce { address: ([127, 0, 0, 1], 1).into(), hidden: false },
        Request::Online { from: AccountId(0), limit: 1 },
        Request::Locate(AccountId(1)),
        Request::Receipt(ReceiptOf::Registration(AccountId(1))),
        Request::Receipt(ReceiptOf::Block(1)),
    ];
    for question in questions {
        let mut stranger = Anonymous::open(&home(&place, "stranger"), &at.parse().unwrap()).unwrap();
        stranger.connection().send(&question).unwrap();
        match stranger.connection().wait(None).unwrap() {
            Waited::Reply(_, Reply::Refused(refusal)) => {
                let expected = (Refusal::AUTH_FAIL, "not_authenticated");
                assert_eq!((refusal.code, refusal.name.as_str()), expected, "{question:?}");
            }
            _ => panic!("{question:?} was answered"),
        }
    }
}
