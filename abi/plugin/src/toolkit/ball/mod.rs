//! The set that an attack may move in: a norm ball around the clean audio, cut with the box.
//!
//! Per norm one file with the same three functions: `project`, `ascend`, `random_start`. All work on the
//! unpadded samples of one item and write audio, not perturbations, rounded such that the host's check in
//! float64 passes.

mod l0;
mod l1;
mod l2;
mod linf;

use crate::{Norm, Rng, Task};

/// Of a step under L1, the share of samples that move unless told otherwise: Tramer & Boneh 2019
/// (arXiv:1904.13000), appendix A, take the largest percent of the gradient.
const L1_SHARE: f64 = 0.01;

/// A ball around the clean audio of one item, cut with the box.
#[derive(Clone, Debug)]
pub struct Ball<'a> {
    norm: Norm,
    radius: f32,
    clean: &'a [f32],
    clip: (f32, f32),
    /// For Linf: the lowest and highest value of each sample. Empty for the other norms.
    bounds: Vec<(f32, f32)>,
    l1_share: f64,
}

impl<'a> Ball<'a> {
    /// The ball of an item, on its unpadded samples.
    pub fn of(task: &Task<'a>, item: usize) -> Ball<'a> {
        Ball::new(task.norm(), task.utterance(item), task.radius(item), task.clip())
    }

    /// The balls of all items.
    pub fn all(task: &Task<'a>) -> Vec<Ball<'a>> {
        task.items().map(|item| Ball::of(task, item)).collect()
    }

    /// The ball of this norm and radius around `clean`, cut with the box `clip` (lowest, highest).
    pub fn new(norm: Norm, clean: &'a [f32], radius: f32, clip: (f32, f32)) -> Ball<'a> {
        let bounds = match norm {
            Norm::Linf => clean.iter().map(|x| linf::bounds(*x, radius, clip)).collect(),
            _ => Vec::new(),
        };
        Ball { norm, radius, clean, clip, bounds, l1_share: L1_SHARE }
    }

    /// Sets the share of the samples that a step under L1 moves; at least one does.
    pub fn set_l1_share(&mut self, share: f64) {
        self.l1_share = share;
    }

    /// The radius: full-scale units, for L0 samples.
    pub fn radius(&self) -> f32 {
        self.radius
    }

    /// The norm.
    pub fn norm(&self) -> Norm {
        self.norm
    }

    /// The clean audio: the centre.
    pub fn clean(&self) -> &'a [f32] {
        self.clean
    }

    /// The unit of a step: the radius, for L0 the width of the box.
    pub fn step_unit(&self) -> f32 {
        match self.norm {
            Norm::L0 => self.clip.1 - self.clip.0,
            _ => self.radius,
        }
    }

    /// Moves `x` to the nearest point of ball and box (L0: the nearest with the largest changes kept).
    pub fn project(&self, x: &mut [f32]) {
        match self.norm {
            Norm::Linf => linf::project(x, &self.bounds),
            Norm::L2 => l2::project(x, self.clean, self.radius, self.clip),
            Norm::L1 => l1::project(x, self.clean, self.radius, self.clip),
            Norm::L0 => l0::project(x, self.clean, self.radius, self.clip),
        }
    }

    /// Moves `x` by `step` (full-scale units; negative: down) in the direction that raises a loss with gradient
    /// `grad` the most for a step of that length under the norm. Where the gradient is 0, nothing moves.
    pub fn ascend(&self, x: &mut [f32], grad: &[f32], step: f32) {
        match self.norm {
            Norm::Linf => linf::ascend(x, grad, step),
            Norm::L2 => l2::ascend(x, grad, step),
            Norm::L1 => l1::ascend(x, grad, step, self.clip, self.l1_share),
            Norm::L0 => l0::ascend(x, grad, step),
        }
    }

    /// Makes `x` a random point of ball and box: uniform in the ball (L0: random samples, uniform in the box).
    pub fn random_start(&self, x: &mut [f32], rng: &mut Rng) {
        match self.norm {
            Norm::Linf => linf::random_start(x, self.clean, self.radius, rng),
            Norm::L2 => l2::random_start(x, self.clean, self.radius, rng),
            Norm::L1 => l1::random_start(x, self.clean, self.radius, rng),
            Norm::L0 => l0::random_start(x, self.clean, self.radius, self.clip, rng),
        }
        self.project(x);
    }

    /// The distance of `x` from the centre under the norm, in float64.
    pub fn distance(&self, x: &[f32]) -> f64 {
        match self.norm {
            Norm::Linf => linf::norm(x, self.clean),
            Norm::L2 => l2::norm(x, self.clean),
            Norm::L1 => l1::norm(x, self.clean),
            Norm::L0 => l0::norm(x, self.clean),
        }
    }
}

/// x_i - c_i in float64, which holds it exactly for all but the most unequal pairs.
fn differences<'a>(x: &'a [f32], clean: &'a [f32]) -> impl Iterator<Item = f64> + 'a {
    x.iter().zip(clean).map(|(x, c)| f64::from(*x) - f64::from(*c))
}

/// Sum of `term(i)` over `0..n`, in eight lanes so that it vectorises; the order of additions is fixed.
fn lane_sum(n: usize, term: impl Fn(usize) -> f64) -> f64 {
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
    use super::*;

    const CLIP: (f32, f32) = (-1.0, 1.0);

    /// Audio with silence, small and full-scale samples.
    fn audio(n: usize, rng: &mut Rng) -> Vec<f32> {
        (0..n).map(|i| [0.0, 0.004, 0.3, 1.0][i % 4] * rng.uniform(-1.0, 1.0)).collect()
    }

    fn radii(norm: Norm, n: usize) -> [f32; 3] {
        match norm {
            Norm::Linf => [1.0 / 32_768.0, 0.002, 0.7],
            Norm::L2 => [1e-3, 0.2, 0.3 * n as f32],
            Norm::L1 => [0.01, 2.0, 3.0 * n as f32],
            Norm::L0 => [1.0, 10.0, n as f32],
        }
    }

    fn each_case(check: impl Fn(&Ball, &mut Rng)) {
        for norm in [Norm::Linf, Norm::L2, Norm::L1, Norm::L0] {
            for n in [1, 7, 1600] {
                let mut rng = Rng::new(&[3; 32], n as u64);
                let clean = audio(n, &mut rng);
                for radius in radii(norm, n) {
                    check(&Ball::new(norm, &clean, radius, CLIP), &mut rng);
                }
            }
        }
    }

    /// What the host accepts: float64, box exact, 2 ulp for Linf, rounding of the samples for L2 and L1.
    fn assert_inside(ball: &Ball, x: &[f32], what: &str) {
        assert!(x.iter().all(|x| (CLIP.0..=CLIP.1).contains(x)), "{what}: outside the box");
        let slack = match ball.norm {
            Norm::Linf => 0.0,
            Norm::L2 => f64::from(ball.radius) * 1e-6,
            Norm::L1 => f64::from(ball.radius) * 1e-6,
            Norm::L0 => 0.0,
        };
        let distance = ball.distance(x);
        let n = x.len();
        assert!(distance <= f64::from(ball.radius) + slack, "{what}: {distance} > {} (n {n})", ball.radius);
    }

    #[test]
    fn projections_and_starts_are_inside_in_float64() {
        each_case(|ball, rng| {
            let mut x = ball.clean().to_vec();
            ball.random_start(&mut x, rng);
            assert_inside(ball, &x, "start");
            for scale in [1e-4, 0.1, 10.0] {
                x.iter_mut().for_each(|x| *x += scale * rng.normal());
                ball.project(&mut x);
                assert_inside(ball, &x, "projection");
            }
        });
    }

    #[test]
    fn projection_leaves_points_of_the_ball_where_they_are() {
        each_case(|ball, rng| {
            let mut x = ball.clean().to_vec();
            ball.random_start(&mut x, rng);
            let before = x.clone();
            ball.project(&mut x);
            assert_eq!(x, before, "{:?} radius {}", ball.norm, ball.radius);
        });
    }

    #[test]
    fn projection_is_the_nearest_of_many_points() {
        for norm in [Norm::Linf, Norm::L2, Norm::L1] {
            let clean = [0.9_f32, -0.2, 0.0, 0.5, -1.0];
            let ball = Ball::new(norm, &clean, 0.4, (-2.0, 2.0));
            let mut rng = Rng::new(&[5; 32], 0);
            for _ in 0..50 {
                let outside: Vec<f32> = clean.iter().map(|c| c + 0.5 * rng.normal()).collect();
                let mut nearest = outside.clone();
                ball.project(&mut nearest);
                let best = l2::norm(&nearest, &outside);
                for _ in 0..200 {
                    let mut other = clean.to_vec();
                    ball.random_start(&mut other, &mut rng);
                    assert!(l2::norm(&other, &outside) >= best - 1e-6, "{norm:?}");
                }
            }
        }
    }

    #[test]
    fn steps_have_their_length_and_follow_the_gradient() {
        for (norm, grad, expected) in [
            (Norm::Linf, [1.0, -2.0, 0.0], [0.1, -0.1, 0.0]),
            (Norm::L2, [3.0, -4.0, 0.0], [0.06, -0.08, 0.0]),
            (Norm::L1, [1.0, -2.0, 0.0], [0.0, -0.1, 0.0]),
            (Norm::L0, [1.0, -2.0, 0.0], [0.05, -0.1, 0.0]),
        ] {
            for direction in [1.0_f32, -1.0] {
                let clean = [0.0_f32; 3];
                let ball = Ball::new(norm, &clean, 1.0, CLIP);
                let mut x = clean;
                ball.ascend(&mut x, &grad, 0.1 * direction);
                for (x, expected) in x.iter().zip(expected) {
                    assert!((x - direction * expected).abs() < 1e-7, "{norm:?}: {x} {expected}");
                }
            }
        }
    }

    #[test]
    fn zero_and_denormal_gradients_do_not_make_nan() {
        each_case(|ball, _| {
            for value in [0.0, -0.0, f32::from_bits(1), f32::MAX] {
                let mut x = ball.clean().to_vec();
                let grad = vec![value; x.len()];
                ball.ascend(&mut x, &grad, 0.5 * ball.step_unit());
                ball.project(&mut x);
                assert_inside(ball, &x, "extreme gradient");
            }
        });
    }

    #[test]
    fn no_samples_are_no_problem() {
        for norm in [Norm::Linf, Norm::L2, Norm::L1, Norm::L0] {
            let ball = Ball::new(norm, &[], 1.0, CLIP);
            ball.random_start(&mut [], &mut Rng::new(&[0; 32], 0));
            ball.ascend(&mut [], &[], 1.0);
            assert_eq!(ball.distance(&[]), 0.0);
        }
    }
}
