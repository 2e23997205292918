//! What the tokens of the poll mean. A connection's token is its number, which is never used twice: an event
//! that was under way for a connection that is gone finds nobody, and above all nobody else.

use mio::Token;

use crate::driven::ConnectionId;

/// The listening socket.
pub(super) const LISTENER: Token = Token(0);
/// A helper has an answer.
pub(super) const HELPERS: Token = Token(1);
/// A signal arrived.
pub(super) const SIGNALS: Token = Token(2);
/// The first connection.
pub(super) const FIRST_CONNECTION: ConnectionId = ConnectionId(3);

const _: () = assert!(usize::BITS == 64, "tokens hold connection numbers that are never used twice");

/// The token of a connection.
pub(super) fn of(id: ConnectionId) -> Token {
    Token(id.0 as usize)
}

/// The connection of a token that is none of the constants above.
pub(super) fn connection(token: Token) -> ConnectionId {
    ConnectionId(token.0 as u64)
}
