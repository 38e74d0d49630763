//! `bim`: the fast gradient sign method, iterated from the clean audio.

use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::Surrogate;

use crate::descent::{Descent, Keep, Schedule, Steepest};

/// Kurakin, Goodfellow, Bengio 2017 (arXiv:1607.02533), section 2.2: x <- clip(x + a sign(grad J(x, y))).
#[derive(Debug)]
pub struct Bim {
    descent: Descent,
}

impl Attack for Bim {
    const INFO: AttackInfo = AttackInfo {
        id: "bim",
        name: "Basic iterative method",
        version: "1.0.0",
        author: "SERAPH",
        license: "MIT OR Apache-2.0",
        citation: "Kurakin, Goodfellow, Bengio, \"Adversarial examples in the physical world\", ICLR workshop 2017",
        doc: "Small steps along the sign of the gradient (L2: the normalised gradient) from the clean audio, each \
              followed by a projection to ball and box.",
        access_required: Access::GRADIENT,
        access_optional: Access::LOGITS,
        norms: Norms::LINF.with(Norms::L2),
        goals: Goals::ANY,
        params: &[
            Param::i64("steps", 10, 1, 100_000, "gradients").affects_budget(),
            Param::f64("rel_step", 0.125, 1e-6, 10.0, "length of a step").unit("eps").log_scale(),
            Param::choice("loss", Surrogate::CHOICES, "what the steps raise"),
            Param::choice(
                "keep",
                &["last", "best"],
                "which iterate to hand in: the last, or that of lowest margin",
            ),
        ],
        presets: &[
            Preset {
                name: "paper-default",
                doc: "10 steps of eps/8: section 2.2 at eps = 8 of 255",
                values: &[],
            },
            Preset {
                name: "facchinetti-2024",
                doc: "100 steps of eps/10: arXiv:2404.18514, the run at eps = 1",
                values: &[("steps", Value::I64(100)), ("rel_step", Value::F64(0.1))],
            },
            Preset {
                name: "strong",
                doc: "100 steps of eps/30 on the margin, the best iterate",
                values: &[
                    ("steps", Value::I64(100)),
                    ("rel_step", Value::F64(1.0 / 30.0)),
                    ("loss", Value::Choice("margin")),
                    ("keep", Value::Choice("best")),
                ],
            },
        ],
        ..AttackInfo::EMPTY
    };

    fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
        Ok(Bim {
            descent: Descent {
                surrogate: Surrogate::from_choice(config.choice("loss")?)?,
                steps: config.usize("steps")?,
                rel_step: config.f64("rel_step")? as f32,
                schedule: Schedule::Constant,
                restarts: 1,
                random_start: false,
                keep: Keep::from_choice(config.choice("keep")?),
                stop_below: None,
            },
        })
    }

    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        self.descent.run(task, oracle, &mut Steepest)
    }
}
