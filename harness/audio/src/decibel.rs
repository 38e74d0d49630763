//! Levels in decibels.

/// `10 log10(power / reference)`, with `power` first raised to `floor`.
///
/// * `reference`: the power that is 0 dB, greater than 0
/// * `floor`: smallest power told apart from silence, greater than 0; it bounds the result from below
pub fn power_to_db(power: f32, reference: f32, floor: f32) -> f32 {
    10.0 * (power.max(floor) / reference.max(floor)).log10()
}

/// `20 log10(amplitude / reference)`, with `amplitude` first raised to `floor`.
///
/// * `reference`: the amplitude that is 0 dB, greater than 0; 1.0 gives dBFS
/// * `floor`: smallest amplitude told apart from silence, greater than 0
pub fn amplitude_to_db(amplitude: f32, reference: f32, floor: f32) -> f32 {
    20.0 * (amplitude.max(floor) / reference.max(floor)).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decibels_of_known_ratios() {
        for (power, db) in [(1.0, 0.0), (10.0, 10.0), (0.01, -20.0), (0.0, -100.0), (-1.0, -100.0)] {
            assert!((power_to_db(power, 1.0, 1e-10) - db).abs() < 1e-4, "{power}");
        }
        for (amplitude, db) in [(1.0, 0.0), (10.0, 20.0), (0.5, -6.0206), (0.0, -100.0)] {
            assert!((amplitude_to_db(amplitude, 1.0, 1e-5) - db).abs() < 1e-4, "{amplitude}");
        }
    }
}
