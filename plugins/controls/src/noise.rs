//! `noise`: random noise of exactly the budget. An attack that does no better has learned nothing from the victim.

use seraph_plugin::prelude::*;

/// Noise on the surface of the ball.
#[derive(Debug)]
pub struct Noise {
    distribution: Distribution,
}

#[derive(Clone, Copy, Debug)]
enum Distribution {
    Uniform,
    Gaussian,
    Sign,
}

impl Attack for Noise {
    const INFO: AttackInfo = AttackInfo {
        id: "noise",
        name: "Matched-budget noise",
        version: "1.0.0",
        author: "SERAPH",
        license: "MIT OR Apache-2.0",
        citation: "",
        doc: "White noise scaled to the surface of the ball: for Linf its largest sample is the radius, for L2 and \
              L1 its norm is; for L0, that many random samples are replaced. Where it leaves the box it is cut.",
        norms: Norms::ALL,
        goals: Goals::ANY,
        params: &[Param::choice(
            "distribution",
            &["uniform", "gaussian", "sign"],
            "of each sample; sign: plus or minus the same value, the most power that an Linf ball holds",
        )],
        presets: &[
            Preset { name: "paper-default", doc: "uniform noise", values: &[] },
            Preset {
                name: "strong",
                doc: "the most power in an Linf ball",
                values: &[("distribution", Value::Choice("sign"))],
            },
        ],
        ..AttackInfo::EMPTY
    };

    fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
        let distribution = match config.choice("distribution")? {
            "gaussian" => Distribution::Gaussian,
            "sign" => Distribution::Sign,
            _ => Distribution::Uniform,
        };
        Ok(Noise { distribution })
    }

    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        for item in task.items() {
            let (ball, mut rng, mut x) = (Ball::of(task, item), task.rng(item), task.audio(item).to_vec());
            let utterance = &mut x[..task.length(item)];
            match task.norm() {
                Norm::L0 => ball.random_start(utterance, &mut rng),
                _ => self.add_noise(&ball, utterance, &mut rng),
            }
            oracle.commit(item, &x)?;
        }
        Ok(())
    }
}

impl Noise {
    fn add_noise(&self, ball: &Ball, x: &mut [f32], rng: &mut Rng) {
        let noise: Vec<f32> = x.iter().map(|_| self.draw(rng)).collect();
        let zero = vec![0.0; noise.len()];
        let size = Ball::new(ball.norm(), &zero, 0.0, (-1.0, 1.0)).distance(&noise);
        if size > 0.0 {
            let scale = f64::from(ball.radius()) / size;
            x.iter_mut().zip(noise).for_each(|(x, noise)| *x += (scale * f64::from(noise)) as f32);
            ball.project(x);
        }
    }

    fn draw(&self, rng: &mut Rng) -> f32 {
        match self.distribution {
            Distribution::Uniform => rng.uniform(-1.0, 1.0),
            Distribution::Gaussian => rng.normal(),
            Distribution::Sign => rng.sign(),
        }
    }
}
