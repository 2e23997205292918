//! The shop in the simulator: member 0 has opened it before the run and opens it again and stops being its till, the agent
//! keeps the stock, the others try. Units are counted a second time, from the blocks alone and with other arithmetic than the
//! ledger's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use ledgerd::chain::Block;
use ledgerd::domain::accounts::{self, GrantRole, Role};
use ledgerd::domain::shop::{
    AddItem, Command as Shopped, ItemId, LeaveTill, LoadStock, LoadedItem, OpenShop, Publish, SetPrice,
    StockIn, StockOut, Unpublish,
};
use ledgerd::domain::{AccountId, Command, State};

use super::domains::{Domain, Witness, number_of};
use super::purchases::{self, Purchases};
use super::template::{OPERATOR, SEASONED, Template};
use super::vault::LEAVER;

/// See the module.
pub(super) struct Shop;

/// The member who keeps the stock.
pub(super) const AGENT: usize = SEASONED;

/// The item that there is before the run begins.
const FIRST: ItemId = ItemId(1);

/// The command about an item that there is not.
const NO_ITEM: u32 = 8;

/// The commands of the operator.
const OPEN_AGAIN: u32 = 9;
const LEAVE: u32 = 10;

/// The first command about purchases.
const FIRST_OF_PURCHASES: u32 = LEAVE + 1;

fn account_of(member: usize) -> AccountId {
    AccountId(member as u64 + 1)
}

fn load(names: &[&str], n: u64, publish: bool) -> Shopped {
    let line = |name: &&str| LoadedItem { name: (*name).to_owned(), n, price: Some(9) };
    Shopped::LoadStock(LoadStock { items: names.iter().map(line).collect(), publish })
}

fn open(settings: &[(u8, u64)]) -> Shopped {
    let settings = settings.to_vec();
    Shopped::OpenShop(OpenShop { till: account_of(OPERATOR), consent: None, settings })
}

/// What has happened before the run begins, each with its author's account. What has arrived cannot be returned here.
pub(super) fn before() -> [(AccountId, Command); 5] {
    let granted = GrantRole { account: account_of(AGENT), role: Role::Agent };
    [
        (account_of(OPERATOR), Command::Accounts(accounts::Command::GrantRole(granted))),
        (account_of(OPERATOR), Command::Shop(open(&[(6, 0), (3, 0)]))),
        (account_of(AGENT), Command::Shop(load(&["sim"], 8, true))),
        (LEAVER, purchases::buy(FIRST, 2)),
        (account_of(1), purchases::buy(FIRST, 1)),
    ]
}

impl Domain for Shop {
    fn name(&self) -> &'static str {
        "shop"
    }

    fn count(&self) -> u32 {
        FIRST_OF_PURCHASES + purchases::COUNT
    }

    fn command(&self, template: &Template, member: usize, n: u32) -> Command {
        let item = FIRST;
        if let Some(of_purchases) = n.checked_sub(FIRST_OF_PURCHASES) {
            return purchases::command(template, member, of_purchases, number_of("shop", n), item);
        }
        Command::Shop(match n {
            0 => Shopped::AddItem(AddItem { name: "added".to_owned(), price: None }),
            1 => Shopped::StockIn(StockIn { item, n: 5, reason: 0 }),
            2 => Shopped::StockOut(StockOut { item, n: 3, reason: 0 }),
            3 => Shopped::Publish(Publish { item, n: 2, price: None }),
            4 => Shopped::Unpublish(Unpublish { item, n: Some(3) }),
            5 => Shopped::SetPrice(SetPrice { item, price: 8 }),
            6 => load(&["SIM", "loaded", "Added"], 2, true),
            7 => Shopped::Unpublish(Unpublish { item, n: None }),
            NO_ITEM => Shopped::StockIn(StockIn { item: ItemId(99), n: 1, reason: 0 }),
            OPEN_AGAIN => open(&[(0, 3)]),
            _ => Shopped::LeaveTill(LeaveTill {}),
        })
    }

    fn breaks_a_rule(&self, member: usize, n: u32) -> bool {
        if let Some(of_purchases) = n.checked_sub(FIRST_OF_PURCHASES) {
            return purchases::breaks_a_rule(member, of_purchases);
        }
        n == NO_ITEM || member != if n < OPEN_AGAIN { AGENT } else { OPERATOR }
    }

    fn depends_on_state(&self) -> &'static [&'static str] {
        static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
            let of_stock = ["name_taken", "not_that_many", "nothing_to_publish"];
            [&of_stock[..], &purchases::DEPENDS_ON_STATE].concat()
        });
        &NAMES
    }

    fn witness(&self) -> Box<dyn Witness> {
        Box::new(Counted::default())
    }

    /// Goods only move.
    fn look_at(&self, state: &State) -> Result<(), String> {
        state.conserved().map_err(|unbalanced| unbalanced.to_string())
    }
}

/// Units of an item after some blocks: on sale, not on sale, gone, waiting in purchases, and sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Units {
    listed: i128,
    unlisted: i128,
    lost: i128,
    allocated: i128,
    out: i128,
}

#[derive(Default)]
struct Counted {
    /// By the name in lower case, each with its number.
    items: BTreeMap<String, u64>,
    units: BTreeMap<u64, Units>,
    off_sale: BTreeSet<u64>,
    purchases: Purchases,
    till: Option<AccountId>,
}

impl Counted {
    fn named(&mut self, name: &str) -> &mut Units {
        let next = self.items.len() as u64 + 1;
        let item = *self.items.entry(name.to_lowercase()).or_insert(next);
        self.units.entry(item).or_default()
    }

    fn units(&mut self, item: ItemId) -> &mut Units {
        self.units.entry(item.0).or_default()
    }
}

impl Witness for Counted {
    fn follow(&mut self, block: &Block<'_>, command: &Command, state: &State) -> Result<(), String> {
        let (mut purchases, mut moved) = (std::mem::take(&mut self.purchases), Vec::new());
        let shelf = &mut |item, n| moved.push((item, n));
        purchases.follow_any(block.author, command, state, shelf);
        self.purchases = purchases;
        for (item, n) in moved {
            let to_shelf = n < 0 || !self.off_sale.contains(&item.0);
            let units = self.units(item);
            *(if to_shelf { &mut units.listed } else { &mut units.unlisted }) += n;
        }
        for item in self.items.values() {
            let (allocated, out) = self.purchases.units(ItemId(*item));
            if let Some(units) = self.units.get_mut(item) {
                (units.allocated, units.out) = (allocated, out);
            }
        }
        self.purchases.look_at(state).map_err(|differs| format!("block {}: {differs}", block.index))?;
        let Command::Shop(command) = command else { return Ok(()) };
        match command {
            Shopped::OpenShop(open) => self.till = Some(open.till),
            Shopped::LeaveTill(_) if self.till.take() == Some(block.author) => {}
            Shopped::LeaveTill(_) => return Err(format!("block {}: left a till of others", block.index)),
            Shopped::AddItem(add) => {
                self.named(&add.name);
            }
            Shopped::StockIn(stock_in) => self.units(stock_in.item).unlisted += i128::from(stock_in.n),
            Shopped::StockOut(out) => {
                let (units, n) = (self.units(out.item), i128::from(out.n));
                (units.unlisted, units.lost) = (units.unlisted - n, units.lost + n);
            }
            Shopped::Publish(publish) => {
                self.off_sale.remove(&publish.item.0);
                let (units, n) = (self.units(publish.item), i128::from(publish.n));
                (units.unlisted, units.listed) = (units.unlisted - n, units.listed + n);
            }
            Shopped::Unpublish(unpublish) => {
                if unpublish.n.is_none() {
                    self.off_sale.insert(unpublish.item.0);
                }
                let units = self.units(unpublish.item);
                let n = unpublish.n.map_or(units.listed, i128::from);
                (units.unlisted, units.listed) = (units.unlisted + n, units.listed - n);
            }
            Shopped::SetPrice(_) | Shopped::Purchases(_) => {}
            Shopped::LoadStock(load) => {
                for line in &load.items {
                    if load.publish {
                        let item = self.items.get(&line.name.to_lowercase()).copied();
                        item.map(|item| self.off_sale.remove(&item));
                    }
                    let units = self.named(&line.name);
                    let bucket = if load.publish { &mut units.listed } else { &mut units.unlisted };
                    *bucket += i128::from(line.n);
                }
            }
        }
        let same = self.units.iter().all(|(item, counted)| {
            let held = state.shop.item(ItemId(*item)).map(|item| item.buckets);
            let held = held.map(|held| Units {
                listed: held.listed.into(),
                unlisted: held.unlisted.into(),
                lost: held.lost.into(),
                allocated: held.allocated.into(),
                out: held.out.into(),
            });
            held == Some(*counted)
                && [counted.listed, counted.unlisted, counted.lost, counted.allocated].iter().all(|n| *n >= 0)
        });
        let till = state.shop.till().map(|till| till.account);
        if same && state.shop.items_count() == self.items.len() as u64 && till == self.till {
            Ok(())
        } else {
            Err(format!("block {}: {:?}, and the state says {:?}", block.index, self.units, state.shop))
        }
    }
}
