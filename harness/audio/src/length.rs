//! Brings an utterance to the length that a model takes.

/// Repeats `samples` from the start until there are `n_samples`; what is longer keeps its head.
///
/// This is what SER models with a fixed input do (STAA-Net, Chang et al. 2024, arXiv:2402.01227: 6.0 s on DEMoS,
/// 8.7 s on IEMOCAP). Empty input cannot be repeated and gives `n_samples` zeros.
///
/// ```
/// # use seraph_audio::tile_to_length;
/// assert_eq!(tile_to_length(&[1.0, 2.0, 3.0], 5), [1.0, 2.0, 3.0, 1.0, 2.0]);
/// assert_eq!(tile_to_length(&[1.0, 2.0, 3.0], 2), [1.0, 2.0]);
/// ```
pub fn tile_to_length(samples: &[f32], n_samples: usize) -> Vec<f32> {
    if samples.is_empty() {
        return vec![0.0; n_samples];
    }
    samples.iter().copied().cycle().take(n_samples).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_sample_comes_from_its_place_in_the_period(
            samples in prop::collection::vec(-1.0f32..1.0, 1..40), n_samples in 0usize..200,
        ) {
            let tiled = tile_to_length(&samples, n_samples);
            prop_assert_eq!(tiled.len(), n_samples);
            for (i, value) in tiled.iter().enumerate() {
                prop_assert_eq!(*value, samples[i % samples.len()]);
            }
        }
    }

    #[test]
    fn nothing_repeated_is_silence() {
        assert_eq!(tile_to_length(&[], 3), [0.0; 3]);
    }
}
