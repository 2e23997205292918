//! `fixtures/vectors/payments.txt`: payments, a cheque that is settled and one that is revoked, with the
//! values of each on the way. The blocks are those of `fixtures/logs/payments`. `UPDATE_VECTORS=1` writes the file
//! anew; do that only together with a new version of the format.

use ledgerd::chain::{Block, Message};
use ledgerd::codec;
use ledgerd::domain::payments::{self, Cheque, Issue, Pay, Payment};
use ledgerd::domain::{AccountId, Command, Event};
use serde_bytes::ByteBuf;

use crate::forge::{Draft, Forge, member_key};
use crate::session_vectors::Book;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vectors/payments.txt");

/// The names of blocks 1 to 9.
const NAMES: [&str; 9] = [
    "register_1",
    "register_2",
    "register_3",
    "issue",
    "pay",
    "pay_several",
    "settle",
    "revoke_cheque",
    "settle_all",
];

/// A ledger with money, in which everything happens that can happen to it.
pub(crate) fn ledger() -> Forge {
    let mut forge = Forge::with_money(90);
    let payment = |to, amount, memo: &str| Payment { to: AccountId(to), amount, memo: memo.to_owned() };
    let several = vec![payment(1, 1, ""), payment(2, 300, "Zoë")];
    let commands = [
        (0, payments::Command::Issue(Issue { to: AccountId(2), amount: 5_000 })),
        (1, payments::Command::Pay(Pay { payments: vec![payment(3, 128, "tea")] })),
        (2, payments::Command::Pay(Pay { payments: several })),
    ];
    for (member, command) in commands {
        let draft = forge.draft(member, AccountId(member as u64 + 1), &Command::Payments(command));
        forge.push(&draft);
    }
    let cheque = forge.cheque(0, 1, 0x0a);
    let all = Cheque { amount: 827, memo: String::new(), ..forge.cheque(2, 0, 0x0c) };
    let steps: [&dyn Fn(&mut Forge) -> Draft; 3] =
        [&|forge| forge.settlement(1, 0, &cheque), &|forge| forge.revocation(0, 0x0b), &|forge| {
            forge.settlement(0, 2, &all)
        }];
    for step in steps {
        let draft = step(&mut forge);
        forge.push(&draft);
    }
    let state = &forge.state().payments;
    assert_eq!((state.settlements(), state.revocations()), (2, 1));
    assert_eq!([1, 2, 3].map(|account| state.balance(AccountId(account))), [1_758, 6_242, 0]);
    forge
}

#[test]
fn the_vectors_of_payments_are_what_the_ledger_holds() {
    let forge = ledger();
    let mut book = Book::default();
    book.text("# Money in a ledger, value by value. Fields: README.md. All values are hexadecimal.");
    book.section("genesis");
    book.put("block", &forge.blocks[0]);
    book.put("ledger_id", &forge.ledger_id.0);
    for (name, bytes) in NAMES.iter().zip(&forge.blocks[1..]) {
        let block = Block::parse(bytes).unwrap();
        let message = Message::parse(block.message).unwrap();
        book.section(name);
        book.block(bytes);
        let Command::Payments(command) = Command::decode(message.header.tag, message.body).unwrap() else {
            continue;
        };
        let Event::Payments(event) = Event::decode(block.event).unwrap() else { panic!("{name}") };
        match (command, event) {
            (payments::Command::Settle(settle), payments::Event::Settled(settled)) => {
                let cheque = settle.cheque.encode();
                let payer = member_key(settle.cheque.payer.0 as usize - 1).public();
                assert_eq!(payer.verify(&[&cheque], &settle.signature), Ok(()));
                let parts = (ByteBuf::from(cheque.clone()), ByteBuf::from(settle.signature.clone()));
                assert_eq!(message.body, codec::encode(&parts), "two byte strings, one after the other");
                assert_eq!(block.event, [0, 1, 0, 34, settled.settlement as u8]);
                book.put("cheque", &cheque);
                book.put("cheque_signature", &settle.signature);
            }
            (payments::Command::RevokeCheque(revoke), payments::Event::ChequeRevoked(revoked)) => {
                assert_eq!(message.body, revoke.cheque_id.0, "sixteen bytes without a length");
                assert_eq!(block.event, [0, 1, 0, 35, revoked.revocation as u8]);
            }
            _ => {}
        }
    }
    assert_eq!(forge.blocks.len(), 1 + NAMES.len());
    book.compare(FILE);
}
