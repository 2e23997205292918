//! Everything that the log's blocks add up to, in memory. Live operation takes blocks in from `Ledger::propose`, replay
//! and audit with [`Replica::follow`]; the state moves by the same function, `domain::apply`.

use std::fmt;

use super::{CommandIndex, Past, Transaction, TransactionError};
use crate::chain::{Block, BlockDigests, Frontier, Genesis, Link, LinkError, TreeRoot};
use crate::crypto::{Digest, LedgerId};
use crate::domain::{self, BadSetting, Impossible, Settings, State};

/// The state of a ledger after some number of blocks.
#[derive(Clone, Debug)]
pub struct Replica {
    ledger_id: LedgerId,
    genesis: Genesis,
    link: Link,
    frontier: Frontier,
    state: State,
    commands: CommandIndex,
    past: Past,
}

/// Figures in which two replicas of one ledger agree. To gather them takes the same short time however large the ledger is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// The number of blocks.
    pub size: u64,
    /// The hash of the last block.
    pub head: Digest,
    /// The root of the tree over the blocks.
    pub root: TreeRoot,
    /// The number of commands whose ids are known.
    pub commands: u64,
    /// The counts of the domains, by name.
    pub counts: Vec<(&'static str, u64)>,
}

/// How a block fails to continue a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayError {
    /// The bytes are not a block.
    Malformed,
    /// Block 0 is not a genesis block.
    Genesis,
    /// Block 0 has a setting that this program does not know.
    Setting(BadSetting),
    /// It does not follow the block before.
    Link(LinkError),
    /// It holds no transaction of this ledger.
    Transaction(TransactionError),
    /// Its command has an id that the author used before.
    RepeatedCommand(u64),
    /// What it says cannot have happened in the state that the blocks before it add up to.
    Impossible(Impossible),
}

impl Replica {
    /// The replica of a ledger that has its genesis block only. `store` receives the hashes that the tree
    /// stores.
    ///
    /// # Errors
    /// [`ReplayError::Genesis`].
    pub fn from_genesis(bytes: &[u8], store: impl FnMut([u8; 32])) -> Result<Replica, ReplayError> {
        let (genesis, ledger_id) = Genesis::from_block(bytes).map_err(|_| ReplayError::Genesis)?;
        let settings = Settings::read(&genesis.settings).map_err(ReplayError::Setting)?;
        let block = Block::parse(bytes).map_err(|_| ReplayError::Malformed)?;
        let mut replica = Replica {
            ledger_id,
            genesis,
            link: Link::default(),
            frontier: Frontier::default(),
            state: State::new(settings),
            commands: CommandIndex::default(),
            past: Past::default(),
        };
        let digests = BlockDigests::of(bytes);
        replica.link.advance(&block, digests.hash());
        replica.frontier.push(digests.leaf(), store);
        Ok(replica)
    }

    /// Checks that a stored block continues this ledger, and takes it in. Returns the block's hash.
    ///
    /// # Errors
    /// [`ReplayError`]; the replica is unchanged, or, after [`ReplayError::Impossible`], of no use.
    pub fn follow(&mut self, bytes: &[u8], store: impl FnMut([u8; 32])) -> Result<Digest, ReplayError> {
        self.follow_hashed(bytes, &BlockDigests::of(bytes), store)
    }

    /// The same for a block that was hashed before: `digests` are those of these very `bytes`.
    ///
    /// # Errors
    /// As for [`Replica::follow`].
    pub fn follow_hashed(
        &mut self,
        bytes: &[u8],
        digests: &BlockDigests,
        store: impl FnMut([u8; 32]),
    ) -> Result<Digest, ReplayError> {
        debug_assert_eq!(*digests, BlockDigests::of(bytes), "the digests are those of another block");
        let block = Block::parse(bytes).map_err(|_| ReplayError::Malformed)?;
        let transaction = Transaction::decode(&block, self.ledger_id).map_err(ReplayError::Transaction)?;
        self.follow_form(digests, &block, &transaction, store)?;
        self.follow_meaning(&transaction)?;
        Ok(digests.hash())
    }

    /// The first half of following a block: its place in the chain and in the tree, and that its command is a new one.
    ///
    /// # Errors
    /// [`ReplayError`]; the replica is unchanged.
    pub fn follow_form(
        &mut self,
        digests: &BlockDigests,
        block: &Block<'_>,
        transaction: &Transaction<'_>,
        store: impl FnMut([u8; 32]),
    ) -> Result<(), ReplayError> {
        self.link.check(block).map_err(ReplayError::Link)?;
        if let Some(index) = self.commands.get(&transaction.message.header) {
            return Err(ReplayError::RepeatedCommand(index));
        }
        self.link_in(digests, block, transaction, store);
        Ok(())
    }

    /// The second half of following a block: what it says happens to the state.
    ///
    /// # Errors
    /// [`ReplayError::Impossible`]; the state is of no use then, and the chain and the tree are those after the block.
    pub fn follow_meaning(&mut self, transaction: &Transaction<'_>) -> Result<(), ReplayError> {
        self.apply(transaction).map_err(ReplayError::Impossible)
    }

    /// Takes in a block that is known to follow.
    ///
    /// # Errors
    /// [`Impossible`]; the replica is of no use then.
    pub(super) fn absorb(
        &mut self,
        digests: &BlockDigests,
        block: &Block<'_>,
        transaction: &Transaction<'_>,
        store: impl FnMut([u8; 32]),
    ) -> Result<(), Impossible> {
        self.link_in(digests, block, transaction, store);
        self.apply(transaction)
    }

    /// Moves the state, and notes for later questions whose block it was and whose money it moved.
    fn apply(&mut self, transaction: &Transaction<'_>) -> Result<(), Impossible> {
        let Replica { state, past, .. } = self;
        let Transaction { happened, context, .. } = transaction;
        let index = context.index;
        domain::apply(state, happened, context, &mut |account, balance| past.moved(index, account, balance))?;
        past.note(index, context.author, happened);
        Ok(())
    }

    fn link_in(
        &mut self,
        digests: &BlockDigests,
        block: &Block<'_>,
        transaction: &Transaction<'_>,
        store: impl FnMut([u8; 32]),
    ) {
        self.link.advance(block, digests.hash());
        self.frontier.push(digests.leaf(), store);
        self.commands.insert(&transaction.message.header, block.index);
    }

    pub(super) fn forget_commands(&mut self) {
        self.commands = CommandIndex::default();
    }

    /// Names the ledger.
    pub fn ledger_id(&self) -> LedgerId {
        self.ledger_id
    }

    /// What block 0 says.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The end of the chain.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// The right edge of the tree.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// The domains' state.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Where each command stands.
    pub fn commands(&self) -> &CommandIndex {
        &self.commands
    }

    /// Whose the blocks are, for questions.
    pub fn past(&self) -> &Past {
        &self.past
    }

    /// What can be compared with another replica at once, however much there is: the whole chain and tree by their heads, and
    /// of the state what each domain counts.
    pub fn totals(&self) -> Totals {
        let mut counts = Vec::new();
        self.state.totals(&mut |name, value| counts.push((name, value)));
        Totals {
            size: self.link.next_index(),
            head: self.link.head(),
            root: self.frontier.root(),
            commands: self.commands.count(),
            counts,
        }
    }

    /// A digest over all that replay yields: equal for two replicas if and only if they serve the same.
    pub fn digest(&self) -> Digest {
        crate::crypto::sha3(&[
            b"ledgerd/replica/1\0",
            &self.link.next_index().to_be_bytes(),
            &self.link.head().0,
            &self.frontier.root().0,
            &self.commands.count().to_be_bytes(),
            &self.state.digest().0,
        ])
    }
}

impl ReplayError {
    /// The stable machine name.
    pub fn name(&self) -> &'static str {
        match self {
            ReplayError::Malformed => "malformed_block",
            ReplayError::Genesis => "not_genesis",
            ReplayError::Setting(_) => "unknown_setting",
            ReplayError::Link(error) => error.name(),
            ReplayError::Transaction(error) => error.name(),
            ReplayError::RepeatedCommand(_) => "repeated_command",
            ReplayError::Impossible(_) => "impossible_state",
        }
    }
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::Malformed => f.write_str("the bytes are not a block"),
            ReplayError::Genesis => f.write_str("block 0 is not a genesis block"),
            ReplayError::Setting(error) => error.fmt(f),
            ReplayError::Link(error) => error.fmt(f),
            ReplayError::Transaction(error) => error.fmt(f),
            ReplayError::RepeatedCommand(index) => write!(f, "block {index} holds a command of the same id"),
            ReplayError::Impossible(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReplayError {}
