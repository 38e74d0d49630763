//! Spreads cells over threads.

use crate::stop::Stop;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does `work` on every item, `jobs` at a time, in order of their places. The first error, or `stop`, ends
/// it once the items in hand are done.
pub fn each<T, E>(
    jobs: usize,
    items: &[T],
    stop: &Stop,
    work: impl Fn(&T) -> Result<(), E> + Sync,
) -> Result<(), E>
where
    T: Sync,
    E: Send,
{
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let failed = || failure.lock().is_ok_and(|f| f.is_some());
    let run = || {
        while !stop.asked() && !failed() {
            let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
            if let Err(error) = work(item) {
                failure.lock().expect("no thread panics while it holds the lock").get_or_insert(error);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..jobs.clamp(1, items.len().max(1)) {
            scope.spawn(run);
        }
        run();
    });
    failure.into_inner().expect("no thread panics while it holds the lock").map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_item_is_done_once_whatever_the_number_of_threads() {
        let items: Vec<usize> = (0..100).collect();
        for jobs in [1, 2, 7, 200] {
            let done = Mutex::new(vec![]);
            each(jobs, &items, &Stop::new(), |&i| {
                done.lock().unwrap().push(i);
                Ok::<_, ()>(())
            })
            .unwrap();
            let mut done = done.into_inner().unwrap();
            done.sort_unstable();
            assert_eq!(done, items);
        }
    }

    #[test]
    fn the_first_error_ends_it() {
        let items: Vec<usize> = (0..100).collect();
        let done = AtomicUsize::new(0);
        let result = each(1, &items, &Stop::new(), |&i| {
            done.fetch_add(1, Ordering::Relaxed);
            if i == 3 { Err(i) } else { Ok(()) }
        });
        assert_eq!((result, done.into_inner()), (Err(3), 4));
    }

    #[test]
    fn a_request_to_stop_lets_the_item_in_hand_finish() {
        let stop = Stop::new();
        let done = AtomicUsize::new(0);
        each(1, &[0, 1, 2], &stop, |&i| {
            stop.ask();
            done.fetch_add(1 + i, Ordering::Relaxed);
            Ok::<_, ()>(())
        })
        .unwrap();
        assert_eq!(done.into_inner(), 1);
    }
}
