//! `snr-fgsm`: one step along the sign of the gradient, as long as the SNR of the threat allows.

use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::{Batch, Objective, Surrogate};

/// Feng et al. 2023 (arXiv:2305.11229), the safety axis of TrustSER: FGSM whose step is scaled to a target SNR. An SNR
/// threat is an L2 ball per utterance, of radius |x|_2 / 10^(SNR / 20).
#[derive(Debug)]
pub struct SnrFgsm {
    surrogate: Surrogate,
}

impl Attack for SnrFgsm {
    const INFO: AttackInfo = AttackInfo {
        id: "snr-fgsm",
        name: "Fast gradient sign method at an SNR",
        version: "1.0.0",
        author: "SERAPH",
        license: "MIT OR Apache-2.0",
        citation: "Feng, Hebbar, Narayanan, \"TrustSER: on the trustworthiness of fine-tuning pre-trained speech \
                   embeddings for speech emotion recognition\", arXiv:2305.11229, 2023",
        doc: "Adds the sign of the gradient, scaled so that its energy is the noise energy that the SNR allows. Asks \
              for one gradient per item.",
        access_required: Access::GRADIENT,
        norms: Norms::L2,
        goals: Goals::ANY,
        params: &[Param::choice("loss", Surrogate::CHOICES, "what the step raises")],
        presets: &[
            Preset { name: "paper-default", doc: "cross entropy; the paper's SNR is 45 dB", values: &[] },
            Preset {
                name: "strong",
                doc: "the margin loss does not saturate where the victim is certain",
                values: &[("loss", Value::Choice("margin"))],
            },
        ],
        ..AttackInfo::EMPTY
    };

    fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
        Ok(SnrFgsm { surrogate: Surrogate::from_choice(config.choice("loss")?)? })
    }

    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        let mut batch = Batch::of(task, task.items());
        let mut objective = Objective::new(task, self.surrogate);
        let mut gradients = Gradients::default();
        oracle.loss_grad(batch.x(), batch.items(), &objective.loss(batch.items()), &mut gradients)?;
        batch.for_each(|item, row, x| {
            let ball = Ball::of(task, item);
            let sign = |slope: f32| f32::from(i8::from(slope > 0.0) - i8::from(slope < 0.0));
            let signs: Vec<f32> = gradients.row(row)[..x.len()].iter().map(|slope| sign(*slope)).collect();
            ball.ascend(x, &signs, objective.sign() * ball.radius());
            ball.project(x);
        });
        (0..batch.len()).try_for_each(|row| oracle.commit(batch.item(row), batch.row(row)))
    }
}
