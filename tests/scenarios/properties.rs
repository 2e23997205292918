//! What holds for any sequence of commands, not only for those that somebody thought of.

use proptest::prelude::*;

use proptest::strategy::Union;

use super::DOMAINS;
use super::domain::RawCommand;
use super::world::{Outcome, World};
use super::{run, script};

/// A shop with an operator, an agent and somebody else, who all have their numbers from their keys.
const SHOP: &str = "
scenario a shop
  ledger opening-grant=100 operator=1
  given register handle=bank key=1 -> account 1
  given register handle=agent key=2 -> account 2
  given register handle=carol key=3 -> account 3
  given grant as=1 2 agent -> holders 1
  given open-shop as=1 1 agent_limit 0 -> settings 0
  when load-stock as=2 publish a 9 9 -> items 1
";

/// A ledger in which nothing happened yet, or one with a shop.
fn begun(with_shop: bool) -> World {
    let mut world = World::default();
    world.found(100, None);
    if with_shop {
        let story = script::parse("a shop", SHOP);
        story.iter().flat_map(|scenario| &scenario.lines).for_each(|line| run(&mut world, line, &line.place));
    }
    world
}

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
            // And everybody else with the key of the same number, as often as not.
            None if author > 0 && matches!(signer.as_str(), "3" | "4") => {
                (command, author, author.to_string())
            }
            None => (command, author, signer),
        });
    prop::collection::vec(one, 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replaying_the_bytes_of_the_blocks_yields_the_state_that_live_operation_reached(
        with_shop: bool,
        asked in asked(32),
    ) {
        let mut world = begun(with_shop);
        let mut accepted = world.blocks.len();
        for (command, author, signer) in asked {
            let before = world.state.digest();
            match world.ask(&command, author, &signer) {
                Outcome::Accepted(_) => {
                    accepted += 1;
                    prop_assert_eq!(world.state.conserved(), Ok(()), "money or goods were made or lost");
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
        with_shop: bool,
        asked in asked(32),
        next in asked(16),
    ) {
        let mut world = begun(with_shop);
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
