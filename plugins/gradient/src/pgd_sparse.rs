//! `pgd-sparse`: projected gradient descent on a fixed number of samples of the time axis.

use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::Surrogate;

use crate::descent::{Descent, Direction, Keep, Schedule};

/// The sparse baseline of STAA-Net (Chang et al. 2024, arXiv:2402.01227, section IV): PGD that may change a
/// pre-defined number of positions only. Which ones, the paper leaves open: here those of the largest gradient at the
/// clean audio, or random ones.
#[derive(Debug)]
pub struct PgdSparse {
    descent: Descent,
    density: f64,
    by_gradient: bool,
}

impl Attack for PgdSparse {
    const INFO: AttackInfo = AttackInfo {
        id: "pgd-sparse",
        name: "Projected gradient descent on few samples",
        version: "1.0.0",
        author: "SERAPH",
        license: "MIT OR Apache-2.0",
        citation: "baseline of: Chang, Ren, Zhang, Jing, Qian, Shao, Hu, Schultz, Schuller, \"STAA-Net: a sparse and \
                   transferable adversarial attack for speech emotion recognition\", arXiv:2402.01227, 2024",
        doc: "Chooses a share of the samples by the size of the gradient at the clean audio (or at random), then runs \
              sign steps on those alone, from the clean audio.",
        access_required: Access::GRADIENT,
        access_optional: Access::LOGITS,
        norms: Norms::LINF,
        goals: Goals::ANY,
        params: &[
            Param::f64("density", 26_000.0 / 139_200.0, 0.0, 1.0, "share of the samples that may change"),
            Param::choice(
                "positions",
                &["gradient", "random"],
                "which samples: of the largest gradient, or any",
            ),
            Param::i64("steps", 20, 1, 100_000, "gradients").affects_budget(),
            Param::f64("rel_step", 0.25, 1e-6, 10.0, "length of the first step").unit("eps").log_scale(),
            Param::choice("schedule", &["constant", "cosine"], "of the later steps"),
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
                doc: "20 steps of eps/4 on 26,000 of 139,200 samples, as the paper's code",
                values: &[],
            },
            Preset {
                name: "strong",
                doc: "100 decaying steps on the margin, the best iterate, a quarter of the samples",
                values: &[
                    ("density", Value::F64(0.25)),
                    ("steps", Value::I64(100)),
                    ("schedule", Value::Choice("cosine")),
                    ("loss", Value::Choice("margin")),
                    ("keep", Value::Choice("best")),
                ],
            },
        ],
        ..AttackInfo::EMPTY
    };

    fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
        let descent = Descent {
            surrogate: Surrogate::from_choice(config.choice("loss")?)?,
            steps: config.usize("steps")?,
            rel_step: config.f64("rel_step")? as f32,
            schedule: Schedule::from_choice(config.choice("schedule")?),
            restarts: 1,
            random_start: false,
            keep: Keep::from_choice(config.choice("keep")?),
            stop_below: None,
        };
        let by_gradient = config.choice("positions")? == "gradient";
        Ok(PgdSparse { descent, density: config.f64("density")?, by_gradient })
    }

    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        let mut mask = Mask {
            density: self.density,
            by_gradient: self.by_gradient,
            rngs: task.items().map(|item| task.rng(item)).collect(),
            closed: vec![Vec::new(); task.n_items()],
        };
        self.descent.run(task, oracle, &mut mask)
    }
}

/// Per item, the samples that may not change; chosen at its first gradient.
struct Mask {
    density: f64,
    by_gradient: bool,
    rngs: Vec<Rng>,
    closed: Vec<Vec<usize>>,
}

impl Direction for Mask {
    fn restart(&mut self, item: usize) {
        self.closed[item].clear();
    }

    fn direct(&mut self, item: usize, grad: &mut [f32]) {
        let open = (self.density * grad.len() as f64).round() as usize;
        if self.closed[item].is_empty() && open < grad.len() {
            self.closed[item] = self.choose(item, grad, open);
        }
        self.closed[item].iter().for_each(|i| grad[*i] = 0.0);
    }
}

impl Mask {
    /// All samples but `open` of them.
    fn choose(&mut self, item: usize, grad: &[f32], open: usize) -> Vec<usize> {
        if self.by_gradient {
            let mut order: Vec<usize> = (0..grad.len()).collect();
            order.sort_by(|a, b| grad[*b].abs().total_cmp(&grad[*a].abs()));
            return order.split_off(open);
        }
        self.rngs[item].distinct(grad.len() - open, grad.len())
    }
}
