//! A simulated, hostile disk, for the simulator and for tests of the log. Public because the simulator lives
//! among the integration tests; nothing else uses it.
//!
//! Every file and every directory entry exists twice: as it was written, which is what the running process
//! sees, and as it is durable, which is what a power loss leaves. A crash lets unsynced writes survive in one
//! of four ways. Everything is deterministic; the lock only lets a test keep a handle on the disk of a log.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::storage::{Access, Storage, StorageFile};

/// Bytes that a disk writes all or not at all.
const SECTOR_BYTES: usize = 512;

/// Which unsynced writes a crash leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    /// None of them.
    Nothing,
    /// All of them.
    Everything,
    /// Those before some point in time; the one at that point in part.
    Prefix,
    /// Any subset of their sectors.
    Sectors,
}

/// A call of the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// `write_at`.
    Write,
    /// `sync_data`.
    Sync,
    /// `sync_dir`.
    SyncDir,
    /// `allocate` and `set_len`.
    Allocate,
    /// `rename`, `remove` and the creation of files.
    Name,
}

/// What goes wrong at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call fails with this kind of error and does nothing.
    Error(io::ErrorKind),
    /// A write writes only some of its bytes.
    Short,
    /// The power fails before the call: it and every later one fail until [`SimDisk::crash`].
    PowerLoss,
}

/// Ways in which the disk can lie, to show that the simulator notices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lies {
    /// `sync_data` does nothing and says that it did.
    pub ignores_sync: bool,
    /// `sync_dir` does nothing and says that it did.
    pub ignores_sync_dir: bool,
}

#[derive(Clone, Debug)]
struct Write {
    offset: usize,
    bytes: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
struct Inode {
    written: Vec<u8>,
    durable: Vec<u8>,
    /// Writes since the last sync, oldest first.
    unsynced: Vec<Write>,
    /// The length was changed since the last sync.
    resized: bool,
}

#[derive(Clone, Debug, Default)]
struct World {
    inodes: Vec<Inode>,
    written_names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    directories: Vec<String>,
    calls: u64,
    faults: BTreeMap<u64, Fault>,
    by_kind: BTreeMap<Call, u64>,
    capacity: Option<usize>,
    copies_on_write: bool,
    lies: Lies,
    dark: bool,
}

/// A handle on a simulated disk; clones share it.
#[derive(Clone, Default)]
pub struct SimDisk {
    world: Arc<Mutex<World>>,
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimDisk")
    }
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> SimDisk {
        SimDisk::default()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the call with this number, counted from 0 over all kinds, go wrong.
    pub fn fail_call(&self, number: u64, fault: Fault) {
        self.world().faults.insert(number, fault);
    }

    /// Forgets all faults that have not happened.
    pub fn clear_faults(&self) {
        self.world().faults.clear();
    }

    /// Calls that change something, so far.
    pub fn calls(&self) -> u64 {
        self.world().calls
    }

    /// Calls of one kind, so far.
    pub fn calls_of(&self, call: Call) -> u64 {
        self.world().by_kind.get(&call).copied().unwrap_or(0)
    }

    /// Limits the bytes of all files together, or lifts the limit.
    pub fn set_capacity(&self, bytes: Option<usize>) {
        self.world().capacity = bytes;
    }

    /// Makes every write go to a new place, as on btrfs and ZFS: what is written over needs room like what is new.
    pub fn set_copy_on_write(&self, copies: bool) {
        self.world().copies_on_write = copies;
    }

    /// Bytes of all files together.
    pub fn used(&self) -> usize {
        self.world().used()
    }

    /// Makes the disk lie.
    pub fn set_lies(&self, lies: Lies) {
        self.world().lies = lies;
    }

    /// Whether the power has failed.
    pub fn is_dark(&self) -> bool {
        self.world().dark
    }

    /// Cuts the power and starts the disk again. `random` chooses what survives where there is a choice.
    pub fn crash(&self, survival: Survival, random: &mut dyn FnMut(u64) -> u64) {
        self.world().crash(survival, random);
    }

    /// An independent copy of the disk as it is.
    #[must_use]
    pub fn copy(&self) -> SimDisk {
        SimDisk { world: Arc::new(Mutex::new(self.world().clone())) }
    }

    /// The bytes of a file as the running process sees them.
    pub fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let world = self.world();
        let inode = *world.written_names.get(path)?;
        world.inodes.get(inode).map(|inode| inode.written.clone())
    }

    /// All files as the running process sees them.
    pub fn image(&self) -> BTreeMap<String, Vec<u8>> {
        let world = self.world();
        let bytes = |inode: &usize| world.inodes.get(*inode).map(|inode| inode.written.clone());
        world
            .written_names
            .iter()
            .map(|(name, inode)| (name.clone(), bytes(inode).unwrap_or_default()))
            .collect()
    }

    /// Puts a file in place, durable: damage, or a fixture.
    pub fn put(&self, path: &str, bytes: &[u8]) {
        let mut world = self.world();
        if let Some((directory, _)) = path.rsplit_once('/')
            && !world.directories.iter().any(|known| known == directory)
        {
            world.directories.push(directory.to_owned());
        }
        let number = world.inodes.len();
        let inode = Inode { written: bytes.to_vec(), durable: bytes.to_vec(), ..Inode::default() };
        world.inodes.push(inode);
        world.written_names.insert(path.to_owned(), number);
        world.durable_names.insert(path.to_owned(), number);
    }

    /// Takes a file away for good.
    pub fn delete(&self, path: &str) {
        let mut world = self.world();
        world.written_names.remove(path);
        world.durable_names.remove(path);
    }
}

impl World {
    fn used(&self) -> usize {
        let size = |inode: &usize| self.inodes.get(*inode).map_or(0, |inode| inode.written.len());
        self.written_names.values().map(size).sum()
    }

    /// Counts a call and finds out whether it goes wrong.
    fn call(&mut self, call: Call) -> io::Result<bool> {
        if self.dark {
            return Err(io::Error::other("the power has failed"));
        }
        let number = self.calls;
        self.calls += 1;
        *self.by_kind.entry(call).or_default() += 1;
        match self.faults.remove(&number) {
            None => Ok(false),
            Some(Fault::Short) => Ok(true),
            Some(Fault::Error(kind)) => Err(kind.into()),
            Some(Fault::PowerLoss) => {
                self.dark = true;
                Err(io::Error::other("the power has failed"))
            }
        }
    }

    fn inode(&mut self, number: usize) -> io::Result<&mut Inode> {
        self.inodes.get_mut(number).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn check_room(&self, more: usize) -> io::Result<()> {
        match self.capacity {
            Some(capacity) if self.used() + more > capacity => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }

    fn crash(&mut self, survival: Survival, random: &mut dyn FnMut(u64) -> u64) {
        for inode in &mut self.inodes {
            inode.crash(survival, random);
        }
        // Names of a directory that was not synced survive or not, each on its own; what was synced stays.
        if survival == Survival::Everything {
            self.durable_names = self.written_names.clone();
        } else if survival != Survival::Nothing {
            for (name, inode) in &self.written_names {
                if self.durable_names.get(name) != Some(inode) && random(2) == 0 {
                    self.durable_names.retain(|_, other| other != inode);
                    self.durable_names.insert(name.clone(), *inode);
                }
            }
        }
        self.written_names = self.durable_names.clone();
        self.dark = false;
        self.faults.clear();
    }
}

impl Inode {
    fn apply(bytes: &mut Vec<u8>, offset: usize, from: &[u8]) {
        if bytes.len() < offset + from.len() {
            bytes.resize(offset + from.len(), 0);
        }
        if let Some(to) = bytes.get_mut(offset..offset + from.len()) {
            to.copy_from_slice(from);
        }
    }

    fn crash(&mut self, survival: Survival, random: &mut dyn FnMut(u64) -> u64) {
        let writes = std::mem::take(&mut self.unsynced);
        let length = self.written.len();
        if self.resized
            && (survival == Survival::Everything || random(2) == 0 && survival != Survival::Nothing)
        {
            self.durable.resize(length, 0);
        }
        let cut = random(writes.len() as u64 + 1) as usize;
        for (number, write) in writes.iter().enumerate() {
            match survival {
                Survival::Nothing => break,
                Survival::Everything => Inode::apply(&mut self.durable, write.offset, &write.bytes),
                Survival::Prefix if number < cut => {
                    Inode::apply(&mut self.durable, write.offset, &write.bytes)
                }
                Survival::Prefix => {
                    let sectors = write.bytes.len().div_ceil(SECTOR_BYTES) as u64;
                    let kept = (random(sectors + 1) as usize * SECTOR_BYTES).min(write.bytes.len());
                    Inode::apply(
                        &mut self.durable,
                        write.offset,
                        write.bytes.get(..kept).unwrap_or_default(),
                    );
                    break;
                }
                Survival::Sectors => {
                    for (sector, bytes) in write.bytes.chunks(SECTOR_BYTES).enumerate() {
                        if random(2) == 0 {
                            Inode::apply(&mut self.durable, write.offset + sector * SECTOR_BYTES, bytes);
                        }
                    }
                }
            }
        }
        self.written = self.durable.clone();
        self.resized = false;
    }
}

impl Storage for SimDisk {
    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        let world = self.world();
        if !directory.is_empty() && !world.directories.iter().any(|known| known == directory) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = |path: &String| {
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
            (parent == directory).then(|| name.to_owned())
        };
        let mut names: Vec<String> =
            world.written_names.keys().chain(&world.directories).filter_map(inside).collect();
        names.sort();
        Ok(names)
    }

    fn open(&self, path: &str, access: Access) -> io::Result<Box<dyn StorageFile>> {
        let mut world = self.world();
        let inode = match (world.written_names.get(path).copied(), access) {
            (Some(_), Access::CreateNew) => return Err(io::ErrorKind::AlreadyExists.into()),
            (None, Access::Read | Access::ReadWrite) => return Err(io::ErrorKind::NotFound.into()),
            (Some(inode), Access::Read | Access::ReadWrite) => inode,
            (None, Access::CreateNew) => {
                world.call(Call::Name)?;
                let inode = world.inodes.len();
                world.inodes.push(Inode::default());
                world.written_names.insert(path.to_owned(), inode);
                inode
            }
        };
        Ok(Box::new(SimFile { disk: self.clone(), inode }))
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        let mut world = self.world();
        if world.directories.iter().any(|known| known == path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        world.directories.push(path.to_owned());
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut world = self.world();
        world.call(Call::Name)?;
        let inode = world.written_names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        world.written_names.insert(to.to_owned(), inode);
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut world = self.world();
        if !world.written_names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        world.call(Call::Name)?;
        world.written_names.remove(path);
        Ok(())
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        let mut world = self.world();
        world.call(Call::SyncDir)?;
        if world.lies.ignores_sync_dir {
            return Ok(());
        }
        let inside = |name: &str| name.rsplit_once('/').map_or("", |(parent, _)| parent) == path;
        let fresh: Vec<(String, usize)> = world
            .written_names
            .iter()
            .filter(|(name, _)| inside(name))
            .map(|(name, inode)| (name.clone(), *inode))
            .collect();
        world.durable_names.retain(|name, _| !inside(name));
        world.durable_names.extend(fresh);
        Ok(())
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    inode: usize,
}

impl StorageFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut world = self.disk.world();
        if world.dark {
            return Err(io::Error::other("the power has failed"));
        }
        let inode = world.inode(self.inode)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(inode.written.len());
        let available = inode.written.get(start..).unwrap_or_default();
        let count = available.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(available) {
            *to = *from;
        }
        Ok(count)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut world = self.disk.world();
        // So few bytes are copied as a whole or not at all.
        let short = world.call(Call::Write)? && bytes.len() > SECTOR_BYTES / 4;
        let kept = if short { bytes.get(..bytes.len().div_ceil(2)).unwrap_or_default() } else { bytes };
        let offset = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let mut growth = (offset + kept.len()).saturating_sub(world.inode(self.inode)?.written.len());
        if world.copies_on_write {
            growth = growth.max(kept.len());
        }
        if growth > 0 {
            world.check_room(growth)?;
        }
        let inode = world.inode(self.inode)?;
        Inode::apply(&mut inode.written, offset, kept);
        inode.unsynced.push(Write { offset, bytes: kept.to_vec() });
        Ok(kept.len())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.world().inode(self.inode)?.written.len() as u64)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        let mut world = self.disk.world();
        world.call(Call::Allocate)?;
        let inode = world.inode(self.inode)?;
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
        inode.written.resize(len, 0);
        // Cutting off is taken to be durable at once: a file that is cut is a derived one.
        inode.durable.truncate(len);
        for write in &mut inode.unsynced {
            write.bytes.truncate(len.saturating_sub(write.offset));
        }
        inode.resized = true;
        Ok(())
    }

    fn allocate(&mut self, len: u64) -> io::Result<()> {
        let mut world = self.disk.world();
        world.call(Call::Allocate)?;
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let growth = len.saturating_sub(world.inode(self.inode)?.written.len());
        world.check_room(growth)?;
        let inode = world.inode(self.inode)?;
        if growth > 0 {
            inode.written.resize(len, 0);
            inode.resized = true;
        }
        Ok(())
    }

    fn sync_data(&mut self) -> io::Result<()> {
        let mut world = self.disk.world();
        let called = world.call(Call::Sync);
        let lies = world.lies.ignores_sync;
        let dark = world.dark;
        let inode = world.inode(self.inode)?;
        if called.is_err() && !dark {
            // The kernel marks the pages clean: what was not written is shown until memory is short, and no
            // later sync writes it.
            inode.unsynced.clear();
            inode.resized = false;
        }
        called?;
        if lies {
            return Ok(());
        }
        let length = inode.written.len();
        inode.durable.resize(length, 0);
        for write in std::mem::take(&mut inode.unsynced) {
            Inode::apply(&mut inode.durable, write.offset, &write.bytes);
        }
        inode.resized = false;
        Ok(())
    }
}
