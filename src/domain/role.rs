//! What some members may do beyond what all may.

use super::numbered::numbered;

numbered! {
    /// A role.
    pub enum Role("role") {
        /// Issues money, grants and revokes roles, reads every block.
        Operator = 0 "operator",
        /// Serves customers: what that means, the domains that have customers say.
        Agent = 1 "agent",
        /// Follows and exports every block, and changes nothing by virtue of the role.
        Auditor = 2 "auditor",
        /// Has a place for its cosignatures of checkpoints.
        Witness = 3 "witness",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    #[test]
    fn a_role_is_encoded_as_its_number_and_no_other_number_is_one() {
        assert_eq!(codec::encode(&Role::Operator), [0]);
        assert_eq!(codec::encode(&Role::Witness), [3]);
        for number in 0..=u8::MAX {
            let role = codec::strict::<Role>(&[number]);
            assert_eq!(role.is_ok(), number < 4, "{number}");
        }
        assert!("king".parse::<Role>().unwrap_err().contains("operator, agent, auditor, witness"));
    }
}
