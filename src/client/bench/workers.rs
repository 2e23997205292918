//! Work in equal pieces, shared by as many threads as there are cores.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Step;
use crate::client::ClientError;

/// Does `count` pieces and gives what each made, in their order. The first error ends it.
pub(super) fn on_all_cores<T: Send>(
    count: usize,
    work: impl Fn(usize) -> Result<T, ClientError> + Sync,
    done: &Step<'_>,
) -> Result<Vec<T>, ClientError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let share = || {
        let mut made = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(made);
            }
            match work(number) {
                Ok(piece) => made.push((number, piece)),
                Err(error) => {
                    // The others stop at their next piece.
                    next.store(count, Ordering::Relaxed);
                    return Err(error);
                }
            }
            done();
        }
    };
    let shares: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores.min(count)).map(|_| scope.spawn(share)).collect();
        threads.into_iter().map(|thread| thread.join()).collect()
    });
    let mut all = Vec::with_capacity(count);
    for share in shares {
        all.extend(share.map_err(|_| ClientError::Unexpected("a worker thread panicked".to_owned()))??);
    }
    all.sort_unstable_by_key(|(number, _)| *number);
    Ok(all.into_iter().map(|(_, piece)| piece).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_done_once_and_stands_in_its_place() {
        let done = AtomicUsize::new(0);
        let step = || {
            done.fetch_add(1, Ordering::Relaxed);
        };
        assert_eq!(
            on_all_cores(100, |n| Ok(n * 2), &step).unwrap(),
            (0..100).map(|n| n * 2).collect::<Vec<_>>()
        );
        assert_eq!(done.into_inner(), 100);
        assert!(on_all_cores(0, |_| Ok(()), &|| ()).unwrap().is_empty());
    }

    #[test]
    fn an_error_ends_the_work() {
        let work = |n| if n == 3 { Err(ClientError::Usage("three".to_owned())) } else { Ok(()) };
        assert!(matches!(on_all_cores(100, work, &|| ()), Err(ClientError::Usage(_))));
    }
}
