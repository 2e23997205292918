//! What the domains bring into the simulator: the commands that members send, and what must hold of the blocks and of
//! the state whatever happens. Each domain fills its part in a file of its own and stands in [`TABLE`] with a line.

use ledgerd::chain::Block;
use ledgerd::crypto::SigningKey;
use ledgerd::domain::{Command, State};

use super::template::Template;
use super::{accounts, orders, payments, shop};

/// Every domain. Its place decides the numbers of its commands.
const TABLE: [&dyn Domain; 4] = [&accounts::Accounts, &orders::Orders, &payments::Payments, &shop::Shop];

/// Numbers that each domain has for its commands.
const NUMBERS: u32 = 100;

/// Refusals that the server gives for reasons of its own, and not again after the next start.
pub(super) const OF_THE_MOMENT: [&str; 5] =
    ["disk_full", "clock_jumped", "log_quota", "no_vault", "second_factor_needed"];

/// The part of one domain.
pub(super) trait Domain: Sync {
    /// The name of its folder in `src/domain/`.
    fn name(&self) -> &'static str;

    /// How many different commands of this domain each member sends in a run.
    fn count(&self) -> u32;

    /// Command `n` of a member: the same whenever it is asked for.
    fn command(&self, template: &Template, member: usize, n: u32) -> Command;

    /// Whether command `n` of a member breaks a rule in every state that a run can reach.
    fn breaks_a_rule(&self, member: usize, n: u32) -> bool;

    /// The names of refusals that another state may turn into something else.
    fn depends_on_state(&self) -> &'static [&'static str];

    /// Somebody who follows the blocks from genesis on and counts for himself.
    fn witness(&self) -> Box<dyn Witness>;

    /// What must hold of the state at every moment.
    ///
    /// # Errors
    /// What does not hold.
    fn look_at(&self, _: &State) -> Result<(), String> {
        Ok(())
    }
}

/// Counts what a domain's blocks say a second time, with other means than the ledger's.
pub(super) trait Witness {
    /// Follows one more block, after which the ledger says `state`.
    ///
    /// # Errors
    /// What the block may not say, or where the state differs.
    fn follow(&mut self, block: &Block<'_>, command: &Command, state: &State) -> Result<(), String>;
}

/// The numbers of all commands that a member sends.
pub(super) fn numbers() -> Vec<u32> {
    let parts = TABLE.iter().zip(0..);
    parts.flat_map(|(domain, place)| (0..domain.count()).map(move |n| place * NUMBERS + n)).collect()
}

/// The domain of a command, and which of its commands it is.
fn part(number: u32) -> (&'static dyn Domain, u32) {
    (TABLE[(number / NUMBERS) as usize], number % NUMBERS)
}

/// The number among all commands of command `n` of the domain that is called so.
pub(super) fn number_of(name: &str, n: u32) -> u32 {
    let place = TABLE.iter().position(|domain| domain.name() == name).expect("a domain of the table");
    place as u32 * NUMBERS + n
}

/// The key that signs a command of a member. Some are signed with a key that comes or goes in the middle of the run.
pub(super) fn signer(template: &Template, member: usize, number: u32) -> &SigningKey {
    let (domain, n) = part(number);
    let keys = match domain.name() {
        "orders" if orders::BY_DEVICE.contains(&n) => &template.devices,
        "orders" if orders::BY_NEXT.contains(&n) => &template.next,
        "accounts" if accounts::BY_ROAMING.contains(&n) => &template.roaming,
        _ => &template.members,
    };
    &keys[member]
}

/// Whether a command puts another key in the place of its author's first one.
pub(super) fn rotates(number: u32) -> bool {
    number == number_of("accounts", accounts::ROTATION)
}

/// The command that a number names.
pub(super) fn command(template: &Template, member: usize, number: u32) -> Command {
    let (domain, n) = part(number);
    domain.command(template, member, n)
}

/// Whether it can never be accepted.
pub(super) fn breaks_a_rule(member: usize, number: u32) -> bool {
    let (domain, n) = part(number);
    domain.breaks_a_rule(member, n)
}

/// Whether another state may turn a refusal into something else.
pub(super) fn depends_on_state(refusal: &str) -> bool {
    TABLE.iter().any(|domain| domain.depends_on_state().contains(&refusal))
}

/// One witness of each domain.
pub(super) fn witnesses() -> Vec<Box<dyn Witness>> {
    TABLE.iter().map(|domain| domain.witness()).collect()
}

/// What must hold at every moment holds.
pub(super) fn look_at(state: &State) -> Result<(), String> {
    TABLE.iter().try_for_each(|domain| domain.look_at(state))
}

#[test]
fn every_domain_of_the_ledger_brings_its_part() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/domain");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut there: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    there.sort();
    let mut listed: Vec<&str> = TABLE.iter().map(|domain| domain.name()).collect();
    listed.sort_unstable();
    assert_eq!(listed, there);
    assert!(TABLE.iter().all(|domain| (1..NUMBERS).contains(&domain.count())));
}
