//! What happened when somebody joined.

use serde::{Deserialize, Serialize};

use crate::codec;
use crate::domain::{AccountId, Tag, Undecodable};

/// The tag of [`Registered`].
pub const REGISTERED: Tag = Tag { schema: 1, kind: 1 };

/// The events of this domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A member joined.
    Registered(Registered),
}

/// A member joined and has a number from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// The new account.
    pub account: AccountId,
}

impl Event {
    pub(in crate::domain) fn decode(tag: Tag, bytes: &[u8]) -> Result<Event, Undecodable> {
        match tag {
            REGISTERED => Ok(Event::Registered(codec::strict(bytes)?)),
            _ => Err(Undecodable::UnknownKind(tag)),
        }
    }

    pub(in crate::domain) fn encode(&self) -> (Tag, Vec<u8>) {
        match self {
            Event::Registered(registered) => (REGISTERED, codec::encode(registered)),
        }
    }
}
