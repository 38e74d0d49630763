//! A waveform as one vector path: the extremes of the samples under each column.

use super::at;
use maud::{Markup, html};
use std::fmt::Write as _;

const WIDTH: usize = 320;
const HEIGHT: f64 = 72.0;

/// Draws `samples` so that an amplitude of `full_scale` fills the height.
pub fn waveform(samples: &[f32], full_scale: f32, label: &str) -> Markup {
    let path = envelope_path(samples, full_scale.max(f32::MIN_POSITIVE));
    html! {
        svg.wave viewBox={ "0 0 " (WIDTH) " " (at(HEIGHT)) } role="img" aria-label=(label) preserveAspectRatio="none" {
            line.zero x1="0" x2=(WIDTH) y1=(at(HEIGHT / 2.0)) y2=(at(HEIGHT / 2.0)) {}
            path d=(path) {}
        }
    }
}

/// Up along the maxima, back along the minima.
fn envelope_path(samples: &[f32], full_scale: f32) -> String {
    let extremes = extremes(samples, WIDTH);
    let y = |value: f32| HEIGHT / 2.0 * (1.0 - f64::from((value / full_scale).clamp(-1.0, 1.0)));
    let x = |column: usize| (column as f64 + 0.5) * WIDTH as f64 / extremes.len() as f64;
    let mut path = String::new();
    let upper = extremes.iter().enumerate().map(|(i, (_, high))| (x(i), y(*high)));
    let lower = extremes.iter().enumerate().rev().map(|(i, (low, _))| (x(i), y(*low)));
    for (i, (x, y)) in upper.chain(lower).enumerate() {
        let command = if i == 0 { 'M' } else { 'L' };
        write!(path, "{command}{} {}", at(x), at(y)).expect("writing to a String cannot fail");
    }
    path.push_str(if path.is_empty() { "" } else { "Z" });
    path
}

/// Smallest and largest sample of each of at most `n_columns` equal stretches; NaN counts as silence.
fn extremes(samples: &[f32], n_columns: usize) -> Vec<(f32, f32)> {
    let n_columns = n_columns.min(samples.len());
    let edge = |column: usize| column * samples.len() / n_columns.max(1);
    (0..n_columns)
        .map(|column| {
            let stretch =
                samples[edge(column)..edge(column + 1)].iter().map(|s| if s.is_nan() { 0.0 } else { *s });
            stretch.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), s| (low.min(s), high.max(s)))
        })
        .collect()
}

/// Largest absolute sample, NaN apart.
pub fn peak(samples: &[f32]) -> f32 {
    samples.iter().map(|s| s.abs()).fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_column_holds_the_extremes_of_its_stretch() {
        assert_eq!(extremes(&[0.1, -0.5, 0.3, 0.2], 2), [(-0.5, 0.1), (0.2, 0.3)]);
        assert_eq!(extremes(&[0.1, f32::NAN], 5), [(0.1, 0.1), (0.0, 0.0)]);
        assert_eq!(extremes(&[], 5), []);
    }

    #[test]
    fn full_scale_fills_the_height_and_more_is_cut() {
        assert_eq!(envelope_path(&[0.5, -2.0], 0.5), "M80 0L240 72L240 72L80 0Z");
        assert_eq!(envelope_path(&[], 1.0), "");
    }
}
