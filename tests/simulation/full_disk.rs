//! A server that is started on a disk without room for what a start has to write.

use std::io::ErrorKind;
use std::time::Duration;

use ledgerd::eventlog::Fault;

use super::clocks::{asked, attend_until_idle};
use super::orders::small;
use super::world::World;

fn size(world: &World) -> u64 {
    world.server.as_ref().map_or(0, |server| server.ledger().committed().size)
}

#[test]
fn a_command_in_a_batch_that_may_not_be_durable_is_neither_refused_nor_acknowledged_before_there_is_room() {
    let mut world = World::usual();
    assert_eq!(asked(&mut world, small(0)), None);
    // Until the anchor was synced.
    for _ in 0..200 {
        world.attend(0).unwrap();
    }
    let before = size(&world);
    // The batch is written and synced, and there is no room for the anchor behind it.
    world.disk.fail_call(world.disk.calls() + 2, Fault::Error(ErrorKind::StorageFull));
    let now = world.now;
    world.clients[0].submit(small(1), now);
    while world.server.is_some() {
        world.attend(0).unwrap();
    }
    world.disk.set_copy_on_write(true);
    world.disk.set_capacity(Some(world.disk.used()));

    attend_until_idle(&mut world);
    assert_eq!(size(&world), before, "the batch that the anchor does not know is not spoken of");
    let now = world.now;
    world.clients[0].submit(small(1), now);
    while world.clients[0].link.is_some() {
        world.attend(0).unwrap();
    }
    assert_eq!(world.clients[0].unknown(), [small(1)], "its outcome is not known");
    assert_eq!(asked(&mut world, small(2)).as_deref(), Some("disk_full"));
    assert_eq!(asked(&mut world, small(0)), None, "what was acknowledged before gets its receipt");

    world.disk.set_capacity(None);
    world.pass(Duration::from_secs(2));
    assert_eq!(asked(&mut world, small(1)), None, "now it is");
    assert_eq!(size(&world), before + 1);
    assert_eq!(asked(&mut world, small(3)), None);
    assert_eq!(size(&world), before + 2);
}
