//! Tickets of a home: with one, the next channel to a server costs neither side an RSA operation.

use super::known_server::KnownServer;
use crate::client::{Account, Home, clock};
use crate::session::ClientTicket;

fn ticket_file(server: &KnownServer, account: &Account) -> String {
    format!("tickets/{}-{}-{}", server.ledger_id, account.account, account.key_id)
}

/// The ticket that a home keeps for this account, if it can still be used.
pub(super) fn read_ticket(home: &Home, server: &KnownServer, account: &Account) -> Option<ClientTicket> {
    // A ticket that is damaged costs a full handshake and nothing else.
    let text = home.read_checked(&ticket_file(server, account)).ok()??;
    let bytes = const_hex::decode(text.trim()).ok()?;
    let ticket: ClientTicket = crate::codec::strict(&bytes).ok()?;
    let fits = ticket.serial == server.serial && ticket.expires_ms > clock::now().wall.millis();
    fits.then_some(ticket)
}

/// Keeps the newest of some tickets.
pub(super) fn keep_tickets(home: &Home, server: &KnownServer, account: &Account, tickets: &[ClientTicket]) {
    if let Some(ticket) = tickets.last() {
        let text = const_hex::encode(crate::codec::encode(ticket));
        // A ticket that is not kept costs a full handshake next time and nothing else.
        drop(home.write_checked(&ticket_file(server, account), &text));
    }
}
