//! What comes for requests that stay open: sorted by request, so that neither a question in between nor a command takes it
//! away.

use std::time::Duration;

use super::Connection;
use crate::client::{ClientError, clock};
use crate::time::Monotonic;
use crate::wire::{Reply, Request};

/// Silence after which a server that is followed is asked whether it is still there.
const PING_AFTER: Duration = Duration::from_secs(60);

/// Silence, pings included, after which the connection is given up.
const SILENCE_MAX: Duration = Duration::from_secs(120);

impl Connection {
    /// Sends a request that stays open. What comes for it is kept for [`Connection::wait_followed`].
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when the connection is gone.
    pub fn follow(&mut self, request: &Request<'_>) -> Result<u32, ClientError> {
        let id = self.send(request)?;
        self.followed.entry(id).or_default();
        Ok(id)
    }

    /// Waits for the next message for an open request; none when the deadline or the bell comes first.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when the connection is gone and every message was taken.
    pub fn wait_followed(
        &mut self,
        id: u32,
        deadline: Option<Monotonic>,
    ) -> Result<Option<Reply>, ClientError> {
        self.heard = clock::now().mono;
        loop {
            if let Some(reply) = self.followed.get_mut(&id).and_then(|waiting| waiting.pop_front()) {
                return Ok(Some(reply));
            }
            if let Some(reason) = self.closed {
                return Err(ClientError::Unreachable(format!("{}: {reason}", self.address)));
            }
            let ping_at = Monotonic(clock::now().mono.0 + PING_AFTER);
            let until = deadline.map_or(ping_at, |deadline| deadline.min(ping_at));
            if !self.turn(Some(until))? {
                if deadline.is_some_and(|deadline| deadline <= clock::now().mono) {
                    return Ok(None);
                }
                self.knock(SILENCE_MAX)?;
            } else if self.was_woken() {
                return Ok(None);
            }
        }
    }
}
