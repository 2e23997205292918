//! The segments that were read last, open: questions and followers go back to the same few.

use super::error::LogError;
use super::storage::StorageFile;

/// Segments that stay open.
const OPEN_MAX: usize = 8;

/// Segments by their first index, the one that was read last in front.
#[derive(Debug, Default)]
pub(super) struct OpenSegments(Vec<(u64, Box<dyn StorageFile>)>);

impl OpenSegments {
    /// Lends a segment's file to `read`, opening it if it is not open.
    pub(super) fn with<T>(
        &mut self,
        first_index: u64,
        open: impl FnOnce() -> Result<Box<dyn StorageFile>, LogError>,
        read: impl FnOnce(&dyn StorageFile) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        let segment = match self.0.iter().position(|(known, _)| *known == first_index) {
            Some(place) => self.0.remove(place),
            None => (first_index, open()?),
        };
        self.0.truncate(OPEN_MAX - 1);
        let done = read(segment.1.as_ref());
        self.0.insert(0, segment);
        done
    }
}

#[cfg(test)]
mod tests {
    use super::super::SimDisk;
    use super::super::storage::{Access, Storage as _};
    use super::*;

    #[test]
    fn a_segment_is_opened_again_only_when_eight_others_were_read_since() {
        let disk = SimDisk::new();
        disk.put("segment", b"bytes");
        let mut opened = Vec::new();
        let mut segments = OpenSegments::default();
        let order = [0, 1, 0, 2, 3, 4, 5, 6, 7, 0, 8, 1, 0];
        for first_index in order {
            let open = || {
                opened.push(first_index);
                Ok(disk.open("segment", Access::Read).unwrap())
            };
            segments.with(first_index, open, |_| Ok(())).unwrap();
        }
        assert_eq!(opened, [0, 1, 2, 3, 4, 5, 6, 7, 8, 1]);
    }
}
