//! `comb`: a periodic mask that knows neither the victim nor the audio. STAA-Net's generated masks come close to
//! one, so an attack on few samples must beat it to mean anything.

use seraph_plugin::prelude::*;

/// Teeth of equal height at the same places of every period.
#[derive(Debug)]
pub struct Comb {
    period: usize,
    teeth: usize,
    phase: usize,
    alternate: bool,
}

impl Attack for Comb {
    const INFO: AttackInfo = AttackInfo {
        id: "comb",
        name: "Periodic comb",
        version: "1.0.0",
        author: "SERAPH",
        license: "MIT OR Apache-2.0",
        citation: "control for: Chang et al., \"STAA-Net\", arXiv:2402.01227",
        doc: "Changes the first teeth of every period by one height: the radius for Linf, what fills the ball for L2 \
              and L1; for L0, the period is widened until the teeth fit, and each goes to the farther end of the \
              box. Where it leaves the box it is cut.",
        norms: Norms::ALL,
        goals: Goals::ANY,
        params: &[
            Param::i64("period", 16, 1, 1 << 20, "distance between combs").unit("samples"),
            Param::i64("teeth", 2, 1, 1 << 20, "changed samples of each period").unit("samples"),
            Param::i64("phase", 0, 0, 1 << 20, "place of the first tooth").unit("samples"),
            Param::bool("alternate", false, "teeth alternate between up and down"),
        ],
        presets: &[
            Preset {
                name: "paper-default",
                doc: "density 12.5 % with period 16, one of the densities of STAA-Net",
                values: &[],
            },
            Preset {
                name: "strong",
                doc: "every sample, alternating: the most power in an Linf ball",
                values: &[
                    ("period", Value::I64(1)),
                    ("teeth", Value::I64(1)),
                    ("alternate", Value::Bool(true)),
                ],
            },
        ],
        ..AttackInfo::EMPTY
    };

    fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
        let (period, teeth) = (config.usize("period")?, config.usize("teeth")?);
        if teeth > period {
            return Err(Error::argument(format!("{teeth} teeth do not fit in a period of {period} samples")));
        }
        Ok(Comb { period, teeth, phase: config.usize("phase")?, alternate: config.bool("alternate")? })
    }

    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        for item in task.items() {
            let (ball, mut x) = (Ball::of(task, item), task.audio(item).to_vec());
            self.add_comb(&ball, &mut x[..task.length(item)], task.clip());
            oracle.commit(item, &x)?;
        }
        Ok(())
    }
}

impl Comb {
    fn add_comb(&self, ball: &Ball, x: &mut [f32], clip: (f32, f32)) {
        let places = match ball.norm() {
            Norm::L0 => self.places_within(x.len(), ball.radius() as usize),
            _ => self.places(x.len(), self.period),
        };
        let count = places.len().max(1) as f32;
        let height = match ball.norm() {
            Norm::Linf => ball.radius(),
            Norm::L2 => ball.radius() / count.sqrt(),
            Norm::L1 => ball.radius() / count,
            Norm::L0 => 0.0,
        };
        for (tooth, place) in places.into_iter().enumerate() {
            let sign = if self.alternate && tooth % 2 == 1 { -1.0 } else { 1.0 };
            match ball.norm() {
                Norm::L0 => x[place] = if x[place] > 0.5 * (clip.0 + clip.1) { clip.0 } else { clip.1 },
                _ => x[place] += sign * height,
            }
        }
        ball.project(x);
    }

    fn places(&self, n: usize, period: usize) -> Vec<usize> {
        (self.phase..n).filter(|i| (i - self.phase) % period < self.teeth).collect()
    }

    /// The teeth of the narrowest period, no narrower than asked, at which there are at most `count`.
    fn places_within(&self, n: usize, count: usize) -> Vec<usize> {
        let narrowest = (n * self.teeth).div_ceil(count.max(1)).max(self.period);
        let mut places = self.places(n, narrowest);
        places.truncate(count);
        places
    }
}
