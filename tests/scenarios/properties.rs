//! What holds for any sequence of commands, not only for those that somebody thought of.

use proptest::prelude::*;

use proptest::strategy::Union;

use super::DOMAINS;
use super::domain::RawCommand;
use super::world::{Outcome, World};

fn any_command() -> impl Strategy<Value = RawCommand> {
    Union::new_weighted(DOMAINS.iter().map(|domain| domain.commands()).collect())
}

/// Commands with their authors and the keys that they are signed with.
fn asked(most: usize) -> impl Strategy<Value = Vec<(RawCommand, u64, String)>> {
    // Whoever has a key inside the command is nobody yet, most of the time, and signs with it.
    let one =
        (any_command(), 0..4u64, "[1-4]").prop_map(|(command, author, signer)| match command.key.clone() {
            Some(key) if signer != "4" => (command, author / 3, key),
            Some(_) => (command, author / 3, signer),
            None => (command, author, signer),
        });
    prop::collection::vec(one, 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replaying_the_bytes_of_the_blocks_yields_the_state_that_live_operation_reached(
        asked in asked(32),
    ) {
        let mut world = World::default();
        world.found(100, None);
        let mut accepted = 0;
        for (command, author, signer) in asked {
            let before = world.state.digest();
            match world.ask(&command, author, &signer) {
                Outcome::Accepted(_) => {
                    accepted += 1;
                    prop_assert_eq!(world.state.conserved(), Ok(()), "money was made or lost");
                }
                Outcome::Refused(_) | Outcome::Undecodable => {
                    prop_assert_eq!(world.state.digest(), before, "a refusal changes nothing");
                }
            }
        }
        prop_assert_eq!(world.blocks.len(), accepted);
        prop_assert_eq!(world.replayed().digest(), world.state.digest());
    }

    #[test]
    fn what_is_decided_of_any_command_follows_from_the_bytes_of_the_blocks_alone(
        asked in asked(32),
        next in asked(16),
    ) {
        let mut world = World::default();
        world.found(100, None);
        for (command, author, signer) in &asked {
            world.ask(command, *author, signer);
        }
        // Nothing of the first state is left in the second one: no refusal that went before, no vault, no memory.
        let replayed = world.replayed();
        for (command, author, signer) in asked.iter().chain(&next) {
            let live = world.decided_in(&world.state, command, *author, signer);
            prop_assert_eq!(world.decided_in(&replayed, command, *author, signer), live);
        }
    }
}
