//! The append-only log: segments of batch frames, an anchor, recovery. Knows bytes, indexes and hashes that it
//! is given, and nothing of what a block means.
//!
//! ```text
//! frame, segment, anchor   the bytes          writer    make room, append, sync; written ≥ durable
//! reader                   never writes       recovery  what is on disk → verdict → settled
//! ahead                    reads for recovery, and has blocks prepared on other threads
//! storage                  the only door to a disk: Disk, SimDisk
//! ```

mod ahead;
pub mod anchor;
mod disk;
mod error;
pub mod frame;
mod options;
pub mod reader;
mod recovery;
pub mod segment;
mod open_segments;
mod sim_disk;
mod storage;
mod writer;

pub use ahead::Ahead;
pub use disk::Disk;
pub use error::{LogError, OpenError, is_full};
pub use frame::{Batch, FrameError};
pub use options::{Figures, Mode, Options};
pub use reader::LogReader;
pub use recovery::{BlockRefused, Recovery, Replay, ReplayPrepared, Replaying};
pub use sim_disk::{Call, Fault, Lies, SimDisk, Survival};
pub use storage::{
    Access, Storage, StorageFile, read_exact_at, read_small, read_up_to, replace, try_replace, write_all_at,
};
pub use writer::{EventLog, create};
