//! Every request and every reply, there and back, and what strangers send instead.

use proptest::prelude::*;
use serde_bytes::ByteBuf;

use super::*;
use crate::chain::{CommandId, Consistency, Inclusion};
use crate::crypto::{Digest, KeyId};
use crate::domain::AccountId;
use crate::domain::payments::Movement;
use crate::limits::{COMMAND_BODY_BYTES_MAX, MESSAGE_BYTES_MAX};
use crate::time::Timestamp;

/// 2^40 as postcard writes a length.
const TWO_TO_THE_FORTY: [u8; 6] = [0x80, 0x80, 0x80, 0x80, 0x80, 0x20];

fn requests() -> Vec<Request<'static>> {
    vec![
        Request::Submit(Submission { message: b"message", signature: &[1; 384] }),
        Request::Copy { from: 300, limit: u64::MAX },
        Request::Verify,
        Request::Status,
        Request::Whoami,
        Request::Checkpoint,
        Request::Inclusion { index: 1, size: 2 },
        Request::Consistency { old_size: 1, size: 2 },
        Request::Receipt(ReceiptOf::Command(CommandId([3; 16]))),
        Request::Cosign { size: 300, vkey: "w+1+A", line: "— w AAAA\n" },
        Request::Cosigned(vec!["w+1+A", ""]),
        Request::Balance,
        Request::Statement { from: StatementPlace { index: 300, element: 7 }, limit: 9 },
        Request::Member("alice"),
        Request::Announce { address: ([127, 0, 0, 1], 300).into(), hidden: true },
        Request::Online { from: AccountId(300), limit: 7 },
        Request::Locate(AccountId(300)),
        Request::Registration(AccountId(300)),
        Request::RegistrationOfKey(KeyId([5; 32])),
    ]
}

fn replies() -> Vec<Reply> {
    let accepted = Accepted {
        index: 1,
        hash: Digest([2; 32]),
        timestamp: Timestamp::from_micros(300),
        event: ByteBuf::from(vec![0, 1, 0, 16, 0]),
        duplicate: true,
    };
    let finding = Finding {
        file: "log/00000000000000000000.seg".to_owned(),
        offset: 4_096,
        index: Some(7),
        name: "chain_broken".to_owned(),
        reason: "the previous hash is not that of the block before".to_owned(),
        warning: false,
    };
    let verification = Verification {
        blocks: 1,
        signatures: 2,
        findings: vec![finding],
        findings_total: 3,
        checkpoint: String::new(),
    };
    let figure = |name: &str, value| Figure { name: name.to_owned(), value };
    let status = Figures(vec![
        figure("blocks", FigureValue::Number(300)),
        figure("mode", FigureValue::Text("read_only".to_owned())),
        figure("mode_reason", FigureValue::None),
    ]);
    let whoami = Whoami {
        account: AccountId(1),
        handle: "alice".to_owned(),
        registered_at: 2,
        orders_buy: 3,
        orders_sell: 4,
        last_block: None,
    };
    vec![
        Reply::Accepted(accepted),
        Reply::Refused(Refusal::fail("handle_taken", "this handle is taken")),
        Reply::CopyPage(CopyPage { blocks: vec![ByteBuf::from(vec![1, 2, 3])], next: Some(9) }),
        Reply::Progress(Progress { done: 1, total: 2 }),
        Reply::Verification(verification),
        Reply::Status(status),
        Reply::Whoami(whoami),
        Reply::Checkpoint(CheckpointNote { note: "note".to_owned() }),
        Reply::Inclusion(Inclusion(vec![[1; 32], [2; 32]])),
        Reply::Consistency(Consistency(vec![[3; 32]])),
        Reply::Receipt(Proofs {
            block: ByteBuf::from(vec![1, 2]),
            inclusion: Inclusion(vec![[4; 32]]),
            registration: Some((ByteBuf::from(vec![3]), Inclusion(vec![]))),
            note: "note".to_owned(),
        }),
        Reply::Balance(Balance { balance: 300, currency: "USD".to_owned(), scale: 2 }),
        Reply::Statement(StatementPage {
            lines: vec![StatementLine {
                place: StatementPlace { index: 1, element: 2 },
                timestamp: Timestamp::from_micros(300),
                movement: Movement::Payment,
                amount: -5,
                balance: 7,
                counterparty: Some(AccountId(2)),
                handle: "bob".to_owned(),
                memo: "tea".to_owned(),
            }],
            next: Some(StatementPlace { index: 2, element: 0 }),
        }),
        Reply::Member(Member { account: AccountId(2), handle: "bob".to_owned(), key_id: KeyId([5; 32]) }),
        Reply::Announced(([192, 0, 2, 1], 300).into()),
        Reply::Online(OnlinePage {
            members: vec![OnlineMember {
                account: AccountId(2),
                handle: "bob".to_owned(),
                address: (std::net::Ipv6Addr::LOCALHOST, 300).into(),
                key_id: KeyId([5; 32]),
            }],
            next: Some(AccountId(300)),
        }),
        Reply::Displaced(([192, 0, 2, 1], 300).into()),
    ]
}

#[test]
fn every_request_and_every_reply_reads_back() {
    for (id, request) in (1..).zip(requests()) {
        assert_eq!(open(&seal(id, &request)), Ok((id, request)));
    }
    for (id, reply) in (0..).zip(replies()) {
        assert_eq!(open(&seal(id, &reply)), Ok((id, reply)));
    }
    assert_eq!(open(&seal(u32::MAX, &Request::Verify)), Ok((u32::MAX, Request::Verify)));
}

/// Numbers that clients of every version rely on: a variant keeps its place for ever.
#[test]
fn variants_are_numbered_in_the_order_of_the_reference() {
    for (number, request) in requests().iter().enumerate() {
        assert_eq!(usize::from(seal(1, request)[ENVELOPE_BYTES]), number, "{request:?}");
    }
    for (number, reply) in replies().iter().enumerate() {
        assert_eq!(usize::from(seal(1, reply)[ENVELOPE_BYTES]), number, "{reply:?}");
    }
}

#[test]
fn the_envelope_is_version_then_id_then_postcard() {
    let request = Request::Copy { from: 300, limit: 2 };
    assert_eq!(seal(0x0102_0304, &request), [1, 1, 2, 3, 4, 1, 0xac, 2, 2]);
    let reply = Reply::Refused(Refusal::fail("no_orders", "none"));
    assert_eq!(seal(7, &reply), b"\x01\0\0\0\x07\x01\xd2\x01\x09no_orders\x04none\0");
    let about = Reply::Refused(Refusal::fail("no_orders", "none").about(Some(300)));
    assert_eq!(seal(7, &about), b"\x01\0\0\0\x07\x01\xd2\x01\x09no_orders\x04none\x01\xac\x02");
    assert_eq!((Refusal::FAIL, Refusal::AUTH_FAIL), (210, 220));
}

#[test]
fn every_truncation_and_every_trailing_byte_is_refused() {
    for request in requests() {
        let message = seal(1, &request);
        for length in 0..message.len() {
            assert!(open::<Request<'_>>(&message[..length]).is_err(), "{request:?} cut to {length}");
        }
        assert!(open::<Request<'_>>(&[&message[..], &[0]].concat()).is_err(), "{request:?}");
    }
    for reply in replies() {
        let message = seal(1, &reply);
        for length in 0..message.len() {
            assert!(open::<Reply>(&message[..length]).is_err(), "{reply:?} cut to {length}");
        }
        assert!(open::<Reply>(&[&message[..], &[0]].concat()).is_err(), "{reply:?}");
    }
}

#[test]
fn another_version_is_refused() {
    let good = seal(1, &Request::Verify);
    for version in (0..=u8::MAX).filter(|&version| version != VERSION) {
        let message = [&[version], &good[1..]].concat();
        assert_eq!(open::<Request<'_>>(&message), Err(NotCanonical), "version {version}");
    }
}

#[test]
fn a_variant_that_does_not_exist_is_refused() {
    for number in requests().len()..256 {
        let body = [&codec::encode(&(number as u32))[..], &[0; 64]].concat();
        for length in 0..body.len() {
            assert!(open::<Request<'_>>(&[&[1, 0, 0, 0, 1], &body[..length]].concat()).is_err());
        }
    }
}

#[test]
fn a_length_of_two_to_the_forty_is_refused_without_allocating() {
    let message = |body: &[u8]| [&[VERSION, 0, 0, 0, 1], body, &TWO_TO_THE_FORTY[..]].concat();
    for body in [&[0][..], &[0, 1, b'm']] {
        assert_eq!(open::<Request<'_>>(&message(body)), Err(NotCanonical), "request {body:?}");
    }
    let refusal_name = [1, 0xd2, 1];
    for body in [&refusal_name[..], &[2], &[2, 1], &[4, 0, 0], &[7], &[8], &[9]] {
        assert_eq!(open::<Reply>(&message(body)), Err(NotCanonical), "reply {body:?}");
    }
}

#[test]
fn the_largest_command_fits_into_one_message() {
    let body = vec![7; COMMAND_BODY_BYTES_MAX + crate::chain::message::HEADER_BYTES];
    let message = seal(1, &Request::Submit(Submission { message: &body, signature: &[1; 384] }));
    assert!(message.len() <= MESSAGE_BYTES_MAX, "{} bytes", message.len());
}

proptest! {
    #[test]
    fn bytes_of_a_stranger_never_panic_and_open_only_if_they_are_canonical(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        variant in 0..12u8,
    ) {
        let likely = [&[VERSION, 0, 0, 0, 1, variant], &bytes[..]].concat();
        for message in [bytes, likely] {
            if let Ok((id, request)) = open::<Request<'_>>(&message) {
                prop_assert_eq!(seal(id, &request), message.clone());
            }
            if let Ok((id, reply)) = open::<Reply>(&message) {
                prop_assert_eq!(seal(id, &reply), message);
            }
        }
    }

    #[test]
    fn a_flipped_bit_opens_to_something_else_or_not_at_all(
        which in 0..10usize,
        at: prop::sample::Index,
        bit in 0..8u32,
    ) {
        let reply = replies().swap_remove(which);
        let mut message = seal(1, &reply);
        let at = at.index(message.len());
        message[at] ^= 1 << bit;
        prop_assert_ne!(open(&message), Ok((1, reply)));
    }
}
