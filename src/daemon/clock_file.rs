//! `DIR/clock`: what the wall clock and the time since boot said when the wall clock was believed, and on which boot of
//! the machine. A start on the same boot compares with it, so that a restart does not hide a clock that jumped.
//!
//! ```text
//! "<boot id> <wall, us since the Unix epoch> <us since boot> <8 hex digits>\n"
//! ```
//!
//! The digits are the CRC-32C of what stands before them. The file may be deleted: what is lost is the comparison at
//! the next start. On another boot, and on a system that has no boot id, it says nothing.

use std::fs;
use std::time::Duration;

use crate::eventlog::{Disk, read_small, replace};
use crate::service::ClockReference;
use crate::time::{SinceBoot, Timestamp};

/// The file's name, in the data directory.
const CLOCK: &str = "clock";

const BYTES_MAX: u64 = 256;

/// Where Linux says which boot this is: random, new at each, the same in all containers of a machine
/// (`random(4)`).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The file in one ledger's directory, and the boot of the machine on which this process runs.
#[derive(Debug)]
pub(super) struct ClockFile {
    disk: Disk,
    boot_id: String,
}

impl ClockFile {
    /// The file of the ledger in that directory; nothing where the system does not say which boot this is.
    #[expect(clippy::disallowed_methods, reason = "the kernel's answer is not a file of the ledger")]
    pub(super) fn of(disk: Disk) -> Option<ClockFile> {
        let boot_id = fs::read_to_string(BOOT_ID).ok()?.trim().to_owned();
        (!boot_id.is_empty() && !boot_id.contains(' ')).then_some(ClockFile { disk, boot_id })
    }

    /// What an earlier process noted on this boot. A file that cannot be used is told and otherwise as good as none.
    pub(super) fn read(&self) -> Option<ClockReference> {
        let bytes = match read_small(&self.disk, CLOCK, BYTES_MAX) {
            Ok(bytes) => bytes?,
            Err(error) => {
                tracing::warn!(%error, "the file `clock` cannot be read; the clock is not compared with what it said");
                return None;
            }
        };
        let noted = std::str::from_utf8(&bytes).ok().and_then(parse);
        if noted.is_none() {
            tracing::warn!("the file `clock` is damaged; the clock is not compared with what it said");
        }
        noted.filter(|(boot_id, _)| *boot_id == self.boot_id).map(|(_, reference)| reference)
    }

    /// Notes what the clocks said, for later starts. A start does not fail because there is no room for it.
    pub(super) fn write(&self, reference: ClockReference) {
        if let Err(error) = replace(&self.disk, CLOCK, print(&self.boot_id, reference).as_bytes()) {
            tracing::warn!(%error, "the file `clock` cannot be written; the next start cannot see whether the clock jumped");
        }
    }
}

fn print(boot_id: &str, reference: ClockReference) -> String {
    let fields = format!("{boot_id} {} {} ", reference.wall.micros(), reference.boot.0.as_micros());
    format!("{fields}{:08x}\n", crc32c::crc32c(fields.as_bytes()))
}

fn parse(text: &str) -> Option<(&str, ClockReference)> {
    let mut fields = text.strip_suffix('\n')?.split(' ');
    let (boot_id, wall, boot) = (fields.next()?, fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let reference =
        ClockReference { wall: Timestamp::from_micros(wall), boot: SinceBoot(Duration::from_micros(boot)) };
    (print(boot_id, reference) == text).then_some((boot_id, reference))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(wall: u64, boot: u64) -> ClockReference {
        ClockReference { wall: Timestamp::from_micros(wall), boot: SinceBoot(Duration::from_micros(boot)) }
    }

    fn file(folder: &tempfile::TempDir, boot_id: &str) -> ClockFile {
        ClockFile { disk: Disk::new(folder.path()), boot_id: boot_id.to_owned() }
    }

    #[test]
    fn what_was_noted_on_this_boot_is_read_and_on_another_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(file(&folder, "a").read(), None);
        file(&folder, "a").write(reference(1_700_000_000_000_000, 77));
        assert_eq!(file(&folder, "a").read(), Some(reference(1_700_000_000_000_000, 77)));
        assert_eq!(file(&folder, "b").read(), None);
        file(&folder, "b").write(reference(5, u64::MAX));
        assert_eq!(file(&folder, "b").read(), Some(reference(5, u64::MAX)));
        assert_eq!(file(&folder, "a").read(), None);
    }

    #[test]
    fn no_flipped_bit_makes_another_reference() {
        let text = print("b7d3", reference(1_700_000_000_000_000, 77));
        assert!(parse(&text).is_some());
        for place in 0..8 * text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[place / 8] ^= 1 << (place % 8);
            assert_eq!(std::str::from_utf8(&bytes).ok().and_then(parse), None, "bit {place}");
        }
    }
}
