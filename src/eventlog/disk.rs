//! A real directory.
//!
//! The order of system calls that makes a batch durable, and a new segment:
//!
//! ```text
//! batch    pwrite(segment) → fdatasync(segment) → pwrite(anchor) → replies
//!          …within 100 ms: fdatasync(anchor)
//! segment  open(O_CREAT|O_EXCL, log/next.tmp) → fallocate → (later) pwrite(header) → fdatasync
//!          → rename(log/next.tmp, log/N.seg) → fsync(log/) → use
//! ```

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::storage::{Access, Storage, StorageFile};

/// A directory of the file system.
#[derive(Debug)]
pub struct Disk {
    root: PathBuf,
}

impl Disk {
    /// The directory `root`, which exists.
    pub fn new(root: &Path) -> Disk {
        Disk { root: root.to_owned() }
    }
}

impl Storage for Disk {
    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        let entries = std::fs::read_dir(self.root.join(directory))?;
        let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let mut names = names.collect::<io::Result<Vec<String>>>()?;
        names.sort();
        Ok(names)
    }

    fn open(&self, path: &str, access: Access) -> io::Result<Box<dyn StorageFile>> {
        let mut options = OpenOptions::new();
        options.read(true).mode(0o600);
        match access {
            Access::Read => {}
            Access::ReadWrite => {
                options.write(true);
            }
            Access::CreateNew => {
                options.write(true).create_new(true);
            }
        }
        Ok(Box::new(DiskFile { file: options.open(self.root.join(path))? }))
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        // What a ledger's directory holds, keys among it, is for its owner.
        DirBuilder::new().mode(0o700).create(self.root.join(path))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.root.join(from), self.root.join(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        std::fs::remove_file(self.root.join(path))
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        File::open(self.root.join(path))?.sync_all()
    }
}

#[derive(Debug)]
struct DiskFile {
    file: File,
}

impl StorageFile for DiskFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.file.write_at(bytes, offset)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn allocate(&mut self, len: u64) -> io::Result<()> {
        rustix::fs::fallocate(&self.file, rustix::fs::FallocateFlags::empty(), 0, len).or_else(|error| {
            // A file system without preallocation gets zeros written, which takes the room just as well.
            if error == rustix::io::Errno::OPNOTSUPP { self.write_zeros(len) } else { Err(error.into()) }
        })
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

impl DiskFile {
    fn write_zeros(&self, len: u64) -> io::Result<()> {
        let zeros = vec![0; 1 << 20];
        let mut offset = 0;
        while offset < len {
            let count = usize::try_from(len - offset).unwrap_or(zeros.len()).min(zeros.len());
            self.file.write_all_at(zeros.get(..count).unwrap_or_default(), offset)?;
            offset += count as u64;
        }
        Ok(())
    }
}
