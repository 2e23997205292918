//! A server on a disk without room: for further blocks, for a write, and for what a start has to write.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use ledgerd::chain::Message;
use ledgerd::crypto::random::Seeded;
use ledgerd::domain::Command;
use ledgerd::eventlog::{Call, Fault, Storage};
use ledgerd::ledger::{Ledger, Refused};
use ledgerd::time::Timestamp;

use super::STEPS;
use super::clocks::{asked, attend_until_idle};
use super::orders::{large, small};
use super::template::{OPTIONS, START_MS, template};
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
    world.fails_as_full = true;
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

#[test]
fn a_full_disk_refuses_before_anything_is_decided_and_everything_else_goes_on() {
    let mut world = World::usual();
    world.leave_one_segment();
    // The current segment has its room, and there is no next one.
    assert_eq!(asked(&mut world, large(0)), None);
    assert_eq!(asked(&mut world, large(1)), None);
    let before = size(&world);
    assert_eq!(asked(&mut world, large(2)).as_deref(), Some("disk_full"));
    assert_eq!(asked(&mut world, small(0)).as_deref(), Some("disk_full"), "read-only is so for everybody");
    assert_eq!(asked(&mut world, large(0)), None, "what was accepted before gets its receipt");
    let server = world.server.as_ref().unwrap();
    assert_eq!((size(&world), server.ledger().open_batch()), (before, 0));
    assert_eq!(server.ledger().replica().link().next_index(), before, "nothing was decided");

    world.fill_the_disk(false);
    world.pass(Duration::from_secs(2));
    assert_eq!(asked(&mut world, large(2)).as_deref(), Some("disk_full"), "this very copy stays refused");
    assert_eq!(asked(&mut world, large(3)), None);
    assert_eq!(asked(&mut world, small(1)), None);
    assert_eq!(size(&world), before + 2);
    world.rest().unwrap();
}

/// Has the ledger decide a command of the first member.
fn propose(ledger: &mut Ledger, number: u32) -> Result<(), Refused> {
    let (message, signature) = template().command(0, number);
    let message = Message::parse(&message).unwrap();
    let command = Command::decode(message.header.tag, message.body).unwrap();
    ledger.propose(message, &signature, command, Timestamp::from_millis(START_MS)).map(drop)
}

#[test]
fn a_batch_that_stays_open_counts_and_is_written_whole_although_the_disk_is_full() {
    let disk = template().disk.copy();
    disk.delete("log/next.tmp");
    disk.set_capacity(Some(disk.used()));
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let (mut ledger, _) = Ledger::open(&storage, OPTIONS).unwrap();
    let before = ledger.committed().size;
    propose(&mut ledger, large(0)).unwrap();
    propose(&mut ledger, large(1)).unwrap();
    // Alone it would find room. Behind what is open it finds none, which is no reason yet to be read-only.
    for _ in 0..3 {
        assert!(matches!(propose(&mut ledger, large(2)), Err(Refused::BatchFull)));
    }
    propose(&mut ledger, small(0)).unwrap();
    assert!(!ledger.log().mode().is_read_only());
    assert_eq!(ledger.commit(&mut Seeded::new("open")).unwrap(), 3);
    assert_eq!(ledger.committed().size, before + 3);
    assert!(matches!(propose(&mut ledger, large(2)), Err(Refused::ReadOnly)));
    let allocations = disk.calls_of(Call::Allocate);
    assert!(matches!(propose(&mut ledger, small(1)), Err(Refused::ReadOnly)));
    assert_eq!(disk.calls_of(Call::Allocate), allocations, "the disk is not asked for each command");
    assert_eq!(ledger.open_batch(), 0);

    ledger.try_resume().unwrap();
    assert!(matches!(propose(&mut ledger, small(1)), Err(Refused::ReadOnly)), "there is no room yet");
    disk.set_capacity(None);
    ledger.try_resume().unwrap();
    propose(&mut ledger, large(2)).unwrap();
    assert_eq!(ledger.commit(&mut Seeded::new("next")).unwrap(), 1);
}

/// A file system that copies on write, or a quota, takes the room away that was allocated.
#[test]
fn a_write_that_finds_no_room_all_the_same_ends_the_server_and_the_next_start_settles_it() {
    let mut world = World::usual();
    assert_eq!(asked(&mut world, small(0)), None);
    let before = size(&world);
    world.disk.fail_call(world.disk.calls(), Fault::Short);
    world.disk.fail_call(world.disk.calls() + 1, Fault::Error(ErrorKind::StorageFull));
    world.fails_as_full = true;
    let now = world.now;
    world.clients[0].submit(large(0), now);
    while world.server.is_some() {
        world.attend(0).unwrap();
    }
    assert_eq!(world.clients[0].unknown(), [large(0)], "nobody was told anything");

    attend_until_idle(&mut world);
    assert_eq!(size(&world), before, "the torn batch was cut off");
    assert_eq!(asked(&mut world, large(0)), None);
    assert_eq!(size(&world), before + 1);
}

/// Otherwise the runs of all seeds would say nothing about it.
#[test]
fn some_runs_meet_a_full_disk_and_go_on() {
    let (mut refused, mut went_on) = (0, 0);
    // The first that show it will do. A run has to be long: a command grows the log once, however often it is sent.
    for seed in (1..).step_by(4).take(300) {
        let mut world = World::new(seed, None);
        let mut was_full = false;
        for _ in 0..6 * STEPS {
            world.step().unwrap();
            let read_only = world.is_read_only();
            refused += u64::from(read_only && !was_full);
            went_on += u64::from(!read_only && was_full && world.server.is_some());
            was_full = read_only;
        }
        if refused > 2 && went_on > 1 {
            break;
        }
    }
    assert!(refused > 2 && went_on > 1, "{refused} times full, {went_on} times not any more");
}
