//! The offer of a new second factor, or of new spare codes. The session that has asked for it holds it.

use rand_core::CryptoRng;

use super::not_enrolled;
use crate::domain::AccountId;
use crate::second_factor::{SPARE_CODES, Secret, SpareCode, SpareCodes};
use crate::service::enrolling::Enrolling;
use crate::service::{ConnectionId, Service};
use crate::wire::{FactorOffer, Reply};

impl Service {
    /// Offers a new second factor, or new spare codes for the one that is there.
    pub(in crate::service) fn second_factor_begin(
        &mut self,
        id: ConnectionId,
        request: u32,
        (account, keep_secret): (AccountId, bool),
        rng: &mut dyn CryptoRng,
    ) {
        if keep_secret && self.ledger.replica().state().second_factor(account).is_none() {
            return self.hold_durable(id, request, Reply::Refused(not_enrolled(account)));
        }
        let Some(connection) = self.door.connections.get_mut(&id) else { return };
        let secret = (!keep_secret).then(|| Secret::generate(rng));
        let codes: [SpareCode; SPARE_CODES] = std::array::from_fn(|_| SpareCode::generate(rng));
        let offer = FactorOffer {
            generation: self.ledger.replica().state().next_generation(account),
            secret: secret.as_ref().map(|secret| *secret.bytes()),
            codes: codes.each_ref().map(|code| *code.bytes()),
        };
        let spare = SpareCodes::of(account.0, &codes);
        connection.enrolling = Some(Box::new(Enrolling { secret, spare }));
        self.hold_durable(id, request, Reply::FactorOffer(Box::new(offer)));
    }
}
