//! Books for other programs: hledger accepts what we write, and comes to the same balances.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use ledgerd::chain::Genesis;
use ledgerd::client::bookkeeping::{Format, Replay};
use ledgerd::crypto::random;
use ledgerd::domain::Settings;
use ledgerd::domain::payments::{
    self, Cheque, ChequeId, Currency, Issue, Pay, Payment, RevokeCheque, Settle,
};
use ledgerd::domain::{self, AccountId};
use serde_json::Value;

use crate::binaries::{Daemon, Place};
use crate::forge::{Forge, ORIGIN, Seeded, log_key, member_key};

const NOBODY: &str = "127.0.0.1:1";

/// Memos that mean something in a journal, or would if they got to the wrong place.
const HOSTILE: &[&str] = &[
    "tea; date:1999-01-01",
    "| a | b",
    "two  blanks  100 USD",
    "* ! (code) = 5 @ 2 @@ 3 {1} [2020-01-01]",
    "\"quoted\" \\ 'single' `tick`",
    "=HYPERLINK(\"http://example\"),x",
    "Zoë 早餐 🙂 \u{202e}\u{2028}end",
    " blanks around ",
    "comment",
    "",
];

/// Whether hledger can be asked. Continuous integration says that it has to be.
fn hledger_is_here() -> bool {
    let here = Command::new("hledger").arg("--version").output().is_ok_and(|output| output.status.success());
    let missing = "hledger is missing: apt-get install hledger";
    assert!(here || std::env::var_os("LEDGERD_REQUIRE_HLEDGER").is_none(), "{missing}");
    if !here {
        // Not with eprintln!, which the test harness keeps to itself when a test passes.
        let message = format!("SKIPPED, the journals were not read by hledger: {missing}\n");
        std::io::stderr().write_all(message.as_bytes()).unwrap();
    }
    here
}

/// Asks hledger; in a locale that can write what memos hold, and without anybody's settings.
fn hledger(journal: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("hledger");
    command.env("LC_ALL", "C.UTF-8").env("LEDGER_FILE", "/dev/null").arg("-f").arg(journal).args(arguments);
    command.output().unwrap()
}

fn agreed(journal: &Path, arguments: &[&str]) -> String {
    let output = hledger(journal, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "hledger {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// What hledger says everybody has, without the currency, once it accepts the journal in every respect.
fn balances(journal: &str) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.journal");
    std::fs::write(&path, journal).unwrap();
    agreed(&path, &["check"]);
    agreed(&path, &["check", "--strict"]);
    agreed(&path, &["check", "accounts", "commodities", "ordereddates", "payees"]);
    let table = agreed(&path, &["bal", "--flat", "--empty", "--no-total", "-O", "csv"]);
    let rows = table.lines().skip(1).map(|line| line.trim_matches('"').split_once("\",\"").unwrap());
    rows.map(|(account, amount)| (account.to_owned(), amount.split(' ').next().unwrap().to_owned())).collect()
}

/// A ledger with a grant, issued money, payments with hostile memos, a settled cheque and a revoked one.
fn ledger(currency: Currency) -> Forge {
    let operator = Some(member_key(0).public().key_id());
    let settings = Settings { currency, opening_grant: 1_000, operator };
    let mut rng = Seeded::new(57);
    let genesis = Genesis {
        origin: ORIGIN.to_owned(),
        log_key: *log_key().public().bytes(),
        server_key: member_key(2).public().spki().to_vec(),
        nonce: random::bytes(&mut rng),
        settings: settings.write(),
    };
    let mut forge = Forge::from_genesis(&genesis, rng);
    for (member, handle) in ["-._-", "1.5", "issued.USD"].into_iter().enumerate() {
        let draft = forge.registration(member, handle);
        forge.push(&draft);
    }
    let memos = HOSTILE.iter().map(|memo| (*memo).to_owned()).chain((0..200).map(|n| "n".repeat(n % 97)));
    let paid =
        memos.zip(0..).map(|(memo, n)| Payment { to: AccountId(1 + n % 2), amount: 1 + n as i64, memo });
    let cheque = |id, forge: &Forge| Cheque {
        ledger_id: forge.ledger_id,
        payer: AccountId(3),
        key_id: member_key(2).public().key_id(),
        cheque_id: ChequeId([id; 16]),
        payee: AccountId(2),
        amount: 77,
        expires_ms: u64::MAX / 1_000,
        memo: "settled; \"at last\"".to_owned(),
    };
    let settled = Settle { cheque: cheque(1, &forge), signature: vec![0; 384] };
    let commands = [
        (0, payments::Command::Issue(Issue { to: AccountId(3), amount: 1_000_000 })),
        (2, payments::Command::Pay(Pay { payments: paid.collect() })),
        (1, payments::Command::Settle(settled)),
        (2, payments::Command::RevokeCheque(RevokeCheque { cheque_id: ChequeId([2; 16]) })),
        (
            1,
            payments::Command::Pay(Pay {
                payments: vec![Payment { to: AccountId(1), amount: 1, memo: "x".into() }],
            }),
        ),
    ];
    for (member, command) in commands {
        let draft = forge.draft(member, AccountId(member as u64 + 1), &domain::Command::Payments(command));
        forge.push(&draft);
    }
    forge
}

fn exported(forge: &Forge, format: Format) -> String {
    let (mut replay, mut out) = (Replay::new(format), String::new());
    for block in &forge.blocks {
        replay.block(block, &mut out).unwrap();
    }
    replay.end(&mut out).unwrap();
    out
}

#[test]
fn hledger_accepts_a_hostile_ledger_and_comes_to_the_same_balances() {
    for (name, scale) in [("USD", 2), ("u2d", 3), ("9", 0), ("T", 9)] {
        let currency = Currency { name: name.to_owned(), scale };
        let forge = ledger(currency.clone());
        let state = &forge.state().payments;
        assert_eq!((state.settlements(), state.revocations()), (1, 1), "the rules took every command");
        let journal = exported(&forge, Format::Hledger);
        assert_eq!(journal.matches(" payment").count(), 1 + HOSTILE.len() + 200 + 1, "with the directive");
        if !hledger_is_here() {
            continue;
        }
        let mut ours: BTreeMap<String, String> = [(1, "-._-"), (2, "1.5"), (3, "issued.USD")]
            .map(|(account, handle)| {
                let balance = state.balance(AccountId(account));
                (format!("members:{account}:{handle}"), currency.show(balance))
            })
            .into();
        ours.insert("equity:issued".to_owned(), format!("-{}", currency.show(state.issued())));
        assert_eq!(balances(&journal), ours, "{name}");
    }
}

#[test]
fn hledger_itself_finds_a_balance_that_is_not_ours() {
    if !hledger_is_here() {
        return;
    }
    let journal = exported(&ledger(Currency::default()), Format::Hledger);
    let last = journal.rfind(" = ").unwrap();
    let (head, tail) = journal.split_at(last);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.journal");
    std::fs::write(&path, format!("{head} = 1{}", &tail[3..])).unwrap();
    assert!(!hledger(&path, &["check"]).status.success());
}

#[test]
fn a_block_that_is_damaged_or_out_of_place_ends_the_books() {
    let forge = ledger(Currency::default());
    for (blocks, what) in [
        (&forge.blocks[1..], "not a genesis block"),
        (&[forge.blocks[0].clone(), forge.blocks[4].clone()][..], "block 4: account 3: nobody opened it"),
        (&[forge.blocks[0].clone(), vec![0; 80]], "not a block"),
        (&[], "there is no genesis block"),
    ] {
        let (mut replay, mut out) = (Replay::new(Format::Csv), String::new());
        let taken = blocks.iter().try_for_each(|block| replay.block(block, &mut out));
        let said = taken.and_then(|()| replay.end(&mut out)).unwrap_err().to_string();
        assert!(said.contains(what), "{said}");
    }
}

#[test]
fn books_come_from_the_files_and_from_ones_own_statement() {
    let place = Place::new();
    let pem = place.done("bank", NOBODY, &["keygen"]);
    let key = place.directory.path().join("operator.pem");
    std::fs::write(&key, pem).unwrap();
    let more = ["--currency=USD", "--scale=2", "--opening-grant=500", "--operator", key.to_str().unwrap()];
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &more);
    let at = daemon.address.as_str();
    ["bank", "alice", "bob"].into_iter().for_each(|member| assert!(place.join(member, at) <= 3));
    place.done("bank", at, &["issue", "alice", "100"]);
    // More than a page of a statement.
    // What nobody can see stands in memos of old blocks alone.
    let memos: Vec<&str> =
        HOSTILE.iter().copied().filter(|memo| ledgerd::text::first_hidden(memo).is_none()).collect();
    let lines: String = (0..3_000)
        .map(|n| {
            let memo = Value::from(memos[n % memos.len()]);
            format!("{{\"to\":\"bob\",\"amount\":\"0.01\",\"memo\":{memo}}}\n")
        })
        .collect();
    assert_eq!(place.feed("alice", at, &["pay", "--file=-"], &lines).0, Some(0));
    place.done("bob", at, &["pay", "bank", "1.25", "--memo", "a;b"]);

    let data = place.data();
    let data = data.to_str().unwrap();
    let export = |member, arguments: &[&str]| place.done(member, at, &[&["export"], arguments].concat());
    let rows =
        |text: &str| -> Vec<Value> { text.lines().map(|line| serde_json::from_str(line).unwrap()).collect() };
    let all = rows(&export("nobody", &[data, "--format", "jsonl"]));
    assert_eq!(all.len(), 3 + 1 + 3_000 + 1);
    let last = all.last().unwrap();
    assert_eq!((&last["from_handle"], &last["from_balance"]), (&"bob".into(), &"33.75".into()));
    assert_eq!((&last["to"], &last["to_balance"], &last["memo"]), (&1.into(), &"6.25".into(), &"a;b".into()));

    // One's own books are those of the whole ledger, without the others' money.
    let mut mine = rows(&export("bob", &["--format=jsonl"]));
    let mut expected: Vec<Value> = all;
    expected.retain(|row| row["from"] == 3 || row["to"] == 3);
    for row in expected.iter_mut().chain(&mut mine) {
        for (side, balance) in [("from", "from_balance"), ("to", "to_balance")] {
            if row[side] != 3 {
                row[balance] = Value::Null;
                row[format!("{balance}_minor")] = Value::Null;
            }
        }
    }
    assert_eq!(mine, expected);
    let csv = export("bob", &["--format=csv"]);
    assert_eq!(csv.matches("\r\n").count(), 1 + mine.len());
    let beancount = export("nobody", &[data, "--format=beancount"]);
    assert!(beancount.contains(" balance Assets:Members:M3-bob  33.75 ~ 0 USD\n"));
    let theirs = export("alice", &["--format=hledger"]);
    let whole = export("nobody", &[data, "--format=hledger"]);
    if hledger_is_here() {
        let whole = balances(&whole);
        for (account, member) in
            [("members:1:bank", "bank"), ("members:2:alice", "alice"), ("members:3:bob", "bob")]
        {
            let ours = place.done(member, at, &["balance"]);
            assert_eq!(Some(ours.trim_end_matches(" USD\n")), whole.get(account).map(String::as_str));
        }
        assert_eq!(whole["equity:issued"], "-115.00");
        assert_eq!(balances(&theirs)["members:2:alice"], whole["members:2:alice"]);
    }
    for (arguments, words) in [
        (&["export"][..], "export --format FORMAT"),
        (&["export", data, "--format=ledger"], "there is no format"),
        (&["export", data, "--format=csv", "--raw"], "--raw"),
        (&["export", "/nowhere", "--format=csv"], "not a ledger's directory"),
    ] {
        let said = place.ends(2, "bob", at, arguments);
        assert!(said.contains(words), "{arguments:?}: {said}");
    }

    assert_eq!(daemon.terminate(), Some(0));
    let segment =
        std::fs::read_dir(place.data().join("log")).unwrap().map(|entry| entry.unwrap().path()).min();
    let segment = segment.unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    // The rest of a segment may be empty: a byte that is certainly used is one of a handle.
    let at = bytes.windows(5).position(|window| window == b"alice").unwrap();
    bytes[at] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let said = place.ends(65, "nobody", NOBODY, &["export", data, "--format=hledger"]);
    assert!(said.contains("frame_"), "{said}");
}
