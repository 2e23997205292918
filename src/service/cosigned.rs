//! What witnesses have said about checkpoints: who has a place, what is kept of each, and when it is written down.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::codec::{self, NotCanonical};
use crate::domain::AccountId;
use crate::limits::{COSIGNED_PLACE_MS, COSIGNED_SIZES_MAX, COSIGNERS_MAX};
use crate::time::{Monotonic, Timestamp};

/// How often cosignatures are written down at most: each time costs the loop a sync.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// What a witness handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cosignature {
    /// The witness's verifier key.
    pub(super) vkey: String,
    /// The signature line, newline included.
    pub(super) line: String,
}

/// One account's place.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Place {
    /// When its newest cosignature was handed in.
    handed_in: Timestamp,
    /// Its cosignatures by the size of the checkpoint: those of the largest.
    by_size: BTreeMap<u64, Cosignature>,
}

/// What became of a cosignature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is kept.
    New,
    /// It was here before.
    Known,
    /// Every place is somebody else's.
    NoPlace,
}

/// Cosignatures by the account that handed them in. Each account pushes out its own only, so that nobody can make
/// another witness's disappear.
///
/// There are [`COSIGNERS_MAX`] places. An account with the role witness always finds one, except where all are taken
/// by accounts with that role; any other account finds one that is free, and keeps it for [`COSIGNED_PLACE_MS`] after
/// its last cosignature, unless an account with the role needs it.
#[derive(Debug, Default)]
pub(super) struct Cosigned {
    places: BTreeMap<AccountId, Place>,
    /// Something stands here that is not written down.
    changed: bool,
    /// Not written before this time.
    rests_until: Option<Monotonic>,
}

impl Cosigned {
    /// Takes a cosignature. `has_role` says whether an account has the role witness.
    pub(super) fn take(
        &mut self,
        account: AccountId,
        size: u64,
        cosignature: Cosignature,
        now: Timestamp,
        has_role: &dyn Fn(AccountId) -> bool,
    ) -> Taken {
        if !self.places.contains_key(&account) && !self.make_place(account, now, has_role) {
            return Taken::NoPlace;
        }
        let place = self.places.entry(account).or_default();
        if place.by_size.get(&size) == Some(&cosignature) {
            return Taken::Known;
        }
        place.handed_in = now;
        place.by_size.insert(size, cosignature);
        while place.by_size.len() > COSIGNED_SIZES_MAX {
            place.by_size.pop_first();
        }
        self.changed = true;
        Taken::New
    }

    /// Whether there is a place for this account, now that those whose time is over have gone.
    fn make_place(
        &mut self,
        account: AccountId,
        now: Timestamp,
        has_role: &dyn Fn(AccountId) -> bool,
    ) -> bool {
        let lasts = |place: &Place| now < place.handed_in.plus_micros(COSIGNED_PLACE_MS * 1_000);
        self.places.retain(|holder, place| lasts(place) || has_role(*holder));
        if self.places.len() < COSIGNERS_MAX {
            return true;
        }
        if !has_role(account) {
            return false;
        }
        let others = self.places.iter().filter(|(holder, _)| !has_role(**holder));
        let oldest = others.min_by_key(|(_, place)| place.handed_in).map(|(holder, _)| *holder);
        oldest.is_some_and(|holder| self.places.remove(&holder).is_some())
    }

    /// The newest size that all these keys have cosigned, with their lines for it, or with everybody's if no key is
    /// named. A key that was made to collide with another one spoils no answer that does not ask for it.
    pub(super) fn newest(&self, keys: &[&str]) -> Option<(u64, String)> {
        let lines_of = |size: u64| self.places.values().filter_map(move |own| own.by_size.get(&size));
        let sizes: BTreeSet<u64> = self.places.values().flat_map(|own| own.by_size.keys().copied()).collect();
        let cosigned_by_all =
            |size: &u64| keys.iter().all(|key| lines_of(*size).any(|cosignature| cosignature.vkey == *key));
        let size = sizes.into_iter().rev().find(cosigned_by_all)?;
        let wanted = lines_of(size).filter(|one| keys.is_empty() || keys.contains(&one.vkey.as_str()));
        Some((size, wanted.map(|cosignature| cosignature.line.as_str()).collect()))
    }

    /// When something has to be written down; nothing, if nothing has changed.
    pub(super) fn write_due(&self) -> Option<Monotonic> {
        self.changed.then(|| self.rests_until.unwrap_or_default())
    }

    /// Takes what is to be written down now. It counts as written whatever comes of it: another attempt follows with the
    /// next cosignature.
    pub(super) fn take_changes(&mut self, now: Monotonic) -> Vec<u8> {
        self.changed = false;
        self.rests_until = Some(Monotonic(now.0 + WRITE_EVERY));
        codec::encode(&self.places)
    }

    /// Reads what was written down, without what `holds` says is no cosignature any more.
    ///
    /// # Errors
    /// [`NotCanonical`].
    pub(super) fn recall(
        bytes: &[u8],
        mut holds: impl FnMut(u64, &Cosignature) -> bool,
    ) -> Result<Cosigned, NotCanonical> {
        let mut places = codec::strict::<BTreeMap<AccountId, Place>>(bytes)?;
        for place in places.values_mut() {
            place.by_size.retain(|size, cosignature| holds(*size, cosignature));
        }
        places.retain(|_, place| !place.by_size.is_empty());
        Ok(Cosigned { places, ..Cosigned::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

    fn day(number: u64) -> Timestamp {
        Timestamp::from_millis(number * DAY_MS)
    }

    fn line(text: &str) -> Cosignature {
        Cosignature { vkey: text.to_owned(), line: format!("{text}\n") }
    }

    /// Accounts from 1000 on have the role.
    fn has_role(account: AccountId) -> bool {
        account.0 >= 1_000
    }

    fn hand_in(cosigned: &mut Cosigned, account: u64, size: u64, now: Timestamp) -> Taken {
        cosigned.take(AccountId(account), size, line(&account.to_string()), now, &has_role)
    }

    #[test]
    fn throw_away_accounts_keep_no_place_from_a_witness_and_none_for_ever() {
        let mut cosigned = Cosigned::default();
        for account in 1..=64 {
            assert_eq!(hand_in(&mut cosigned, account, 5, day(account % 7)), Taken::New);
        }
        assert_eq!(hand_in(&mut cosigned, 65, 5, day(29)), Taken::NoPlace);
        assert_eq!(hand_in(&mut cosigned, 1_000, 5, day(29)), Taken::New, "a witness finds a place");
        let lines = cosigned.newest(&[]).unwrap().1;
        assert!(!lines.contains("7\n14") && !lines.starts_with("7\n"), "the oldest made room: {lines}");
        assert_eq!(hand_in(&mut cosigned, 65, 5, day(30)), Taken::New, "30 days after the first of them");
        assert_eq!(hand_in(&mut cosigned, 1_000, 5, day(900)), Taken::Known);
        assert_eq!(hand_in(&mut cosigned, 66, 5, day(900)), Taken::New);
        assert!(cosigned.newest(&["1000"]).is_some(), "a witness keeps its place");
        assert!(cosigned.newest(&["65"]).is_none());
    }

    #[test]
    fn when_witnesses_have_all_places_another_finds_none() {
        let mut cosigned = Cosigned::default();
        for account in 1_000..1_064 {
            assert_eq!(hand_in(&mut cosigned, account, 5, day(1)), Taken::New);
        }
        assert_eq!(hand_in(&mut cosigned, 2_000, 5, day(900)), Taken::NoPlace);
    }

    #[test]
    fn the_same_cosignature_again_holds_no_place_longer_and_writes_nothing() {
        let mut cosigned = Cosigned::default();
        let at = |seconds| Monotonic(Duration::from_secs(seconds));
        assert_eq!(cosigned.write_due(), None);
        hand_in(&mut cosigned, 1, 5, day(0));
        assert!(cosigned.write_due().is_some_and(|due| due <= at(7)), "at once");
        let written = cosigned.take_changes(at(7));
        assert_eq!(hand_in(&mut cosigned, 1, 5, day(1)), Taken::Known);
        assert_eq!(cosigned.write_due(), None);
        hand_in(&mut cosigned, 1, 6, day(1));
        assert_eq!(cosigned.write_due(), Some(at(8)), "and once a second at most");
        let recalled = Cosigned::recall(&written, |size, _| size == 5).unwrap();
        assert_eq!(recalled.newest(&["1"]), Some((5, "1\n".to_owned())));
        assert!(Cosigned::recall(&written, |_, _| false).unwrap().newest(&[]).is_none());
        assert!(Cosigned::recall(&written[1..], |_, _| true).is_err());
    }

    #[test]
    fn an_account_pushes_out_its_own_oldest_only() {
        let mut cosigned = Cosigned::default();
        hand_in(&mut cosigned, 1, 1, day(0));
        for size in 1..40 {
            hand_in(&mut cosigned, 2, size, day(0));
        }
        assert_eq!(cosigned.newest(&["1"]), Some((1, "1\n".to_owned())));
        assert_eq!(cosigned.newest(&["2"]).unwrap().0, 39);
        assert_eq!(cosigned.places[&AccountId(2)].by_size.len(), COSIGNED_SIZES_MAX);
    }
}
