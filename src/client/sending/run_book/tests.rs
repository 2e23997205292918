//! What a run book remembers of a run, for whom, and for how long.

use std::os::unix::fs::FileExt;

use super::*;
use crate::chain::Header;
use crate::client::home::temporary::home;
use crate::crypto::KeyId;

const LEDGER: LedgerId = LedgerId([7; 32]);
const ACCOUNT: AccountId = AccountId(3);
const CONTENT: Digest = Digest([5; 32]);
const TAG: Tag = Tag { schema: 1, kind: 16 };

pub(super) fn message(id: u8) -> Vec<u8> {
    let header = Header {
        ledger_id: LEDGER,
        account: ACCOUNT,
        key_id: KeyId([2; 32]),
        command_id: CommandId([id; 16]),
        issued_at: 5,
        tag: TAG,
    };
    header.message(b"body")
}

pub(super) fn signed(id: u8) -> Signed {
    Signed { message: message(id), signature: vec![id; 384], side: Vec::new() }
}

pub(super) fn run() -> Run {
    Run {
        ledger_id: LEDGER,
        account: ACCOUNT,
        kind: RunKind::Once,
        content: CONTENT,
        ids: Ids::Seed([4; 16]),
        started_ms: 1,
    }
}

fn open(home: &Home, kind: RunKind) -> RunBook {
    let runner = Runner { home, ledger_id: LEDGER, account: ACCOUNT };
    RunBook::open(runner, kind, CONTENT, None).unwrap()
}

fn all(home: &Home) -> Vec<Leftover> {
    leftovers(home, LEDGER, ACCOUNT, &mut |error| panic!("{error}")).unwrap()
}

fn left(home: &Home) -> Vec<u8> {
    all(home).iter().flat_map(Leftover::open).map(|command| command.id.0[0]).collect()
}

fn run_books(home: &Home) -> usize {
    home.list(FOLDER).unwrap().iter().filter(|name| name.ends_with(SUFFIX)).count()
}

#[test]
fn what_was_sent_and_not_told_is_left_behind_in_its_order() {
    let (_directory, home) = home();
    let mut book = open(&home, RunKind::Lines);
    for id in [9, 1, 5] {
        book.sending(&signed(id), id == 9).unwrap();
    }
    book.told(CommandId([1; 16])).unwrap();
    assert_eq!(left(&home), [0; 0], "the run book of a run that goes on is not touched");
    drop(book);
    assert_eq!(left(&home), [9, 5]);
    let others = leftovers(&home, LedgerId([8; 32]), ACCOUNT, &mut |error| panic!("{error}")).unwrap();
    assert!(others.is_empty(), "another ledger's commands are not ours to resolve");
    let others = leftovers(&home, LEDGER, AccountId(4), &mut |error| panic!("{error}")).unwrap();
    assert!(others.is_empty(), "nor are another account's");
}

#[test]
fn a_run_that_told_everything_leaves_nothing_behind() {
    let (_directory, home) = home();
    let mut book = open(&home, RunKind::Once);
    book.sending(&signed(1), true).unwrap();
    book.finish().unwrap();
    assert_eq!(run_books(&home), 0);
}

#[test]
fn a_leftover_belongs_to_one_process_at_a_time() {
    let (_directory, home) = home();
    let mut book = open(&home, RunKind::Once);
    book.sending(&signed(1), true).unwrap();
    drop(book);
    let first = all(&home);
    assert_eq!(first.len(), 1);
    assert_eq!(left(&home), [0; 0], "held by the first");
    drop(first);
    assert_eq!(left(&home), [1]);
}

#[test]
fn the_same_run_again_has_the_same_ids_and_one_beside_a_living_run_has_its_own() {
    let (_directory, home) = home();
    let first = open(&home, RunKind::Once);
    let id = first.id(0, TAG, b"body");
    let beside = open(&home, RunKind::Once);
    assert_ne!(beside.id(0, TAG, b"body"), id);
    beside.finish().unwrap();
    drop(first);
    let other_kind = open(&home, RunKind::Input);
    assert!(!other_kind.goes_on());
    let again = open(&home, RunKind::Once);
    assert!(again.goes_on());
    assert_eq!(again.id(0, TAG, b"body"), id);
    assert_ne!(again.id(0, TAG, b"other"), id, "a seed never gives an id to two commands");
    assert_ne!(again.id(1, TAG, b"body"), id);
    again.finish().unwrap();
    assert!(!open(&home, RunKind::Once).goes_on(), "one that was told is over");
}

#[test]
fn each_repeated_run_takes_over_one_that_was_left_behind() {
    let (_directory, home) = home();
    let left: Vec<RunBook> = (0..3).map(|_| open(&home, RunKind::Once)).collect();
    let ids: BTreeSet<CommandId> = left.iter().map(|run| run.id(0, TAG, b"")).collect();
    assert_eq!(ids.len(), 3);
    drop(left);
    let again: Vec<RunBook> = (0..3).map(|_| open(&home, RunKind::Once)).collect();
    assert_eq!(again.iter().map(|run| run.id(0, TAG, b"")).collect::<BTreeSet<_>>(), ids);
    assert!(!open(&home, RunKind::Once).goes_on());
}

#[test]
fn what_stands_is_kept_for_the_same_run_and_what_was_refused_is_not() {
    let (_directory, home) = home();
    for kind in [RunKind::Once, RunKind::Input] {
        for stands in [true, false] {
            let mut book = open(&home, kind);
            book.sending(&signed(1), true).unwrap();
            drop(book);
            let mut left = all(&home).pop().unwrap();
            let id = CommandId([1; 16]);
            if stands { left.stands(id) } else { left.refused(id) }.unwrap();
            left.resolved().unwrap();
            assert_eq!(run_books(&home), usize::from(stands));
            assert!(!stands || all(&home)[0].open().is_empty(), "it is not asked for again");
            let again = open(&home, kind);
            assert_eq!(again.goes_on(), stands);
            again.finish().unwrap();
        }
    }
}

#[test]
fn a_key_takes_over_no_run_book_and_needs_none() {
    let (_directory, home) = home();
    let runner = Runner { home: &home, ledger_id: LEDGER, account: ACCOUNT };
    let key: IdempotencyKey = "key".parse().unwrap();
    let mut keyed = RunBook::open(runner, RunKind::Once, CONTENT, Some(&key)).unwrap();
    assert_eq!(keyed.id(3, TAG, b"any"), key.command_id(LEDGER, ACCOUNT, 3));
    keyed.sending(&signed(1), true).unwrap();
    drop(keyed);
    assert!(!open(&home, RunKind::Once).goes_on(), "without the key it is another payment");
    assert!(!RunBook::open(runner, RunKind::Once, CONTENT, Some(&key)).unwrap().goes_on());
    for mut left in all(&home) {
        if !left.open().is_empty() {
            left.stands(CommandId([1; 16])).unwrap();
        }
        left.resolved().unwrap();
    }
    assert_eq!(run_books(&home), 0);
}

#[test]
fn what_was_told_of_a_file_is_known_when_it_is_given_again() {
    let (_directory, home) = home();
    let mut book = open(&home, RunKind::Input);
    book.sending(&signed(1), true).unwrap();
    book.told(CommandId([1; 16])).unwrap();
    drop(book);
    all(&home).into_iter().for_each(|left| left.resolved().unwrap());
    let again = open(&home, RunKind::Input);
    assert!(again.is_told(CommandId([1; 16])) && !again.is_told(CommandId([2; 16])));
}

#[test]
fn a_damaged_run_book_stops_what_changes_something_and_is_named() {
    let (_directory, home) = home();
    let book = open(&home, RunKind::Once);
    let path = home.path(&book.name);
    drop(book);
    let file = File::options().read(true).write(true).open(&path).unwrap();
    let last = file.metadata().unwrap().len() - 1;
    let mut byte = [0];
    file.read_exact_at(&mut byte, last).unwrap();
    file.write_all_at(&[byte[0] ^ 1], last).unwrap();
    let runner = Runner { home: &home, ledger_id: LEDGER, account: ACCOUNT };
    let error = RunBook::open(runner, RunKind::Once, CONTENT, None).unwrap_err();
    assert!(matches!(&error, ClientError::Config(text) if text.contains(path.to_str().unwrap())), "{error}");
    let mut told = 0;
    assert!(leftovers(&home, LEDGER, ACCOUNT, &mut |_| told += 1).unwrap().is_empty());
    assert_eq!(told, 1, "whoever only reads is told, and goes on");
}

#[test]
fn a_run_book_that_is_mostly_told_is_written_anew() {
    let (_directory, home) = home();
    let mut book = open(&home, RunKind::Lines);
    let id = book.id(0, TAG, b"");
    book.sending(&signed(200), false).unwrap();
    let big = vec![0u8; 1 << 20];
    for id in 0..12 {
        book.sending(&Signed { signature: big.clone(), ..signed(id) }, false).unwrap();
        book.told(CommandId([id; 16])).unwrap();
    }
    assert!(book.bytes < COMPACT_BYTES);
    assert_eq!(left(&home), [0; 0], "still locked");
    drop(book);
    assert_eq!(left(&home), [200]);
    assert_eq!(open(&home, RunKind::Lines).id(0, TAG, b""), id, "it still knows its seed");
}
