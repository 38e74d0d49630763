//! The least change that crosses a hyperplane without leaving a box: exact for each norm, linear in the samples.
//!
//! Given a direction w, find the smallest d with w.d = gap and every x_i + d_i in its bounds. Each sample moves in
//! the direction of w_i, over at most its room, the way to its bound. Source: Croce & Hein 2020 (arXiv:1907.02044),
//! section 2.2, for Linf, L2 and L1; L0 is the same greedy choice as L1, ordered by what a sample gains in all.

use std::cmp::Ordering;

use seraph_plugin::Norm;

/// A crossing: what [`apply`](Crossing::apply) needs to make it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crossing {
    norm: Norm,
    /// Linf: how far each sample moves; L2: how far per unit of w; L1, L0: the key of the last sample that moves.
    level: f64,
    /// L1, L0: the sample that moves last, and how far.
    last: Option<(usize, f64)>,
    /// The norm of the change.
    pub distance: f64,
    /// False if even the farthest corner of the box is short of the hyperplane; then the change leads there.
    pub reached: bool,
}

/// Finds crossings; keeps its memory between calls.
#[derive(Clone, Debug, Default)]
pub struct Solver {
    order: Vec<u32>,
}

/// First choice of L1 and L0 among the samples with the largest keys; then eight times as many, until enough.
const FIRST_CHOICE: usize = 64;

impl Solver {
    /// The least change of `x` with w.d = gap, x + d in `bounds` (lowest, highest, of a sample). Nothing has to
    /// change if gap <= 0.
    pub fn cross(
        &mut self,
        norm: Norm,
        w: &[f32],
        gap: f64,
        x: &[f32],
        bounds: impl Fn(usize) -> (f32, f32) + Copy,
    ) -> Crossing {
        if gap <= 0.0 {
            return Crossing { norm, level: still(norm), last: None, distance: 0.0, reached: true };
        }
        match norm {
            Norm::Linf | Norm::L2 => shared(norm, w, gap, x, bounds),
            Norm::L1 | Norm::L0 => self.greedy(norm, w, gap, x, bounds),
        }
    }

    /// L1 and L0: the samples with the largest key go all their way, until the gap is closed.
    fn greedy(
        &mut self,
        norm: Norm,
        w: &[f32],
        gap: f64,
        x: &[f32],
        bounds: impl Fn(usize) -> (f32, f32) + Copy,
    ) -> Crossing {
        let key = |i: usize| key(norm, w[i], room(w[i], x[i], bounds(i)));
        let descending = |a: &u32, b: &u32| order(key(*a as usize), key(*b as usize)).then(a.cmp(b));
        self.order.clear();
        self.order.extend((0..w.len() as u32).filter(|i| key(*i as usize) > 0.0));
        let (mut gained, mut distance, mut last) = (0.0, 0.0, None);
        let (mut start, mut count) = (0, FIRST_CHOICE);
        while start < self.order.len() {
            let rest = &mut self.order[start..];
            if count < rest.len() {
                rest.select_nth_unstable_by(count, descending);
            }
            let chosen = count.min(rest.len());
            rest[..chosen].sort_unstable_by(descending);
            for i in rest[..chosen].iter().map(|i| *i as usize) {
                let (slope, room) = (f64::from(w[i].abs()), room(w[i], x[i], bounds(i)));
                let way = room.min((gap - gained) / slope);
                gained += slope * way;
                distance += if norm == Norm::L0 { 1.0 } else { way };
                last = Some((i, way));
                if way < room || gained >= gap {
                    return Crossing { norm, level: key(i), last, distance, reached: true };
                }
            }
            (start, count) = (start + chosen, count * 8);
        }
        let level = last.map_or(f64::INFINITY, |(i, _)| key(i));
        Crossing { norm, level, last, distance, reached: false }
    }
}

impl Crossing {
    /// Makes `factor` times the change, and stays in the bounds.
    pub fn apply(&self, w: &[f32], factor: f64, x: &mut [f32], bounds: impl Fn(usize) -> (f32, f32) + Copy) {
        for (i, (x, w)) in x.iter_mut().zip(w).enumerate() {
            let (low, high) = bounds(i);
            let way = factor * self.way(i, *w, *x, (low, high));
            if way > 0.0 {
                *x = ((f64::from(*x) + way.copysign(f64::from(*w))) as f32).max(low).min(high);
            }
        }
    }

    /// How far sample `i` moves.
    fn way(&self, i: usize, w: f32, x: f32, bounds: (f32, f32)) -> f64 {
        let room = room(w, x, bounds);
        match self.norm {
            Norm::Linf if w == 0.0 => 0.0,
            Norm::Linf => self.level.min(room),
            Norm::L2 => (self.level * f64::from(w.abs())).min(room),
            Norm::L1 | Norm::L0 => match self.last {
                Some((last, way)) if last == i => way,
                Some((last, _)) => {
                    let ahead = order(key(self.norm, w, room), self.level).then(i.cmp(&last));
                    if ahead == Ordering::Less { room } else { 0.0 }
                }
                None => 0.0,
            },
        }
    }
}

/// What w.d gains with every sample at its bound: no gap larger than this can be closed.
pub fn reach(w: &[f32], x: &[f32], bounds: impl Fn(usize) -> (f32, f32) + Copy) -> f64 {
    sum(w.len(), |i| f64::from(w[i].abs()) * room(w[i], x[i], bounds(i)))
}

/// Linf and L2: all samples share the way. What they gain is a concave, piecewise linear function of the level, so
/// Newton's method from below reaches the gap after finitely many steps, one where no bound is met.
fn shared(
    norm: Norm,
    w: &[f32],
    gap: f64,
    x: &[f32],
    bounds: impl Fn(usize) -> (f32, f32) + Copy,
) -> Crossing {
    let slope_of = |i: usize| {
        let w = f64::from(w[i].abs());
        if norm == Norm::L2 { (w, w) } else { (w, f64::from(u8::from(w > 0.0))) }
    };
    let way = |i: usize, level: f64| (level * slope_of(i).1).min(room(w[i], x[i], bounds(i)));
    let mut level = 0.0;
    let mut missing = gap;
    // 100: each step but the last passes a bound; a gap this close to the reach is not worth more.
    for _ in 0..100 {
        let free = |i: usize| level * slope_of(i).1 < room(w[i], x[i], bounds(i));
        let slope = sum(w.len(), |i| if free(i) { slope_of(i).0 * slope_of(i).1 } else { 0.0 });
        if slope <= 0.0 {
            break;
        }
        level += missing / slope;
        missing = gap - sum(w.len(), |i| slope_of(i).0 * way(i, level));
        if missing <= 1e-9 * gap {
            break;
        }
    }
    let distance = match norm {
        Norm::L2 => sum(w.len(), |i| way(i, level).powi(2)).sqrt(),
        _ => (0..w.len()).map(|i| way(i, level)).fold(0.0, f64::max),
    };
    Crossing { norm, level, last: None, distance, reached: missing <= 1e-6 * gap }
}

/// How far sample `x` can go in the direction of `w`.
fn room(w: f32, x: f32, (low, high): (f32, f32)) -> f64 {
    let end = if w < 0.0 { low } else { high };
    let room = (f64::from(end) - f64::from(x)).copysign(1.0);
    if w == 0.0 { 0.0 } else { room }
}

/// What L1 and L0 order the samples by; 0: of no use.
fn key(norm: Norm, w: f32, room: f64) -> f64 {
    let slope = f64::from(w.abs());
    match norm {
        Norm::L0 => slope * room,
        _ if room > 0.0 => slope,
        _ => 0.0,
    }
}

fn order(a: f64, b: f64) -> Ordering {
    b.total_cmp(&a)
}

fn still(norm: Norm) -> f64 {
    if matches!(norm, Norm::L1 | Norm::L0) { f64::INFINITY } else { 0.0 }
}

/// Sum of `term(i)` over `0..n` in eight lanes, so that it vectorises; the order of additions is fixed.
pub(crate) fn sum(n: usize, term: impl Fn(usize) -> f64) -> f64 {
    let mut lanes = [0.0; 8];
    let whole = n - n % 8;
    for start in (0..whole).step_by(8) {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += term(start + lane);
        }
    }
    lanes.iter().sum::<f64>() + (whole..n).map(term).sum::<f64>()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use seraph_plugin::Rng;
    use seraph_plugin::toolkit::Ball;

    const NORMS: [Norm; 4] = [Norm::Linf, Norm::L2, Norm::L1, Norm::L0];

    fn draw(n: usize, seed: u64) -> (Vec<f32>, Vec<f32>) {
        let mut rng = Rng::new(&[6; 32], seed);
        let w = (0..n).map(|_| if rng.below(9) == 0 { 0.0 } else { rng.normal() }).collect();
        (w, (0..n).map(|_| rng.uniform(-1.0, 1.0)).collect())
    }

    fn gain(w: &[f32], x: &[f32], y: &[f32]) -> f64 {
        (0..w.len()).map(|i| f64::from(w[i]) * (f64::from(y[i]) - f64::from(x[i]))).sum()
    }

    #[test]
    fn a_crossing_closes_the_gap_at_its_distance_and_stays_in_the_box() {
        for norm in NORMS {
            for n in [1, 5, 300] {
                for (seed, share) in [(1, 1e-3), (2, 0.1), (3, 0.5), (4, 0.99), (5, 2.0)] {
                    let ((w, x), box_) = (draw(n, seed), |_: usize| (-1.0, 1.0));
                    let gap = share * reach(&w, &x, box_);
                    let crossing = Solver::default().cross(norm, &w, gap, &x, box_);
                    let mut y = x.clone();
                    crossing.apply(&w, 1.0, &mut y, box_);
                    let what = format!("{norm:?} n {n} share {share}");
                    assert_eq!(crossing.reached, share < 1.0 || gap == 0.0, "{what}");
                    let expected = gap.min(reach(&w, &x, box_));
                    assert!((gain(&w, &x, &y) - expected).abs() < 1e-5 * (1.0 + expected), "{what}");
                    let distance = Ball::new(norm, &x, 0.0, (-1.0, 1.0)).distance(&y);
                    assert!((distance - crossing.distance).abs() < 1e-5 * (1.0 + distance), "{what}");
                }
            }
        }
    }

    #[test]
    fn without_bounds_the_distance_is_the_gap_over_the_dual_norm() {
        let (w, x) = draw(300, 9);
        let size = |i: usize| f64::from(w[i]).abs();
        let dual = [
            (Norm::Linf, (0..300).map(size).sum::<f64>()),
            (Norm::L2, (0..300).map(|i| size(i).powi(2)).sum::<f64>().sqrt()),
            (Norm::L1, (0..300).map(size).fold(0.0, f64::max)),
        ];
        for (norm, dual) in dual {
            let crossing = Solver::default().cross(norm, &w, 7.0, &x, |_| (-1e6, 1e6));
            assert!((crossing.distance - 7.0 / dual).abs() < 1e-9, "{norm:?}");
        }
    }

    #[test]
    fn no_other_crossing_is_nearer() {
        let mut rng = Rng::new(&[8; 32], 0);
        for norm in NORMS {
            for seed in 0..20 {
                let ((w, x), box_) = (draw(6, 100 + seed), |_: usize| (-1.0, 1.0));
                let gap = 0.6 * reach(&w, &x, box_);
                let least = Solver::default().cross(norm, &w, gap, &x, box_).distance;
                for _ in 0..300 {
                    // A random point of the box, drawn from x until it lies on the hyperplane.
                    let mut y: Vec<f32> = (0..6)
                        .map(|i| if rng.below(2) == 0 { x[i] } else { rng.uniform(-1.0, 1.0) })
                        .collect();
                    let over = gain(&w, &x, &y);
                    if over < gap {
                        continue;
                    }
                    (0..6).for_each(|i| y[i] = x[i] + (y[i] - x[i]) * (gap / over) as f32);
                    let distance = Ball::new(norm, &x, 0.0, (-1.0, 1.0)).distance(&y);
                    assert!(distance >= least - 1e-5, "{norm:?}: {distance} < {least}");
                }
            }
        }
    }

    #[test]
    fn nothing_to_cross_and_nothing_to_cross_with() {
        for norm in NORMS {
            let (x, box_) = ([0.5, -1.0, 1.0], |_: usize| (-1.0, 1.0));
            for (w, gap) in [([0.0; 3], 1.0), ([1.0; 3], 0.0), ([1.0; 3], -1.0), ([0.0, -1.0, 1.0], 1.0)] {
                let mut y = x;
                let crossing = Solver::default().cross(norm, &w, gap, &x, box_);
                crossing.apply(&w, 1.0, &mut y, box_);
                assert_eq!((y, crossing.distance, crossing.reached), (x, 0.0, gap <= 0.0), "{norm:?}");
            }
        }
    }
}
