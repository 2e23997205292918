//! Followers: connections that are sent blocks as soon as they are durable. A follower is a place in the log that only
//! goes forward. After each commit, and whenever its output drains, a follower is sent what there is from its place on, as
//! far as there is room: catching up and the live end of the log are one path, and a slow reader lags and loses nothing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rand_core::CryptoRng;
use serde_bytes::ByteBuf;

use super::allowance::Allowance;
use super::answers::work_of;
use super::{ConnectionId, Service};
use crate::chain::{Block, Message};
use crate::domain::{AccountId, Context, Happened, Notice, READING_ROLES, State};
use crate::ledger::Reading;
use crate::limits::FOLLOWS_PER_CONNECTION_MAX;
use crate::refusal;
use crate::time::{Monotonic, Now};
use crate::wire::{self, Followed, Followings, Push, Refusal, Reply};

/// Blocks' bytes of one push at most, a single larger block excepted.
const PUSH_BYTES_MAX: usize = 64 << 10;

/// The same in a turn in which somebody waits for a command: a follower that lags behind everybody's blocks takes little of it.
const PUSH_BYTES_BUSY_MAX: usize = 16 << 10;

/// What all followers together are sent in one turn of the loop at most.
const BYTES_PER_TURN: usize = 2 << 20;

/// What a push costs at least: it is sealed, and written to a socket.
const PUSH_WORK: u64 = 8;

/// Bytes that are sealed and written in about a microsecond.
const BYTES_PER_WORK: usize = 512;

/// Notices that one turn sends at most.
const NOTICES_PER_TURN_MAX: usize = 64;

/// Names a follower: its connection, and the request that it follows under.
type Follow = (ConnectionId, u32);

/// One follower.
struct Follower {
    account: AccountId,
    of: Followed,
    /// All that there is for it before this index has been sent.
    next: u64,
    /// It stands among those that are sent something in turn.
    is_ready: bool,
    /// It waits until its connection has taken what was sent.
    lags: bool,
    /// When the second factor is over by which the account reads; none of a follower that needs none.
    over_at: Option<Monotonic>,
    /// The follower is to be told when all that there is has been sent, even by a push without a block: at its begin, and
    /// where a page said that more was to come.
    owes_end: bool,
}

/// See the module.
#[derive(Default)]
pub(super) struct Following {
    followers: BTreeMap<Follow, Follower>,
    /// Those that follow blocks of an account, by account.
    by_account: BTreeMap<AccountId, BTreeSet<Follow>>,
    /// Those that follow all that they may read.
    readers: BTreeSet<Follow>,
    /// When the second factor of each of them is over, for those that need one.
    over: BTreeSet<(Monotonic, Follow)>,
    /// Those for which there may be something, in the order in which they are looked at.
    ready: VecDeque<Follow>,
    /// Accounts with followers that blocks of the open batch concern.
    concerned: BTreeSet<AccountId>,
    /// Notices that blocks of the open batch give reason for.
    notices: BTreeSet<(AccountId, Notice)>,
    /// What followers may cost the loop.
    allowance: Allowance,
}

impl Following {
    /// Notes of a block of the open batch which followers it is for. Where nobody follows, this costs one comparison.
    pub(super) fn hear(&mut self, happened: &Happened, context: &Context<'_>) {
        let Following { by_account, concerned, notices, .. } = self;
        if by_account.is_empty() {
            return;
        }
        let mut concerns = |account| {
            if by_account.contains_key(&account) {
                concerned.insert(account);
            }
        };
        concerns(context.author);
        happened.concerns(&mut concerns);
        happened.notices(context, &mut |account, notice| {
            if by_account.contains_key(&account) {
                notices.insert((account, notice));
            }
        });
    }

    /// The blocks that were heard of are durable: those who follow them are looked at, and no others.
    pub(super) fn became_durable(&mut self) -> BTreeSet<(AccountId, Notice)> {
        for account in std::mem::take(&mut self.concerned) {
            let follows: Vec<Follow> = self.of_account(account).collect();
            follows.into_iter().for_each(|follow| self.make_ready(follow));
        }
        let readers: Vec<Follow> = self.readers.iter().copied().collect();
        readers.into_iter().for_each(|follow| self.make_ready(follow));
        std::mem::take(&mut self.notices)
    }

    /// A connection has taken output: its followers may be sent more.
    pub(super) fn drained(&mut self, id: ConnectionId) {
        let lagging = self.followers.range((id, 0)..=(id, u32::MAX)).filter(|(_, follower)| follower.lags);
        let lagging: Vec<Follow> = lagging.map(|(follow, _)| *follow).collect();
        lagging.into_iter().for_each(|follow| self.make_ready(follow));
    }

    /// The requests under which a connection follows.
    pub(super) fn requests_of(&self, id: ConnectionId) -> Vec<u32> {
        self.followers.range((id, 0)..=(id, u32::MAX)).map(|((_, request), _)| *request).collect()
    }

    /// A connection is gone, and its followers with it.
    pub(super) fn forget(&mut self, id: ConnectionId) {
        let follows: Vec<Follow> =
            self.followers.range((id, 0)..=(id, u32::MAX)).map(|(follow, _)| *follow).collect();
        follows.into_iter().for_each(|follow| self.end(follow));
    }

    /// When the first second factor is over by which somebody follows.
    pub(super) fn over_at(&self) -> Option<Monotonic> {
        self.over.first().map(|(over_at, _)| *over_at)
    }

    /// Whether there are followers that are to be looked at.
    pub(super) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Number of followers.
    pub(super) fn count(&self) -> u64 {
        self.followers.len() as u64
    }

    fn of_account(&self, account: AccountId) -> impl Iterator<Item = Follow> + '_ {
        self.by_account.get(&account).into_iter().flatten().copied()
    }

    fn begin(&mut self, follow: Follow, follower: Follower) {
        match follower.of {
            Followed::Own | Followed::Concerning => {
                self.by_account.entry(follower.account).or_default().insert(follow);
            }
            Followed::Readable => {
                self.readers.insert(follow);
            }
        }
        self.over.extend(follower.over_at.map(|over_at| (over_at, follow)));
        self.followers.insert(follow, follower);
        self.make_ready(follow);
    }

    fn end(&mut self, follow: Follow) {
        let Some(follower) = self.followers.remove(&follow) else { return };
        self.readers.remove(&follow);
        follower.over_at.map(|over_at| self.over.remove(&(over_at, follow)));
        if let Some(follows) = self.by_account.get_mut(&follower.account) {
            follows.remove(&follow);
            if follows.is_empty() {
                self.by_account.remove(&follower.account);
            }
        }
    }

    fn make_ready(&mut self, follow: Follow) {
        if let Some(follower) = self.followers.get_mut(&follow)
            && !follower.is_ready
        {
            (follower.is_ready, follower.lags) = (true, false);
            self.ready.push_back(follow);
        }
    }

    fn take_ready(&mut self) -> Option<Follow> {
        let follow = self.ready.pop_front()?;
        if let Some(follower) = self.followers.get_mut(&follow) {
            follower.is_ready = false;
        }
        Some(follow)
    }
}

/// What a follower is sent next.
struct Page {
    blocks: Vec<ByteBuf>,
    /// Where the next page begins.
    next: u64,
    /// The page came to its bound before the end of what is durable.
    goes_on: bool,
}

/// A page that was sealed for one of those who read all blocks, for the others that stand at the same place.
struct SharedPage {
    page: Option<SealedPage>,
    /// Somebody waits for a command.
    is_busy: bool,
}

/// A page as it leaves.
struct SealedPage {
    /// For whom it was made, and from where on.
    reader: (AccountId, u64),
    /// Nothing if there is nothing to tell.
    message: Vec<u8>,
    next: u64,
    goes_on: bool,
}

impl Service {
    /// Takes in a follower.
    pub(super) fn follow(
        &mut self,
        id: ConnectionId,
        request: u32,
        account: AccountId,
        (from, of): (u64, Followed),
        now: Now,
    ) {
        let follows = self.following.followers.range((id, 0)..=(id, u32::MAX)).count();
        if follows >= FOLLOWS_PER_CONNECTION_MAX {
            let sentence = format!("a connection follows {FOLLOWS_PER_CONNECTION_MAX} times at most");
            let refusal = Refusal::fail(refusal::BUSY, sentence);
            return self.hold_durable(id, request, Reply::Refused(refusal));
        }
        if of == Followed::Readable
            && let Some(refusal) = self.may_not_read(id, account, now)
        {
            return self.hold_durable(id, request, Reply::Refused(refusal));
        }
        let over_at = self.factor_until(id, now).filter(|_| of == Followed::Readable);
        if let Some(connection) = self.door.connections.get_mut(&id) {
            connection.follows = true;
        }
        self.following.end((id, request));
        let follower =
            Follower { account, of, next: from, is_ready: false, lags: false, over_at, owes_end: true };
        self.following.begin((id, request), follower);
        self.schedule(id);
    }

    /// Sends followers what there is for them, as far as there is room and as much as one turn of the loop allows; those
    /// for whom more is left come first in the next turn.
    /// `blocks` became durable in this turn.
    pub(super) fn top_up_followers(&mut self, blocks: u64, now: Now, rng: &mut dyn CryptoRng) {
        let is_busy = blocks > 0 || self.commands_wait();
        let (mut bytes, mut shared) = (0, SharedPage { page: None, is_busy });
        if is_busy {
            self.following.allowance.begin_busy(blocks);
        } else {
            self.following.allowance.begin_quiet();
        }
        while bytes < BYTES_PER_TURN
            && self.following.allowance.is_left()
            && let Some(follow) = self.following.take_ready()
        {
            self.work = PUSH_WORK;
            bytes += self.top_up(follow, &mut shared, now, rng);
            self.following.allowance.spend(self.work);
        }
    }

    /// Why an account may not follow the blocks of others: it has no role for that, or has given no second factor lately.
    fn may_not_read(&self, id: ConnectionId, account: AccountId, now: Now) -> Option<Refusal> {
        if !self.ledger.replica().state().reads_anything(account) {
            return Some(reads_nothing());
        }
        self.factor_for_question(id, (account, READING_ROLES), now)
    }

    /// Ends the follows whose second factor is over, unless another code was given meanwhile.
    pub(super) fn end_follows_over(&mut self, now: Now) {
        while let Some((_, follow)) =
            self.following.over.first().copied().filter(|(over_at, _)| *over_at <= now.mono)
        {
            self.following.over.pop_first();
            let (id, request) = follow;
            let Some(account) = self.following.followers.get(&follow).map(|follower| follower.account) else {
                continue;
            };
            if let Some(refusal) = self.may_not_read(id, account, now) {
                self.following.end(follow);
                self.hold_durable(id, request, Reply::Refused(refusal));
                continue;
            }
            let over_at = self.factor_until(id, now);
            if let Some(follower) = self.following.followers.get_mut(&follow) {
                follower.over_at = over_at;
            }
            self.following.over.extend(over_at.map(|over_at| (over_at, follow)));
        }
    }

    /// Whether somebody waits for a command: its signature is being checked, or its batch is open. The loop is woken by that.
    pub(super) fn commands_wait(&self) -> bool {
        self.checks_under_way > 0 || self.ledger.open_batch() > 0
    }

    /// Sends one follower the next page; gives the bytes that it took.
    fn top_up(
        &mut self,
        follow: Follow,
        shared: &mut SharedPage,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> usize {
        let (id, request) = follow;
        let half = self.limits.output_bytes_max as usize / 2;
        let Some(connection) = self.door.connections.get(&id).filter(|connection| !connection.ending) else {
            return 0;
        };
        // Half of the room is left to answers.
        let has_room = connection.session.output().len() + connection.held_bytes < half;
        let Some(follower) = self.following.followers.get_mut(&follow) else { return 0 };
        if !has_room {
            follower.lags = true;
            return 0;
        }
        let (account, of, from, owes_end) = (follower.account, follower.of, follower.next, follower.owes_end);
        if of == Followed::Readable
            && let Some(refusal) = self.may_not_read(id, account, now)
        {
            self.following.end(follow);
            self.hold_durable(id, request, Reply::Refused(refusal));
            return 0;
        }
        let state = self.ledger.replica().state();
        let fits = |page: &mut SealedPage| {
            let (reader, at) = page.reader;
            of == Followed::Readable && at == from && state.reads_same(reader, account)
        };
        let page = match shared.page.take_if(fits) {
            Some(mut page) => {
                wire::readdress(&mut page.message, request);
                page
            }
            None => {
                let bytes_max = if shared.is_busy { PUSH_BYTES_BUSY_MAX } else { PUSH_BYTES_MAX };
                self.seal_page(request, account, of, (from, owes_end), bytes_max)
            }
        };
        let (sent, message, goes_on) = (page.message.len(), &page.message, page.goes_on);
        if sent > 0 {
            self.work += (sent / BYTES_PER_WORK) as u64;
            // A session that has ended meanwhile takes nothing, and its followers end with it.
            let _ended =
                self.with_env(id, now, rng, |connection, env| connection.session.send_message(message, env));
        }
        if let Some(follower) = self.following.followers.get_mut(&follow) {
            (follower.next, follower.owes_end) = (page.next, goes_on || owes_end && sent == 0);
        }
        if of == Followed::Readable && sent > 0 {
            shared.page = Some(page);
        }
        if goes_on {
            self.following.make_ready(follow);
        }
        sent
    }

    fn seal_page(
        &mut self,
        request: u32,
        account: AccountId,
        of: Followed,
        (from, owes_end): (u64, bool),
        bytes_max: usize,
    ) -> SealedPage {
        let Page { blocks, next, goes_on } = self.next_page(account, of, from, bytes_max);
        let message = if blocks.is_empty() && (goes_on || !owes_end) {
            Vec::new()
        } else {
            wire::seal(request, &Reply::Push(Push::Blocks(Followings { blocks, next })))
        };
        SealedPage { reader: (account, from), message, next, goes_on }
    }

    /// The next durable blocks for a follower.
    fn next_page(&mut self, account: AccountId, of: Followed, from: u64, bytes_max: usize) -> Page {
        let mut reading = self.ledger.reading();
        let size = self.ledger.committed().size;
        let mut page = Page { blocks: Vec::new(), next: size.max(from), goes_on: false };
        match of {
            Followed::Readable => {
                let state = self.ledger.replica().state();
                let may_read = |block: &[u8]| may_read(state, account, block);
                page.add(&mut reading, from..size, bytes_max, may_read);
            }
            Followed::Own | Followed::Concerning => {
                let (lines, _) = self.ledger.replica().past().of_from(account, from);
                let wanted = lines.iter().take_while(|line| line.index() < size);
                let wanted = wanted.filter(|line| match of {
                    Followed::Own => line.is_own(),
                    Followed::Concerning | Followed::Readable => line.is_readable(),
                });
                page.add(&mut reading, wanted.map(|line| line.index()), bytes_max, |_| true);
            }
        }
        let (cost, failed) = reading.end();
        self.work += work_of(cost);
        if let Some(error) = failed {
            self.fatal.get_or_insert(error);
        }
        page
    }

    /// Sends notices to those who follow the account that they are for. A notice that finds no room, or comes behind as many
    /// as one turn sends, is dropped: what it speaks of can be asked for.
    pub(super) fn send_notices(
        &mut self,
        notices: BTreeSet<(AccountId, Notice)>,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) {
        for (account, notice) in notices.into_iter().take(NOTICES_PER_TURN_MAX) {
            let follows: Vec<Follow> = self.following.of_account(account).collect();
            for (id, request) in follows {
                let has_room = self
                    .door
                    .connections
                    .get(&id)
                    .is_some_and(|connection| !connection.ending && connection.has_taken_all());
                if has_room {
                    self.following.allowance.spend(PUSH_WORK);
                    let message = wire::seal(request, &Reply::Push(Push::Notice(notice)));
                    let _ended = self.with_env(id, now, rng, |connection, env| {
                        connection.session.send_message(&message, env)
                    });
                }
            }
        }
    }
}

impl Page {
    /// Adds blocks until the page is full or the reading has come to its bound.
    fn add(
        &mut self,
        reading: &mut Reading<'_>,
        indexes: impl Iterator<Item = u64>,
        bytes_max: usize,
        is_wanted: impl Fn(&[u8]) -> bool,
    ) {
        let mut bytes = 0;
        for index in indexes {
            if reading.is_spent() || bytes >= bytes_max {
                (self.next, self.goes_on) = (index, true);
                return;
            }
            reading.looks_at_line();
            let Some(block) = reading.block(index) else {
                self.next = index;
                return;
            };
            if is_wanted(&block) {
                bytes += block.len();
                self.blocks.push(ByteBuf::from(block));
            }
        }
    }
}

/// Whether an account's roles let it read a stored block.
fn may_read(state: &State, account: AccountId, block: &[u8]) -> bool {
    // What does not decode is not in the log.
    let Ok(block) = Block::parse(block) else { return false };
    Message::parse(block.message).map_or(true, |message| state.reads_kind(account, message.header.tag))
}

fn reads_nothing() -> Refusal {
    Refusal::fail(
        refusal::NO_PERMISSION,
        "only whoever has a role that reads the blocks of others follows them",
    )
}
