//! Whoever proves a key falsely learns nothing about who is a member: the same is computed, wherever there is an account
//! and wherever there is none.

use ledgerd::limits::Limits;
use ledgerd::service::Job;

use crate::service_world::World;

#[test]
fn a_false_proof_of_a_key_costs_the_same_check_whether_the_account_exists_or_not() {
    let mut world = World::new(Limits::default(), |_| ());
    let key_bytes = |world: &mut World, account: u64, member: usize| {
        world.helpers_wait = true;
        let mut client = world.claim("192.0.2.1", account, member);
        world.help();
        (0..4).for_each(|_| world.exchange(&mut client));
        let checks: Vec<(usize, usize, usize)> = world
            .jobs
            .iter()
            .filter_map(|job| match job {
                Job::VerifyClient { key, signed, signature, .. } => {
                    Some((key.len(), signed.len(), signature.len()))
                }
                _ => None,
            })
            .collect();
        world.helpers_wait = false;
        (0..4).for_each(|_| world.exchange(&mut client));
        (checks, client.is_open)
    };
    let (good, opened) = key_bytes(&mut world, 2, 1);
    assert!(opened && good.len() == 1);
    let (other_key, opened) = key_bytes(&mut world, 2, 0);
    assert_eq!((other_key, opened), (good.clone(), false), "an account with another key");
    let (nobody, opened) = key_bytes(&mut world, 99, 0);
    assert_eq!((nobody, opened), (good, false), "no account at all");
}
