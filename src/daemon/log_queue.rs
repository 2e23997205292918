//! Lines on their way to stderr. Whoever logs puts a line into a bounded queue and goes on; one thread writes, and may
//! wait for a reader as long as it likes. A line that finds no room is dropped and counted, and the count stands in
//! the log where those lines would have stood.
//!
//! The crate `tracing-appender` has such a queue, but complains about a reader that does not read on stderr, when the
//! process ends: it waits for that very reader then.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};

/// Bytes of lines that wait at most: some thousand lines.
const QUEUE_BYTES_MAX: usize = 128 << 10;

/// See the module.
#[derive(Default)]
pub(super) struct LogQueue {
    state: Mutex<State>,
    /// Something was put in, or the writer has finished something.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Lines dropped that no entry speaks of yet.
    dropped: u64,
    /// Whether the writer holds an entry that is not written yet.
    writing: bool,
}

enum Entry {
    Line(String),
    /// So many lines are missing here.
    Dropped(u64),
}

impl LogQueue {
    /// Takes a line, or drops it when there is no room.
    pub(super) fn push(&self, line: String) {
        let mut state = self.state();
        if state.bytes > 0 && state.bytes + line.len() > QUEUE_BYTES_MAX {
            state.dropped += 1;
            return;
        }
        state.take(line);
        drop(state);
        self.changed.notify_all();
    }

    /// Takes the last lines, whether there is room or not, and waits until everything is written, but no longer than
    /// `patience`.
    pub(super) fn end(&self, last: String, patience: Duration) {
        let mut state = self.state();
        if !last.is_empty() {
            state.take(last);
        }
        self.changed.notify_all();
        let written = self.changed.wait_timeout_while(state, patience, |state| !state.is_written());
        drop(written.unwrap_or_else(PoisonError::into_inner));
    }

    /// Writes what is put in, for ever. What cannot be written counts as dropped.
    pub(super) fn write_to(&self, out: &mut dyn Write) -> ! {
        loop {
            self.write_next(out);
        }
    }

    /// Waits for an entry and writes it.
    fn write_next(&self, out: &mut dyn Write) {
        let idle = |state: &mut State| state.entries.is_empty();
        let state = self.changed.wait_while(self.state(), idle);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = state.next() else { return };
        drop(state);
        let lost = match &entry {
            Entry::Line(line) => out.write_all(line.as_bytes()).map_err(|_| 1),
            Entry::Dropped(count) => out.write_all(missing(*count).as_bytes()).map_err(|_| *count),
        };
        let mut state = self.state();
        state.writing = false;
        match lost {
            // The count of what is missing does not wait for a line that may never come.
            Ok(()) if state.entries.is_empty() => state.tell_dropped(),
            Ok(()) => {}
            Err(lost) => state.dropped += lost,
        }
        drop(state);
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a line behind the count of those that are missing before it.
    fn take(&mut self, line: String) {
        self.tell_dropped();
        self.bytes += line.len();
        self.entries.push_back(Entry::Line(line));
    }

    fn tell_dropped(&mut self) {
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            self.entries.push_back(Entry::Dropped(dropped));
        }
    }

    fn next(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        if let Entry::Line(line) = &entry {
            self.bytes -= line.len();
        }
        self.writing = true;
        Some(entry)
    }

    fn is_written(&self) -> bool {
        self.entries.is_empty() && !self.writing
    }
}

/// The line that stands for those that are missing.
fn missing(count: u64) -> String {
    let mut time = String::new();
    if SystemTime.format_time(&mut Writer::new(&mut time)).is_err() {
        time.clear();
    }
    format!(
        "{time}  WARN {}: lines of this log were dropped here, because nobody took them dropped={count}\n",
        module_path!()
    )
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// Stderr with somebody at its other end, who takes a line when there is a permit for it.
    struct Reader {
        permits: Receiver<io::Result<()>>,
        taken: Sender<String>,
    }

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.permits.recv().unwrap()?;
            self.taken.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn queue() -> (Arc<LogQueue>, Sender<io::Result<()>>, Receiver<String>) {
        let queue = Arc::new(LogQueue::default());
        let (permit, permits) = channel();
        let (taken, lines) = channel();
        let writer = Arc::clone(&queue);
        thread::spawn(move || writer.write_to(&mut Reader { permits, taken }));
        (queue, permit, lines)
    }

    fn counted(line: &str) -> u64 {
        line.trim_end().rsplit_once("dropped=").map_or(0, |(_, count)| count.parse().unwrap())
    }

    #[test]
    fn lines_that_nobody_takes_are_dropped_and_those_that_are_read_and_dropped_are_all() {
        const LINES: u64 = 10_000;
        let (queue, permit, lines) = queue();
        for n in 0..LINES {
            queue.push(format!("line {n} of a length that lines of a log have, more or less\n"));
        }
        // The end does not wait for a reader that takes nothing.
        queue.end(String::new(), Duration::ZERO);
        for _ in 0..2 * LINES {
            permit.send(Ok(())).unwrap();
        }
        queue.end("the last\n".to_owned(), LONG);
        let lines: Vec<String> = lines.try_iter().collect();
        let dropped: u64 = lines.iter().map(|line| counted(line)).sum();
        let read = lines.iter().filter(|line| line.starts_with("line ")).count() as u64;
        assert!(dropped > 0 && read > 1_000, "{read} read, {dropped} dropped");
        assert_eq!(read + dropped, LINES);
        assert_eq!(lines.last().unwrap(), "the last\n");
    }

    #[test]
    fn it_says_how_many_are_missing_where_they_are_missing_and_without_waiting_for_another_line() {
        let (queue, permit, lines) = queue();
        queue.push("first\n".to_owned());
        let long = "x".repeat(QUEUE_BYTES_MAX);
        (0..4).for_each(|_| queue.push(long.clone()));
        // Each of the four is written, or stands in a count; there is a count for each gap.
        for _ in 0..9 {
            permit.send(Ok(())).unwrap();
        }
        assert_eq!(lines.recv_timeout(LONG).unwrap(), "first\n");
        // Which of them found room depends on how far the writer was.
        let (mut written, mut missing) = (0, 0);
        while written + missing < 4 {
            let line = lines.recv_timeout(LONG).unwrap();
            match line == long {
                true => written += 1,
                false => missing += counted(&line),
            }
        }
        assert!(missing > 0, "there is room for one of the four at a time");
    }

    #[test]
    fn a_line_that_cannot_be_written_counts_as_dropped() {
        let (queue, permit, lines) = queue();
        // Before the second line stands the count of the first, which is not written either.
        for writes in 1..=2 {
            for _ in 0..writes {
                permit.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
            }
            queue.push("lost\n".to_owned());
            queue.end(String::new(), LONG);
        }
        (0..3).for_each(|_| permit.send(Ok(())).unwrap());
        queue.end("there is room again\n".to_owned(), LONG);
        let lines: Vec<String> = lines.try_iter().collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!((counted(&lines[0]), lines[1].as_str()), (2, "there is room again\n"));
    }
}
