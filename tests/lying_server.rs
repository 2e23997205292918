//! A server that speaks the channel correctly and lies in what it says. The client has to catch every lie; the
//! list stands in `docs/proofs.md`.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ledgerd::chain::{Checkpoint, Consistency, Inclusion, LeafHash};
use ledgerd::client::{ClientError, Copying, Home, Member, Statement, fetch_receipt, known_servers};
use ledgerd::crypto::LedgerId;
use ledgerd::crypto::note::LogKey;
use ledgerd::crypto::random::Seeded;
use ledgerd::domain::payments::{Movement, StatementLine, StatementPage, StatementPlace};
use ledgerd::domain::{Answer, Query, payments};
use ledgerd::session::{
    ChannelSettings, Descriptor, ServerEnv, ServerEvent, ServerIdentity, ServerSession, TicketSettings,
    TicketTable,
};
use ledgerd::time::{Monotonic, Now, Timestamp};
use ledgerd::wire::{self, CheckpointNote, CopyPage, Proofs, ReceiptOf, Refusal, Reply, Request};
use serde_bytes::ByteBuf;

use super::forge::{self, Forge, Tree, log_key, member_key};
use super::session_world::key;

/// A ledger with its tree: what an honest server answers from.
#[derive(Clone)]
struct Ledger {
    blocks: Vec<Vec<u8>>,
    tree: Tree,
    ledger_id: LedgerId,
}

impl Ledger {
    fn of(blocks: &[Vec<u8>], ledger_id: LedgerId) -> Ledger {
        Ledger { blocks: blocks.to_vec(), tree: Tree::over(blocks), ledger_id }
    }

    /// Three members and twelve orders: the first member's blocks are 4, 7, 10 and 13.
    fn honest() -> Ledger {
        let forge = Forge::with_orders(1, 12);
        Ledger::of(&forge.blocks, forge.ledger_id)
    }

    /// The same up to block 9, and other orders from there on.
    fn forked() -> Ledger {
        let mut forge = Forge::with_orders(1, 6);
        for n in 0..9 {
            let draft = forge.order(n % 3, 8);
            forge.push(&draft);
        }
        Ledger::of(&forge.blocks, forge.ledger_id)
    }

    fn size(&self) -> u64 {
        self.blocks.len() as u64
    }

    fn note(&self, size: u64) -> String {
        self.signed(size, &log_key())
    }

    fn signed(&self, size: u64, log_key: &LogKey) -> String {
        let root = Tree::over(&self.blocks[..size as usize]).frontier.root();
        let origin = log_key.public().origin().to_owned();
        log_key.sign_note(&Checkpoint { origin, size, root }.text())
    }

    fn inclusion(&self, index: u64, size: u64) -> Inclusion {
        Inclusion::prove(size, index, &self.tree).unwrap()
    }

    fn proofs(&self, index: u64) -> Proofs {
        let size = self.size();
        Proofs {
            block: ByteBuf::from(self.blocks[index as usize].clone()),
            inclusion: self.inclusion(index, size),
            keys: vec![(ByteBuf::from(self.blocks[1].clone()), self.inclusion(1, size))],
            note: self.note(size),
        }
    }

    /// The first member's blocks from an index on.
    fn page(&self, from: u64) -> CopyPage {
        let own = [4, 7, 10, 13].into_iter().filter(|index| *index >= from && *index < self.size());
        let blocks = own.map(|index| ByteBuf::from(self.blocks[index as usize].clone())).collect();
        CopyPage { blocks, next: None }
    }

    fn answer(&self, request: &Request<'_>) -> Reply {
        match *request {
            Request::Copy { from, .. } => Reply::CopyPage(self.page(from)),
            Request::Checkpoint => Reply::Checkpoint(CheckpointNote { note: self.note(self.size()) }),
            Request::Inclusions { size, ref indexes } => {
                Reply::Inclusions(indexes.iter().map(|index| self.inclusion(*index, size)).collect())
            }
            Request::Consistency { old_size, size } => {
                Reply::Consistency(Consistency::prove(size, old_size, &self.tree).unwrap())
            }
            Request::Receipt(ReceiptOf::Block(index)) => Reply::Receipt(self.proofs(index)),
            _ => panic!("{request:?}"),
        }
    }
}

type Lie = Box<dyn FnMut(&Request<'_>) -> Option<Reply> + Send>;

/// A client's home, and a server that answers one connection.
struct Stage {
    _directory: tempfile::TempDir,
    home: Home,
    address: String,
    asked: Arc<AtomicUsize>,
}

impl Stage {
    /// `note` comes with the handshake; what `lie` does not answer, `ledger` does.
    fn new(ledger: Ledger, note: String, lie: Lie) -> Stage {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let directory = tempfile::tempdir().unwrap();
        let home = Home::open(Some(directory.path())).unwrap();
        let descriptor = Descriptor::make(&log_key(), ledger.ledger_id, 1, key("server").public(), None);
        known_servers::keep(&home, &address.parse().unwrap(), &descriptor, true).unwrap();
        let me = member_key(0);
        std::fs::write(home.path("key.pem"), me.to_pkcs8_pem(None).as_bytes()).unwrap();
        let account = serde_json::json!({
            "account": 1, "handle": "anna", "key_id": me.public().key_id().to_string(),
        });
        home.write_checked(&format!("accounts/{}", ledger.ledger_id), &account.to_string()).unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        std::thread::spawn(move || serve(&listener, &descriptor, &ledger, &note, lie, &counter));
        Stage { _directory: directory, home, address, asked }
    }

    /// A server that lies in its answers only.
    fn lying(ledger: Ledger, lie: impl FnMut(&Request<'_>) -> Option<Reply> + Send + 'static) -> Stage {
        let note = ledger.note(ledger.size());
        Stage::new(ledger, note, Box::new(lie))
    }

    /// A server that shows `note` in the handshake to a client that kept `kept`.
    fn showing(ledger: Ledger, note: String, kept: &str) -> Stage {
        let ledger_id = ledger.ledger_id;
        let stage = Stage::new(ledger, note, Box::new(|_| None));
        known_servers::advance(&stage.home, ledger_id, kept).unwrap();
        stage
    }

    fn open(&self) -> Result<Member, ClientError> {
        Member::open(&self.home, &self.address.parse().unwrap(), &mut |_| None)
    }

    fn receipt(&self, index: u64) -> Result<(), ClientError> {
        fetch_receipt(&mut self.open()?, ReceiptOf::Block(index)).map(|_| ())
    }

    fn copy(&self) -> Result<usize, ClientError> {
        let mut member = self.open()?;
        let mut copying = Copying::start(&mut member, 0, u64::MAX, false)?;
        let mut count = 0;
        while let Some(blocks) = copying.next_page()? {
            count += blocks.len();
        }
        Ok(count)
    }

    fn evidence(&self) -> usize {
        std::fs::read_dir(self.home.path("evidence")).unwrap().count()
    }
}

fn serve(
    listener: &TcpListener,
    descriptor: &Descriptor,
    ledger: &Ledger,
    note: &str,
    mut lie: Lie,
    asked: &AtomicUsize,
) {
    let identity = ServerIdentity::new(&ledger.blocks[0], descriptor.clone(), None).unwrap();
    let (mut rng, mut tickets) = (Seeded::new("liar"), TicketTable::new(TicketSettings::default()));
    let settings = ChannelSettings::default();
    let (mut stream, _) = listener.accept().unwrap();
    let mut session = ServerSession::new();
    let mut chunk = [0; 4_096];
    loop {
        let count = stream.read(&mut chunk).unwrap_or(0);
        if count == 0 {
            return;
        }
        let now = Now {
            wall: Timestamp::from_micros(forge::START_US),
            mono: Monotonic(Duration::from_secs(1)),
            ..Now::default()
        };
        let mut env = ServerEnv {
            now,
            rng: &mut rng,
            tickets: &mut tickets,
            identity: &identity,
            settings: &settings,
            checkpoint_note: note,
            note_told: false,
        };
        session.receive(&chunk[..count], &mut env);
        while let Some(event) = session.poll_event() {
            match event {
                ServerEvent::Decap { ciphertext, .. } => {
                    let secret = key("server").decap(&mut Seeded::new("decap"), &ciphertext, &[5; 32]);
                    session.decapped(&secret, &mut env);
                }
                ServerEvent::VerifyClientAuth { .. } => session.client_auth_verified(true, &mut env),
                ServerEvent::Message(message) => {
                    asked.fetch_add(1, Ordering::SeqCst);
                    let (id, request) = wire::open::<Request<'_>>(&message).unwrap();
                    let reply = lie(&request).unwrap_or_else(|| ledger.answer(&request));
                    session.send_message(&wire::seal(id, &reply), &mut env).unwrap();
                }
                _ => {}
            }
        }
        if stream.write_all(&session.take_output()).is_err() {
            return;
        }
    }
}

#[track_caller]
fn caught<T: std::fmt::Debug>(outcome: Result<T, ClientError>, words: &str) {
    match outcome {
        Err(ClientError::Integrity(text)) => assert!(text.contains(words), "{text:?} does not say {words:?}"),
        other => panic!("not caught as {words:?}: {other:?}"),
    }
}

#[test]
fn an_honest_server_is_believed() {
    let ledger = Ledger::honest();
    let stage = Stage::showing(ledger.clone(), ledger.note(ledger.size()), &ledger.note(5));
    stage.receipt(4).unwrap();
    assert_eq!(stage.asked.load(Ordering::SeqCst), 2, "one round trip for the audit, one for the receipt");
    let stage = Stage::lying(ledger, |_| None);
    assert_eq!(stage.copy().unwrap(), 4);
    assert_eq!(stage.evidence(), 0);
}

#[test]
fn a_checkpoint_that_goes_back_or_another_way_ends_the_connection_before_anything_is_sent() {
    let (honest, forked) = (Ledger::honest(), Ledger::forked());
    let stage = Stage::showing(honest.clone(), honest.note(9), &honest.note(12));
    caught(stage.open().map(|_| ()), "ROLLBACK");
    assert_eq!((stage.asked.load(Ordering::SeqCst), stage.evidence()), (0, 2));
    let stage = Stage::showing(forked.clone(), forked.note(14), &honest.note(14));
    caught(stage.open().map(|_| ()), "FORK");
    assert_eq!((stage.asked.load(Ordering::SeqCst), stage.evidence()), (0, 2));
    for file in std::fs::read_dir(stage.home.path("evidence")).unwrap() {
        let note = std::fs::read_to_string(file.unwrap().path()).unwrap();
        log_key().public().verify_note(&note).unwrap();
    }
}

#[test]
fn a_newer_checkpoint_of_another_history_is_a_fork_whatever_is_answered() {
    let (honest, forked) = (Ledger::honest(), Ledger::forked());
    // Its own proofs, those of the honest ledger, none, and a refusal.
    let stage = Stage::showing(forked.clone(), forked.note(16), &honest.note(12));
    caught(stage.open().map(|_| ()), "FORK");
    assert_eq!(stage.evidence(), 2);
    let kept = known_servers::find_ledger(&stage.home, honest.ledger_id).unwrap().unwrap().checkpoint;
    assert_eq!(kept, Some(honest.note(12)), "what was kept stays");
    let answers: [fn(&Ledger) -> Reply; 3] = [
        |honest| Reply::Consistency(Consistency::prove(16, 12, &honest.tree).unwrap()),
        |_| Reply::Consistency(Consistency(Vec::new())),
        |_| Reply::Refused(Refusal::fail("no_such_proof", "no")),
    ];
    for answer in answers {
        let reply = answer(&honest);
        let stage = Stage::new(forked.clone(), forked.note(16), Box::new(move |_| Some(reply.clone())));
        known_servers::advance(&stage.home, honest.ledger_id, &honest.note(12)).unwrap();
        caught(stage.open().map(|_| ()), "FORK");
    }
}

#[test]
fn a_reordered_history_is_a_fork() {
    let honest = Ledger::honest();
    let mut blocks = honest.blocks.clone();
    blocks.swap(6, 8);
    let reordered = Ledger::of(&blocks, honest.ledger_id);
    let stage = Stage::showing(reordered.clone(), reordered.note(16), &honest.note(10));
    caught(stage.open().map(|_| ()), "FORK");
}

#[test]
fn a_checkpoint_that_this_ledger_did_not_sign_is_refused() {
    let honest = Ledger::honest();
    let other_key = LogKey::from_seed(forge::ORIGIN, &[8; 32]).unwrap();
    let other_origin = LogKey::from_seed("ledger.example/other", &[7; 32]).unwrap();
    for note in [honest.signed(9, &other_key), honest.signed(9, &other_origin), String::new()] {
        let stage = Stage::new(honest.clone(), note, Box::new(|_| None));
        caught(stage.open().map(|_| ()), "checkpoint is refused");
    }
}

#[test]
fn a_receipt_of_anything_else_is_refused() {
    type Change = fn(&Ledger, &mut Proofs);
    let cases: [(&str, Change); 9] = [
        ("not in the tree", |_, proofs| proofs.block = ByteBuf::from(Ledger::forked().blocks[10].clone())),
        ("not in the tree", |ledger, proofs| proofs.inclusion = ledger.inclusion(7, 16)),
        ("not in the tree", |ledger, proofs| proofs.inclusion = ledger.inclusion(10, 15)),
        ("not in the tree", |_, proofs| proofs.inclusion.0.truncate(3)),
        ("are not a block", |_, proofs| {
            // An inner node given out as a leaf: its two children are the bytes.
            let leaf = LeafHash::of_block(&proofs.block).0;
            proofs.block = ByteBuf::from([leaf, proofs.inclusion.0.remove(0)].concat());
        }),
        ("not the one asked for", |ledger, proofs| *proofs = ledger.proofs(7)),
        ("registration is missing", |_, proofs| proofs.keys.clear()),
        ("not those of the registration", |ledger, proofs| {
            let block = ByteBuf::from(ledger.blocks[2].clone());
            proofs.keys = vec![(block, ledger.inclusion(2, 16))];
        }),
        ("checkpoint", |ledger, proofs| proofs.note = ledger.note(9)),
    ];
    for (words, change) in cases {
        let mut proofs = Ledger::honest().proofs(10);
        change(&Ledger::honest(), &mut proofs);
        let stage = Stage::lying(Ledger::honest(), move |request| match request {
            Request::Receipt(_) => Some(Reply::Receipt(proofs.clone())),
            _ => None,
        });
        caught(stage.receipt(10), words);
    }
}

#[test]
fn another_ledgers_receipt_is_refused() {
    let forge = Forge::with_orders(2, 12);
    let other = Ledger::of(&forge.blocks, forge.ledger_id);
    let stage = Stage::lying(Ledger::honest(), move |request| match request {
        Request::Receipt(_) => Some(Reply::Receipt(other.proofs(10))),
        _ => None,
    });
    caught(stage.receipt(10), "of another ledger");
}

#[test]
fn a_copy_with_a_block_left_out_exchanged_or_moved_is_refused() {
    type Change = fn(&mut Vec<ByteBuf>);
    let cases: [(&str, Change); 8] = [
        ("was left out", |blocks| drop(blocks.remove(0))),
        ("was left out", |blocks| drop(blocks.remove(2))),
        ("withholds block 13", |blocks| drop(blocks.pop())),
        ("withholds block 13", Vec::clear),
        ("was left out", |blocks| blocks.swap(1, 2)),
        ("out of order", |blocks| blocks.insert(1, blocks[0].clone())),
        ("not in the tree", |blocks| blocks[2] = ByteBuf::from(Ledger::forked().blocks[10].clone())),
        ("of another author", |blocks| blocks[2] = ByteBuf::from(Ledger::honest().blocks[11].clone())),
    ];
    for (words, change) in cases {
        let mut page = Ledger::honest().page(0);
        change(&mut page.blocks);
        let stage = Stage::lying(Ledger::honest(), move |request| match request {
            Request::Copy { .. } => Some(Reply::CopyPage(page.clone())),
            _ => None,
        });
        let ledger_id = Ledger::honest().ledger_id;
        let hash = ledgerd::chain::block_hash(&Ledger::honest().blocks[13]);
        stage.home.write_checked(&format!("newest/{ledger_id}"), &format!("13 {hash}")).unwrap();
        caught(stage.copy(), words);
    }
}

#[test]
fn pages_that_are_too_long_or_never_end_are_refused() {
    let stage = Stage::lying(Ledger::honest(), |request| match request {
        Request::Copy { from, .. } => {
            let page = Ledger::honest().page(*from);
            Some(Reply::CopyPage(CopyPage { next: Some(4), ..page }))
        }
        _ => None,
    });
    caught(stage.copy(), "do not go on");
    let stage = Stage::lying(Ledger::honest(), |_| None);
    let mut member = stage.open().unwrap();
    let mut copying = Copying::start(&mut member, 0, 3, false).unwrap();
    caught(copying.next_page().map(|_| ()), "more than was asked for");
}

#[test]
fn statements_go_on_over_empty_pages_and_never_in_a_circle() {
    let line = |index, amount, balance| StatementLine {
        place: StatementPlace { index, element: 0 },
        timestamp: Timestamp::from_micros(forge::START_US),
        movement: Movement::Payment,
        purchase: None,
        amount,
        balance,
        counterparty: None,
        handle: String::new(),
        memo: String::new(),
    };
    let place = |index| Some(StatementPlace { index, element: 0 });
    let all = |circle: bool| {
        let stage = Stage::lying(Ledger::honest(), move |request| {
            let Request::Ask(Query::Payments(payments::Query::Statement { from, .. })) = request else {
                return None;
            };
            let (lines, next) = match from.index {
                0 => (vec![], place(4)),
                4 => (vec![line(4, 5, 5)], place(7)),
                7 => (vec![], place(if circle { 7 } else { 9 })),
                _ => (vec![line(9, -2, 3)], None),
            };
            let page = payments::Answer::Statement(StatementPage { lines, next });
            Some(Reply::Answer(Answer::Payments(page)))
        });
        let mut member = stage.open()?;
        let mut statement = Statement::start(&mut member);
        let mut amounts = Vec::new();
        while let Some(lines) = statement.next_page()? {
            amounts.extend(lines.into_iter().map(|line| line.amount));
        }
        Ok(amounts)
    };
    assert_eq!(all(false).unwrap(), [5, -2]);
    caught(all(true), "do not go on");
}

#[test]
fn a_proof_of_inclusion_in_another_tree_or_for_another_place_is_refused() {
    for (index_off, size_off) in [(1, 0), (0, 1)] {
        let ledger = Ledger::honest();
        let stage = Stage::lying(Ledger::honest(), move |request| match request {
            Request::Inclusions { size, indexes } => {
                let proof = |index: &u64| ledger.inclusion(index + index_off, size - size_off);
                Some(Reply::Inclusions(indexes.iter().map(proof).collect()))
            }
            _ => None,
        });
        // Block 4 has the same proof in some trees of other sizes, block 13 at the edge has not.
        caught(stage.copy(), "not in the tree");
    }
}

#[test]
fn the_account_of_a_key_is_believed_only_with_the_registration_of_that_key() {
    type Change = fn(&Ledger, &mut Proofs);
    let cases: [(&str, Change); 3] = [
        ("of another key", |ledger, proofs| {
            proofs.block = ByteBuf::from(ledger.blocks[2].clone());
            proofs.inclusion = ledger.inclusion(2, 16);
        }),
        ("introduces a key", |ledger, proofs| *proofs = ledger.proofs(4)),
        ("not in the tree", |ledger, proofs| proofs.inclusion = ledger.inclusion(2, 16)),
    ];
    for (words, change) in cases {
        let ledger = Ledger::honest();
        let mut proofs = Proofs { keys: Vec::new(), ..ledger.proofs(1) };
        change(&ledger, &mut proofs);
        let account = format!("accounts/{}", ledger.ledger_id);
        let stage = Stage::lying(ledger, move |request| match request {
            Request::Receipt(ReceiptOf::Key(_)) => Some(Reply::Receipt(proofs.clone())),
            _ => None,
        });
        std::fs::remove_file(stage.home.path(&account)).unwrap();
        caught(stage.open().map(|_| ()), words);
        assert!(!stage.home.path(&account).exists(), "{words}: nothing is kept");
    }
}
