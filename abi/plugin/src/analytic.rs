//! Models whose best attack is known: what tests of attacks, and `victim-linear`, are made of.

use crate::{Loss, Rng};

/// A model with exact logits and exact products with its Jacobian, in float64.
pub trait Model {
    /// Classes.
    fn n_classes(&self) -> usize;

    /// Logits `z` `[n_classes]` of one row `x`.
    fn logits(&self, x: &[f32], z: &mut [f64]);

    /// Adds `J(x)^T v` to `gradient` `[x.len()]`, J being the Jacobian of the logits, `v` `[n_classes]`.
    fn add_vjp(&self, x: &[f32], v: &[f64], gradient: &mut [f64]);
}

/// Loss of one row, its gradient with respect to the row, and its logits, in float32 as a victim answers them.
/// `row` is the row's place in the arrays of the loss.
pub fn loss_grad(
    model: &(impl Model + ?Sized),
    x: &[f32],
    loss: &Loss,
    row: usize,
    grad: &mut [f32],
    logits: &mut [f32],
) -> f32 {
    let (mut z, mut dz) = (vec![0.0; model.n_classes()], vec![0.0; model.n_classes()]);
    model.logits(x, &mut z);
    let value = loss.value_and_gradient(row, &z, &mut dz);
    let mut exact = vec![0.0; x.len()];
    model.add_vjp(x, &dz, &mut exact);
    grad.iter_mut().zip(exact).for_each(|(grad, exact)| *grad = exact as f32);
    logits.iter_mut().zip(z).for_each(|(logits, z)| *logits = z as f32);
    value as f32
}

/// z = W x + b. The least change that turns class y into k is g / |w|_q for a ball of norm p, with 1/p + 1/q = 1,
/// g = z_y - z_k and w = w_k - w_y: |w|_1 for Linf, |w|_2 for L2, |w|_inf for L1.
#[derive(Clone, Debug)]
pub struct Linear {
    /// `[n_classes][n_samples]`.
    pub weights: Vec<Vec<f64>>,
    /// `[n_classes]`.
    pub bias: Vec<f64>,
}

impl Linear {
    /// Weights uniform in [-1, 1), biases in [-0.1, 0.1), from a seed.
    pub fn random(n_classes: usize, n_samples: usize, seed: u64) -> Linear {
        let mut rng = Rng::new(&[0x4c; 32], seed);
        let mut row = |n: usize, scale: f32| (0..n).map(|_| f64::from(rng.uniform(-scale, scale))).collect();
        let weights = (0..n_classes).map(|_| row(n_samples, 1.0)).collect();
        Linear { weights, bias: row(n_classes, 0.1) }
    }

    /// w_k - w_y.
    pub fn direction(&self, y: usize, k: usize) -> Vec<f64> {
        self.weights[k].iter().zip(&self.weights[y]).map(|(to, from)| to - from).collect()
    }
}

impl Model for Linear {
    fn n_classes(&self) -> usize {
        self.weights.len()
    }

    fn logits(&self, x: &[f32], z: &mut [f64]) {
        for ((z, weights), bias) in z.iter_mut().zip(&self.weights).zip(&self.bias) {
            *z = bias + dot(weights, x);
        }
    }

    fn add_vjp(&self, _x: &[f32], v: &[f64], gradient: &mut [f64]) {
        for (v, weights) in v.iter().zip(&self.weights) {
            gradient.iter_mut().zip(weights).for_each(|(gradient, weight)| *gradient += v * weight);
        }
    }
}

/// z_k = -|x - c_k|^2: the nearest centre wins. Its decision boundaries are those of a linear model; its
/// gradients change with x.
#[derive(Clone, Debug)]
pub struct Sphere {
    /// `[n_classes][n_samples]`.
    pub centres: Vec<Vec<f64>>,
}

impl Sphere {
    /// Centres uniform in [-0.5, 0.5), from a seed.
    pub fn random(n_classes: usize, n_samples: usize, seed: u64) -> Sphere {
        let mut rng = Rng::new(&[0x53; 32], seed);
        let mut centre = || (0..n_samples).map(|_| f64::from(rng.uniform(-0.5, 0.5))).collect();
        Sphere { centres: (0..n_classes).map(|_| centre()).collect() }
    }
}

impl Model for Sphere {
    fn n_classes(&self) -> usize {
        self.centres.len()
    }

    fn logits(&self, x: &[f32], z: &mut [f64]) {
        for (z, centre) in z.iter_mut().zip(&self.centres) {
            *z = -x.iter().zip(centre).map(|(x, c)| (f64::from(*x) - c).powi(2)).sum::<f64>();
        }
    }

    fn add_vjp(&self, x: &[f32], v: &[f64], gradient: &mut [f64]) {
        for (v, centre) in v.iter().zip(&self.centres) {
            for ((gradient, x), c) in gradient.iter_mut().zip(x).zip(centre) {
                *gradient += v * -2.0 * (f64::from(*x) - c);
            }
        }
    }
}

/// z_k = max over pieces of a linear form: convex logits with kinks, where gradients jump.
#[derive(Clone, Debug)]
pub struct PiecewiseLinear {
    /// All of one shape.
    pub pieces: Vec<Linear>,
}

impl PiecewiseLinear {
    /// `n_pieces` random linear models, from a seed.
    pub fn random(n_classes: usize, n_samples: usize, n_pieces: usize, seed: u64) -> PiecewiseLinear {
        let piece = |i: usize| {
            Linear::random(n_classes, n_samples, seed.wrapping_mul(1_000_003).wrapping_add(i as u64))
        };
        PiecewiseLinear { pieces: (0..n_pieces).map(piece).collect() }
    }

    /// The value of class `k` in each piece.
    fn values<'a>(&'a self, x: &'a [f32], k: usize) -> impl Iterator<Item = f64> + 'a {
        self.pieces.iter().map(move |piece| piece.bias[k] + dot(&piece.weights[k], x))
    }
}

impl Model for PiecewiseLinear {
    fn n_classes(&self) -> usize {
        self.pieces[0].n_classes()
    }

    fn logits(&self, x: &[f32], z: &mut [f64]) {
        for (k, z) in z.iter_mut().enumerate() {
            *z = self.values(x, k).fold(f64::NEG_INFINITY, f64::max);
        }
    }

    fn add_vjp(&self, x: &[f32], v: &[f64], gradient: &mut [f64]) {
        for (k, v) in v.iter().enumerate() {
            let values: Vec<f64> = self.values(x, k).collect();
            let active = &self.pieces[crate::loss::argmax(&values)].weights[k];
            gradient.iter_mut().zip(active).for_each(|(gradient, weight)| *gradient += v * weight);
        }
    }
}

fn dot(weights: &[f64], x: &[f32]) -> f64 {
    weights.iter().zip(x).map(|(w, x)| w * f64::from(*x)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_agree_with_central_differences() {
        let models: [&dyn Model; 3] =
            [&Linear::random(3, 6, 1), &Sphere::random(3, 6, 1), &PiecewiseLinear::random(3, 6, 4, 1)];
        let x = [0.3, -0.2, 0.1, 0.0, 0.4, -0.5];
        for model in models {
            for loss in [Loss::CE, Loss::MARGIN, Loss::DLR] {
                let loss = Loss { classes: Some(&[1]), ..loss };
                let (mut grad, mut logits) = ([0.0; 6], [0.0; 3]);
                loss_grad(model, &x, &loss, 0, &mut grad, &mut logits);
                for i in 0..6 {
                    let (mut above, mut below) = (x, x);
                    above[i] += 1.0 / 4096.0;
                    below[i] -= 1.0 / 4096.0;
                    let width = f64::from(above[i]) - f64::from(below[i]);
                    let difference = (value(model, &above, &loss) - value(model, &below, &loss)) / width;
                    let exact = f64::from(grad[i]);
                    assert!((difference - exact).abs() < 1e-3 * (1.0 + exact.abs()), "{difference} {exact}");
                }
            }
        }
    }

    fn value(model: &dyn Model, x: &[f32], loss: &Loss) -> f64 {
        let (mut z, mut dz) = ([0.0; 3], [0.0; 3]);
        model.logits(x, &mut z);
        loss.value_and_gradient(0, &z, &mut dz)
    }
}
