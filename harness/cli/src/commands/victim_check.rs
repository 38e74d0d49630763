//! `seraph victim check`: is a model a victim whose numbers can be trusted?

use super::shared::PluginDirs;
use crate::checks::{Check, Found, Report};
use crate::output::{Refused, Result};
use clap::Args;
use seraph_data::Corpus;
use seraph_host::{Fault, Loss, Victim, VictimWorker, predicted_class};
use seraph_runner::{OpenVictim, open_victim};
use std::path::PathBuf;

/// Checks a model as a victim: logits or softmax, determinism, batch invariance, gradients against central
/// differences on real speech, clean accuracy
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct VictimCheck {
    /// The model, ONNX
    model: PathBuf,
    /// Speech to check it on; the synthetic corpus where not given
    #[arg(long, value_name = "ID=DIR")]
    corpus: Option<String>,
    /// The split of the corpus
    #[arg(long, default_value = "test")]
    split: String,
    /// Say the result as one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    plugins: PluginDirs,
}

const EXAMPLES: &str = "\
Examples:
  seraph victim check emo18.onnx
  seraph victim check emo18.onnx --corpus emodb=corpora/emodb";

/// Rows of the checks that need a few utterances.
const ROWS: usize = 4;
/// Blocks of an utterance whose directional derivatives are compared.
const BLOCKS: usize = 16;
const CHECKS: usize = 7;
/// `SERAPH_LOSS_MARGIN` of the plugin headers.
const MARGIN: i32 = 1;
/// What the steps of the central differences should change the margin by.
const CHANGES: [f64; 4] = [1e-2, 3e-3, 1e-3, 3e-4];

impl VictimCheck {
    /// Checks.
    pub fn run(self) -> Result {
        let (id, path) = match self.corpus.as_deref().map(|text| text.split_once('=')) {
            None => ("synthetic", None),
            Some(Some((id, dir))) => (id, Some(PathBuf::from(dir))),
            Some(None) => return Err(Refused::new("--corpus takes ID=DIR, eg emodb=corpora/emodb")),
        };
        let corpus = seraph_data::load(id, path.as_deref(), Some(&self.split), 0)?;
        let victim = open_victim(&self.model, &corpus, self.plugins.install()?)?;
        let checks = examine(victim, &corpus)?;
        Report::new(self.model.display().to_string(), checks, CHECKS).say(self.json)
    }
}

/// The utterances that the checks use, as the victim takes them, row after row.
struct Speech {
    rows: Vec<Vec<f32>>,
}

fn examine(mut victim: OpenVictim, corpus: &Corpus) -> Result<Vec<Check>> {
    let read = |item| corpus.read(item, victim.sample_rate_hz, victim.n_samples);
    let step = (corpus.items.len() / ROWS).max(1);
    let rows =
        corpus.items.iter().step_by(step).take(ROWS).map(read).collect::<std::result::Result<Vec<_>, _>>()?;
    let speech = Speech { rows };
    let mut checks = vec![Check::of("load", true, described(&victim.worker))];
    let worker = &mut victim.worker;
    let examined = (|| {
        checks.push(logits_or_softmax(worker, &speech)?);
        checks.push(determinism(worker, &speech)?);
        checks.push(batch_invariance(worker, &speech)?);
        checks.extend(gradients(worker, &speech)?);
        Ok::<(), Fault>(())
    })();
    if let Err(fault) = examined {
        checks.push(Check::of("fault", false, fault.to_string()));
        return Ok(checks);
    }
    checks.push(accuracy(victim, corpus)?);
    Ok(checks)
}

fn described(worker: &VictimWorker) -> String {
    let desc = worker.desc();
    let length =
        if desc.n_samples == 0 { "any length".to_owned() } else { format!("{} samples", desc.n_samples) };
    format!(
        "{} classes, {length}, {}, isolation tier {}",
        desc.n_classes,
        desc.runtime,
        worker.isolation().tier
    )
}

fn logits_or_softmax(worker: &mut VictimWorker, speech: &Speech) -> std::result::Result<Check, Fault> {
    let mut sums = Vec::new();
    let mut log_sums = Vec::new();
    let mut negative = false;
    for row in &speech.rows {
        let logits = worker.logits(row, 1)?;
        negative |= logits.iter().any(|&z| z < 0.0);
        sums.push(logits.iter().map(|&z| f64::from(z)).sum::<f64>());
        log_sums.push(logits.iter().map(|&z| f64::from(z).exp()).sum::<f64>());
    }
    let all_one = |sums: &[f64]| sums.iter().all(|sum| (sum - 1.0).abs() < 1e-4);
    Ok(if !negative && all_one(&sums) {
        let what =
            "rows sum to 1 and are not negative: this is a softmax; its gradients vanish where it is sure";
        Check::new("logits", Found::Failed, format!("{what}; export the model without it"))
    } else if all_one(&log_sums) {
        Check::new(
            "logits",
            Found::Warning,
            "exp of the rows sums to 1: log-softmax; CE is unharmed, margins are shifted",
        )
    } else {
        Check::of("logits", true, "neither softmax nor log-softmax")
    })
}

fn determinism(worker: &mut VictimWorker, speech: &Speech) -> std::result::Result<Check, Fault> {
    let mut differing = 0;
    for row in &speech.rows {
        let (first, second) = (worker.logits(row, 1)?, worker.logits(row, 1)?);
        differing += usize::from(first.iter().zip(&second).any(|(a, b)| a.to_bits() != b.to_bits()));
    }
    let detail = format!("{differing} of {} rows answered differently when asked again", speech.rows.len());
    Ok(Check::of("determinism", differing == 0, detail))
}

fn batch_invariance(worker: &mut VictimWorker, speech: &Speech) -> std::result::Result<Check, Fault> {
    let same_length = speech.rows.iter().all(|row| row.len() == speech.rows[0].len());
    if !same_length || worker.desc().max_rows == 1 {
        return Ok(Check::new(
            "batch-invariance",
            Found::Skipped,
            "rows differ in length, or it takes one at a time",
        ));
    }
    let together = worker.logits(&speech.rows.concat(), speech.rows.len())?;
    let (mut largest, mut flips) = (0.0f32, 0);
    for (row, batched) in speech.rows.iter().zip(together.chunks(worker.desc().n_classes as usize)) {
        let alone = worker.logits(row, 1)?;
        flips += usize::from(predicted_class(&alone) != predicted_class(batched));
        largest = alone.iter().zip(batched).fold(largest, |most, (a, b)| most.max((a - b).abs()));
    }
    let detail = format!("largest difference of a logit {largest:.1e}, {flips} predictions flip");
    let found = match (flips, largest) {
        (0, largest) if largest <= 1e-4 => Found::Passed,
        (0, largest) if largest <= 1e-2 => Found::Warning,
        _ => Found::Failed,
    };
    Ok(Check::new("batch-invariance", found, detail))
}

/// "gradient-exact" and "gradient-alive": against central differences along blocks of the utterance in the direction
/// of the gradient's signs, and whether there is a gradient to follow.
fn gradients(worker: &mut VictimWorker, speech: &Speech) -> std::result::Result<[Check; 2], Fault> {
    if worker.desc().access & seraph_core::Grants::GRADIENT.0 == 0 {
        let note = format!("no gradients: {}", worker.desc().gradient_note);
        return Ok(
            ["gradient-exact", "gradient-alive"].map(|id| Check::new(id, Found::Skipped, note.clone()))
        );
    }
    let (mut worst_cosine, mut worst_error, mut zeros, mut samples) = (1.0f64, 0.0f64, 0, 0);
    for row in &speech.rows {
        let class = predicted_class(&worker.logits(row, 1)?);
        let answer = worker.loss_grad(row, 1, &margin(class))?;
        zeros += answer.grad.iter().filter(|&&g| g == 0.0).count();
        samples += row.len();
        let pairs = block_derivatives(worker, row, &answer.grad, class)?;
        let dot = |f: fn(&(f64, f64)) -> f64| pairs.iter().map(f).sum::<f64>();
        let (ab, aa, bb) = (dot(|p| p.0 * p.1), dot(|p| p.0 * p.0), dot(|p| p.1 * p.1));
        if aa > 0.0 {
            worst_cosine = worst_cosine.min(ab / (aa * bb).sqrt().max(f64::MIN_POSITIVE));
            worst_error = worst_error.max((dot(|p| (p.0 - p.1).powi(2)) / aa).sqrt());
        }
    }
    let share = zeros as f64 / samples.max(1) as f64;
    let exact = format!(
        "against central differences: cosine {worst_cosine:.5}, relative error {worst_error:.1e} at worst"
    );
    let found = match worst_cosine {
        c if c >= 0.995 => Found::Passed,
        c if c >= 0.97 => Found::Warning,
        _ => Found::Failed,
    };
    let alive = format!("{:.1} % of the samples have a gradient of exactly 0", 100.0 * share);
    let alive_found = if share < 0.5 {
        Found::Passed
    } else if share < 1.0 {
        Found::Warning
    } else {
        Found::Failed
    };
    Ok([Check::new("gradient-exact", found, exact), Check::new("gradient-alive", alive_found, alive)])
}

/// The logit of a class minus the largest other: unlike a cross-entropy it does not vanish where a model is sure.
fn margin(class: usize) -> Loss {
    Loss {
        kind: MARGIN,
        kappa: f32::INFINITY,
        classes: Some(vec![class as i32]),
        targets: None,
        cotangent: None,
    }
}

fn margin_of(logits: &[f32], class: usize) -> f64 {
    let others = logits.iter().enumerate().filter(|(other, _)| *other != class).map(|(_, &z)| f64::from(z));
    f64::from(logits[class]) - others.fold(f64::NEG_INFINITY, f64::max)
}

/// Analytic and numeric derivative of the margin along each block's direction.
fn block_derivatives(
    worker: &mut VictimWorker,
    row: &[f32],
    grad: &[f32],
    class: usize,
) -> std::result::Result<Vec<(f64, f64)>, Fault> {
    let length = row.len().div_ceil(BLOCKS);
    let mut pairs = Vec::new();
    for (block, gradient) in grad.chunks(length).enumerate() {
        let analytic: f64 = gradient.iter().map(|&g| f64::from(g.abs())).sum();
        let mut numeric = Vec::new();
        for change in CHANGES {
            let step = (change / analytic.max(1e-6)).min(1e-3) as f32;
            let mut at = |sign: f32| -> std::result::Result<f64, Fault> {
                let mut moved = row.to_vec();
                let places = moved[block * length..].iter_mut().zip(gradient);
                places.for_each(|(x, g)| *x += sign * step * if *g == 0.0 { 0.0 } else { g.signum() });
                Ok(margin_of(&worker.logits(&moved, 1)?, class))
            };
            numeric.push((at(1.0)? - at(-1.0)?) / (2.0 * f64::from(step)));
        }
        pairs.push((analytic, steadiest(&numeric)));
    }
    Ok(pairs)
}

/// The estimate that changes least from one step to the next: with large steps kinks are crossed, with small ones
/// float32 rounds.
fn steadiest(estimates: &[f64]) -> f64 {
    let pairs = estimates.windows(2);
    let best = pairs.min_by(|a, b| (a[0] - a[1]).abs().total_cmp(&(b[0] - b[1]).abs()));
    best.map_or(f64::NAN, |pair| pair[1])
}

fn accuracy(mut victim: OpenVictim, corpus: &Corpus) -> Result<Check> {
    let (mut right, mut recalls) = (0usize, vec![(0usize, 0usize); victim.classes.len()]);
    for (item, &label) in corpus.items.iter().zip(&victim.labels) {
        let row = corpus.read(item, victim.sample_rate_hz, victim.n_samples)?;
        let logits = victim.worker.logits(&row, 1).map_err(|fault| Refused::new(fault.to_string()))?;
        let hit = usize::from(predicted_class(&logits) == label);
        right += hit;
        recalls[label] = (recalls[label].0 + hit, recalls[label].1 + 1);
    }
    let present: Vec<f64> = recalls.iter().filter(|r| r.1 > 0).map(|r| r.0 as f64 / r.1 as f64).collect();
    let uar = present.iter().sum::<f64>() / present.len().max(1) as f64;
    let chance = 1.0 / present.len().max(1) as f64;
    let accuracy = right as f64 / corpus.items.len().max(1) as f64;
    let detail = format!(
        "accuracy {accuracy:.3}, UAR {uar:.3} on {} items of {}; chance UAR {chance:.3}",
        corpus.items.len(),
        corpus.id
    );
    Ok(Check::new("clean-accuracy", if uar > 1.2 * chance { Found::Passed } else { Found::Warning }, detail))
}
