//! A second factor that is ended by a client that is killed.

use super::{Killed, World, done_once_wherever_it_is_killed, strace_is_here, words};
use crate::second_factor::enrol;

#[test]
fn a_second_factor_is_ended_once_wherever_the_client_is_killed() {
    if !strace_is_here() {
        return;
    }
    let mut world = World::new();
    let mut off = |world: &World, run: usize| {
        let directory = world.place.directory.path();
        std::fs::remove_dir_all(directory.join("newcomer")).unwrap_or_default();
        let handle = format!("newcomer-{run}");
        for command in [&["getKey", "--accept-new"][..], &["register", &handle]] {
            world.place.done("newcomer", &world.at, command);
        }
        // The tickets of this home have a code from here on.
        enrol(&world.place, "newcomer", &world.at);
        words(&["second-factor", "off"])
    };
    let mut killed =
        Killed { member: "newcomer", arguments: &mut off, blocks: 1, lines: 1, is_repeatable: false };
    done_once_wherever_it_is_killed(&mut world, &mut killed);
}
