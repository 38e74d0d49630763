//! `pgd`: projected gradient descent from random starts.

use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::Surrogate;

use crate::descent::{Descent, Keep, Schedule, Steepest};

/// Madry et al. 2018 (arXiv:1706.06083), section 2.1: x <- P(x + a sign(grad L(x, y))); for the other norms the step
/// is the steepest of that norm.
#[derive(Debug)]
pub struct Pgd {
    descent: Descent,
}

impl Attack for Pgd {
    const INFO: AttackInfo = AttackInfo {
        id: "pgd",
        name: "Projected gradient descent",
        version: "1.0.0",
        author: "SERAPH",
        license: "MIT OR Apache-2.0",
        citation: "Madry, Makelov, Schmidt, Tsipras, Vladu, \"Towards deep learning models resistant to adversarial \
                   attacks\", ICLR 2018",
        doc: "Steps in the steepest direction of the norm (sign of the gradient for Linf, normalised gradient for L2, \
              the largest components for L1 and L0), each followed by a projection to ball and box, from random \
              starts in the ball.",
        access_required: Access::GRADIENT,
        access_optional: Access::LOGITS,
        norms: Norms::ALL,
        goals: Goals::ANY,
        params: &[
            Param::i64("steps", 20, 1, 100_000, "gradients of each restart").affects_budget(),
            Param::f64("rel_step", 0.25, 1e-6, 10.0, "length of the first step").unit("eps").log_scale(),
            Param::choice("schedule", &["constant", "cosine"], "of the later steps"),
            Param::i64("restarts", 1, 1, 1000, "starts; later ones only for unbroken items").affects_budget(),
            Param::bool("random_start", true, "start at a random point of the ball, not at the clean audio"),
            Param::choice("loss", Surrogate::CHOICES, "what the steps raise"),
            Param::choice(
                "keep",
                &["last", "best"],
                "which iterate to hand in: the last, or that of lowest margin",
            ),
            Param::bool("early_stop", false, "stop an item once it has succeeded"),
            Param::f64("confidence", 0.0, 0.0, 1e6, "margin by which an early stop must have succeeded"),
        ],
        presets: &[
            Preset {
                name: "paper-default",
                doc: "20 steps of eps/4 on cross entropy from one random start, the last iterate: the ratio of step \
                      to radius of section 5, at STAA-Net's 20 steps",
                values: &[],
            },
            Preset {
                name: "strong",
                doc: "5 restarts of 100 decaying steps on the margin, the best iterate",
                values: &[
                    ("steps", Value::I64(100)),
                    ("restarts", Value::I64(5)),
                    ("schedule", Value::Choice("cosine")),
                    ("loss", Value::Choice("margin")),
                    ("keep", Value::Choice("best")),
                ],
            },
        ],
        ..AttackInfo::EMPTY
    };

    fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
        Ok(Pgd {
            descent: Descent {
                surrogate: Surrogate::from_choice(config.choice("loss")?)?,
                steps: config.usize("steps")?,
                rel_step: config.f64("rel_step")? as f32,
                schedule: Schedule::from_choice(config.choice("schedule")?),
                restarts: config.usize("restarts")?,
                random_start: config.bool("random_start")?,
                keep: Keep::from_choice(config.choice("keep")?),
                stop_below: config.bool("early_stop")?.then_some(config.f64("confidence")? as f32),
            },
        })
    }

    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        self.descent.run(task, oracle, &mut Steepest)
    }
}
