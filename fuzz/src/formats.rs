//! Targets for everything that is read in one piece: frames, commands and events, notes, receipts, segments, JSON.

use ledgerd::audit::{self, audit};
use ledgerd::chain::{Block, Checkpoint, Receipt, armour};
use ledgerd::client::orders_input::{Layout, parse_line, read_orders};
use ledgerd::client::payments_input;
use ledgerd::codec;
use ledgerd::crypto::cosignature::WitnessKey;
use ledgerd::crypto::note::{LogKey, text_of};
use ledgerd::domain::{Command, Event, Tag, split_tag};
use ledgerd::eventlog::reader::{CursorError, SegmentCursor};
use ledgerd::eventlog::{SimDisk, segment as segments};
use ledgerd::session::frame::{FrameBuffer, front};
use ledgerd::wire::{self, PeerReply, PeerRequest, Reply, Request};
use serde::de::Deserialize;
use serde::ser::Serialize;

/// The name of the ledger whose notes and receipts the targets know.
pub const ORIGIN: &str = "ledger.example/test";

/// The seed of its log key.
pub const SEED: [u8; 32] = [7; 32];

/// Frames of the channel, in pieces: what is found does not depend on how the bytes are cut, and no frame is longer
/// than a header can say. The first byte is the length of the pieces. Good is what ends with a whole frame.
pub fn frame(bytes: &[u8]) -> bool {
    let Some((piece, bytes)) = bytes.split_first() else { return false };
    let mut whole = Vec::new();
    let mut rest = bytes;
    let clean = loop {
        match front(rest) {
            Err(_) => break false,
            Ok(None) => break rest.is_empty(),
            Ok(Some((kind, length))) if length <= rest.len() => {
                whole.push((kind, rest[..length].to_vec()));
                rest = &rest[length..];
            }
            Ok(Some(_)) => break false,
        }
    };
    let mut buffer = FrameBuffer::default();
    let mut found = Vec::new();
    let mut rest = bytes;
    'pieces: while !rest.is_empty() {
        // A session always takes out the whole frames that it has before it takes more bytes in.
        let count = usize::from(*piece).max(1).min(rest.len()).min(buffer.room());
        assert!(count > 0, "a buffer without room holds a whole frame");
        buffer.push(&rest[..count]).unwrap();
        rest = &rest[count..];
        loop {
            match buffer.next_frame() {
                Ok(Some(frame)) => {
                    assert_eq!(frame.body().len() + 3, frame.bytes.len());
                    found.push((frame.kind, frame.bytes.to_vec()));
                }
                Ok(None) => break,
                Err(_) => break 'pieces,
            }
        }
        buffer.release();
    }
    assert_eq!(found, whole, "pieces of {piece}");
    clean && !whole.is_empty()
}

/// The one encoding of everything that is decoded strictly. The first byte says what the rest claims to be: 0 a
/// command behind its schema and kind, 1 an event, 2 to 5 a message with a request, a reply, a peer's request, a peer's
/// reply. Whatever decodes encodes to the very same bytes.
pub fn strict(bytes: &[u8]) -> bool {
    let Some((what, bytes)) = bytes.split_first() else { return false };
    match what {
        0 => split_tag(bytes).is_ok_and(|(tag, body)| command(tag, body)),
        1 => Event::decode(bytes).is_ok_and(|event| {
            assert_eq!(event.encode(), bytes);
            true
        }),
        2 => message::<Request<'_>>(bytes),
        3 => message::<Reply>(bytes),
        4 => message::<PeerRequest<'_>>(bytes),
        5 => message::<PeerReply>(bytes),
        _ => false,
    }
}

fn command(tag: Tag, body: &[u8]) -> bool {
    Command::decode(tag, body).is_ok_and(|command| {
        assert_eq!(command.encode(), (tag, body.to_vec()));
        true
    })
}

fn message<'a, T: Deserialize<'a> + Serialize>(bytes: &'a [u8]) -> bool {
    wire::open::<T>(bytes).is_ok_and(|(id, value)| {
        assert_eq!(wire::seal(id, &value), bytes);
        true
    })
}

/// Signed notes: checkpoints and their cosignatures. What verifies is a note whose text stands in it unchanged, and a
/// checkpoint is written again as it was read.
pub fn note(bytes: &[u8]) -> bool {
    let log_key = LogKey::from_seed(ORIGIN, &SEED).unwrap();
    let witness = WitnessKey::from_seed("witness.example", &SEED).unwrap();
    // As mail brings it, and as it has to be.
    let found = Checkpoint::find_note(&armour::text_of(bytes));
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    if let Ok(found) = found {
        assert!(text_of(&found).is_some(), "what is found has the form of a note");
    }
    if let Ok((said, _)) = witness.public().verify_note(text) {
        assert_eq!(text_of(text), Some(said));
    }
    let Ok(said) = log_key.public().verify_note(text) else {
        assert!(Checkpoint::of_note(text, log_key.public()).is_err());
        return false;
    };
    assert_eq!(text_of(text), Some(said));
    let parsed = Checkpoint::parse(said);
    if let Ok(checkpoint) = &parsed {
        assert_eq!(checkpoint.text(), said);
    }
    parsed.is_ok()
}

/// Receipts. There is one spelling for each, and what is proven is what its block says. Good is what proves something.
pub fn receipt(bytes: &[u8]) -> bool {
    let text = armour::text_of(bytes);
    let Ok(receipt) = Receipt::find(&text) else {
        assert!(Receipt::parse(&text).is_err());
        return false;
    };
    assert_eq!(Receipt::parse(&receipt.to_text()).as_ref(), Ok(&receipt));
    let log_key = LogKey::from_seed(ORIGIN, &SEED).unwrap();
    receipt.check(log_key.public()).is_ok_and(|proven| {
        let block = Block::parse(&receipt.block).unwrap();
        assert_eq!((proven.index, proven.timestamp), (block.index, block.timestamp));
        true
    })
}

/// The first segment of a log: the reader stays in it, finds frames behind damage, and the audit comes to an end.
/// Good is a segment in which every frame up to the last byte that is not zero is intact.
pub fn segment(bytes: &[u8]) -> bool {
    let disk = SimDisk::new();
    disk.put(&segments::path(0), bytes);
    let request = audit::Request::default();
    // Whatever it finds, it finds it without a panic.
    drop(audit(&disk, &request, &mut |_, _| {}, &|| false).unwrap());
    let Ok(mut cursor) = SegmentCursor::open(&disk, 0).unwrap() else { return false };
    let mut blocks = 0;
    let bad = loop {
        match cursor.next_frame() {
            Ok(Some(frame)) => {
                assert!(cursor.offset() <= bytes.len() as u64);
                let there = cursor.blocks(&frame).count() as u64;
                blocks += there;
                assert!(there <= u64::from(frame.header.count).max(1));
            }
            Ok(None) => break None,
            Err(CursorError::Bad(bad)) => break Some(bad),
            Err(CursorError::Io(error)) => panic!("the disk of the test fails: {error}"),
        }
    };
    let at = bad.as_ref().map_or(cursor.offset(), |bad| bad.offset);
    let end = cursor.end_of_data(at).unwrap();
    assert!((at..=at.max(bytes.len() as u64)).contains(&end));
    if let Some(frame) = cursor.find_frame(at).unwrap() {
        assert!(frame.offset >= at);
    }
    blocks > 0 && end == at
}

/// JSON as people write it: orders as a whole and line by line, and payments. Every order that is read has an encoding
/// of its own. Good is what has an order in it and nothing wrong.
pub fn orders(bytes: &[u8]) -> bool {
    let mut orders = Vec::new();
    let whole = read_orders(bytes, &Layout::Json, &mut |element| {
        orders.push(element.order);
        Ok(())
    });
    for order in &orders {
        let encoded = codec::encode(order);
        assert_eq!(codec::strict(&encoded).as_ref(), Ok(order));
    }
    drop(payments_input::file("", bytes));
    if let Ok(text) = std::str::from_utf8(bytes) {
        for (number, line) in text.lines().enumerate() {
            drop(parse_line(line, number as u64 + 1, true));
        }
    }
    whole.is_ok() && !orders.is_empty()
}
