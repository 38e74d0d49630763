//! In what unit a method's step lengths are.
//!
//! The papers give them for images, in units of the range of a pixel. The smallest changes of audio are a hundred
//! times smaller than those; measured in the linear estimate of the distance to the boundary, steps fit any victim,
//! any scale of its logits and any length.

use seraph_plugin::prelude::*;

use crate::hyperplane::Solver;
use crate::search::Search;

/// The unit of a method's lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Full-scale units, as the papers' numbers.
    Absolute,
    /// The distance to the boundary of the victim linearised at the clean audio.
    Linear,
}

impl Scale {
    /// The parameter that chooses one.
    pub const PARAM: Param = Param::choice(
        "scale",
        &["absolute", "linear"],
        "unit of lengths: full scale, or the distance to the boundary of the victim linearised at the clean audio",
    );

    /// The scale of that parameter.
    pub fn from_config(config: &Config) -> Result<Scale, Error> {
        Ok(if config.choice("scale")? == "linear" { Scale::Linear } else { Scale::Absolute })
    }
}

/// The distance under `norm` at which the victim, linearised at `x` (row `row` of the last gradient), is crossed;
/// the way to the farthest corner of the box if there is no crossing; 0 without a gradient.
pub fn linear_distance(search: &Search, row: usize, item: usize, x: &[f32], norm: Norm) -> f64 {
    let gap = f64::from(search.margin(row)) + f64::from(search.depth(item));
    let clip = search.task().clip();
    let w = search.ascent(row, x.len());
    Solver::default().cross(norm, w, gap, x, |_| clip).distance
}

/// Half a cosine from `first` at step 0 down to `last` at step `steps`.
pub fn cosine(first: f64, last: f64, step: usize, steps: usize) -> f64 {
    last + 0.5 * (first - last) * (1.0 + (std::f64::consts::PI * step as f64 / steps as f64).cos())
}
