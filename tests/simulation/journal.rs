//! The journal in the simulator: whatever happens to the disk, what is read of it was noted, and it takes no more than it may.

use ledgerd::eventlog::SimDisk;
use ledgerd::journal::{RECORD_BYTES, Record, described};

/// Accounts that a run has, and the one that is nobody's.
const ACCOUNTS: u64 = 4;

/// Looks at all files, as far as they can be read.
///
/// # Errors
/// What does not hold.
pub(super) fn look_at(disk: &SimDisk, bytes_max: u64) -> Result<(), String> {
    let image = disk.image();
    let files = image.iter().filter(|(path, _)| path.starts_with("journal/"));
    let mut bytes_all = 0;
    for (path, bytes) in files {
        bytes_all += bytes.len() as u64;
        let records =
            bytes.chunks_exact(RECORD_BYTES).map_while(|bytes| Record::decode(bytes.try_into().ok()?));
        for record in records {
            let known = described().any(|(code, ..)| code == record.code);
            if !known || record.count == 0 || record.account > ACCOUNTS {
                return Err(format!("{path} holds what nobody has noted: {record:?}"));
            }
        }
    }
    if bytes_all > bytes_max { Err(format!("the journal takes {bytes_all} bytes")) } else { Ok(()) }
}
