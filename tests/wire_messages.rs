//! Every request and every reply, there and back, and what strangers send instead.

use std::collections::BTreeSet;

use ledgerd::chain::{CommandId, Consistency, Inclusion};
use ledgerd::codec::{self, NotCanonical};
use ledgerd::crypto::sealed::ScopeId;
use ledgerd::crypto::{Digest, KeyId};
use ledgerd::domain::payments::Movement;
use ledgerd::domain::shop::purchases::{
    LineFace, PurchaseFace, PurchaseId, PurchasePage, PurchaseState, PurchasesWanted, Step,
};
use ledgerd::domain::{self, AccountId, Answer, Fact, Notice, Query, Value, accounts, payments, shop};
use ledgerd::limits::{COMMAND_BODY_BYTES_MAX, MESSAGE_BYTES_MAX};
use ledgerd::refusal;
use ledgerd::time::Timestamp;
use ledgerd::wire::{
    Accepted, CheckpointNote, CopyPage, ENVELOPE_BYTES, ErasureProof, FactorGiven, FactorOffer, Figure,
    Figures, Finding, Followed, Followings, JournalLine, JournalPage, JournalPlace, OnlineMember, OnlinePage,
    Progress, Proofs, Push, ReceiptOf, Refusal, Reply, Request, ScopeKeys, Submission, Unlocked, VERSION,
    Verification, WrongCodes, open, readdress, seal,
};
use proptest::prelude::*;
use serde::Serialize;
use serde_bytes::ByteBuf;

use super::wire_tables::variants;

/// 2^40 as postcard writes a length.
const TWO_TO_THE_FORTY: [u8; 6] = [0x80, 0x80, 0x80, 0x80, 0x80, 0x20];

fn requests() -> Vec<Request<'static>> {
    let from = payments::StatementPlace { index: 300, element: 7 };
    vec![
        Request::Submit(Submission { message: b"message", signature: &[1; 384] }),
        Request::Ask(Query::Payments(payments::Query::Statement { from, limit: 9 })),
        Request::Follow { from: 300, of: Followed::Concerning },
        Request::Copy { from: 300, limit: u64::MAX, concerning: true },
        Request::Receipt(ReceiptOf::Command(CommandId([3; 16]))),
        Request::Inclusions { size: 300, indexes: vec![1, 299] },
        Request::Consistency { old_size: 1, size: 2 },
        Request::Checkpoint,
        Request::Cosigned(vec!["w+1+A", ""]),
        Request::Cosign { size: 300, vkey: "w+1+A", line: "— w AAAA\n" },
        Request::Whoami,
        Request::Status,
        Request::Verify,
        Request::Announce { address: ([127, 0, 0, 1], 300).into(), hidden: true },
        Request::Online { from: AccountId(300), limit: 7 },
        Request::Locate(AccountId(300)),
        Request::SubmitWith {
            submission: Submission { message: b"message", signature: &[1; 64] },
            side: &[1; 33],
        },
        Request::ScopeKeys(vec![ScopeId([6; 16])]),
        Request::Erasure(AccountId(300)),
        Request::PasswordRegister { e_mail: "ash@pallet.example", request: [1; 32] },
        Request::PasswordStart { e_mail: "ash@pallet.example", ke1: [[2; 32]; 3] },
        Request::PasswordFinish { ke3: [[3; 32]; 2] },
        Request::Recover { e_mail: "ash@pallet.example", shown: [4; 32] },
        Request::LogOut { all: true },
        Request::Journal {
            account: Some(AccountId(300)),
            since_ms: 1_700_000_000_000,
            from: JournalPlace { file_ms: 1_700_000_000_000, record: 300 },
            limit: 9,
        },
        Request::SecondFactorBegin { keep_secret: true },
        Request::SecondFactor(FactorGiven::Code("287082")),
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
        figure("blocks", Value::Number(300)),
        figure("mode", Value::Text("read_only".to_owned())),
        figure("mode_reason", Value::None),
    ]);
    let refused = Refusal {
        facts: vec![(Fact::Element, Value::Number(300)), (Fact::Until, Timestamp::from_micros(9).into())],
        ..Refusal::fail(refusal::HANDLE_TAKEN, "this handle is taken")
    };
    let line = payments::StatementLine {
        place: payments::StatementPlace { index: 1, element: 2 },
        timestamp: Timestamp::from_micros(300),
        movement: Movement::Payment,
        purchase: Some(300),
        amount: -5,
        balance: 7,
        counterparty: Some(AccountId(2)),
        handle: "bob".to_owned(),
        memo: "tea".to_owned(),
    };
    let next = Some(payments::StatementPlace { index: 2, element: 0 });
    let page = payments::StatementPage { lines: vec![line], next };
    let pushed = Followings { blocks: vec![ByteBuf::from(vec![1, 2, 3])], next: 300 };
    vec![
        Reply::Accepted(accepted),
        Reply::Refused(refused),
        Reply::Answer(Answer::Payments(payments::Answer::Statement(page))),
        Reply::Push(Push::Blocks(pushed)),
        Reply::CopyPage(CopyPage { blocks: vec![ByteBuf::from(vec![1, 2, 3])], next: Some(9) }),
        Reply::Receipt(Proofs {
            block: ByteBuf::from(vec![1, 2]),
            inclusion: Inclusion(vec![[4; 32]]),
            keys: vec![(ByteBuf::from(vec![3]), Inclusion(vec![]))],
            note: "note".to_owned(),
        }),
        Reply::Inclusions(vec![Inclusion(vec![[1; 32], [2; 32]])]),
        Reply::Consistency(Consistency(vec![[3; 32]])),
        Reply::Checkpoint(CheckpointNote { note: "note".to_owned() }),
        Reply::Whoami(Figures(vec![figure("handle", Value::Text("alice".to_owned()))])),
        Reply::Status(status),
        Reply::Verification(verification),
        Reply::Announced(([192, 0, 2, 1], 300).into()),
        Reply::Online(OnlinePage {
            members: vec![OnlineMember {
                account: AccountId(2),
                handle: "bob".to_owned(),
                address: (std::net::Ipv6Addr::LOCALHOST, 300).into(),
                keys: vec![KeyId([5; 32])],
            }],
            next: Some(AccountId(300)),
        }),
        Reply::ScopeKeys(ScopeKeys(vec![[7; 32]])),
        Reply::Erasure(ErasureProof {
            block: ByteBuf::from(vec![1, 2]),
            inclusion: Inclusion(vec![[4; 32]]),
            note: "note".to_owned(),
            erasure: "erasure".to_owned(),
        }),
        Reply::PasswordResponse([[1; 32]; 2]),
        Reply::LoginChallenge(Box::new([[2; 32]; 10])),
        Reply::Unlocked(Box::new(Unlocked {
            account: AccountId(300),
            epoch: 300,
            key_id: KeyId([5; 32]),
            record: [[6; 32]; 6],
            blob: ByteBuf::from(vec![7; 300]),
            block: ByteBuf::from(vec![1, 2]),
            inclusion: Inclusion(vec![[4; 32]]),
            note: "note".to_owned(),
            factor: Some([8; 32]),
            wrong_codes: WrongCodes { count: 300, since_ms: 1_700_000_000_000 },
        })),
        Reply::LoggedOut,
        Reply::Journal(JournalPage {
            lines: vec![JournalLine {
                time_ms: 1_700_000_000_000,
                account: AccountId(300),
                handle: "bob".to_owned(),
                code: 1_021,
                count: 300,
                about: AccountId(2),
            }],
            next: Some(JournalPlace { file_ms: 1_700_000_000_000, record: 301 }),
        }),
        Reply::FactorOffer(Box::new(FactorOffer {
            generation: 300,
            secret: Some([1; 20]),
            codes: [[2; 10]; 10],
        })),
        Reply::FactorTaken(WrongCodes { count: 7, since_ms: 1_700_000_000_000 }),
    ]
}

/// What stands one enum further in: questions and answers of the domains, and pushes.
fn inner() -> (Vec<Request<'static>>, Vec<Reply>) {
    let (payer, cheque_id) = (AccountId(300), payments::ChequeId([7; 16]));
    let wanted = shop::ItemsWanted { name_part: "cat", from: shop::ItemId(300) };
    let requests = vec![
        Request::Ask(Query::Accounts(accounts::Query::Member("alice"))),
        Request::Ask(Query::Accounts(accounts::Query::Keys(AccountId(300)))),
        Request::Ask(Query::Accounts(accounts::Query::Profile)),
        Request::Ask(Query::Payments(payments::Query::Balance)),
        Request::Ask(Query::Payments(payments::Query::Cheque { payer, cheque_id })),
        Request::Ask(Query::Shop(shop::Query::Shop)),
        Request::Ask(Query::Shop(shop::Query::Items(wanted))),
        Request::Ask(Query::Shop(shop::Query::Stock(wanted))),
        Request::Ask(Query::Shop(shop::Query::Purchases(PurchasesWanted {
            customer: Some(AccountId(300)),
            from: PurchaseId(9),
        }))),
        Request::Ask(Query::Shop(shop::Query::Purchase(PurchaseId(300)))),
    ];
    let member =
        accounts::Member { account: AccountId(2), handle: "bob".to_owned(), keys: vec![KeyId([5; 32])] };
    let key = accounts::KeyFace {
        key_id: KeyId([5; 32]),
        kind: "ed25519".to_owned(),
        custody: accounts::Custody::Device,
        rights: accounts::Rights::Act,
        label: "phone".to_owned(),
        added_at: 300,
        ended_at: Some(301),
    };
    let profile = accounts::ProfilePlace { scope: ScopeId([6; 16]), block: Some(300) };
    let balance = payments::Balance { balance: 300, currency: "USD".to_owned(), scale: 2 };
    let face = shop::ShopFace {
        till: Some(AccountId(300)),
        settings: 1,
        values: vec![7, 300],
        items: 2,
        opening_grant: 100,
    };
    let (item, name, on_sale) = (shop::ItemId(300), "Mew".to_owned(), true);
    let sold = shop::CatalogueItem { item, name: name.clone(), price: Some(9), on_sale, listed: 300 };
    let buckets = shop::Buckets { supplied: 300, listed: 300, ..shop::Buckets::default() };
    let kept = shop::StockItem { item, name, price: None, on_sale, buckets };
    let next = Some(shop::ItemId(301));
    let paid = Notice::Payments(payments::Notice::Paid { index: 300 });
    let replies = vec![
        Reply::Answer(Answer::Accounts(accounts::Answer::Member(member))),
        Reply::Answer(Answer::Accounts(accounts::Answer::Keys(vec![key]))),
        Reply::Answer(Answer::Accounts(accounts::Answer::Profile(profile))),
        Reply::Answer(Answer::Payments(payments::Answer::Balance(balance))),
        Reply::Answer(Answer::Payments(payments::Answer::Cheque(Some(payments::Fate::Revoked(300))))),
        Reply::Answer(Answer::Shop(shop::Answer::Shop(face))),
        Reply::Answer(Answer::Shop(shop::Answer::Items(shop::Page { items: vec![sold], next }))),
        Reply::Answer(Answer::Shop(shop::Answer::Stock(shop::Page { items: vec![kept], next }))),
        Reply::Answer(Answer::Shop(shop::Answer::Purchases(PurchasePage {
            purchases: vec![purchase()],
            next: Some(PurchaseId(301)),
        }))),
        Reply::Answer(Answer::Shop(shop::Answer::Purchase(Box::new(purchase())))),
        Reply::Push(Push::Progress(Progress { done: 1, total: 2 })),
        Reply::Push(Push::Displaced(([192, 0, 2, 1], 300).into())),
        Reply::Push(Push::Notice(paid)),
    ];
    (requests, replies)
}

fn purchase() -> PurchaseFace {
    let line = LineFace {
        item: shop::ItemId(300),
        name: "Mew".to_owned(),
        price: 9,
        bought: 3,
        cancelled: 1,
        shipped: 2,
        lost: 0,
    };
    let time = Timestamp::from_micros(300);
    PurchaseFace {
        purchase: PurchaseId(300),
        customer: AccountId(2),
        handle: "bob".to_owned(),
        state: PurchaseState::Received,
        since: time,
        until: Some(time),
        paid: 27,
        refunded: 9,
        held: 18,
        scope: Some(ScopeId([6; 16])),
        lines: vec![line],
        steps: vec![Step { state: PurchaseState::Paid, time, block: Some(300) }],
    }
}

#[test]
fn every_request_and_every_reply_reads_back() {
    let (asked, told) = inner();
    for (id, request) in (1..).zip(requests().into_iter().chain(asked)) {
        assert_eq!(open(&seal(id, &request)), Ok((id, request)));
    }
    for (id, reply) in (0..).zip(replies().into_iter().chain(told)) {
        assert_eq!(open(&seal(id, &reply)), Ok((id, reply)));
    }
    assert_eq!(open(&seal(u32::MAX, &Request::Verify)), Ok((u32::MAX, Request::Verify)));
}

/// The numbers of the variants further in, one behind the other, of all messages of which `outer` is the variant.
fn further_in<T: Serialize>(messages: &[T], outer: usize) -> BTreeSet<Vec<u8>> {
    let bodies = messages.iter().map(|message| seal(1, message)[ENVELOPE_BYTES..].to_vec());
    let bodies = bodies.filter(|body| usize::from(body[0]) == outer);
    bodies.map(|body| body[1..].iter().copied().take(2).collect()).collect()
}

fn place(name: &str, variants: &[&str]) -> usize {
    variants.iter().position(|variant| *variant == name).unwrap()
}

/// All variants of an enum of domains whose variants have so many variants each.
fn in_domains(domains: &[&str], counts: &[usize]) -> BTreeSet<Vec<u8>> {
    assert_eq!(domains.len(), counts.len(), "{domains:?}");
    let numbers = counts.iter().enumerate();
    numbers.flat_map(|(domain, &count)| (0..count).map(move |n| vec![domain as u8, n as u8])).collect()
}

#[test]
fn every_question_every_answer_and_every_push_has_an_example() {
    let (mut asked, mut told) = inner();
    asked.extend(requests());
    told.extend(replies());
    let ask = place("Ask", variants::<Request<'_>>());
    let counts = [
        variants::<accounts::Query<'_>>().len(),
        variants::<payments::Query>().len(),
        variants::<shop::Query<'_>>().len(),
    ];
    assert_eq!(further_in(&asked, ask), in_domains(variants::<Query<'_>>(), &counts));
    let answer = place("Answer", variants::<Reply>());
    let counts = [
        variants::<accounts::Answer>().len(),
        variants::<payments::Answer>().len(),
        variants::<shop::Answer>().len(),
    ];
    assert_eq!(further_in(&told, answer), in_domains(variants::<Answer>(), &counts));
    let push = place("Push", variants::<Reply>());
    let pushed: BTreeSet<usize> = further_in(&told, push).iter().map(|body| usize::from(body[0])).collect();
    assert_eq!(pushed, (0..variants::<Push>().len()).collect());
    let notices: Vec<Notice> = told.into_iter().filter_map(notice).collect();
    let known: BTreeSet<Vec<u8>> = notices.iter().map(|it| codec::encode(it)[..2].to_vec()).collect();
    assert_eq!(known, in_domains(variants::<Notice>(), &[variants::<payments::Notice>().len()]));
}

fn notice(reply: Reply) -> Option<Notice> {
    if let Reply::Push(Push::Notice(notice)) = reply { Some(notice) } else { None }
}

/// The numbers of the variants that mean something; the others are kept for messages that are not there yet.
fn assigned(variants: &[&str]) -> Vec<u8> {
    let numbers = (0..).zip(variants).filter(|(_, name)| !name.starts_with("Reserved"));
    numbers.map(|(number, _)| number).collect()
}

/// Numbers that clients of every version rely on: a variant keeps its place for ever.
#[test]
fn variants_are_numbered_in_the_order_of_the_reference() {
    let asked: Vec<u8> = requests().iter().map(|request| seal(1, request)[ENVELOPE_BYTES]).collect();
    assert_eq!(asked, assigned(variants::<Request<'_>>()), "every request has an example");
    let told: Vec<u8> = replies().iter().map(|reply| seal(1, reply)[ENVELOPE_BYTES]).collect();
    assert_eq!(told, assigned(variants::<Reply>()), "every reply has an example");
}

#[test]
fn a_question_of_a_domain_has_a_number_of_its_own_in_the_journal() {
    let (mut asked, _) = inner();
    asked.extend(requests());
    let noted = |request: &Request<'_>| match request {
        Request::Ask(query) => Some(query.noted()),
        _ => None,
    };
    let noted: BTreeSet<(u16, u64)> = asked.iter().filter_map(noted).collect();
    let numbers: Vec<u16> = noted.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, domain::noted_questions().map(|(number, _)| number).collect::<Vec<_>>());
    let about: Vec<u16> =
        noted.iter().filter(|(_, about)| *about == 300).map(|(number, _)| *number).collect();
    let purchases = [shop::NOTED_PURCHASES, shop::NOTED_PURCHASE];
    assert_eq!(about, [&[accounts::NOTED_KEYS, payments::NOTED_CHEQUE][..], &purchases].concat());
}

#[test]
fn the_envelope_is_version_then_id_then_postcard() {
    let request = Request::Copy { from: 300, limit: 2, concerning: true };
    assert_eq!(seal(0x0102_0304, &request), [1, 1, 2, 3, 4, 3, 0xac, 2, 2, 1]);
    let mut refused = Refusal::fail(refusal::NO_ORDERS, "none");
    let reply = Reply::Refused(refused.clone());
    assert_eq!(seal(7, &reply), b"\x01\0\0\0\x07\x01\xd2\x01\x09no_orders\x04none\0");
    refused.facts.push((Fact::Element, Value::Number(300)));
    let reply = Reply::Refused(refused);
    assert_eq!(seal(7, &reply), b"\x01\0\0\0\x07\x01\xd2\x01\x09no_orders\x04none\x01\0\x01\xac\x02");
    let mut moved = seal(7, &reply);
    readdress(&mut moved, 0x0102_0304);
    assert_eq!(moved, seal(0x0102_0304, &reply));
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
    let known = assigned(variants::<Request<'_>>());
    for number in (0..=u8::MAX).filter(|number| !known.contains(number)) {
        let body = [&codec::encode(&u32::from(number))[..], &[0; 64]].concat();
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
    for body in [&refusal_name[..], &[3, 0], &[3, 0, 1], &[4], &[4, 1], &[11, 0, 0], &[6], &[7], &[8]] {
        assert_eq!(open::<Reply>(&message(body)), Err(NotCanonical), "reply {body:?}");
    }
}

#[test]
fn the_largest_command_fits_into_one_message() {
    let body = vec![7; COMMAND_BODY_BYTES_MAX + ledgerd::chain::message::HEADER_BYTES];
    let message = seal(1, &Request::Submit(Submission { message: &body, signature: &[1; 384] }));
    assert!(message.len() <= MESSAGE_BYTES_MAX, "{} bytes", message.len());
}

proptest! {
    #[test]
    fn bytes_of_a_stranger_never_panic_and_open_only_if_they_are_canonical(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        variant in 0..=variants::<Request<'_>>().len().max(variants::<Reply>().len()) as u8,
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
        which in any::<prop::sample::Index>(),
        at: prop::sample::Index,
        bit in 0..8u32,
    ) {
        let reply = replies().swap_remove(which.index(replies().len()));
        let mut message = seal(1, &reply);
        let at = at.index(message.len());
        message[at] ^= 1 << bit;
        prop_assert_ne!(open(&message), Ok((1, reply)));
    }
}
