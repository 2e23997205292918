//! The second factor and the disk: codes across power cuts and failed calls, and an older vault that was put back.

use std::cell::RefCell;

use ledgerd::domain::accounts::Role;
use ledgerd::wire::{FactorGiven, Reply, Request};

use crate::hostile_disk::every_failure;
use crate::second_factor_service::{STEP, THERE, enrol, give, name_of, with_role, world};

const HERE: &str = "192.0.2.1";

#[test]
fn no_code_works_twice_whenever_the_power_fails_and_none_is_lost_that_was_not_taken() {
    let (mut world, _, _, mut agent) = with_role(Role::Agent);
    let factor = enrol(&mut world, &mut agent, 1);
    world.wait(STEP);
    let enrolled = world.disk.copy();
    let codes = [factor.spare[0].to_text().to_string(), factor.code(&world)];
    let world = RefCell::new(world);
    for code in codes {
        let (mut right, mut kept) = (0, 0);
        every_failure(
            || {
                let (disk, world) = (enrolled.copy(), &mut world.borrow_mut());
                world.restart(&disk);
                (disk, world.member(THERE, 1))
            },
            |_, mut client| {
                let given = Request::SecondFactor(FactorGiven::Code(&code));
                world.borrow_mut().ask_while_it_runs(&mut client, &given);
                client.replies.iter().any(|(_, reply)| matches!(reply, Reply::FactorTaken(_)))
            },
            |disk, told, which| {
                disk.clear_faults();
                let world = &mut world.borrow_mut();
                world.restart(disk);
                let mut client = world.member(THERE, 1);
                let again = give(&code, world, &mut client).is_ok();
                assert!(!(told && again), "{which}: the code works twice");
                assert!(give(&code, world, &mut client).is_err(), "{which}: the code works twice, later");
                (right, kept) = (right + u64::from(told), kept + u64::from(again));
            },
        );
        assert!(right > 0 && kept > 0, "both happen: {right}, {kept}");
    }
}

#[test]
fn an_older_vault_that_was_put_back_leaves_codes_that_nobody_can_check_until_an_operator_ends_them() {
    let mut world = world();
    let mut operator = world.member(HERE, 0);
    enrol(&mut world, &mut operator, 0);
    let before = ["vault/slots", "vault/pages"].map(|file| (file, world.disk.bytes(file).unwrap()));
    let mut agent = world.member(HERE, 1);
    let factor = enrol(&mut world, &mut agent, 1);
    let disk = world.disk.copy();
    before.iter().for_each(|(file, bytes)| disk.put(file, bytes));
    world.restart(&disk);
    let mut agent = world.member(HERE, 1);
    assert_eq!(name_of(give(&factor.spare[0].to_text(), &mut world, &mut agent)), "key_missing");
    let mut member = world.member(HERE, 2);
    let Reply::Status(figures) = world.ask(&mut member, &Request::Status) else { panic!() };
    assert_eq!(figures.number("second_factors_missing"), Some(1));
}
