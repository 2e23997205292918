//! What an audit collects: everything that is wrong, in the order of the log, listed up to a cap and counted
//! beyond it.

use crate::wire::{FINDINGS_MAX, Finding};

/// Where something stands: a file of the data directory, a byte in it, and the block if it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// File, relative to the data directory.
    pub file: &'a str,
    /// Offset in the file, in bytes.
    pub offset: u64,
    /// Index of the block that stands there, as its batch counts it.
    pub index: Option<u64>,
}

impl Place<'_> {
    /// A finding at this place.
    pub fn finding(&self, name: &str, reason: impl ToString) -> Finding {
        Finding {
            file: self.file.to_owned(),
            offset: self.offset,
            index: self.index,
            name: name.to_owned(),
            reason: reason.to_string(),
            warning: false,
        }
    }

    /// A warning at this place: worth a line, but no damage.
    pub fn warning(&self, name: &str, reason: impl ToString) -> Finding {
        Finding { warning: true, ..self.finding(name, reason) }
    }
}

/// Where a finding stands among the others: the number of the step that it belongs to, and its turn within the step.
/// What is found at once has turn 0; what is checked beside the walk has a later turn, and no two checks of a step
/// have the same.
pub(super) type Turn = (u64, u8);

/// Findings and warnings. Signatures are checked later than the rest of their block, and in no particular order, so
/// everything carries its [`Turn`], and [`Findings::finish`] puts it in order.
#[derive(Debug, Default)]
pub(super) struct Findings {
    listed: Vec<(Turn, Finding)>,
    warnings: Vec<(Turn, Finding)>,
    total: u64,
}

/// Findings in order, warnings in order, and how many findings there are, listed or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sorted {
    pub(super) findings: Vec<Finding>,
    pub(super) warnings: Vec<Finding>,
    pub(super) total: u64,
}

impl Findings {
    /// Takes a finding or a warning that was met at once in step number `step`.
    pub(super) fn push(&mut self, step: u64, finding: Finding) {
        self.push_late((step, 0), finding);
    }

    /// Takes a finding or a warning of a check that was done beside the walk.
    pub(super) fn push_late(&mut self, turn: Turn, finding: Finding) {
        let list = if finding.warning {
            &mut self.warnings
        } else {
            self.total = self.total.saturating_add(1);
            &mut self.listed
        };
        list.push((turn, finding));
        // A log that is wrong from end to end must not fill the memory with sentences about it. Only the last in
        // the order of the log may go: which ones are listed must not depend on when a check was done.
        if list.len() >= 2 * FINDINGS_MAX {
            keep_first(list);
        }
    }

    pub(super) fn finish(mut self) -> Sorted {
        let sorted = |list: &mut Vec<(Turn, Finding)>| {
            keep_first(list);
            list.drain(..).map(|(_, finding)| finding).collect()
        };
        Sorted { findings: sorted(&mut self.listed), warnings: sorted(&mut self.warnings), total: self.total }
    }
}

/// Sorts, and drops what is beyond the cap.
fn keep_first(list: &mut Vec<(Turn, Finding)>) {
    list.sort_by_key(|(turn, _)| *turn);
    list.truncate(FINDINGS_MAX);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_come_out_in_order_are_capped_and_all_counted() {
        let place = Place { file: "log/0.seg", offset: 4, index: Some(2) };
        let mut findings = Findings::default();
        findings.push(2, place.finding("late", "l"));
        findings.push(1, place.finding("early", "e"));
        findings.push(1, place.warning("mild", "m"));
        for _ in 0..FINDINGS_MAX {
            findings.push(3, place.finding("more", "m"));
        }
        let sorted = findings.finish();
        assert_eq!(sorted.total, FINDINGS_MAX as u64 + 2);
        assert_eq!(sorted.findings.len(), FINDINGS_MAX);
        let names: Vec<_> = sorted.findings.iter().take(3).map(|finding| finding.name.as_str()).collect();
        assert_eq!(names, ["early", "late", "more"]);
        assert_eq!(sorted.warnings, [place.warning("mild", "m")]);
    }
    #[test]
    fn which_findings_are_listed_does_not_depend_on_when_they_are_pushed() {
        let place = Place { file: "log/0.seg", offset: 4, index: None };
        let count = 5 * FINDINGS_MAX as u64;
        let listed = |stride: u64| {
            let mut findings = Findings::default();
            for n in 0..count {
                let step = n * stride % count;
                findings.push_late((step / 3, (step % 3) as u8), place.finding("f", step));
            }
            findings.finish()
        };
        let in_order = listed(1);
        assert_eq!((in_order.findings.len(), in_order.total), (FINDINGS_MAX, count));
        assert!(in_order.findings.iter().zip(0..).all(|(it, n)| it.reason == n.to_string()));
        // Strides that share no divisor with the count meet every finding once.
        for stride in [7, 1_999, count - 1] {
            assert_eq!(listed(stride), in_order, "stride {stride}");
        }
    }
}
