//! The reasons for which an event cannot have happened. Such an event is a mistake of ours where it is met live, and damage
//! where it is met in a log.

use std::fmt;

use super::Place;

/// The reason for which an event cannot have happened in the state that the blocks before it add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Impossible {
    /// More money leaves a place than it holds.
    Overdraft {
        /// The place that the money leaves.
        from: Place,
        /// The money that the place holds, in minor units.
        held: u64,
        /// The money that leaves, in minor units.
        amount: u64,
    },
    /// A sum or a count is larger than its field can hold.
    TooLarge(&'static str),
    /// The event says another number than the state has.
    Differs {
        /// The field of the event.
        field: &'static str,
        /// The number that the event says.
        said: u64,
        /// The number that follows from the state.
        expected: u64,
    },
    /// An amount of a command that a rule refuses in every state.
    Amount,
    /// Something is taken away that is not there.
    NoSuch(&'static str),
    /// Something comes that is there already.
    Twice(&'static str),
}

impl Impossible {
    /// Demands what follows from every block before.
    ///
    /// # Errors
    /// `otherwise`.
    pub(super) fn unless(follows: bool, otherwise: Impossible) -> Result<(), Impossible> {
        if follows { Ok(()) } else { Err(otherwise) }
    }

    /// Compares what an event says with what follows from the state.
    ///
    /// # Errors
    /// [`Impossible::Differs`].
    pub(super) fn unless_equal(field: &'static str, said: u64, expected: u64) -> Result<(), Impossible> {
        if said == expected { Ok(()) } else { Err(Impossible::Differs { field, said, expected }) }
    }

    /// The sum of a count and what is added to it.
    ///
    /// # Errors
    /// [`Impossible::TooLarge`].
    pub(super) fn sum(what: &'static str, count: u64, added: u64) -> Result<u64, Impossible> {
        count.checked_add(added).ok_or(Impossible::TooLarge(what))
    }
}

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Impossible::Overdraft { from, held, amount } => {
                write!(f, "{amount} minor units leave {from}, which holds {held}")
            }
            Impossible::TooLarge(what) => write!(f, "{what} would be larger than any number of a ledger"),
            Impossible::Differs { field, said, expected } => {
                write!(f, "the event says {field} {said}, and the blocks before it add up to {expected}")
            }
            Impossible::Amount => f.write_str("an amount is less than one minor unit"),
            Impossible::NoSuch(what) => write!(f, "{what} is not there"),
            Impossible::Twice(what) => write!(f, "{what} is there already"),
        }
    }
}

impl std::error::Error for Impossible {}
