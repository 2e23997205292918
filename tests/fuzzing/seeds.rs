//! The seeds of the corpora: a few good and bad inputs of each target, made from what the other tests make.

use std::collections::BTreeSet;

use ledgerd::chain::{Block, Message};
use ledgerd::crypto::cosignature::WitnessKey;
use ledgerd::crypto::random::Seeded;
use ledgerd::crypto::{KeyId, LedgerId};
use ledgerd::session::{PeerIdentity, PeerSession, get_key_frame};
use ledgerd::wire::{self, Handover, PeerReply, PeerRequest, Reply, Request};

use super::targets::{Beginning, ORIGIN, SEED, client_hello};
use crate::forge::{self, Forge, Tree};
use crate::recorded;
use crate::scenarios;

/// A file name and what is in it.
type Seed = (String, Vec<u8>);

/// Bytes of the longest command of a scenario that is a seed.
const COMMAND_BYTES_MAX: usize = 2_048;

/// The seeds of a target.
pub(super) fn of(target: &str) -> Vec<Seed> {
    match target {
        "frame" => frames(),
        "session" => sessions(),
        "strict" => strict(),
        "note" => notes(),
        "receipt" => receipts(),
        "segment" => segments(),
        "orders" => orders(),
        _ => panic!("no seeds for {target}"),
    }
}

fn good(name: impl std::fmt::Display, bytes: impl Into<Vec<u8>>) -> Seed {
    (format!("good-{name}"), bytes.into())
}

fn bad(name: impl std::fmt::Display, bytes: impl Into<Vec<u8>>) -> Seed {
    (format!("bad-{name}"), bytes.into())
}

/// Frames of a type and a length.
fn frame(kind: u8, length: usize) -> Vec<u8> {
    let [high, low] = (length as u16).to_be_bytes();
    [&[kind, high, low][..], &vec![0x5a; length]].concat()
}

fn frames() -> Vec<Seed> {
    let cut = |piece: u8, frames: &[Vec<u8>]| [&[piece], &frames.concat()[..]].concat();
    vec![
        good("get-key", cut(1, &[get_key_frame()])),
        good("hello-and-data", cut(7, &[frame(0x10, 472), frame(0x20, 19), frame(0x7e, 1)])),
        good("largest", cut(255, &[frame(0x20, 16_384), frame(0x20, 40)])),
        bad("too-short-for-its-type", cut(1, &[frame(0x10, 471)])),
        bad("too-long", cut(200, &[vec![0x20, 0xff, 0xff, 0]])),
        bad("unknown-type", cut(3, &[frame(0x20, 19), frame(0x55, 4)])),
        bad("half", cut(2, &[frame(0x20, 19), vec![0x20, 0, 40, 1, 2, 3]])),
        bad("another-protocol", b"\x05GET / HTTP/1.1\r\n\r\n".to_vec()),
    ]
}

/// The first bytes of a member who dials the one that the target is.
fn peer_hello() -> Vec<u8> {
    let own = PeerIdentity { ledger_id: LedgerId([7; 32]), account: 1, key_id: KeyId([1; 32]) };
    PeerSession::dial(own, 2, &mut Seeded::new("dialler")).output().to_vec()
}

fn sessions() -> Vec<Seed> {
    let begin = |beginning: Beginning, rest: &[u8]| [&[beginning as u8, 5], rest].concat();
    let greeting = b"\x16\x03\x01\x02\x00\x01";
    vec![
        bad("asks-for-the-key", begin(Beginning::Start, &get_key_frame())),
        good("hello", begin(Beginning::Start, &client_hello())),
        good("half-a-hello", begin(Beginning::Start, &client_hello()[..100])),
        bad("hello-of-noise", begin(Beginning::Start, &frame(0x10, 472))),
        bad("resumption-of-noise", begin(Beginning::Start, &[frame(0x12, 120), frame(0x20, 60)].concat())),
        bad("greeting", begin(Beginning::Start, greeting)),
        bad(
            "record-before-its-time",
            begin(Beginning::AwaitDecap, &[frame(0x20, 60), frame(0x10, 472)].concat()),
        ),
        bad("finished-of-noise", begin(Beginning::SentHello, &frame(0x20, 67))),
        bad("hello-again", begin(Beginning::SentHello, &frame(0x10, 472))),
        bad("record-of-noise", begin(Beginning::Open, &frame(0x20, 67))),
        bad("hello-on-an-open-channel", begin(Beginning::Open, &frame(0x10, 472))),
        good("nothing-on-an-open-channel", begin(Beginning::Open, &[])),
        good("message", begin(Beginning::Message, &wire::seal(1, &Request::Status))),
        good("long-message", begin(Beginning::Message, &vec![7; 30_000])),
        bad("message-too-long", begin(Beginning::Message, &vec![7; 40_000])),
        good("unchanged", begin(Beginning::Changed, &[0, 0, 0])),
        bad("changed-hello", begin(Beginning::Changed, &[0, 40, 1])),
        bad("changed-finished", begin(Beginning::Changed, &[2, 10, 128])),
        good("peer-hello", begin(Beginning::Listener, &peer_hello())),
        bad("peer-hello-and-noise", begin(Beginning::Listener, &[peer_hello(), frame(0x20, 900)].concat())),
        bad("peer-hello-of-noise", begin(Beginning::Listener, &frame(0x13, 72))),
        bad("peer-greeting", begin(Beginning::Listener, greeting)),
        bad("server-hello-of-noise", begin(Beginning::Answer, &[frame(0x11, 68), frame(0x20, 60)].concat())),
        bad("alert", begin(Beginning::Answer, &frame(0x7e, 1))),
    ]
}

/// The command and the event of a block, as inputs of the target.
pub(super) fn parts(bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let block = Block::parse(bytes).unwrap();
    let message = Message::parse(block.message).unwrap();
    let tag = message.header.tag;
    let head = [&[0], &tag.schema.to_be_bytes()[..], &tag.kind.to_be_bytes()].concat();
    ([&head[..], message.body].concat(), [&[1], block.event].concat())
}

fn strict() -> Vec<Seed> {
    let mut seeds = Vec::new();
    let mut seen = BTreeSet::new();
    // The first block of each kind that is not too long.
    for bytes in scenarios::blocks() {
        let (command, event) = parts(&bytes);
        for (what, part) in [("command", command), ("event", event)] {
            let (schema, kind) = (part[2], part[4]);
            if part.len() < COMMAND_BYTES_MAX && seen.insert((what, schema, kind)) {
                seeds.push(bad(format!("{what}-{kind}-{schema}-cut"), &part[..part.len() - 1]));
                seeds.push(bad(format!("{what}-{kind}-{schema}-longer"), [&part[..], &[0]].concat()));
                seeds.push(good(format!("{what}-{kind}-{schema}"), part));
            }
        }
    }
    let message = |what: u8, bytes: Vec<u8>| [&[what], &bytes[..]].concat();
    seeds.push(good("request", message(2, wire::seal(3, &Request::Status))));
    seeds.push(good(
        "reply",
        message(3, wire::seal(3, &Reply::Refused(wire::Refusal::fail("busy", "later")))),
    ));
    let handover = Handover { note: "a note", cheque: b"a cheque", signature: b"a signature" };
    seeds.push(good("peer-request", message(4, wire::seal(3, &PeerRequest::Settle(handover)))));
    seeds.push(good("peer-reply", message(5, wire::seal(3, &PeerReply::Settled("a receipt".to_owned())))));
    seeds.push(bad("request-unknown", message(2, vec![0, 0, 0, 3, 0x7f])));
    seeds.push(bad("length-of-two-to-the-forty", b"\0\0\x02\0\x10\x80\x80\x80\x80\x80\x20".to_vec()));
    seeds
}

fn notes() -> Vec<Seed> {
    let note = Tree::over(&Forge::with_orders(3, 4).blocks).note();
    let witness = WitnessKey::from_seed("witness.example", &SEED).unwrap();
    let text = note.split_once("\n\n").unwrap().0;
    let cosigned = format!("{note}{}", witness.cosign(&format!("{text}\n"), 1_700_000_000));
    let other = ledgerd::crypto::note::LogKey::from_seed(ORIGIN, &[8; 32]).unwrap();
    vec![
        good("checkpoint", note.clone()),
        good("cosigned", cosigned),
        bad("of-another-key", other.sign_note(&format!("{text}\n"))),
        bad("changed", note.replacen('8', "9", 1)),
        bad("in-a-letter", format!("Dear Bob,\n\n> {}\n", note.replace('\n', "\r\n> "))),
        bad("without-signatures", format!("{text}\n\n")),
        bad("not-utf-8", b"\xff\xfe\n\n\xe2\x80\x94 x y\n".to_vec()),
    ]
}

fn receipts() -> Vec<Seed> {
    let forge = Forge::with_orders(5, 6);
    let receipt = |index: usize, keys: &[usize]| forge::receipt(&forge.blocks, index, keys).to_text();
    let text = receipt(7, &[1]);
    let devices = Forge::with_devices(5, 3);
    let device = |keys: &[usize]| forge::receipt(&devices.blocks, 8, keys).to_text();
    vec![
        good("cheque", text.clone()),
        good("registration", receipt(2, &[])),
        good("genesis", receipt(0, &[])),
        good("device-key", device(&devices.key_blocks(8))),
        good("quoted", text.lines().map(|line| format!("> {line}\r\n")).collect::<String>()),
        bad("other-index", text.replacen("index 7", "index 6", 1)),
        bad("without-registration", receipt(7, &[])),
        bad("without-the-device-key", device(&[2])),
        bad("keys-in-another-order", device(&[5, 2])),
        bad("cut", &text.as_bytes()[..text.len() / 2]),
    ]
}

fn segments() -> Vec<Seed> {
    let files = recorded::load("payments");
    let mut segment = files["log/00000000000000000000.seg"].clone();
    let end = segment.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    // A little behind the end, where the reader looks for a further frame.
    segment.truncate(end + 300);
    let flipped = |place: usize| {
        let mut segment = segment.clone();
        segment[place] ^= 4;
        segment
    };
    vec![
        good("payments", segment.clone()),
        bad("torn", &segment[..end - 40]),
        bad("flipped-header", flipped(20)),
        bad("flipped-middle", flipped(end / 2)),
        bad("short", &segment[..50]),
        bad("text", b"neither a segment nor anything else".to_vec()),
    ]
}

fn orders() -> Vec<Seed> {
    let fixture =
        |name: &str| std::fs::read(format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let one =
        r#"{"operation_type":"buy","stock_name":"AAPL","quantity":1.50,"price":"12.5","currency":"USD"}"#;
    vec![
        good("array", fixture("orders.json")),
        good("lines", fixture("orders.jsonl")),
        good("object", one),
        bad("twice", one.replacen('{', r#"{"stock_name":"B","#, 1)),
        bad("number-too-long", one.replacen("1.50", "1e400", 1)),
        bad("cut", &one.as_bytes()[..40]),
        bad("nested", "[".repeat(300)),
        bad("payments", r#"{"to":"bob","amount":"1.00","memo":"tea"}"#),
        bad("not-utf-8", b"{\"operation_type\":\"\xff\"}".to_vec()),
        bad("empty", ""),
    ]
}

/// The ledger that the targets know is the one that these tests forge.
#[test]
fn the_targets_have_the_log_key_of_the_forged_ledgers() {
    let log_key = ledgerd::crypto::note::LogKey::from_seed(ORIGIN, &SEED).unwrap();
    assert_eq!(log_key.public().to_string(), forge::log_key().public().to_string());
}
