//! 16-bit PCM: what is stored, played and re-scored. Checked apart, in whole quantisation steps.
//!
//! A step is 1/32768. Encoding is `rint(32768 x)`, ties to even, saturated to [-32768, 32767], so +1.0 becomes 32767 and
//! never wraps to -32768; decoding is `code / 32768`, which float32 holds exactly. (The other usual scale, 32767, has no
//! code for which decoding and encoding of -1.0 agree with full scale 1.0.)

use crate::verify::{Constraint, Violation};
use seraph_core::{Norm, Number};

/// Steps per unit of full scale.
pub const STEPS: f64 = 32768.0;

/// What float32 rounding may add to a difference, in steps: 2 ulp at full scale are 0.004.
const ROUNDING: f64 = 0.004;

/// The nearest code of a sample. Samples that are not finite have none; NaN is encoded as 0.
pub fn encode(sample: f32) -> i16 {
    // The cast saturates.
    (f64::from(sample) * STEPS).round_ties_even() as i16
}

/// The sample of a code.
pub fn decode(code: i16) -> f32 {
    f32::from(code) / 32768.0
}

/// The samples as the victim gets them when it is asked about the 16-bit audio.
pub fn quantise(samples: &[f32]) -> Vec<f32> {
    samples.iter().map(|&x| decode(encode(x))).collect()
}

/// A committed utterance after quantisation, against the quantised clean one.
#[derive(Clone, Debug, PartialEq)]
pub struct Pcm16 {
    /// The codes, padding left out.
    pub codes: Vec<i16>,
    /// The constraint that the codes break, if they do.
    pub violation: Option<Violation>,
    /// Largest change, in steps.
    pub linf_lsb: u64,
    /// Changed codes.
    pub l0: u64,
    /// SNR by energy, dB; `None`: the clean codes are silent.
    pub snr_db: Option<Number>,
}

impl Pcm16 {
    /// Quantises finite samples of one utterance and verifies the codes.
    ///
    /// Rounding may move a sample by half a step, and so the difference of two samples by one: by half a step if the clean
    /// sample lies on the grid. That much is allowed per changed code, and no more, so whatever is valid in float32 stays
    /// valid: Linf in whole steps, L2 and SNR by the root of its squares, L1 by its sum, L0 not at all.
    pub fn new(clean: &[f32], adversarial: &[f32], constraint: &Constraint) -> Pcm16 {
        let codes: Vec<i16> = adversarial.iter().map(|&y| encode(y)).collect();
        let changes: Vec<Change> = clean.iter().zip(&codes).map(|(&x, &code)| Change::new(x, code)).collect();
        let signal: f64 = clean.iter().map(|&x| f64::from(encode(x)).powi(2)).sum();
        let noise: f64 = changes.iter().map(|c| c.steps.powi(2)).sum();
        Pcm16 {
            violation: verify_changes(&changes, constraint.norm, constraint.radius(clean)),
            linf_lsb: changes.iter().fold(0, |most, c| most.max(c.steps as u64)),
            l0: changes.iter().filter(|c| c.steps > 0.0).count() as u64,
            snr_db: (signal > 0.0).then(|| Number(10.0 * (signal / noise).log10())),
            codes,
        }
    }
}

/// The change of one code.
struct Change {
    /// Its magnitude, in steps.
    steps: f64,
    /// What quantisation may have added to it, in steps.
    slack: f64,
}

impl Change {
    fn new(clean: f32, code: i16) -> Change {
        let scaled = f64::from(clean) * STEPS;
        let on_grid = scaled.fract() == 0.0;
        Change {
            steps: (f64::from(code) - f64::from(encode(clean))).abs(),
            slack: ROUNDING + if on_grid { 0.5 } else { 1.0 },
        }
    }
}

fn verify_changes(changes: &[Change], norm: Norm, radius: f64) -> Option<Violation> {
    let changed = || changes.iter().filter(|c| c.steps > 0.0);
    let radius_steps = radius * STEPS;
    let (found, allowed) = match norm {
        Norm::Linf => {
            let over = |c: &&Change| c.steps > (radius_steps + c.slack).floor();
            (changed().filter(over).fold(0.0, |most, c| c.steps.max(most)), 0.0)
        }
        Norm::L2 | Norm::Snr => {
            let slack = changed().map(|c| c.slack.powi(2)).sum::<f64>().sqrt();
            (changed().map(|c| c.steps.powi(2)).sum::<f64>().sqrt(), radius_steps * (1.0 + 1e-6) + slack)
        }
        Norm::L1 => {
            let slack = changed().map(|c| c.slack).sum::<f64>();
            (changed().map(|c| c.steps).sum(), radius_steps * (1.0 + 1e-6) + slack)
        }
        // Both in samples: expressed as steps only to share the unit below.
        Norm::L0 => (changed().count() as f64 * STEPS, radius_steps),
    };
    let found_units = found / STEPS;
    (found > allowed).then_some(Violation::Norm {
        norm,
        radius,
        found: found_units,
        excess: found_units - radius,
    })
}
