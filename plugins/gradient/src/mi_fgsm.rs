//! `mi-fgsm`: iterated steps along an accumulated gradient, which leave poor local maxima and transfer better.

use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::Surrogate;

use crate::descent::{Descent, Direction, Keep, Schedule};

/// Dong et al. 2018 (arXiv:1710.06081), algorithm 1.
#[derive(Debug)]
pub struct MiFgsm {
    descent: Descent,
    decay: f32,
}

impl Attack for MiFgsm {
    const INFO: AttackInfo = AttackInfo {
        id: "mi-fgsm",
        name: "Momentum iterative fast gradient sign method",
        version: "1.0.0",
        author: "SERAPH",
        license: "MIT OR Apache-2.0",
        citation: "Dong, Liao, Pang, Su, Zhu, Hu, Li, \"Boosting adversarial attacks with momentum\", CVPR 2018",
        doc: "Accumulates gradients of L1 norm 1 with a decay and steps along the sign of the sum (L2: along the \
              normalised sum), from the clean audio.",
        access_required: Access::GRADIENT,
        access_optional: Access::LOGITS,
        norms: Norms::LINF.with(Norms::L2),
        goals: Goals::ANY,
        params: &[
            Param::i64("steps", 10, 1, 100_000, "gradients").affects_budget(),
            Param::f64("decay", 1.0, 0.0, 2.0, "of the accumulated gradient, mu"),
            Param::f64("rel_step", 0.0, 0.0, 10.0, "length of a step; 0: 1 / steps, as in the paper")
                .unit("eps"),
            Param::choice("loss", Surrogate::CHOICES, "what the steps raise"),
            Param::choice(
                "keep",
                &["last", "best"],
                "which iterate to hand in: the last, or that of lowest margin",
            ),
        ],
        presets: &[
            Preset { name: "paper-default", doc: "10 steps of eps/10, mu = 1: section 4.1", values: &[] },
            Preset {
                name: "strong",
                doc: "100 steps of eps/30 on the margin, mu = 0.75, the best iterate",
                values: &[
                    ("steps", Value::I64(100)),
                    ("decay", Value::F64(0.75)),
                    ("rel_step", Value::F64(1.0 / 30.0)),
                    ("loss", Value::Choice("margin")),
                    ("keep", Value::Choice("best")),
                ],
            },
        ],
        ..AttackInfo::EMPTY
    };

    fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
        let steps = config.usize("steps")?;
        let rel_step = match config.f64("rel_step")? as f32 {
            0.0 => 1.0 / steps as f32,
            given => given,
        };
        let descent = Descent {
            surrogate: Surrogate::from_choice(config.choice("loss")?)?,
            steps,
            rel_step,
            schedule: Schedule::Constant,
            restarts: 1,
            random_start: false,
            keep: Keep::from_choice(config.choice("keep")?),
            stop_below: None,
        };
        Ok(MiFgsm { descent, decay: config.f64("decay")? as f32 })
    }

    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        let velocity = vec![Vec::new(); task.n_items()];
        self.descent.run(task, oracle, &mut Momentum { decay: self.decay, velocity })
    }
}

/// Per item g in g <- mu g + grad / |grad|_1.
struct Momentum {
    decay: f32,
    velocity: Vec<Vec<f32>>,
}

impl Direction for Momentum {
    fn restart(&mut self, item: usize) {
        self.velocity[item].clear();
    }

    fn direct(&mut self, item: usize, grad: &mut [f32]) {
        let velocity = &mut self.velocity[item];
        velocity.resize(grad.len(), 0.0);
        let size: f64 = grad.iter().map(|grad| f64::from(grad.abs())).sum();
        let scale = if size > 0.0 { 1.0 / size } else { 0.0 };
        for (velocity, grad) in velocity.iter_mut().zip(grad) {
            *velocity = self.decay * *velocity + (scale * f64::from(*grad)) as f32;
            *grad = *velocity;
        }
    }
}
