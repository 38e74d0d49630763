//! `cw`: size of the change and margin in one objective, weighed by a constant that is searched for.

mod l2;
mod linf;

use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::Surrogate;

use crate::polish::polish;
use crate::scale::Scale;
use crate::search::Search;

/// Carlini & Wagner 2017 (arXiv:1608.04644), sections V and VI: lowers |delta| + c f(x + delta) with
/// f = max(margin + kappa, 0) by Adam, L2 in `l2`, Linf in `linf`. The margin is a difference of logits, so that
/// no shift of all logits changes anything.
#[derive(Debug)]
pub struct Cw {
    steps: usize,
    rate: f64,
    confidence: f64,
    searches: usize,
    constant: f64,
    largest_constant: f64,
    decrease: f64,
    abort_early: bool,
    variable: Variable,
    scale: Scale,
    halvings: usize,
}

/// What Adam changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variable {
    /// w of x = tanh(w), stretched to the box: no x leaves it.
    Tanh,
    /// x itself, clipped to the box.
    Clip,
}

impl Attack for Cw {
    const INFO: AttackInfo = AttackInfo {
        id: "cw",
        name: "Carlini & Wagner",
        version: "1.0.0",
        author: "SERAPH",
        license: "MIT OR Apache-2.0",
        citation: "Carlini, Wagner, \"Towards evaluating the robustness of neural networks\", IEEE S&P 2017",
        doc: "Minimises the size of the change plus c times the margin with Adam. L2: c by binary search. Linf: the \
              size is what exceeds a threshold, lowered after each success; c grows after each failure. One gradient \
              per step.",
        access_required: Access::GRADIENT,
        access_optional: Access::LOGITS,
        norms: Norms::L2.with(Norms::LINF),
        goals: Goals::ANY,
        params: &[
            Param::i64("steps", 1000, 1, 1_000_000, "gradients for each constant").affects_budget(),
            Param::f64(
                "rate",
                0.01,
                1e-9,
                100.0,
                "of Adam; with the linear scale, of a sample's mean change",
            )
            .log_scale(),
            Param::f64("confidence", 0.0, 0.0, 1e6, "kappa: logits by which a success is past the boundary"),
            Param::i64("searches", 9, 1, 64, "L2: constants tried").affects_budget(),
            Param::f64("constant", 1e-3, 1e-12, 1e12, "the first c").log_scale(),
            Param::f64("largest_constant", 20.0, 1e-12, 1e12, "Linf: the last c").log_scale(),
            Param::f64("decrease", 0.9, 0.1, 0.999, "Linf: of the threshold after a success")
                .affects_budget(),
            Param::bool("abort_early", true, "L2: end a search when a tenth of its steps changed nothing"),
            Param::choice(
                "variable",
                &["tanh", "clip"],
                "change of variables, or clipping, to stay in the box",
            ),
            Scale::PARAM,
            Param::i64("halvings", 0, 0, 64, "bisections of the way from the clean audio, in the end")
                .affects_budget(),
        ],
        presets: &[
            Preset {
                name: "paper-default",
                doc: "the authors' code: 9 constants from 0.001, rate 0.01, and for both norms the 1000 steps that it \
                      gives Linf (L2: 10 000)",
                values: &[],
            },
            Preset {
                name: "strong",
                doc: "rate and constant measured in the distance of the linearised boundary, no change of variables, \
                      and a bisection",
                values: &[
                    ("steps", Value::I64(100)),
                    ("rate", Value::F64(0.1)),
                    ("searches", Value::I64(5)),
                    ("constant", Value::F64(1.0)),
                    ("largest_constant", Value::F64(1000.0)),
                    ("decrease", Value::F64(0.95)),
                    ("variable", Value::Choice("clip")),
                    ("scale", Value::Choice("linear")),
                    ("halvings", Value::I64(10)),
                ],
            },
        ],
        ..AttackInfo::EMPTY
    };

    fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
        Ok(Cw {
            steps: config.usize("steps")?,
            rate: config.f64("rate")?,
            confidence: config.f64("confidence")?,
            searches: config.usize("searches")?,
            constant: config.f64("constant")?,
            largest_constant: config.f64("largest_constant")?,
            decrease: config.f64("decrease")?,
            abort_early: config.bool("abort_early")?,
            variable: if config.choice("variable")? == "clip" { Variable::Clip } else { Variable::Tanh },
            scale: Scale::from_config(config)?,
            halvings: config.usize("halvings")?,
        })
    }

    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        let mut search = Search::new(task, oracle, Surrogate::Margin, self.confidence)?;
        let outcome = match task.norm() {
            Norm::Linf => linf::run(self, &mut search, oracle),
            _ => l2::run(self, &mut search, oracle),
        };
        let outcome = outcome.and_then(|()| polish(&mut search, self.halvings, oracle));
        search.finish(outcome, oracle)
    }
}

/// The map between audio and what Adam changes; its slope at the middle of the box is 1.
#[derive(Clone, Copy, Debug)]
struct Coordinates {
    middle: f32,
    half: f32,
    clip: (f32, f32),
    is_tanh: bool,
}

/// Keeps the inverse of tanh finite at the ends of the box, as the authors' code does.
const INSIDE: f32 = 0.999_999;

impl Coordinates {
    fn of(variable: Variable, clip: (f32, f32)) -> Coordinates {
        let (middle, half) = (0.5 * (clip.0 + clip.1), 0.5 * (clip.1 - clip.0));
        let bounded = half.is_finite() && half > 0.0;
        Coordinates { middle, half, clip, is_tanh: variable == Variable::Tanh && bounded }
    }

    fn variable(&self, x: f32) -> f32 {
        match self.is_tanh {
            true => self.half * ((x - self.middle) / self.half * INSIDE).atanh(),
            false => x,
        }
    }

    fn audio(&self, variable: f32) -> f32 {
        match self.is_tanh {
            true => {
                (self.middle + self.half * (variable / self.half).tanh()).max(self.clip.0).min(self.clip.1)
            }
            false => variable.max(self.clip.0).min(self.clip.1),
        }
    }

    /// dx/dv at the audio `x`.
    fn slope(&self, x: f32) -> f32 {
        match self.is_tanh {
            true => 1.0 - ((x - self.middle) / self.half).powi(2),
            false => 1.0,
        }
    }
}
