//! Something that is done to a simulated disk, once for each call of it that can fail, for each way to fail, and for each thing that
//! a power loss behind it can leave.

use std::io::ErrorKind;

use ledgerd::eventlog::{Fault, SimDisk, Survival};

const FAULTS: [Fault; 4] =
    [Fault::PowerLoss, Fault::Error(ErrorKind::Other), Fault::Error(ErrorKind::StorageFull), Fault::Short];

const SURVIVALS: [Survival; 4] =
    [Survival::Nothing, Survival::Everything, Survival::Prefix, Survival::Sectors];

/// Prepares a disk, attempts something that fails at one of its calls, cuts the power, and has looked at what is left; the text
/// that the look is given says which failure it was.
pub(crate) fn every_failure<P, A>(
    prepare: impl Fn() -> (SimDisk, P),
    attempt: impl Fn(&SimDisk, P) -> A,
    mut look: impl FnMut(&SimDisk, A, &str),
) {
    for fault in FAULTS {
        for call in 0.. {
            let mut reached = false;
            for (seed, survival) in SURVIVALS.into_iter().enumerate() {
                let (disk, prepared) = prepare();
                let before = disk.calls();
                disk.fail_call(before + call, fault);
                let attempted = attempt(&disk, prepared);
                reached |= disk.calls() - before > call;
                let mut random = call * 4 + seed as u64;
                disk.crash(survival, &mut |bound| {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    (random >> 33) % bound.max(1)
                });
                look(&disk, attempted, &format!("{fault:?} at call {call}, {survival:?}"));
            }
            if !reached {
                break;
            }
        }
    }
}
