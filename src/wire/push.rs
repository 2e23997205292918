//! What a request is told while it stays open.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::domain::Notice;

/// News about an open request, under its id. Numbers on the wire: a further one is appended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Push {
    /// To a follower: durable blocks, in order.
    Blocks(Followings),
    /// To whoever has the log checked: how far the check is.
    Progress(Progress),
    /// To a caller who announced itself: the same member is online somewhere else since, at this address, and nobody is
    /// told of the caller's place any more.
    Displaced(SocketAddr),
    /// To a follower: news that stand in no block that the follower may read. Told at most once, and dropped where there
    /// is no room.
    Notice(Notice),
}

/// The next blocks of a follower.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followings {
    /// Stored bytes of each block.
    pub blocks: Vec<ByteBuf>,
    /// All that there is for this follower before this index has been sent: whoever follows again begins here.
    pub next: u64,
}

/// How far a verification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Bytes of the log checked.
    pub done: u64,
    /// Bytes of the log to check.
    pub total: u64,
}
