//! `fixtures/vectors/orders.txt`: orders of the second schema in every shape that their encoding has, in the blocks of
//! a ledger, and bodies that are no orders of this schema. `UPDATE_VECTORS=1` writes the file anew; do that only
//! together with a new version of the format.

use ledgerd::chain::{Block, Message};
use ledgerd::codec;
use ledgerd::domain::orders::{self, Currency, Decimal, Operation, Order, PlaceOrders, Price, StockName};
use ledgerd::domain::{AccountId, Command, Event, Undecodable};

use crate::forge::Forge;
use crate::session_vectors::Book;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vectors/orders.txt");

/// The commands of blocks 4 to 7, whose author is member 1: a name and its orders.
fn commands() -> [(&'static str, Vec<Order>); 4] {
    let order = |operation, stock_name: &str, quantity, price| Order {
        operation,
        stock_name: StockName::new(stock_name).unwrap(),
        quantity,
        price,
    };
    let price = |mantissa, scale, currency: Option<&str>| {
        let currency = currency.map(|name| Currency::new(name).unwrap());
        Some(Price { amount: Decimal::new(mantissa, scale).unwrap(), currency })
    };
    let whole = |number: u64| Decimal::from(number);
    let decimal = |mantissa, scale| Decimal::new(mantissa, scale).unwrap();
    [
        ("at_any_price", vec![order(Operation::Buy, "AAPL", whole(1), None)]),
        ("with_decimals", vec![order(Operation::Sell, "BRK.B", decimal(25, 1), None)]),
        (
            "with_prices",
            vec![
                order(Operation::Buy, "AAPL", whole(300), price(125, 1, Some("USD"))),
                order(Operation::Sell, "AAPL", decimal(1, 8), price(598, 0, None)),
                order(Operation::Buy, "ETH", whole(128), price(0, 0, Some("EUR"))),
            ],
        ),
        (
            "at_the_limits",
            vec![order(
                Operation::Sell,
                &"A".repeat(32),
                decimal(u64::MAX, 8),
                price(u64::MAX, 0, Some("ABCDEFGH")),
            )],
        ),
    ]
}

/// Bodies that are not the one encoding of orders, each with what is wrong about it.
const REFUSED: [(&str, &[u8]); 9] = [
    ("a_zero_at_the_end_of_the_decimals", b"\x01\x04\x01A\x0a\x10"),
    ("scales_that_are_both_zero", b"\x01\x04\x01A\x01\x00"),
    ("more_than_eight_decimals", b"\x01\x04\x01A\x01\x90"),
    ("a_quantity_that_is_longer_than_needed", b"\x01\x00\x01A\x81\x00"),
    ("letters_of_a_currency_without_a_price", b"\x01\x18\x01A\x01USD"),
    ("a_currency_of_one_letter", b"\x01\x0a\x01A\x01\x01U"),
    ("a_bit_that_means_nothing", b"\x01\x80\x01A\x01"),
    ("a_name_that_is_empty", b"\x01\x00\x00\x01"),
    ("a_byte_too_many", b"\x01\x00\x01A\x01\x00"),
];

fn ledger() -> Forge {
    let mut forge = Forge::with_orders(91, 0);
    for (_, orders) in commands() {
        let command = orders::Command::PlaceOrders(PlaceOrders { orders });
        let draft = forge.draft(0, AccountId(1), &Command::Orders(command));
        forge.push(&draft);
    }
    forge
}

#[test]
fn the_vectors_of_orders_are_what_the_ledger_holds() {
    let forge = ledger();
    let mut book = Book::default();
    book.text("# Orders of schema 2, value by value. Fields: README.md. All values are hexadecimal.");
    book.section("ledger");
    for (number, bytes) in forge.blocks.iter().take(4).enumerate() {
        book.put(&format!("block_{number}"), bytes);
    }
    book.put("ledger_id", &forge.ledger_id.0);
    for ((name, orders), bytes) in commands().into_iter().zip(&forge.blocks[4..]) {
        let block = Block::parse(bytes).unwrap();
        let message = Message::parse(block.message).unwrap();
        assert_eq!(message.header.tag, orders::PLACE_ORDERS);
        book.section(name);
        for (number, order) in orders.iter().enumerate() {
            book.put(&format!("order_{number}"), &codec::encode(order));
        }
        let encoded: Vec<u8> = orders.iter().flat_map(codec::encode).collect();
        assert_eq!(message.body, [&[orders.len() as u8], &encoded[..]].concat(), "a count, and the orders");
        let command = Command::Orders(orders::Command::PlaceOrders(PlaceOrders { orders }));
        assert_eq!(Command::decode(message.header.tag, message.body), Ok(command));
        assert!(matches!(Event::decode(block.event), Ok(Event::Orders(orders::Event::OrdersPlaced(_)))));
        book.block(bytes);
    }
    assert_eq!(forge.blocks.len(), 4 + commands().len());
    book.section("refused");
    for (name, body) in REFUSED {
        let decoded = Command::decode(orders::PLACE_ORDERS, body);
        assert_eq!(decoded, Err(Undecodable::NotCanonical), "{name}");
        book.put(name, body);
    }
    book.compare(FILE);
}
