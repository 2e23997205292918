//! Clocks that go wrong, and times in which nobody looks at them.

use std::time::Duration;

use ledgerd::time::Timestamp;

use super::orders::small;
use super::template::START_MS;
use super::world::World;

/// How far the wall clock goes wrong: past what the ledger puts up with, and short of what its window does.
const JUMP: Duration = Duration::from_secs(13 * 60 * 60);

impl World {
    /// Lets time pass, on every clock.
    pub(super) fn pass(&mut self, time: Duration) {
        self.now.wall = self.now.wall.plus_micros(time.as_micros() as u64);
        self.now.mono.0 += time;
        self.now.boot.0 += time;
    }

    /// Sets the wall clock wrong, or right again.
    pub(super) fn move_the_clock(&mut self) {
        let (jump, wall) = (JUMP.as_micros() as u64, self.now.wall.micros());
        let moved = if self.jumped { wall - jump } else { wall + jump };
        self.now.wall = Timestamp::from_micros(moved);
        self.jumped = !self.jumped;
    }

    /// No block may carry a time that has not come.
    pub(super) fn look_at_the_clock(&self) -> Result<(), String> {
        let Some(server) = &self.server else { return Ok(()) };
        let newest = server.ledger().replica().link().timestamp();
        // The wall clock of this world was set when the machine was started.
        let right = Timestamp::from_millis(START_MS + 1_000).plus_micros(self.now.boot.0.as_micros() as u64);
        // Blocks of one moment follow each other by a microsecond each.
        if newest > right.plus_micros(1_000_000) {
            return Err(format!("it is {right}, and there is a block of {newest}"));
        }
        Ok(())
    }
}

/// Sends a command of a member and runs everything until it is answered; gives the refusal's name, if it was refused.
pub(super) fn asked(world: &mut World, number: u32) -> Option<String> {
    // The connection of before may have ended while nobody looked.
    world.clients[0].link = None;
    attend_until_idle(world);
    let now = world.now;
    world.clients[0].submit(number, now);
    attend_until_idle(world);
    let refusal = world.clients[0].refused.get(&number).cloned();
    assert_eq!(world.clients[0].acknowledged.contains_key(&number), refusal.is_none());
    refusal
}

pub(super) fn attend_until_idle(world: &mut World) {
    for _ in 0..1_000 {
        world.attend(0).unwrap();
        if world.clients[0].is_idle() {
            return;
        }
    }
    panic!("it was not answered");
}

#[test]
fn a_machine_that_was_suspended_and_a_process_that_was_paused_take_commands() {
    for suspended in [true, false] {
        let mut world = World::usual();
        assert_eq!(asked(&mut world, small(0)), None);
        world.pass(JUMP);
        if suspended {
            // The monotonic clock stands still while a machine sleeps.
            world.now.mono.0 -= JUMP;
        }
        assert_eq!(asked(&mut world, small(1)), None, "suspended: {suspended}");
    }
}

#[test]
fn no_command_becomes_a_block_while_the_clock_is_wrong_and_the_next_does_when_it_is_right() {
    let mut world = World::usual();
    assert_eq!(asked(&mut world, small(0)), None);
    world.move_the_clock();
    assert_eq!(asked(&mut world, small(1)).as_deref(), Some("clock_jumped"));
    assert_eq!(asked(&mut world, small(0)), None, "what was accepted before gets its receipt");
    world.move_the_clock();
    assert_eq!(asked(&mut world, small(1)).as_deref(), Some("clock_jumped"), "this very copy stays refused");
    assert_eq!(asked(&mut world, small(2)), None);
}
