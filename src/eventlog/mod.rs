//! The append-only log: segments of batch frames, an anchor, and recovery. The log knows bytes, indexes and hashes that it
//! is given, and nothing of what a block means.
//!
//! ```text
//! frame, segment, anchor   the formats: a batch of blocks, a file of batches, the note of how far the log is durable
//! writer                   makes room, appends, syncs; what is durable is never more than what is written
//! reader                   reads, and never writes
//! recovery                 judges what is on disk at a start, and mends what a crash left
//! ahead                    reads for recovery, and has blocks prepared on other threads
//! storage                  the only door to a disk: a real one (Disk) or a simulated, hostile one (SimDisk)
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
