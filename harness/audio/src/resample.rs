//! Sample rate conversion.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};

/// Lowest rate that [`resample`] takes or makes.
pub const MIN_RATE_HZ: u32 = 4_000;
/// Highest rate that [`resample`] takes or makes.
pub const MAX_RATE_HZ: u32 = 192_000;

/// Why audio could not be resampled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResampleError {
    /// The rate is not one of speech recordings.
    #[error("{0} Hz is not a rate between {MIN_RATE_HZ} and {MAX_RATE_HZ} Hz")]
    Rate(u32),
    /// The resampler refused its own settings or buffers.
    #[error("cannot resample from {from_hz} to {to_hz} Hz: {reason}")]
    Resampler {
        /// Rate of the input.
        from_hz: u32,
        /// Rate of the output.
        to_hz: u32,
        /// What the resampler said.
        reason: String,
    },
}

/// `samples` at `to_hz`: `ceil(n · to_hz / from_hz)` samples, aligned in time with the input.
///
/// A band-limited FFT resampler (rubato, Blackman-Harris² window); frequencies above half of the lower rate
/// are removed. Equal rates give the input back unchanged.
pub fn resample(samples: &[f32], from_hz: u32, to_hz: u32) -> Result<Vec<f32>, ResampleError> {
    for rate in [from_hz, to_hz] {
        if !(MIN_RATE_HZ..=MAX_RATE_HZ).contains(&rate) {
            return Err(ResampleError::Rate(rate));
        }
    }
    if from_hz == to_hz || samples.is_empty() {
        return Ok(samples.to_vec());
    }
    let refused = |reason: String| ResampleError::Resampler { from_hz, to_hz, reason };
    let mut resampler = Fft::<f32>::new_custom(
        from_hz as usize,
        to_hz as usize,
        block_samples(from_hz, to_hz),
        1,
        1,
        WindowFunction::BlackmanHarris2,
        FixedSync::Input,
    )
    .map_err(|e| refused(e.to_string()))?;
    let mut output = vec![0.0; resampler.process_all_needed_output_len(samples.len())];
    let n_output = output.len();
    let source = InterleavedSlice::new(samples, 1, samples.len()).map_err(|e| refused(e.to_string()))?;
    let mut sink = InterleavedSlice::new_mut(&mut output, 1, n_output).map_err(|e| refused(e.to_string()))?;
    resampler
        .process_all_into_buffer(&source, &mut sink, samples.len(), None)
        .map_err(|e| refused(e.to_string()))?;
    let n_expected = (samples.len() as u64 * u64::from(to_hz)).div_ceil(u64::from(from_hz)) as usize;
    output.resize(n_expected, 0.0);
    Ok(output)
}

/// Input samples per transform: near 4096, where the transition band is a few per cent of half the lower rate,
/// and an even number of the smallest blocks that both rates share.
fn block_samples(from_hz: u32, to_hz: u32) -> usize {
    // Even: the resampler's delay is half an output block, and half a sample of it could not be taken off.
    let smallest = (from_hz / greatest_common_divisor(from_hz, to_hz)) as usize;
    smallest * 4096usize.div_ceil(smallest).next_multiple_of(2)
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::TAU;

    fn tone(hz: f64, rate_hz: u32, n_samples: usize) -> Vec<f32> {
        (0..n_samples).map(|n| (0.5 * (TAU * hz * n as f64 / f64::from(rate_hz)).sin()) as f32).collect()
    }

    #[test]
    fn a_tone_stays_the_same_tone_in_phase() {
        for from_hz in [8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000] {
            for hz in [200.0, 1_000.0, 3_000.0] {
                let n_samples = from_hz as usize;
                let found = resample(&tone(hz, from_hz, n_samples), from_hz, 16_000).unwrap();
                assert_eq!(found.len(), 16_000);
                let expected = tone(hz, 16_000, found.len());
                let inner = 1_000..15_000; // the ends feel that the tone starts and stops
                for (a, b) in found[inner.clone()].iter().zip(&expected[inner]) {
                    assert!((a - b).abs() < 2e-4, "{from_hz} Hz, {hz} Hz tone: {a} for {b}");
                }
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_removed() {
        let found = resample(&tone(12_000.0, 48_000, 48_000), 48_000, 16_000).unwrap();
        let peak = found[1_000..15_000].iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
        assert!(peak < 1e-4, "{peak}"); // more than 70 dB below the tone
    }

    #[test]
    fn equal_rates_change_nothing() {
        let samples = tone(440.0, 16_000, 100);
        assert_eq!(resample(&samples, 16_000, 16_000).unwrap(), samples);
        assert!(resample(&[], 8_000, 16_000).unwrap().is_empty());
    }

    #[test]
    fn rates_beyond_speech_are_refused() {
        for rate in [0, 1, 3_999, 192_001, u32::MAX] {
            assert_eq!(resample(&[0.0], rate, 16_000), Err(ResampleError::Rate(rate)));
            assert_eq!(resample(&[0.0], 16_000, rate), Err(ResampleError::Rate(rate)));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_pair_of_rates_gives_the_documented_length(
            from_hz in MIN_RATE_HZ..=96_000, to_hz in MIN_RATE_HZ..=48_000, n_samples in 1usize..3_000,
        ) {
            let found = resample(&vec![0.1; n_samples], from_hz, to_hz).unwrap();
            let exact = n_samples as f64 * f64::from(to_hz) / f64::from(from_hz);
            prop_assert_eq!(found.len(), exact.ceil() as usize);
            prop_assert!(found.iter().all(|x| x.is_finite() && x.abs() < 0.2));
        }
    }
}
