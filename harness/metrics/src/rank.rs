//! Ranks that say how sure they are: an interval per entry, and groups of entries that cannot be told apart.

/// The place of an entry on a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rank {
    /// The best place that it could have: 1 + the entries that are significantly better.
    pub best: usize,
    /// The worst place that it could have: all entries - those that are significantly worse.
    pub worst: usize,
    /// Its group of ties, from 1: entries that are not significantly different from the group's first.
    pub group: usize,
}

/// Ranks of entries that are sorted best first. `better(a, b)`: whether a is significantly better than b, after the
/// board's correction for many tests.
///
/// ```
/// // 0 is better than 2, nothing else is certain.
/// let ranks = seraph_metrics::rank::ranks(3, |a, b| (a, b) == (0, 2));
/// assert_eq!(ranks.iter().map(|r| (r.best, r.worst, r.group)).collect::<Vec<_>>(), [(1, 2, 1), (1, 3, 1), (2, 3, 2)]);
/// ```
pub fn ranks(n_entries: usize, better: impl Fn(usize, usize) -> bool) -> Vec<Rank> {
    let (mut group, mut head) = (1, 0);
    let mut ranks = Vec::with_capacity(n_entries);
    for entry in 0..n_entries {
        if better(head, entry) {
            (group, head) = (group + 1, entry);
        }
        let n_better = (0..n_entries).filter(|&other| better(other, entry)).count();
        let n_worse = (0..n_entries).filter(|&other| better(entry, other)).count();
        ranks.push(Rank { best: 1 + n_better, worst: n_entries - n_worse, group });
    }
    ranks
}
