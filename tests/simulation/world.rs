//! A world of one server and three members, moved on one random step at a time and looked at after each.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use ledgerd::chain::{Block, Checkpoint, Message};
use ledgerd::crypto::random::Seeded;
use ledgerd::driven::{ConnectionId, Handler as _};
use ledgerd::eventlog::{Fault, LogError, SimDisk, Storage, Survival};
use ledgerd::ledger::{CHECKPOINT_FILE, CheckpointFile, CheckpointFileError, Ledger};
use ledgerd::limits::Limits;
use ledgerd::service::{Job, JobResult, Secrets, Service};
use ledgerd::time::{Monotonic, Now, SinceBoot, Timestamp};
use ledgerd::vault::VaultError;

use super::client::Client;
use super::peers::Peers;
use super::template::{OPTIONS, START_MS, log_key, template};
use super::{domains, factors, journal, orders, passwords, planted, settings, vault};

pub(super) use super::planted::Bug;

pub(super) struct World {
    seed: u64,
    random: u64,
    bug: Option<Bug>,
    limits: Limits,
    pub(super) disk: SimDisk,
    pub(super) server: Option<Service>,
    jobs: VecDeque<Job>,
    pub(super) clients: Vec<Client>,
    pub(super) peers: Peers,
    next_connection: u64,
    pub(super) now: Now,
    pub(super) rng: Seeded,
    /// The newest checkpoint that anybody was shown.
    pub(super) newest: Option<Checkpoint>,
    starts: u64,
    /// The wall clock is wrong.
    pub(super) jumped: bool,
    /// The disk has no room but what was allocated before.
    full: bool,
    /// Some call may fail for want of room that has nothing to do with how much the disk has.
    pub(super) fails_as_full: bool,
    /// The server refuses to start, and is right.
    over: bool,
}

impl World {
    /// The world of a seed.
    pub(super) fn new(seed: u64, bug: Option<Bug>) -> World {
        let mut world = World::with_limits(seed, bug, settings::limits(seed));
        // What a run has room for it seldom uses up: some begin without a next segment.
        if seed % 4 == 1 {
            world.leave_one_segment();
        }
        world
    }

    /// A world that keeps to the usual limits, for what is told step by step.
    pub(super) fn usual() -> World {
        World::with_limits(1, None, Limits::default())
    }

    fn with_limits(seed: u64, bug: Option<Bug>, limits: Limits) -> World {
        let disk = template().disk.copy();
        planted::prepare(&disk, bug);
        World {
            seed,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            bug,
            limits,
            disk,
            server: None,
            jobs: VecDeque::new(),
            clients: (0..3).map(|member| Client::new(member, seed)).collect(),
            peers: Peers::default(),
            next_connection: 0,
            now: Now {
                wall: Timestamp::from_millis(START_MS + 1_000),
                mono: Monotonic(Duration::from_secs(1)),
                boot: SinceBoot::default(),
            },
            rng: Seeded::new(&format!("world {seed}")),
            newest: None,
            starts: 0,
            jumped: false,
            full: false,
            fails_as_full: false,
            over: false,
        }
    }

    /// A number below `below`.
    pub(super) fn choose(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below.max(1)
    }

    /// One step of whatever happens next.
    pub(super) fn step(&mut self) -> Result<(), String> {
        if self.over {
            return Ok(());
        }
        self.pass(Duration::from_micros(1 + self.random % 20_000));
        if self.server.is_none() {
            return self.start();
        }
        let member = self.choose(3) as usize;
        match self.choose(100) {
            0..=24 => self.deliver(member)?,
            25..=39 => self.pump()?,
            40..=49 => self.tick()?,
            50..=59 => self.run_job(),
            // Members' handshakes cost signatures that cannot be remembered: not in every run.
            60..=75 if self.seed.is_multiple_of(4) => self.step_of_peers()?,
            60..=91 => self.ask(member),
            92 => self.hang_up(member),
            93..=94 => self.plan_a_fault(),
            95 if self.choose(2) == 0 => self.kill(),
            96 if self.choose(2) == 0 => self.lose_power(),
            97 if !self.jumped && self.choose(4) == 0 => self.move_the_clock(),
            98 => self.fill_the_disk(true),
            _ => self.now.mono.0 += Duration::from_millis(150),
        }
        // A wrong clock stops every command: it is put right soon, or little else would be tried.
        if self.jumped && self.choose(16) == 0 {
            self.move_the_clock();
        }
        // Somebody makes room, sooner where that was noticed.
        let noticed = self.is_read_only();
        if self.full && self.choose(if noticed { 16 } else { 128 }) == 0 {
            self.fill_the_disk(false);
        }
        self.look_at_the_clock()?;
        match &self.server {
            Some(server) => domains::look_at(server.ledger().replica().state()),
            None => Ok(()),
        }
    }

    fn storage(&self) -> Arc<dyn Storage> {
        planted::storage(&self.disk, self.bug)
    }

    /// Starts the server, which replays what the disk has, and looks at all of it.
    fn start(&mut self) -> Result<(), String> {
        self.starts += 1;
        // A start takes a clock ahead of the newest block for a pause.
        if self.jumped {
            self.move_the_clock();
        }
        if self.starts > 1 {
            planted::before_start(&self.disk, self.bug, self.seed);
            drop(vault::forget_age_of_key(&self.disk));
        }
        let kept = CheckpointFile::open(self.storage(), CHECKPOINT_FILE, log_key().public());
        let checkpoint_file = match kept {
            Ok(file) => file,
            Err(CheckpointFileError::NotOurs(error)) => return Err(format!("checkpoint file: {error}")),
            Err(CheckpointFileError::Unreadable(_) | CheckpointFileError::Unwritable(_)) => {
                if self.disk.is_dark() {
                    self.lose_power();
                }
                return Ok(());
            }
        };
        let newest = checkpoint_file.kept();
        let mut opened = Ledger::open_extending(&self.storage(), OPTIONS, newest);
        if let Err(LogError::Corrupt { file, offset, .. }) = &opened
            && planted::cuts_in_the_middle(self.bug)
        {
            planted::cut(&self.disk, file, *offset);
            opened = Ledger::open_extending(&self.storage(), OPTIONS, newest);
        }
        let (ledger, _) = match opened {
            Ok(opened) => opened,
            Err(error) if error.is_damage() => {
                // Where acknowledged blocks have rotted, to say so is all that can be asked for.
                self.over = planted::has_rot(self.bug);
                return if self.over { Ok(()) } else { Err(format!("start {}: {error}", self.starts)) };
            }
            Err(error) if self.ran_out_of_room(&error) => {
                return Err(format!("start {}: a full disk prevents it: {error}", self.starts));
            }
            // The power failed, or a call did, while the log was being opened.
            Err(_) => {
                if self.disk.is_dark() {
                    self.lose_power();
                }
                return Ok(());
            }
        };
        self.look_at(&ledger)?;
        journal::look_at(&self.disk, self.limits.journal_bytes_max)?;
        let (bug, logins) = (planted::of_secrets(self.bug), Some(passwords::login_keys()));
        let opened = vault::keks(self.storage().as_ref())
            .and_then(|keks| Secrets::open_with(&self.storage(), &ledger, keks, logins, bug));
        let secrets = match opened {
            Ok(secrets) => {
                vault::look_at(&self.disk, &ledger)?;
                secrets
            }
            Err(error) if error.is_want_of_room() => Secrets::absent(),
            // The power failed, or a call did, while the vault was being opened.
            Err(VaultError::Io { .. } | VaultError::KeyUnread { .. }) => {
                if self.disk.is_dark() {
                    self.lose_power();
                }
                return Ok(());
            }
            Err(error) => return Err(format!("start {}: {}: {error}", self.starts, error.name())),
        };
        let ledger = planted::after_start(ledger, self.bug);
        self.jobs.clear();
        for client in &mut self.clients {
            client.link = None;
            // No copy can be under way any more: whoever sends one now asks again, of another state perhaps.
            client.refused.retain(|_, name| {
                !domains::OF_THE_MOMENT.contains(&name.as_str()) && !domains::depends_on_state(name)
            });
        }
        let limits = self.limits.clone();
        let (storage, identity) = (self.storage(), template().identity());
        let mut server = Service::new(ledger, secrets, storage, identity, log_key(), checkpoint_file, limits);
        server.watch_clock(self.now);
        self.server = Some(server);
        Ok(())
    }

    fn ask(&mut self, member: usize) {
        let now = self.now;
        if self.clients[member].link.is_none() {
            let id = ConnectionId(self.next_connection);
            self.next_connection += 1;
            self.clients[member].connect(id);
            let peer = ([127, 0, 0, 1], 1_024 + member as u16).into();
            if let Some(server) = &mut self.server {
                server.connected(id, peer, now, &mut self.rng);
            }
            return;
        }
        if factors::ENROLLED.contains(&member) && self.choose(6) == 0 {
            let code = factors::pick(now.wall, self.choose(14));
            return self.clients[member].give(code, now);
        }
        // A new command, or one that was sent before: a retry, or a copy of what was answered.
        let place = self.choose(template().numbers.len() as u64) as usize;
        let retry = self.clients[member].unknown().first().copied().filter(|_| place.is_multiple_of(2));
        // Where there is room for one segment, the run has to come to its end: large commands are few among all that there are.
        let large = (self.seed % 4 == 1 && self.choose(3) == 0).then(|| orders::large(self.choose(4) as u32));
        let number = retry.or(large).unwrap_or(template().numbers[place]);
        // Peers know each other by their first keys: where they talk, nobody gives that one up.
        if self.seed.is_multiple_of(4) && domains::rotates(number) {
            return;
        }
        self.clients[member].submit(number, now);
    }

    /// Carries some bytes, in one direction, in a piece of any size.
    fn deliver(&mut self, member: usize) -> Result<(), String> {
        let (to_server, share) = (self.choose(2) == 0, self.choose(4));
        let now = self.now;
        let client = &mut self.clients[member];
        let Some(link) = client.link.as_mut() else { return Ok(()) };
        let queue = if to_server { &mut link.to_server } else { &mut link.to_client };
        let mut count = if share == 0 { queue.len() / 3 } else { queue.len() };
        let (id, server) = (link.id, self.server.as_mut());
        if to_server && let Some(server) = server {
            count = count.min(server.input_room(id));
            let bytes: Vec<u8> = queue.drain(..count).collect();
            if count > 0 {
                server.received(id, &bytes, now, &mut self.rng);
            }
            return Ok(());
        }
        let bytes: Vec<u8> = queue.drain(..count).collect();
        client.receive(&bytes, now)
    }

    /// A moment in which nothing goes wrong: what is under way gets a step further everywhere.
    fn pump(&mut self) -> Result<(), String> {
        for member in 0..3 {
            self.deliver(member)?;
            self.deliver(member)?;
        }
        self.run_job();
        self.run_job();
        self.tick()
    }

    /// Ends a tick: only then do replies reach the network, and only if the batch is durable.
    fn tick(&mut self) -> Result<(), String> {
        let Some(server) = self.server.as_mut() else { return Ok(()) };
        if let Err(error) = server.end_tick(self.now, &mut self.rng) {
            // The process ends without sending anything more.
            self.server = None;
            if self.ran_out_of_room(&error) {
                return Err(format!("a disk that is full, and nothing else, has ended the server: {error}"));
            }
            if self.disk.is_dark() {
                self.lose_power();
            }
            return Ok(());
        }
        self.jobs.extend(server.take_jobs());
        for id in server.touched() {
            let output = server.output(id).to_vec();
            let finished = server.is_finished(id);
            let link =
                self.clients.iter_mut().filter_map(|client| client.link.as_mut()).find(|link| link.id == id);
            if let Some(link) = link {
                link.to_client.extend_from_slice(&output);
            }
            server.written(id, output.len(), self.now);
            if finished && server.output(id).is_empty() {
                server.hung_up(id, self.now, &mut self.rng);
            }
        }
        Ok(())
    }

    fn run_job(&mut self) {
        let Some(job) = self.jobs.pop_front() else { return };
        let mut results = Vec::new();
        match job {
            Job::Decap { connection, ciphertext, .. } => {
                let secrets = &template().secrets;
                let known = secrets.lock().unwrap().get(&ciphertext[..]).copied();
                let secret = known.unwrap_or_else(|| {
                    let secret = *template().server_key.decap(&mut self.rng, &ciphertext, &[0; 32]);
                    secrets.lock().unwrap().insert(ciphertext.to_vec(), secret);
                    secret
                });
                results.push(JobResult::Decapped { connection, secret: secret.into() });
            }
            other => {
                let keys = ledgerd::service::Keys {
                    current: template().server_key.clone(),
                    previous: None,
                    reject: [0; 32].into(),
                    passwords: None,
                };
                other.run(&keys, &mut self.rng, &mut |result| results.push(result));
            }
        }
        for result in results {
            if let Some(server) = &mut self.server {
                server.answered(result, self.now, &mut self.rng);
            }
        }
    }

    pub(super) fn hang_up(&mut self, member: usize) {
        let link = self.clients[member].link.take();
        if let (Some(link), Some(server)) = (link, &mut self.server) {
            server.hung_up(link.id, self.now, &mut self.rng);
        }
    }

    fn plan_a_fault(&mut self) {
        let call = self.disk.calls() + self.choose(6);
        let fault = match self.choose(5) {
            0 => Fault::PowerLoss,
            1 => Fault::Error(ErrorKind::StorageFull),
            2 => Fault::Short,
            _ => Fault::Error(ErrorKind::Other),
        };
        self.fails_as_full |= fault == Fault::Error(ErrorKind::StorageFull);
        self.disk.fail_call(call, fault);
    }

    /// Somebody else takes all the room that the disk has left, or gives it back.
    pub(super) fn fill_the_disk(&mut self, full: bool) {
        self.full = full;
        self.disk.set_capacity(full.then(|| self.disk.used()));
    }

    /// The disk has room for what is in the current segment and for nothing else.
    pub(super) fn leave_one_segment(&mut self) {
        self.disk.delete("log/next.tmp");
        self.fill_the_disk(true);
    }

    /// Whether the server takes nothing for want of room.
    pub(super) fn is_read_only(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.ledger().log().mode().is_read_only())
    }

    /// Whether the server met a disk without room where it should have room of its own.
    fn ran_out_of_room(&self, error: &LogError) -> bool {
        error.is_want_of_room() && !self.fails_as_full
    }

    /// The process is gone; what it wrote stays in the page cache.
    fn kill(&mut self) {
        self.server = None;
        self.disk.clear_faults();
        self.fails_as_full = false;
    }

    fn lose_power(&mut self) {
        self.server = None;
        self.fails_as_full = false;
        let survival = match self.choose(4) {
            0 => Survival::Nothing,
            1 => Survival::Everything,
            2 => Survival::Prefix,
            _ => Survival::Sectors,
        };
        let mut random = self.random;
        self.disk.crash(survival, &mut |below| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below.max(1)
        });
    }

    /// Lets everything come to rest: every command that was sent gets its outcome, and the ledger holds each
    /// acknowledged one exactly once.
    pub(super) fn rest(mut self) -> Result<(), String> {
        self.peers.hang_up();
        self.disk.clear_faults();
        self.fill_the_disk(false);
        self.lose_power();
        for _ in 0..4_000 {
            if self.over {
                return Ok(());
            }
            self.disk.clear_faults();
            self.pass(Duration::from_millis(1));
            if self.server.is_none() {
                self.start()?;
                continue;
            }
            for member in 0..3 {
                if self.clients[member].link.is_none() {
                    self.ask(member);
                }
                let unknown = self.clients[member].unknown();
                if self.clients[member].is_idle()
                    && let Some(number) = unknown.first()
                {
                    self.clients[member].submit(*number, self.now);
                }
                self.deliver(member)?;
            }
            self.run_job();
            self.tick()?;
            if self.clients.iter().all(|client| client.is_open() && client.unknown().is_empty()) {
                return self.finish();
            }
        }
        Err("the world does not come to rest".to_owned())
    }

    /// One round of everything for one member, who connects if need be.
    pub(super) fn attend(&mut self, member: usize) -> Result<(), String> {
        self.pass(Duration::from_millis(1));
        if self.server.is_none() {
            return self.start();
        }
        if self.clients[member].link.is_none() {
            self.ask(member);
        }
        self.deliver(member)?;
        self.run_job();
        self.tick()
    }

    fn finish(mut self) -> Result<(), String> {
        let Some(server) = self.server.take() else { return Ok(()) };
        self.look_at(server.ledger())?;
        let mut commands = std::collections::BTreeMap::new();
        let mut visit = |index: u64, bytes: &[u8]| {
            let block = Block::parse(bytes).map_err(|error| error.to_string())?;
            if let Ok(message) = Message::parse(block.message)
                && commands.insert((block.author, message.header.command_id, index > 3), index).is_some()
            {
                return Err(format!("block {index} holds a command that stands in the ledger already"));
            }
            Ok(())
        };
        let size = server.ledger().committed().size;
        server.ledger().reader().for_each(0..size, &mut visit).map_err(|error| error.to_string())?;
        for client in &self.clients {
            for number in client.acknowledged.keys() {
                if domains::breaks_a_rule(client.member, *number) {
                    return Err(format!("command {number} breaks a rule and was accepted"));
                }
            }
        }
        drop(server);
        self.lose_power();
        self.start()
    }
}
