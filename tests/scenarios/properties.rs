//! What holds for any sequence of commands, not only for those that somebody thought of.

use proptest::prelude::*;

use proptest::strategy::Union;

use super::DOMAINS;
use super::domain::RawCommand;
use super::world::{Outcome, World};

fn any_command() -> impl Strategy<Value = RawCommand> {
    Union::new_weighted(DOMAINS.iter().map(|domain| domain.commands()).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replaying_the_bytes_of_the_blocks_yields_the_state_that_live_operation_reached(
        asked in prop::collection::vec((any_command(), 0..4u64, "[1-4]"), 0..32),
    ) {
        let mut world = World::default();
        world.found(100, None);
        let mut accepted = 0;
        for (command, author, signer) in asked {
            // Whoever has a key inside the command is nobody yet, most of the time, and signs with it.
            let (author, signer) = match &command.key {
                Some(key) if signer != "4" => (author / 3, key.clone()),
                Some(_) => (author / 3, signer),
                None => (author, signer),
            };
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
}
