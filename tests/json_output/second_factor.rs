//! What the commands about the second factor print.

use super::Reference;
use crate::binaries::Place;
use crate::second_factor::enrol;

/// On a ledger with an operator and two members.
pub(super) fn hold(place: &Place, at: &str, reference: &mut Reference) {
    let (_, [offer, done]) = enrol(place, "bank", at);
    reference.hold("second-factor enrol, second-factor codes, before the code", &offer);
    reference.hold("second-factor enrol, second-factor codes, second-factor off", &done);
    let (mut factor, _) = enrol(place, "alice", at);
    let mut seen = |label: &str, member: &str, arguments: &[&str]| {
        reference.hold(label, &place.done(member, at, &[&["--json"], arguments].concat()))
    };
    seen("second-factor", "alice", &["second-factor"]);
    seen("second-factor confirm", "alice", &["second-factor", "confirm", &factor.spare()]);
    seen("second-factor reset", "bank", &["second-factor", "reset", "alice", "--reason", "other"]);
    let off = "second-factor enrol, second-factor codes, second-factor off";
    seen(off, "bank", &["second-factor", "off"]);
}
