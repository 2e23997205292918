//! Orders in the simulator: small commands, some that are large enough to fill segments, and one that is refused.

use std::collections::BTreeMap;
use std::ops::Range;

use ledgerd::chain::Block;
use ledgerd::domain::orders::{Command as Ordered, Decimal, Operation, Order, PlaceOrders, StockName, Tally};
use ledgerd::domain::{AccountId, Command, State};

use super::domains::{Domain, Witness, number_of};
use super::template::Template;

/// See the module.
pub(super) struct Orders;

/// The small orders that are signed with the key which their author adds and ends in the run.
pub(super) const BY_DEVICE: Range<u32> = 4..7;

/// The small orders that are signed with the key which comes in the place of their author's first one.
pub(super) const BY_NEXT: Range<u32> = 7..10;

/// The commands below this one are small.
const FIRST_LARGE: u32 = 10;

/// The command whose orders are over nothing.
const REFUSED: u32 = 14;

/// The number among all commands of small order `n`.
pub(super) fn small(n: u32) -> u32 {
    assert!(n < FIRST_LARGE);
    number_of("orders", n)
}

/// The number among all commands of large order `n`.
pub(super) fn large(n: u32) -> u32 {
    assert!(FIRST_LARGE + n < REFUSED);
    number_of("orders", FIRST_LARGE + n)
}

/// Whether this number among all commands is that of an order which a key signs that comes later.
pub(super) fn by_next(number: u32) -> bool {
    BY_NEXT.map(small).any(|n| n == number)
}

impl Domain for Orders {
    fn name(&self) -> &'static str {
        "orders"
    }

    fn count(&self) -> u32 {
        REFUSED + 1
    }

    fn command(&self, _: &Template, _: usize, n: u32) -> Command {
        let order = |place: u64| Order {
            operation: if place.is_multiple_of(2) { Operation::Buy } else { Operation::Sell },
            stock_name: StockName::new("SIM").unwrap(),
            quantity: Decimal::from(if n == REFUSED { 0 } else { place + 1 }),
            price: None,
        };
        let count = if (FIRST_LARGE..REFUSED).contains(&n) { 3_000 } else { 3 };
        Command::Orders(Ordered::PlaceOrders(PlaceOrders { orders: (0..count).map(order).collect() }))
    }

    fn breaks_a_rule(&self, _: usize, n: u32) -> bool {
        n == REFUSED
    }

    fn depends_on_state(&self) -> &'static [&'static str] {
        // Some are signed with a key that is not there yet, or not any more.
        &["no_permission", "key_ended"]
    }

    fn witness(&self) -> Box<dyn Witness> {
        Box::new(Counted::default())
    }
}

/// How many orders everybody placed.
#[derive(Default)]
struct Counted(BTreeMap<AccountId, Tally>);

impl Witness for Counted {
    fn follow(&mut self, block: &Block<'_>, command: &Command, state: &State) -> Result<(), String> {
        let Command::Orders(Ordered::PlaceOrders(place)) = command else { return Ok(()) };
        let tally = self.0.entry(block.author).or_default();
        for order in &place.orders {
            match order.operation {
                Operation::Buy => tally.buy += 1,
                Operation::Sell => tally.sell += 1,
            }
        }
        let all: u64 = self.0.values().map(|tally| tally.buy + tally.sell).sum();
        let same = self.0.iter().all(|(account, tally)| state.orders.tally(*account) == *tally);
        if same && state.orders.count() == all {
            Ok(())
        } else {
            Err(format!("block {}: {:?}, and the state counts {}", block.index, self.0, state.orders.count()))
        }
    }
}
