//! The analytic models of the SDK as victims: one answer for all, one constructor each.

use seraph_plugin::analytic::{self, Linear, Model, PiecewiseLinear, Sphere};
use seraph_plugin::prelude::*;

const N_CLASSES: Param = Param::i64("n_classes", 4, 2, 1000, "classes, that is logits of a row");
const N_SAMPLES: Param = Param::i64("n_samples", 1600, 1, 1 << 24, "input length").unit("samples");
const RATE: Param = Param::i64("sample_rate_hz", 16_000, 1, 768_000, "of the input").unit("Hz");
const SEED: Param = Param::i64("seed", 1, 0, 1 << 53, "of the weights");

/// What all three have in common.
const INFO: VictimInfo = VictimInfo {
    version: "1.0.0",
    author: "SERAPH",
    license: "MIT OR Apache-2.0",
    params: &[N_CLASSES, N_SAMPLES, RATE, SEED],
    ..VictimInfo::EMPTY
};

/// Declares a victim around a model of [`analytic`].
macro_rules! analytic_victim {
    ($(#[$doc:meta])* $victim:ident, $model:ty, $info:expr, $load:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $victim {
            model: $model,
            shape: Shape,
        }

        impl Victim for $victim {
            const INFO: VictimInfo = $info;

            fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
                let shape = Shape::of(config)?;
                let load: fn(&Config, &Shape) -> Result<$model, Error> = $load;
                Ok($victim { model: load(config, &shape)?, shape })
            }

            fn describe(&self) -> Description {
                self.shape.describe(Self::INFO.id)
            }

            fn logits(&mut self, x: Rows, out: &mut [f32]) -> Result<(), Error> {
                logits(&self.model, x, out);
                Ok(())
            }

            fn loss_grad(&mut self, x: Rows, loss: &Loss, out: LossGrad) -> Result<(), Error> {
                loss_grad(&self.model, x, loss, out);
                Ok(())
            }
        }
    };
}

analytic_victim!(
    /// z = W x + b: the least change to class k is g / |w_k - w_y| in the dual norm.
    LinearVictim,
    Linear,
    VictimInfo {
        id: "victim-linear",
        name: "Linear model",
        doc: "z = W x + b with weights from a seed, or from a file of float32: [n_classes, n_samples] weights row by \
              row, then [n_classes] biases, little-endian.",
        params: &[N_CLASSES, N_SAMPLES, RATE, SEED, Param::blob("model", "weights and biases; none: from the seed")],
        ..INFO
    },
    |config, shape| match config.blob("model")? {
        [] => Ok(Linear::random(shape.n_classes, shape.n_samples, shape.seed)),
        bytes => shape.linear_from(bytes),
    }
);

analytic_victim!(
    /// z_k = -|x - c_k|^2: quadratic logits, boundaries half-way between centres.
    SphereVictim,
    Sphere,
    VictimInfo {
        id: "victim-sphere",
        name: "Nearest centre",
        doc: "z_k = -|x - c_k|^2 with centres from a seed: gradients change with x, the least L2 change to class k is \
              (z_y - z_k) / (2 |c_y - c_k|).",
        ..INFO
    },
    |_, shape| Ok(Sphere::random(shape.n_classes, shape.n_samples, shape.seed))
);

analytic_victim!(
    /// z_k = max of linear forms: convex logits with kinks.
    PiecewiseVictim,
    PiecewiseLinear,
    VictimInfo {
        id: "victim-piecewise",
        name: "Maximum of linear forms",
        doc: "z_k is the largest of several linear forms with weights from a seed: gradients jump where the largest \
              changes.",
        params: &[N_CLASSES, N_SAMPLES, RATE, SEED, Param::i64("pieces", 3, 1, 1000, "linear forms of a logit")],
        ..INFO
    },
    |config, shape| {
        let pieces = config.usize("pieces")?;
        Ok(PiecewiseLinear::random(shape.n_classes, shape.n_samples, pieces, shape.seed))
    }
);

/// The size of a model and where its weights come from.
#[derive(Clone, Copy, Debug)]
struct Shape {
    n_classes: usize,
    n_samples: usize,
    sample_rate_hz: u32,
    seed: u64,
}

impl Shape {
    fn of(config: &Config) -> Result<Shape, Error> {
        Ok(Shape {
            n_classes: config.usize("n_classes")?,
            n_samples: config.usize("n_samples")?,
            sample_rate_hz: config.usize("sample_rate_hz")? as u32,
            seed: config.i64("seed")? as u64,
        })
    }

    fn describe(&self, arch: &str) -> Description {
        Description {
            sample_rate_hz: self.sample_rate_hz,
            n_samples: self.n_samples,
            arch: arch.to_owned(),
            runtime: concat!("seraph-victim-linear ", env!("CARGO_PKG_VERSION")).to_owned(),
            ..Description::new(self.n_classes)
        }
    }

    fn linear_from(&self, bytes: &[u8]) -> Result<Linear, Error> {
        let expected = self.n_classes * (self.n_samples + 1) * 4;
        if bytes.len() != expected {
            let (found, k, t) = (bytes.len(), self.n_classes, self.n_samples);
            let why = format!(
                "model has {found} bytes, float32 weights [{k}, {t}] and biases [{k}] have {expected}"
            );
            return Err(Error::new(Status::Model, why));
        }
        let word = |bytes: &[u8]| f64::from(f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        let numbers: Vec<f64> = bytes.chunks_exact(4).map(word).collect();
        if let Some(at) = numbers.iter().position(|number| !number.is_finite()) {
            return Err(Error::new(Status::Model, format!("number {at} of the model is not finite")));
        }
        let (weights, bias) = numbers.split_at(self.n_classes * self.n_samples);
        let weights = weights.chunks_exact(self.n_samples).map(<[f64]>::to_vec).collect();
        Ok(Linear { weights, bias: bias.to_vec() })
    }
}

fn logits(model: &impl Model, x: Rows, out: &mut [f32]) {
    let mut z = vec![0.0; model.n_classes()];
    for (row, out) in out.chunks_exact_mut(model.n_classes()).enumerate() {
        model.logits(x.row(row), &mut z);
        out.iter_mut().zip(&z).for_each(|(out, z)| *out = *z as f32);
    }
}

fn loss_grad(model: &impl Model, x: Rows, loss: &Loss, mut out: LossGrad) {
    let mut z = vec![0.0; model.n_classes()];
    for row in 0..x.n_rows {
        let grad = &mut out.grad[row * x.n_samples..(row + 1) * x.n_samples];
        let logits = match &mut out.logits {
            Some(logits) => &mut logits[row * model.n_classes()..(row + 1) * model.n_classes()],
            None => &mut z[..],
        };
        out.loss[row] = analytic::loss_grad(model, x.row(row), loss, row, grad, logits);
    }
}
