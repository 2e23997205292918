//! What holds for any sequence of commands, not only for those that somebody thought of.

use proptest::prelude::*;

use super::world::{
    LEDGER, Outcome, RawCheque, RawCommand, RawDecimal, RawOperation, RawOrder, RawOrderV1, RawPayment,
    RawPriceV1, World,
};

fn operation() -> impl Strategy<Value = RawOperation> {
    prop_oneof![
        8 => Just(RawOperation::Buy),
        8 => Just(RawOperation::Sell),
        1 => Just(RawOperation::Hold),
    ]
}

fn raw_order() -> impl Strategy<Value = RawOrder> {
    let stock_name = prop_oneof![8 => "[A-Za-z0-9./:-]{1,32}", 1 => ".{0,20}"];
    let mantissa = || prop_oneof![1 => Just(0), 4 => 1..100u64, 1 => Just(u64::MAX)];
    let scale = || prop_oneof![8 => Just(0), 4 => 0..9u8, 1 => 0..16u8];
    let decimal = || (mantissa(), scale()).prop_map(|(mantissa, scale)| RawDecimal { mantissa, scale });
    let currency = prop_oneof![4 => Just("USDT".to_owned()), 4 => Just(String::new()), 1 => "[A-Za-z]{0,9}"];
    (operation(), stock_name, decimal(), prop::option::of(decimal()), currency).prop_map(
        |(operation, stock_name, quantity, price, currency)| RawOrder {
            operation,
            stock_name,
            quantity,
            price,
            currency,
        },
    )
}

fn raw_order_v1() -> impl Strategy<Value = RawOrderV1> {
    let stock_name = prop_oneof![8 => "[A-Z0-9.-]{1,16}", 1 => ".{0,20}"];
    let quantity = prop_oneof![1 => Just(0), 4 => 1..100u64, 1 => Just(u64::MAX)];
    let currency = prop_oneof![4 => Just(*b"USD"), 1 => any::<[u8; 3]>()];
    let price = (any::<u64>(), prop::option::of(currency))
        .prop_map(|(ten_thousandths, currency)| RawPriceV1 { ten_thousandths, currency });
    (operation(), stock_name, quantity, prop::option::of(price)).prop_map(
        |(operation, stock_name, quantity, price)| RawOrderV1 { operation, stock_name, quantity, price },
    )
}

fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![1 => -2..1i64, 8 => 1..60i64, 1 => Just(i64::MAX)]
}

fn raw_payment() -> impl Strategy<Value = RawPayment> {
    (0..4u64, amount()).prop_map(|(to, amount)| RawPayment { to, amount, memo: String::new() })
}

fn raw_cheque() -> impl Strategy<Value = RawCheque> {
    let expires = prop_oneof![1 => Just(0), 8 => Just(60u64)];
    (1..4u64, "[1-4]", 0..4u64, amount(), 0..3u8, expires).prop_map(
        |(payer, key, payee, amount, cheque, expires)| RawCheque {
            payer,
            key,
            payee,
            amount: amount.unsigned_abs(),
            cheque,
            expires,
            memo: String::new(),
            ledger: LEDGER,
        },
    )
}

fn raw_command() -> impl Strategy<Value = RawCommand> {
    let key = prop_oneof![8 => "[1-4]", 1 => Just("n_even".to_owned())];
    let handle = prop_oneof![8 => "(alice|ALICE|Bob|carol|dave)", 1 => ".{0,6}"];
    prop_oneof![
        2 => (handle, key).prop_map(|(handle, key)| RawCommand::Register { handle, key }),
        2 => prop::collection::vec(raw_order(), 0..4).prop_map(RawCommand::PlaceOrders),
        1 => prop::collection::vec(raw_order_v1(), 0..4).prop_map(RawCommand::PlaceOrdersV1),
        3 => prop::collection::vec(raw_payment(), 0..4).prop_map(RawCommand::Pay),
        4 => raw_cheque().prop_map(RawCommand::Settle),
        1 => (0..3u8).prop_map(RawCommand::RevokeCheque),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replaying_the_bytes_of_the_blocks_yields_the_state_that_live_operation_reached(
        asked in prop::collection::vec((raw_command(), 0..4u64, "[1-4]"), 0..32),
    ) {
        let mut world = World::default();
        world.found(100, None);
        let mut accepted = 0;
        for (command, author, signer) in asked {
            let author = if matches!(command, RawCommand::Register { .. }) { author / 3 } else { author };
            let signer = match &command {
                RawCommand::Register { key, .. } if signer != "4" => key.clone(),
                _ => signer,
            };
            let before = world.state.digest();
            match world.ask(&command, author, &signer) {
                Outcome::Account(_)
                | Outcome::FirstOrder(_)
                | Outcome::Balance(_)
                | Outcome::Holders(_)
                | Outcome::Vouched(_)
                | Outcome::Settled(_)
                | Outcome::ChequeRevoked(_) => {
                    accepted += 1;
                    let money = &world.state.payments;
                    prop_assert_eq!(money.sum(), u128::from(money.issued()), "money was made or lost");
                }
                Outcome::Refused(_) | Outcome::Undecodable => {
                    prop_assert_eq!(world.state.digest(), before, "a refusal changes nothing");
                }
            }
        }
        prop_assert_eq!(world.blocks.len(), accepted);
        prop_assert_eq!(world.replayed().digest(), world.state.digest());
    }
}
