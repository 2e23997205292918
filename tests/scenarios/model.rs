//! Purchases beside a model of them that is as simple as can be: one line each, times as numbers, refusals by their names. Whatever
//! customers, agents and others try in whichever order, the rules say what the model says, and money and units are where it has
//! them.

use ledgerd::codec;
use ledgerd::domain::AccountId;
use ledgerd::domain::shop::ItemId;
use ledgerd::domain::shop::purchases::{
    self, BUY, CANCEL, CONFIRM_RECEIPT, CONFIRM_SHIPMENT, PurchaseId, REFUND_MISSING, RELEASE,
    REPORT_MISSING, SHIP,
};
use proptest::prelude::*;
use serde::Serialize;

use super::domain::RawCommand;
use super::run;
use super::script;
use super::world::{Outcome, World};

const DAY: u64 = 24 * 60 * 60 * 1_000_000;

/// Account 1 is the till, 2 the agent, 3 and 4 customers with 100 each.
const SHOP: &str = "
scenario a shop with customers
  ledger opening-grant=100 operator=1
  given register handle=bank key=1 -> account 1
  given register handle=agent key=2 -> account 2
  given register handle=carol key=3 -> account 3
  given register handle=dave key=4 -> account 4
  given grant as=1 2 agent -> holders 1
  given open-shop as=1 1 agent_limit 0 -> settings 0
  when load-stock as=2 publish Caterpie 5 8, Mewtwo 1 90, Pack 9 1 -> items 3
";

const TILL: usize = 1;
const AGENT: usize = 2;

/// The prices of the items 1 to 3.
const PRICES: [u64; 3] = [8, 90, 1];

#[derive(Clone, Copy, Debug)]
enum Act {
    Buy { item: usize, n: u64, most: u64 },
    Confirm(usize),
    Cancel(usize, Option<u64>),
    Ship(usize, bool),
    Receipt(usize),
    Missing(usize),
    Refund(usize),
    Release(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Paid,
    Confirmed,
    Shipped,
    Received,
    Missing,
    Over,
}

#[derive(Clone, Copy, Debug)]
struct Bought {
    customer: usize,
    item: usize,
    /// Units that were not cancelled.
    n: u64,
    state: State,
    since: u64,
    found: bool,
    held: u64,
    released: bool,
}

#[derive(Debug)]
struct Model {
    balances: [u64; 5],
    listed: [u64; 3],
    sent: [u64; 3],
    lost: [u64; 3],
    bought: Vec<Bought>,
}

type Said = Result<(), &'static str>;

impl Model {
    fn new() -> Model {
        let balances = [0, 100, 100, 100, 100];
        Model { balances, listed: [5, 1, 9], sent: [0; 3], lost: [0; 3], bought: Vec::new() }
    }

    fn act(&mut self, act: Act, who: usize, now: u64) -> Said {
        match act {
            Act::Buy { item, n, most } => self.buy(item, n, most, who, now),
            Act::Confirm(number) => {
                let place = self.find(number, who, true)?;
                self.step(place, now, State::Paid, State::Confirmed)
            }
            Act::Cancel(number, n) => self.cancel(number, n, who, now),
            Act::Ship(number, found) => self.ship(number, found, who, now),
            Act::Receipt(number) => {
                let place = self.find(number, who, true)?;
                match self.now(place, now).0 {
                    State::Shipped | State::Missing => self.set(place, now, State::Received),
                    _ => Err("wrong_state"),
                }
            }
            Act::Missing(number) => {
                let place = self.find(number, who, true)?;
                self.after(place, now, State::Shipped, 7)?;
                self.set(place, now, State::Missing)
            }
            Act::Refund(number) => {
                let place = self.find(number, who, false)?;
                self.after(place, now, State::Missing, if who == AGENT { 0 } else { 7 })?;
                let it = self.bought[place];
                self.balances[it.customer] += it.held;
                (self.sent[it.item], self.lost[it.item]) =
                    (self.sent[it.item] - it.n, self.lost[it.item] + it.n);
                self.bought[place].held = 0;
                self.set(place, now, State::Over)
            }
            Act::Release(number) => self.release(number, who, now),
        }
    }

    fn buy(&mut self, item: usize, n: u64, most: u64, who: usize, now: u64) -> Said {
        if who <= AGENT {
            return Err("no_permission");
        }
        let item = item.checked_sub(1).filter(|item| *item < 3).ok_or("invalid_item")?;
        let cost = n * PRICES[item];
        match n {
            0 => return Err("invalid_quantity"),
            n if n > self.listed[item] => return Err("out_of_stock"),
            _ if PRICES[item] > most => return Err("price_changed"),
            _ if cost > self.balances[who] => return Err("insufficient_balance"),
            _ => {}
        }
        self.balances[who] -= cost;
        self.listed[item] -= n;
        let (state, found, released) = (State::Paid, false, false);
        self.bought.push(Bought { customer: who, item, n, state, since: now, found, held: cost, released });
        Ok(())
    }

    fn cancel(&mut self, number: usize, n: Option<u64>, who: usize, now: u64) -> Said {
        let place = self.find(number, who, false)?;
        match self.now(place, now) {
            (State::Paid, _) => {}
            (State::Confirmed, _) if who == AGENT => {}
            (State::Confirmed, since) if now >= since + 7 * DAY => {}
            (State::Confirmed, _) => return Err("too_early"),
            _ => return Err("wrong_state"),
        }
        let it = self.bought[place];
        let n = n.unwrap_or(it.n);
        match n {
            0 => return Err("invalid_quantity"),
            n if n > it.n => return Err("nothing_to_cancel"),
            _ => {}
        }
        self.balances[it.customer] += n * PRICES[it.item];
        self.listed[it.item] += n;
        self.bought[place].held -= n * PRICES[it.item];
        self.bought[place].n -= n;
        if n == it.n { self.set(place, now, State::Over) } else { Ok(()) }
    }

    fn ship(&mut self, number: usize, found: bool, who: usize, now: u64) -> Said {
        if who != AGENT {
            return Err("no_permission");
        }
        let place = self.find(number, who, false)?;
        let wanted = if found { State::Missing } else { State::Confirmed };
        self.after(place, now, wanted, 0)?;
        let it = self.bought[place];
        if found && it.found {
            return Err("already_found");
        }
        if !found {
            self.sent[it.item] += it.n;
        }
        self.bought[place].found |= found;
        self.set(place, now, State::Shipped)
    }

    fn release(&mut self, number: usize, who: usize, now: u64) -> Said {
        if who != AGENT {
            return Err("no_permission");
        }
        let place = self.find(number, who, false)?;
        let it = self.bought[place];
        if it.released {
            return Err("already_released");
        }
        if it.held == 0 {
            return Err("nothing_held");
        }
        self.after(place, now, State::Received, 14)?;
        self.balances[TILL] += it.held;
        (self.bought[place].held, self.bought[place].released) = (0, true);
        self.set(place, now, State::Over)
    }

    /// The place of a purchase that somebody may deal with.
    fn find(&self, number: usize, who: usize, customer_only: bool) -> Result<usize, &'static str> {
        let place = number.checked_sub(1).filter(|place| *place < self.bought.len());
        match place {
            Some(place) if self.bought[place].customer == who => Ok(place),
            Some(_) if who == AGENT && customer_only => Err("not_yours"),
            Some(place) if who == AGENT => Ok(place),
            _ => Err("no_such_purchase"),
        }
    }

    /// The state by now, and since when.
    fn now(&self, place: usize, now: u64) -> (State, u64) {
        let Bought { state, since, .. } = self.bought[place];
        let deemed = since + 30 * DAY;
        if state == State::Shipped && now >= deemed { (State::Received, deemed) } else { (state, since) }
    }

    /// Whether a purchase is in a state, and has been so for some days.
    fn after(&self, place: usize, now: u64, wanted: State, days: u64) -> Said {
        match self.now(place, now) {
            (state, _) if state != wanted => Err("wrong_state"),
            (_, since) if now < since + days * DAY => Err("too_early"),
            _ => Ok(()),
        }
    }

    fn step(&mut self, place: usize, now: u64, from: State, to: State) -> Said {
        self.after(place, now, from, 0)?;
        self.set(place, now, to)
    }

    fn set(&mut self, place: usize, now: u64, to: State) -> Said {
        (self.bought[place].state, self.bought[place].since) = (to, now);
        Ok(())
    }
}

fn command(act: Act) -> RawCommand {
    fn raw(tag: ledgerd::domain::Tag, body: &impl Serialize) -> RawCommand {
        RawCommand::new(tag, codec::encode(body))
    }
    // The item of each purchase is found by whoever cancels units of it, see below.
    match act {
        Act::Buy { item, n, most } => raw(BUY, &[(item as u64, n, most)].as_slice()),
        Act::Confirm(number) => raw(CONFIRM_SHIPMENT, &(number as u64, None::<u8>)),
        Act::Cancel(number, _) => raw(CANCEL, &(number as u64, None::<u8>)),
        Act::Ship(number, found) => raw(SHIP, &(number as u64, found, None::<u8>)),
        Act::Receipt(number) => raw(CONFIRM_RECEIPT, &(number as u64)),
        Act::Missing(number) => raw(REPORT_MISSING, &(number as u64)),
        Act::Refund(number) => raw(REFUND_MISSING, &(number as u64)),
        Act::Release(number) => raw(RELEASE, &[number as u64].as_slice()),
    }
}

fn any_act() -> impl Strategy<Value = Act> {
    let number = || 0..6usize;
    let most = prop_oneof![1 => 0..9u64, 6 => Just(100u64)];
    prop_oneof![
        5 => (0..5usize, 0..4u64, most).prop_map(|(item, n, most)| Act::Buy { item, n, most }),
        4 => number().prop_map(Act::Confirm),
        2 => (number(), prop::option::of(0..3u64)).prop_map(|(number, n)| Act::Cancel(number, n)),
        4 => (number(), any::<bool>()).prop_map(|(number, found)| Act::Ship(number, found)),
        2 => number().prop_map(Act::Receipt),
        3 => number().prop_map(Act::Missing),
        2 => number().prop_map(Act::Refund),
        2 => number().prop_map(Act::Release),
    ]
}

/// What somebody tries, who it is, and the days that pass before.
fn any_story() -> impl Strategy<Value = Vec<(Act, usize, u64)>> {
    let days = prop_oneof![6 => Just(0u64), 2 => 1..8u64, 1 => 8..40u64];
    prop::collection::vec((any_act(), 1..5usize, days), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn purchases_go_as_the_model_says(story in any_story()) {
        let (mut world, mut model) = (World::default(), Model::new());
        let shop = script::parse("a shop", SHOP);
        shop.iter().flat_map(|scenario| &scenario.lines).for_each(|line| run(&mut world, line, &line.place));
        for (act, who, days) in story {
            world.clock_us += days * DAY;
            let now = world.next_time().micros();
            let raw = match act {
                // Whoever cancels units names the item of the purchase, where there is such a purchase.
                Act::Cancel(number, Some(n)) => {
                    let bought = number.checked_sub(1).and_then(|place| model.bought.get(place));
                    let item = bought.map_or(1, |bought| bought.item as u64 + 1);
                    RawCommand::new(CANCEL, codec::encode(&(number as u64, Some([(item, n)].as_slice()))))
                }
                act => command(act),
            };
            let expected = model.act(act, who, now);
            let said = match world.ask(&raw, who as u64, &who.to_string()) {
                Outcome::Accepted(_) => Ok(()),
                Outcome::Refused(rejection) => Err(rejection.name()),
                Outcome::Undecodable => Err("undecodable"),
            };
            prop_assert_eq!(said, expected, "{:?} by {}", act, who);
            prop_assert_eq!(world.state.conserved(), Ok(()));
            agrees(&world, &model)?;
        }
    }
}

fn agrees(world: &World, model: &Model) -> Result<(), TestCaseError> {
    for (account, balance) in (1u64..).zip(&model.balances[1..]) {
        prop_assert_eq!(world.state.payments.balance(AccountId(account)), *balance, "account {}", account);
    }
    for (place, item) in (0..3).zip(1u64..) {
        let held = world.state.shop.item(ItemId(item)).unwrap().buckets;
        let counted = (model.listed[place], model.sent[place], model.lost[place]);
        prop_assert_eq!((held.listed, held.out, held.lost), counted, "item {}", item);
    }
    for (number, bought) in (1u64..).zip(&model.bought) {
        let held = world.state.shop.purchases().get(PurchaseId(number)).map(purchases::Purchase::held);
        prop_assert_eq!(held, Some(bought.held), "purchase {}", number);
    }
    Ok(())
}
