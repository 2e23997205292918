//! The rules of the domains, told as text: `fixtures/scenarios/*.txt` says what is given, what is asked for and
//! what must then be so. `fixtures/README.md` describes the language.
//!
//! Every step goes through what a real command goes through, apart from the signature: it is encoded, decoded,
//! decided, linked into a block and applied. After every scenario the blocks are replayed from their bytes into
//! an empty state, which must come out the same.

mod properties;
mod script;
mod world;

use std::collections::BTreeSet;
use std::path::Path;

use ledgerd::crypto::KeyPolicyError;
use ledgerd::domain::{AccountId, Rejection, Settings, accounts, orders, payments};
use ledgerd::time::Timestamp;

use script::{Expected, Line, Scenario, Step};
use world::{Outcome, World};

fn all_scenarios() -> Vec<Scenario> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let texts = files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "txt"));
    texts
        .flat_map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            script::parse(&name, &std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// The blocks of all scenarios, genesis aside: commands and events of every kind.
pub(crate) fn blocks() -> Vec<Vec<u8>> {
    let mut blocks = Vec::new();
    for scenario in &all_scenarios() {
        let mut world = World::default();
        scenario.lines.iter().for_each(|line| run(&mut world, line, &line.place));
        blocks.extend(world.blocks);
    }
    blocks
}

#[test]
fn every_scenario_goes_as_it_is_written() {
    let scenarios = all_scenarios();
    assert!(scenarios.len() >= 20, "only {} scenarios were found", scenarios.len());
    for scenario in &scenarios {
        let mut world = World::default();
        for line in &scenario.lines {
            run(&mut world, line, &format!("{} ({})", line.place, scenario.title));
        }
        assert_eq!(world.replayed().digest(), world.state.digest(), "replay of {:?}", scenario.title);
        let payments = &world.state.payments;
        assert_eq!(payments.sum(), u128::from(payments.issued()), "{:?} made money", scenario.title);
    }
}

fn run(world: &mut World, line: &Line, place: &str) {
    match &line.step {
        Step::Found { opening_grant, operator, currency } => {
            world.found(*opening_grant, operator.as_deref());
            world.state.settings.currency = currency.clone();
        }
        Step::Ask { command, author, signer, expected } => {
            let before = world.state.digest();
            let blocks = world.blocks.len();
            let outcome = world.ask(command, *author, signer);
            assert_expected(&outcome, expected, &world.state.settings, place);
            if matches!(outcome, Outcome::Refused(_) | Outcome::Undecodable) {
                assert!(!line.is_given, "{place}: what is given cannot be refused");
                assert_eq!(world.state.digest(), before, "{place}: a refusal changed the state");
                assert_eq!(world.blocks.len(), blocks, "{place}: a refusal made a block");
            } else {
                assert_ne!(world.state.digest(), before, "{place}: an event changed nothing");
                assert_eq!(world.blocks.len(), blocks + 1, "{place}: one command, one block");
            }
        }
        Step::Check(check) => assert_eq!(world.answer(&check.question), check.answer, "{place}"),
    }
}

fn assert_expected(outcome: &Outcome, expected: &Expected, settings: &Settings, place: &str) {
    let same = match (outcome, expected) {
        (Outcome::Account(is), Expected::Account(wanted)) => is == wanted,
        (Outcome::FirstOrder(is), Expected::FirstOrder(wanted)) => is == wanted,
        (Outcome::Balance(is), Expected::Balance(wanted)) => is == wanted,
        (Outcome::Holders(is), Expected::Holders(wanted)) => is == wanted,
        (Outcome::Vouched(is), Expected::Vouched(wanted)) => is == wanted,
        (Outcome::Settled(is), Expected::Settled(wanted)) => is == wanted,
        (Outcome::ChequeRevoked(is), Expected::ChequeRevoked(wanted)) => is == wanted,
        (Outcome::Undecodable, Expected::Undecodable) => true,
        (Outcome::Refused(rejection), Expected::Refused { name, sentence }) => {
            let is = rejection.sentence(settings);
            rejection.name() == name && sentence.as_ref().is_none_or(|said| *said == is)
        }
        _ => false,
    };
    assert!(same, "{place}: expected {expected:?}, got {outcome:?}");
}

/// One of each refusal. The two `match`es below have no wildcard: a new refusal does not compile until it
/// stands here, and the test fails until a scenario shows it.
pub(crate) fn every_refusal() -> Vec<Rejection> {
    use accounts::{InvalidHandle, Rejection as A};
    use orders::Rejection as O;
    use payments::Rejection as P;
    let of_accounts = [
        A::NotAnonymous,
        A::InvalidHandle(InvalidHandle::Length(2)),
        A::InvalidKey(KeyPolicyError::Even),
        A::NotItsKey,
        A::AlreadyRegistered(AccountId(1)),
        A::HandleTaken,
        A::NotOperator,
        A::InvalidUser(AccountId(1)),
        A::RoleHeld,
        A::RoleNotHeld,
        A::LastOperator,
        A::ClockInLine,
    ];
    let of_payments = [
        P::NoPermission,
        P::InvalidUser(AccountId(1)),
        P::InvalidPayee { element: 0, account: AccountId(1) },
        P::NoPayments,
        P::TooManyPayments(8_193),
        P::NegativeAmount { element: 0 },
        P::ZeroAmount { element: 0 },
        P::SelfPayment { element: 0 },
        P::InvalidMemo { element: 0 },
        P::InsufficientBalance { element: 0, balance: 0, needed: 1 },
        P::Overflow,
        P::OtherLedger,
        P::UnknownPayer(AccountId(1)),
        P::NotPayee,
        P::UncoveredCheque(1),
        P::Expired(Timestamp::default()),
        P::AlreadySettled(1),
        P::Revoked(1),
    ];
    let of_orders = [
        O::InvalidUser(AccountId(1)),
        O::NoOrders,
        O::TooManyOrders(8_193),
        O::ZeroQuantity { element: 0 },
        O::InvalidCurrency { element: 0 },
    ];
    for refusal in &of_accounts {
        match refusal {
            A::NotAnonymous | A::InvalidHandle(_) | A::InvalidKey(_) => {}
            A::NotItsKey | A::AlreadyRegistered(_) | A::HandleTaken => {}
            A::NotOperator | A::InvalidUser(_) | A::RoleHeld | A::RoleNotHeld | A::LastOperator => {}
            A::ClockInLine => {}
        }
    }
    for refusal in &of_orders {
        match refusal {
            O::InvalidUser(_) | O::NoOrders | O::TooManyOrders(_) => {}
            O::ZeroQuantity { .. } | O::InvalidCurrency { .. } => {}
        }
    }
    for refusal in &of_payments {
        match refusal {
            P::NoPermission | P::InvalidUser(_) | P::InvalidPayee { .. } => {}
            P::NoPayments | P::TooManyPayments(_) => {}
            P::NegativeAmount { .. } | P::ZeroAmount { .. } | P::SelfPayment { .. } => {}
            P::InvalidMemo { .. } | P::InsufficientBalance { .. } | P::Overflow => {}
            P::OtherLedger | P::UnknownPayer(_) | P::NotPayee | P::UncoveredCheque(_) => {}
            P::Expired(_) | P::AlreadySettled(_) | P::Revoked(_) => {}
        }
    }
    let of_members = of_accounts.into_iter().map(Rejection::Accounts).chain(of_orders.map(Rejection::Orders));
    of_members.chain(of_payments.map(Rejection::Payments)).collect()
}

#[test]
fn every_refusal_is_shown_by_a_scenario_and_has_a_name_of_its_own() {
    let mut shown = BTreeSet::new();
    for line in all_scenarios().iter().flat_map(|scenario| &scenario.lines) {
        if let Step::Ask { expected: Expected::Refused { name, .. }, .. } = &line.step {
            shown.insert(name.clone());
        }
    }
    let refusals = every_refusal();
    let names: BTreeSet<String> = refusals.iter().map(|refusal| refusal.name().to_owned()).collect();
    // What is the same to whoever is refused has one name everywhere.
    let same = ["no_permission", "invalid_user", "insufficient_balance"];
    let shared = refusals.iter().filter(|refusal| same.contains(&refusal.name())).count();
    assert_eq!(names.len() + shared - same.len(), refusals.len(), "two refusals share a name");
    assert_eq!(shown, names);
}
