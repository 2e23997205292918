//! What followers may cost the loop, in microseconds as far as they can be estimated. Where members wait for their commands,
//! followers get a small share of what the loop does; it is saved up from turn to turn, and whatever was sent beyond it is
//! owed first. Where nobody waits, followers get more with each turn: the loop turns many times while the next commands of
//! members whose answers have just left are under way.

/// What followers get for each block that became durable in a turn in which somebody waits. Members' blocks cost the loop
/// some twenty times as much.
const WORK_PER_BLOCK: i64 = 1;

/// What followers get in each such turn, so that they go on where commands are checked without end and none is accepted.
const WORK_PER_BUSY_TURN: i64 = 1;

/// What is saved up at most: a push or two, and no burst.
const SAVED_MAX: i64 = 64;

/// What the first turn allows in which nobody waits; each further one allows twice as much.
const WORK_OF_FIRST_QUIET_TURN: i64 = 16;

/// What one turn allows at most.
const WORK_PER_TURN: i64 = 1_000;

/// See the module.
#[derive(Debug)]
pub(super) struct Allowance {
    left: i64,
    /// What the next turn allows in which nobody waits.
    next_quiet: i64,
}

impl Default for Allowance {
    fn default() -> Self {
        Allowance { left: 0, next_quiet: WORK_OF_FIRST_QUIET_TURN }
    }
}

impl Allowance {
    /// A turn begins in which somebody waits for a command; so many blocks became durable in it.
    pub(super) fn begin_busy(&mut self, blocks: u64) {
        let earned = WORK_PER_BUSY_TURN + WORK_PER_BLOCK * blocks.min(1 << 20) as i64;
        self.left = (self.left + earned).min(SAVED_MAX.max(earned));
        self.next_quiet = WORK_OF_FIRST_QUIET_TURN;
    }

    /// A turn begins in which nobody waits. What was owed is forgiven: nobody was kept waiting for it.
    pub(super) fn begin_quiet(&mut self) {
        self.left = self.next_quiet;
        self.next_quiet = (2 * self.next_quiet).min(WORK_PER_TURN);
    }

    /// Whether something may be sent.
    pub(super) fn is_left(&self) -> bool {
        self.left > 0
    }

    /// Something was sent that cost so much, which may be more than was left.
    pub(super) fn spend(&mut self, work: u64) {
        self.left -= work.min(1 << 20) as i64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_push_costs_beyond_what_was_left_is_owed_by_the_busy_turns_that_follow() {
        let mut allowance = Allowance::default();
        let (mut pushes, mut blocks) = (0, 0);
        for _ in 0..1_000 {
            allowance.begin_busy(20);
            blocks += 20;
            while allowance.is_left() {
                allowance.spend(100);
                pushes += 1;
            }
        }
        assert_eq!(pushes, 1_000 * (20 * WORK_PER_BLOCK + WORK_PER_BUSY_TURN) / 100);
        assert!(pushes * 100 <= blocks * WORK_PER_BLOCK + 1_000 * WORK_PER_BUSY_TURN + 100);
    }

    #[test]
    fn what_nobody_needed_is_not_saved_up_without_a_bound() {
        let mut allowance = Allowance::default();
        (0..1_000).for_each(|_| allowance.begin_busy(5));
        allowance.spend(SAVED_MAX as u64);
        assert!(!allowance.is_left());
    }

    #[test]
    fn followers_go_on_where_commands_are_checked_without_end_and_none_becomes_a_block() {
        let mut allowance = Allowance::default();
        allowance.spend(50);
        let turns = (0..).take_while(|_| {
            allowance.begin_busy(0);
            !allowance.is_left()
        });
        assert_eq!(turns.count(), 50);
    }

    #[test]
    fn turns_in_which_nobody_waits_allow_twice_as_much_each_up_to_a_bound() {
        let mut allowance = Allowance::default();
        allowance.begin_quiet();
        assert_eq!(allowance.left, WORK_OF_FIRST_QUIET_TURN);
        allowance.spend(1_000_000);
        allowance.begin_quiet();
        assert_eq!(allowance.left, 2 * WORK_OF_FIRST_QUIET_TURN);
        (0..100).for_each(|_| allowance.begin_quiet());
        assert_eq!(allowance.left, WORK_PER_TURN);
        allowance.begin_busy(1);
        allowance.begin_quiet();
        assert_eq!(allowance.left, WORK_OF_FIRST_QUIET_TURN);
    }
}
