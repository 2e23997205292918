//! The simulator: the real service, ledger and log on a disk, a network and a clock that are all against them.
//!
//! A run is decided by its seed and by nothing else: the steps, what fails, and the limits of the server. Variables of
//! the environment choose the runs:
//!
//! - `SIM_SEEDS=n`: so many runs instead of [`SEEDS`]. `.ci/run` and `.ci/long` set it.
//! - `SIM_FROM=n`: from this seed on instead of 0.
//! - `SIM_SEED=n`: this run alone, `SIM_SEED=n cargo test --test tests simulation` for one that found something.
//!
//! A domain that is added has a file here and a line in the table of `domains`.

mod accounts;
mod client;
mod clocks;
mod domains;
mod factors;
mod full_disk;
mod journal;
mod looking;
mod orders;
mod passwords;
mod payments;
mod peers;
mod planted;
mod purchases;
mod settings;
mod shop;
mod template;
mod vault;
mod world;

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use world::{Bug, World};

/// Seeds of an ordinary run of the tests.
const SEEDS: u64 = 300;

/// Steps of a run before everything is brought to rest.
const STEPS: u32 = 300;

/// Runs a seed; says what went wrong.
fn run(seed: u64, bug: Option<Bug>) -> Result<(), String> {
    let mut world = World::new(seed, bug);
    for _ in 0..STEPS {
        world.step()?;
    }
    world.rest()
}

/// Runs seeds on all cores until one of them finds something.
fn search(seeds: Range<u64>, bug: Option<Bug>) -> Option<(u64, String)> {
    let next = AtomicU64::new(seeds.start);
    let found = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || found.lock().unwrap().is_some() {
                        break;
                    }
                    if let Err(violation) = run(seed, bug) {
                        found.lock().unwrap().get_or_insert((seed, violation));
                    }
                }
            });
        }
    });
    found.into_inner().unwrap()
}

#[test]
fn no_seed_finds_a_violation() {
    // A variable that is no number would leave its runs out without a word.
    let number =
        |name: &str| -> Option<u64> { std::env::var(name).ok().map(|text| text.parse().expect(name)) };
    if let Some(seed) = number("SIM_SEED") {
        run(seed, None).unwrap();
        return;
    }
    let from = number("SIM_FROM").unwrap_or(0);
    let seeds = from..from + number("SIM_SEEDS").unwrap_or(SEEDS);
    if let Some((seed, violation)) = search(seeds, None) {
        panic!(
            "seed {seed}: {violation}\nrun it again with SIM_SEED={seed} cargo test --test tests simulation"
        );
    }
}

/// Otherwise the runs above would say nothing about peers.
#[test]
fn members_do_pay_each_other_in_some_of_the_runs() {
    let (mut told, mut shown) = (0, 0);
    // A payment takes many steps, each of which may go wrong: longer runs, and the first that show it will do.
    for seed in (0..).step_by(4).take(60) {
        let mut world = World::new(seed, None);
        for _ in 0..8 * STEPS {
            world.step().unwrap();
        }
        let heard = world.peers.heard();
        (told, shown) = (told + heard.0, shown + heard.1);
        if told > 0 && shown > 0 {
            break;
        }
    }
    assert!(told > 0 && shown > 0, "{told} payers were told, {shown} payments were shown");
}

/// Otherwise the runs would say nothing about a key that comes in the place of another.
#[test]
fn members_do_sign_with_the_key_that_came_in_the_place_of_their_first_one() {
    let signed = (1..).step_by(2).take(60).any(|seed| {
        let mut world = World::new(seed, None);
        for _ in 0..4 * STEPS {
            world.step().unwrap();
        }
        let mut acknowledged = world.clients.iter().flat_map(|client| client.acknowledged.keys());
        acknowledged.any(|number| orders::by_next(*number))
    });
    assert!(signed, "nobody signed with such a key");
}

/// Otherwise the runs would say nothing about codes that were used.
#[test]
fn codes_are_right_and_used_up_in_some_of_the_runs() {
    let (mut right, mut wrong) = (0, 0);
    for seed in 0..40 {
        let mut world = World::new(seed, None);
        for _ in 0..STEPS {
            world.step().unwrap();
        }
        for client in &world.clients {
            right += client.used.len();
            wrong += client.not_right;
        }
    }
    assert!(right > 20 && wrong > 5, "{right} codes were right, {wrong} were not");
}

/// Otherwise the runs would say nothing about a vault that goes over from one key to the next.
#[test]
fn vaults_do_go_over_to_further_keys_in_some_of_the_runs() {
    let went_over = (0..40).any(|seed| {
        let mut world = World::new(seed, None);
        for _ in 0..STEPS {
            world.step().unwrap();
        }
        let keys =
            world.disk.image().into_keys().filter_map(|name| name.strip_prefix("keys/vault-")?.parse().ok());
        keys.min().is_some_and(|oldest: u32| oldest > 2)
    });
    assert!(went_over, "no vault lost its first two keys");
}
