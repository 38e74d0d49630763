//! Pictures for the page: vector graphics whose colours come from the style sheet, and PNG for spectrograms.

pub mod curve;
pub mod interval;
pub mod scale;
pub mod spectrogram;
pub mod waveform;

/// A coordinate in a drawing, with one decimal: a tenth of a pixel is finer than anyone sees, and bytes count.
pub(crate) fn at(coordinate: f64) -> String {
    let text = format!("{coordinate:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".into(),
        Some(whole) => whole.into(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short() {
        for (coordinate, text) in [(12.04, "12"), (12.06, "12.1"), (-0.01, "0"), (0.5, "0.5")] {
            assert_eq!(at(coordinate), text);
        }
    }
}
