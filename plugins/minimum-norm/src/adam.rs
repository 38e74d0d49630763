//! Adam, the optimiser of `cw`: Kingma & Ba 2015 (arXiv:1412.6980), algorithm 1, with its constants.

const BETA: (f32, f32) = (0.9, 0.999);
/// Beside the root of the second moment of a gradient that is measured in its own largest component.
const EPSILON: f32 = 1e-8;

/// The moments of one item.
#[derive(Clone, Debug)]
pub struct Adam {
    first: Vec<f32>,
    second: Vec<f32>,
    steps: i32,
}

impl Adam {
    /// For `n` variables.
    pub fn new(n: usize) -> Adam {
        Adam { first: vec![0.0; n], second: vec![0.0; n], steps: 0 }
    }

    /// As if new.
    pub fn reset(&mut self) {
        self.first.fill(0.0);
        self.second.fill(0.0);
        self.steps = 0;
    }

    /// A step down along `gradients`, one for each variable.
    pub fn descend(&mut self, variables: &mut [f32], rate: f32, gradients: impl Iterator<Item = f32>) {
        self.steps = self.steps.saturating_add(1);
        let unbias = (1.0 - BETA.0.powi(self.steps), 1.0 - BETA.1.powi(self.steps));
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((variable, (first, second)), g) in variables.iter_mut().zip(moments).zip(gradients) {
            *first = BETA.0 * *first + (1.0 - BETA.0) * g;
            *second = BETA.1 * *second + (1.0 - BETA.1) * g * g;
            *variable -= rate * (*first / unbias.0) / ((*second / unbias.1).sqrt() + EPSILON);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_has_the_length_of_the_rate_and_a_quadratic_is_solved() {
        let (mut adam, mut x) = (Adam::new(2), [3.0, -1.0]);
        adam.descend(&mut x, 0.1, [2.0, -2.0].into_iter());
        assert!((x[0] - 2.9).abs() < 1e-6 && (x[1] + 0.9).abs() < 1e-6);
        for _ in 0..500 {
            let gradients = x.map(|x| x - 1.0);
            adam.descend(&mut x, 0.05, gradients.into_iter());
        }
        assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-3), "{x:?}");
    }
}
