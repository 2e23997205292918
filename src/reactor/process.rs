//! What the process has used, for `status`: read from the system when there is a tick anyway, at most four
//! times a second, so that an idle daemon stays asleep.

use std::time::Duration;

use crate::driven::ProcessFigures;
use crate::time::Monotonic;

const READ_EVERY: Duration = Duration::from_millis(250);

/// See the module.
#[derive(Default)]
pub(super) struct FigureSource {
    next: Monotonic,
}

impl FigureSource {
    /// The figures, when it is time to read them again and the system tells.
    #[expect(clippy::disallowed_methods, reason = "the system tells of a process through files")]
    pub(super) fn read(&mut self, now: Monotonic) -> Option<ProcessFigures> {
        if now < self.next {
            return None;
        }
        self.next = Monotonic(now.0 + READ_EVERY);
        let tick_us = 1_000_000 / rustix::param::clock_ticks_per_second().max(1);
        let page_bytes = rustix::param::page_size() as u64;
        parse(&std::fs::read_to_string("/proc/self/stat").ok()?, page_bytes, tick_us)
    }
}

/// Reads a line of `proc_pid_stat(5)`: user and system time are fields 14 and 15, resident pages field 24. The
/// second field, the name, may hold anything, so what counts starts after its closing bracket.
fn parse(line: &str, page_bytes: u64, tick_us: u64) -> Option<ProcessFigures> {
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field.checked_sub(3)?)?.parse::<u64>().ok();
    let ticks = number(14)?.checked_add(number(15)?)?;
    Some(ProcessFigures {
        resident_bytes: number(24)?.checked_mul(page_bytes)?,
        cpu_us: ticks.checked_mul(tick_us)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_found_behind_any_name() {
        let line = "42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1 0 99 1000000 321 0 0";
        let figures = parse(line, 4_096, 10_000).unwrap();
        assert_eq!((figures.resident_bytes, figures.cpu_us), (321 * 4_096, 3_000_000));
        assert!(parse("", 4_096, 1).is_none() && parse("1 (x) S 1", 4_096, 1).is_none());
    }

    #[test]
    fn this_process_uses_memory_and_is_not_asked_about_it_too_often() {
        let mut source = FigureSource::default();
        let at = |ms| Monotonic(Duration::from_millis(ms));
        assert!(source.read(at(0)).is_some_and(|figures| figures.resident_bytes > 0));
        assert!(source.read(at(249)).is_none());
        assert!(source.read(at(250)).is_some());
    }
}
