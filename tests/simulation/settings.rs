//! What an operator may set, another way in every run: small bounds, which are met often, beside the usual ones.

use ledgerd::limits::{INPUT_BYTES_LEAST, Limits};

/// A setting, and the values that runs have for it. The usual one is always among them.
type Varied = (fn(&mut Limits) -> &mut u64, &'static [u64]);

const VARIED: [Varied; 15] = [
    (|limits| &mut limits.connections_per_account_max, &[1, 2, 64]),
    (|limits| &mut limits.commands_in_flight_max, &[1, 3, 1_024]),
    (|limits| &mut limits.input_bytes_max, &[INPUT_BYTES_LEAST, 64 << 20]),
    (|limits| &mut limits.output_bytes_max, &[16_384, 256 << 10]),
    (|limits| &mut limits.handshakes_waiting_max, &[1, 64]),
    (|limits| &mut limits.first_frame_ms, &[200, 5_000]),
    (|limits| &mut limits.handshake_ms, &[500, 10_000]),
    (|limits| &mut limits.idle_ms, &[500, 5_000, 600_000]),
    (|limits| &mut limits.presence_ms, &[1_000, 25_000]),
    (|limits| &mut limits.tickets_max, &[1, 2, 100_000]),
    (|limits| &mut limits.tickets_per_account_max, &[1, 8]),
    (|limits| &mut limits.ticket_lifetime_ms, &[1_000, 12 * 60 * 60 * 1_000]),
    (|limits| &mut limits.log_bytes_per_account_day, &[0, 40_000, 1 << 30]),
    (|limits| &mut limits.vault_rewrap_days, &[0, 1]),
    (|limits| &mut limits.second_factor, &[0, 1]),
];

/// The limits of the run of this seed.
pub(super) fn limits(seed: u64) -> Limits {
    let mut limits = Limits::default();
    // Another sequence than the one that decides the steps.
    let mut random = seed.wrapping_add(1).wrapping_mul(0xd134_2543_de82_ef95) | 1;
    for (field, values) in VARIED {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        *field(&mut limits) = values[(random >> 32) as usize % values.len()];
    }
    limits
}

#[test]
fn every_value_of_every_limit_occurs_in_a_few_runs() {
    for (field, values) in VARIED {
        let usual = *field(&mut Limits::default());
        assert!(values.contains(&usual));
        for value in values {
            assert!((0..100).any(|seed| *field(&mut limits(seed)) == *value), "{value}");
        }
    }
}
