//! The rules of the domains, told as text: `fixtures/scenarios/*.txt` says what is given, what is asked for and
//! what must then be so. `fixtures/README.md` describes the language.
//!
//! Every step goes through what a real command goes through, apart from the signature: it is encoded, decoded,
//! decided, linked into a block and applied. After every scenario the blocks are replayed from their bytes into
//! an empty state, which must come out the same.

mod accounts;
mod domain;
mod model;
mod orders;
mod payments;
mod properties;
mod purchases;
mod script;
mod shop;
mod world;

use std::collections::BTreeSet;
use std::path::Path;

use ledgerd::domain::{Rejection, Settings};

use domain::Domain;
use script::{Expected, Line, Scenario, Step};
use world::{Outcome, World};

/// Every domain. The first one that knows the words of a step has it.
const DOMAINS: [&dyn Domain; 4] = [&accounts::Accounts, &orders::Orders, &payments::Payments, &shop::Shop];

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
        assert_eq!(world.state.conserved(), Ok(()), "{:?} made money or goods", scenario.title);
    }
}

fn run(world: &mut World, line: &Line, place: &str) {
    match &line.step {
        Step::Found { opening_grant, operator, currency } => {
            world.found(*opening_grant, operator.as_deref());
            world.state.settings.currency = currency.clone();
        }
        Step::Clock(micros) => world.clock_us = *micros,
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
        Step::Check(check) => {
            let answer = world.answer(&check.question);
            let answer = answer.unwrap_or_else(|| panic!("{place}: no such question: {}", check.question));
            assert_eq!(answer, check.answer, "{place}");
        }
    }
}

fn assert_expected(outcome: &Outcome, expected: &Expected, settings: &Settings, place: &str) {
    let same = match (outcome, expected) {
        (Outcome::Accepted(is), Expected::Accepted(wanted)) => is == wanted,
        (Outcome::Undecodable, Expected::Undecodable) => true,
        (Outcome::Refused(rejection), Expected::Refused { name, sentence }) => {
            let is = rejection.sentence(settings);
            rejection.name() == name && sentence.as_ref().is_none_or(|said| *said == is)
        }
        _ => false,
    };
    assert!(same, "{place}: expected {expected:?}, got {outcome:?}");
}

/// One of each refusal.
pub(crate) fn every_refusal() -> Vec<Rejection> {
    DOMAINS.iter().flat_map(|domain| domain.refusals()).collect()
}

#[test]
fn every_domain_of_the_ledger_brings_its_words() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/domain");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.path().is_dir());
    let there: BTreeSet<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    let listed = DOMAINS.iter().map(|domain| domain.name().to_owned()).collect();
    assert_eq!(there, listed);
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
    let same = [
        "no_permission",
        "invalid_user",
        "insufficient_balance",
        "erased",
        "zero_amount",
        "overflow",
        "invalid_quantity",
        "too_early",
        "wrong_scope",
        "invalid_sealed",
        "invalid_item",
    ];
    let shared = refusals.iter().filter(|refusal| same.contains(&refusal.name())).count();
    assert_eq!(names.len() + shared - same.len(), refusals.len(), "two refusals share a name");
    assert_eq!(shown, names);
}
