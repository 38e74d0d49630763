//! The plugin: load, describe, logits, loss and gradient.

use seraph_plugin::prelude::*;
use seraph_plugin::{Description, LossGrad, LossKind, Rows, VictimInfo};
use seraph_runtime::{Device, Runtime, SessionConfig, TensorView};

use crate::sessions::{GradientKey, GraphLoss, Sessions};
use crate::signature::Signature;

/// An ONNX model as a victim.
pub struct VictimOnnx {
    sessions: Sessions,
    signature: Signature,
    description: Description,
}

impl Victim for VictimOnnx {
    const INFO: VictimInfo = VictimInfo {
        id: "victim-onnx",
        name: "ONNX model",
        version: "1.0.0",
        author: "SERAPH",
        license: "MIT OR Apache-2.0",
        doc: "Any ONNX model that takes raw audio, float32 [N, T] or [N, 1, T], and gives logits [N, classes], run \
              by ONNX Runtime. Gradients come from differentiating the graph. The metadata keys classes (a comma \
              between them), sample_rate, n_samples and arch are read if they are there.",
        params: &[
            Param::blob("model", "the .onnx file").required(),
            Param::choice("device", &["cpu", "cuda"], "where ONNX Runtime computes"),
            Param::i64("device_id", 0, 0, 255, "which CUDA device"),
            Param::i64("threads", 0, 0, 1024, "threads inside one operator; 0: all cores"),
        ],
    };

    fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
        let device = match config.choice("device")? {
            "cuda" => Device::Cuda(config.i64("device_id")? as i32),
            _ => Device::Cpu,
        };
        let session =
            SessionConfig { device, intra_threads: config.usize("threads")?, ..SessionConfig::default() };
        VictimOnnx::open(config.blob("model")?, session)
    }

    fn describe(&self) -> Description {
        self.description.clone()
    }

    fn logits(&mut self, x: Rows, out: &mut [f32]) -> Result<(), Error> {
        let padded = Padded::to(self.signature.n_rows, x);
        let dims = self.signature.input_dims(padded.n_rows, x.n_samples);
        let feed = [(self.signature.input.as_str(), TensorView::f32(&dims, padded.audio()))];
        let mut answer = Answer::new(out, padded.n_rows * self.signature.n_classes);
        let outputs = &mut [(self.signature.output.as_str(), answer.slice())];
        self.sessions.forward().run_into(&feed, outputs).map_err(failed)?;
        answer.keep();
        Ok(())
    }

    fn loss_grad(&mut self, x: Rows, loss: &Loss, out: LossGrad) -> Result<(), Error> {
        match graph_loss(loss) {
            Some(in_graph) => self.loss_in_graph(x, loss, in_graph, out),
            None => self.loss_beside_graph(x, loss, out),
        }
    }
}

impl VictimOnnx {
    fn open(model: &[u8], config: SessionConfig) -> Result<VictimOnnx, Error> {
        let unfit = |message: String| Error::new(Status::Model, message);
        let device = config.device.to_string();
        let mut sessions = Sessions::open(model, config).map_err(unfit)?;
        let forward = sessions.forward();
        let signature = Signature::of(forward.inputs(), forward.outputs()).map_err(unfit)?;
        let description = describe(&sessions, &signature, device);
        Ok(VictimOnnx { sessions, signature, description })
    }

    /// One run gives logits, loss and gradient.
    fn loss_in_graph(
        &mut self,
        x: Rows,
        loss: &Loss,
        in_graph: GraphLoss,
        out: LossGrad,
    ) -> Result<(), Error> {
        let padded = Padded::to(self.signature.n_rows, x);
        let classes = loss.classes.ok_or_else(|| Error::argument("loss.classes is missing"))?;
        let mut labels: Vec<i64> = classes.iter().map(|class| i64::from(*class)).collect();
        labels.resize(padded.n_rows, 0);
        let label_dims = [padded.n_rows];
        self.gradient_run(&padded, in_graph, ("labels", TensorView::i64(&label_dims, &labels)), out)
    }

    /// Losses that the graph does not have: logits first, then the vector-Jacobian product of their gradient.
    fn loss_beside_graph(&mut self, x: Rows, loss: &Loss, out: LossGrad) -> Result<(), Error> {
        let k = self.signature.n_classes;
        let cotangent = match loss.cotangent {
            Some(cotangent) => cotangent.to_vec(),
            None => self.cotangent_of(x, loss)?,
        };
        let padded = Padded::to(self.signature.n_rows, x);
        let mut seed = cotangent;
        seed.resize(padded.n_rows * k, 0.0);
        let (name, dims) = (format!("d_{}", self.signature.output), [padded.n_rows, k]);
        let mut logits = vec![0.0; x.n_rows * k];
        let LossGrad { loss: losses, grad, logits: wanted } = out;
        let all = LossGrad { loss: &mut [], grad, logits: Some(&mut logits) };
        self.gradient_run(&padded, GraphLoss::Vjp, (&name, TensorView::f32(&dims, &seed)), all)?;
        for (row, value) in losses.iter_mut().enumerate() {
            let z = logits_f64(&logits[row * k..(row + 1) * k]);
            *value = loss.value_and_gradient(row, &z, &mut vec![0.0; k]) as f32;
        }
        if let Some(wanted) = wanted {
            wanted.copy_from_slice(&logits);
        }
        Ok(())
    }

    fn cotangent_of(&mut self, x: Rows, loss: &Loss) -> Result<Vec<f32>, Error> {
        let k = self.signature.n_classes;
        let mut logits = vec![0.0; x.n_rows * k];
        self.logits(x, &mut logits)?;
        let mut cotangent = Vec::with_capacity(logits.len());
        for row in 0..x.n_rows {
            let mut dz = vec![0.0; k];
            loss.value_and_gradient(row, &logits_f64(&logits[row * k..(row + 1) * k]), &mut dz);
            cotangent.extend(dz.iter().map(|d| *d as f32));
        }
        Ok(cotangent)
    }

    /// Runs a differentiated form with its `seed` (labels or cotangent). An empty `out.loss` is not asked for.
    fn gradient_run(
        &mut self,
        padded: &Padded,
        in_graph: GraphLoss,
        seed: (&str, TensorView),
        out: LossGrad,
    ) -> Result<(), Error> {
        let signature = &self.signature;
        let key = GradientKey { loss: in_graph, n_samples: padded.n_samples };
        let session = self.sessions.gradient(key, signature);
        let session = session.map_err(|message| Error::new(Status::Unsupported, message))?;
        let dims = signature.input_dims(padded.n_rows, padded.n_samples);
        let feed = [(signature.input.as_str(), TensorView::f32(&dims, padded.audio())), seed];
        let gradient = format!("d_{}", signature.input);
        let mut grad = Answer::new(out.grad, padded.n_rows * padded.n_samples);
        let mut loss = Answer::new(out.loss, padded.n_rows);
        let mut logits = Answer::new(out.logits.unwrap_or(&mut []), padded.n_rows * signature.n_classes);
        let mut outputs = vec![(gradient.as_str(), grad.slice())];
        if loss.is_wanted() {
            outputs.push(("loss", loss.slice()));
        }
        if logits.is_wanted() {
            outputs.push((signature.output.as_str(), logits.slice()));
        }
        session.run_into(&feed, &mut outputs).map_err(failed)?;
        if matches!(in_graph, GraphLoss::Margin { .. }) {
            // The graph's margin is to be raised, the ABI's to be lowered.
            grad.slice().iter_mut().chain(loss.slice()).for_each(|value| *value = -*value);
        }
        [grad, loss, logits].into_iter().for_each(Answer::keep);
        Ok(())
    }
}

/// Rows as a run takes them: as many as a model with a fixed batch wants, the missing ones silent.
struct Padded<'a> {
    n_rows: usize,
    n_samples: usize,
    given: &'a [f32],
    copy: Vec<f32>,
}

impl<'a> Padded<'a> {
    fn to(fixed: Option<usize>, x: Rows<'a>) -> Padded<'a> {
        let n_rows = fixed.unwrap_or(x.n_rows);
        let mut copy = Vec::new();
        if n_rows != x.n_rows {
            copy.extend_from_slice(x.data);
            copy.resize(n_rows * x.n_samples, 0.0);
        }
        Padded { n_rows, n_samples: x.n_samples, given: x.data, copy }
    }

    fn audio(&self) -> &[f32] {
        if self.copy.is_empty() { self.given } else { &self.copy }
    }
}

/// Where an output goes: straight into the caller's slice, or through a longer one when rows were padded.
struct Answer<'a> {
    out: &'a mut [f32],
    longer: Vec<f32>,
}

impl<'a> Answer<'a> {
    fn new(out: &'a mut [f32], len: usize) -> Answer<'a> {
        let longer = if out.len() == len { Vec::new() } else { vec![0.0; len] };
        Answer { out, longer }
    }

    fn is_wanted(&self) -> bool {
        !self.out.is_empty()
    }

    fn slice(&mut self) -> &mut [f32] {
        if self.longer.is_empty() { self.out } else { &mut self.longer }
    }

    fn keep(self) {
        if !self.longer.is_empty() {
            self.out.copy_from_slice(&self.longer[..self.out.len()]);
        }
    }
}

/// The loss as the graph can have it.
fn graph_loss(loss: &Loss) -> Option<GraphLoss> {
    match loss.kind {
        LossKind::Ce => Some(GraphLoss::CrossEntropy),
        LossKind::Margin => Some(GraphLoss::Margin { kappa_bits: loss.kappa.to_bits() }),
        LossKind::Dlr => Some(GraphLoss::Dlr),
        LossKind::DlrTargeted | LossKind::Vjp => None,
    }
}

/// What the model says of itself, and whether it can be differentiated: found out now, so that a plan can be
/// checked before anything runs.
fn describe(sessions: &Sessions, signature: &Signature, device: String) -> Description {
    let said = sessions.model().metadata();
    let metadata = |key: &str| {
        let found = said.iter().find(|(name, _)| name == key);
        found.map_or_else(String::new, |(_, value)| value.trim().to_owned())
    };
    let number = |key: &str| metadata(key).parse::<u32>().unwrap_or(0);
    let named: Vec<String> = metadata("classes").split(',').map(|class| class.trim().to_owned()).collect();
    let probe_samples = signature.n_samples.unwrap_or(PROBE_SAMPLES);
    let probe = GradientKey { loss: GraphLoss::CrossEntropy, n_samples: probe_samples };
    let gradient_note = sessions.differentiate(probe, signature).err().unwrap_or_default();
    Description {
        access: if gradient_note.is_empty() { Access::LOGITS | Access::GRADIENT } else { Access::LOGITS },
        sample_rate_hz: number("sample_rate"),
        n_samples: signature.n_samples.unwrap_or(0),
        max_rows: signature.n_rows.unwrap_or(0),
        arch: metadata("arch"),
        classes: if named.len() == signature.n_classes { named } else { Vec::new() },
        gradient_note,
        device,
        runtime: Runtime::from_env().map_or_else(|_| String::new(), version),
        ..Description::new(signature.n_classes)
    }
}

/// Length at which a model of free length is tried.
const PROBE_SAMPLES: usize = 16_000;

fn logits_f64(logits: &[f32]) -> Vec<f64> {
    logits.iter().map(|z| f64::from(*z)).collect()
}

fn failed(error: seraph_runtime::Error) -> Error {
    Error::new(Status::Fail, error.to_string())
}

/// "onnxruntime 1.31.1 (6af1a93)": the version of the library's file name, if it has one, and the commit that it was
/// built from.
fn version(runtime: &Runtime) -> String {
    let file = runtime.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let number = file.split_once(".so.").map_or("", |(_, version)| version);
    let build = runtime.build_info();
    let commit =
        build.split(", ").find_map(|part| part.strip_prefix("git-commit-id=")).unwrap_or("unknown build");
    ["onnxruntime", number, &format!("({commit})")].join(" ").replace("  ", " ")
}
