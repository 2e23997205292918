//! What a key of a member may sign.

use super::numbered::numbered;

numbered! {
    /// What a key may sign.
    pub enum Rights("right") {
        /// Everything that its account may.
        Full = 0 "full",
        /// What is done every day: everything but what changes keys, roles or the account itself, or makes money.
        Act = 1 "act",
    }
}

impl Rights {
    /// Whether a key with these rights may sign what needs those.
    pub fn suffice_for(self, needed: Rights) -> bool {
        self == Rights::Full || needed == Rights::Act
    }
}
