//! `fgsm`: one step along the gradient, to the surface of the ball.

use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::{Batch, Objective, Surrogate};

/// Goodfellow, Shlens, Szegedy 2015 (arXiv:1412.6572), section 4: x' = x + eps sign(grad J(x, y)); for L2 the step
/// goes along the normalised gradient.
#[derive(Debug)]
pub struct Fgsm {
    surrogate: Surrogate,
}

impl Attack for Fgsm {
    const INFO: AttackInfo = AttackInfo {
        id: "fgsm",
        name: "Fast gradient sign method",
        version: "1.0.0",
        author: "SERAPH",
        license: "MIT OR Apache-2.0",
        citation: "Goodfellow, Shlens, Szegedy, \"Explaining and harnessing adversarial examples\", ICLR 2015",
        doc: "One step of the size of the radius in the direction that raises the loss the most: the sign of the \
              gradient for Linf, the normalised gradient for L2. Asks for one gradient per item.",
        access_required: Access::GRADIENT,
        norms: Norms::LINF.with(Norms::L2),
        goals: Goals::ANY,
        params: &[Param::choice("loss", Surrogate::CHOICES, "what the step raises")],
        presets: &[
            Preset { name: "paper-default", doc: "cross entropy, section 4", values: &[] },
            Preset {
                name: "strong",
                doc: "the margin loss does not saturate where the victim is certain",
                values: &[("loss", Value::Choice("margin"))],
            },
        ],
        ..AttackInfo::EMPTY
    };

    fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
        Ok(Fgsm { surrogate: Surrogate::from_choice(config.choice("loss")?)? })
    }

    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        let mut batch = Batch::of(task, task.items());
        let mut objective = Objective::new(task, self.surrogate);
        let mut gradients = Gradients::default();
        oracle.loss_grad(batch.x(), batch.items(), &objective.loss(batch.items()), &mut gradients)?;
        batch.for_each(|item, row, x| {
            let ball = Ball::of(task, item);
            ball.ascend(x, gradients.row(row), objective.sign() * ball.radius());
            ball.project(x);
        });
        (0..batch.len()).try_for_each(|row| oracle.commit(batch.item(row), batch.row(row)))
    }
}
