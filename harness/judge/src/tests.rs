#![allow(clippy::unwrap_used)]
//! The golden table of armory's SNR tests, boundary cases to the ulp, and properties.

use super::*;
use proptest::prelude::*;
use seraph_core::{Goal, Norm};

const RATE: u32 = 16_000;

fn clean(samples: &[f32]) -> Clean<'_> {
    Clean { row: samples, length: samples.len(), sample_rate_hz: RATE }
}

fn check(x: &[f32], y: &[f32], norm: Norm, eps: f64) -> Result<(), Violation> {
    verify(&clean(x), y, &Constraint { norm, eps })
}

fn next_up(x: f32, times: usize) -> f32 {
    (0..times).fold(x, |x, _| x.next_up())
}

#[test]
fn snr_of_a_scaled_signal_is_what_armory_tests_for() {
    let x = [0.0f32, 1.0, 0.0, -1.0];
    let ratio = [(0.0, 1.0), (0.5, 4.0), (1.0, f64::INFINITY), (2.0, 1.0), (3.0, 0.25), (11.0, 0.01)];
    for (scale, power_ratio) in ratio {
        let y = x.map(|v| v * scale as f32);
        let sizes = measure(&x, &y, RATE);
        let expected = 10.0 * f64::log10(power_ratio);
        for found in [sizes.snr_db, sizes.snr_active_db, sizes.peak_snr_db] {
            let found = found.unwrap().0;
            assert!(
                found == expected || (found - expected).abs() < 1e-12,
                "scale {scale}: {found} dB, not {expected}"
            );
        }
    }
    let drowned = x.map(|v| v + f32::INFINITY);
    assert_eq!(measure(&x, &drowned, RATE).snr_db.unwrap().0, f64::NEG_INFINITY);
}

#[test]
fn sizes_by_hand() {
    // δ = (0.5, 0, 0, -0.25, 0.25, 0), x = (0.5, ...)
    let x = [0.5f32, 0.5, -0.5, 0.5, -0.5, 0.0];
    let y = [1.0f32, 0.5, -0.5, 0.25, -0.25, 0.0];
    let sizes = measure(&x, &y, 1000);
    let expect = |found: Option<seraph_core::Number>, expected: f64| {
        assert!((found.unwrap().0 - expected).abs() < 1e-12, "{found:?} is not {expected}");
    };
    expect(sizes.linf, 0.5);
    expect(sizes.l1, 1.0);
    expect(sizes.l2, 0.375f64.sqrt());
    expect(sizes.rms, (0.375f64 / 6.0).sqrt());
    expect(sizes.l0, 3.0);
    expect(sizes.sparsity, 0.5);
    expect(sizes.runs, 2.0);
    expect(sizes.touched_ms, 3.0);
    expect(sizes.snr_db, 10.0 * (1.25f64 / 0.375).log10());
    expect(sizes.peak_snr_db, 0.0);
    // α = ⟨x', x⟩ / ‖x‖² = (0.5 + 0.25 + 0.25 + 0.125 + 0.125) / 1.25 = 1: the distortion is δ itself.
    expect(sizes.si_sdr_db, 10.0 * (1.25f64 / 0.375).log10());
}

#[test]
fn a_zero_perturbation_has_infinite_snr_and_zero_size() {
    let x: Vec<f32> = (0..800).map(|i| (i as f32 * 0.1).sin() * 0.3).collect();
    let sizes = measure(&x, &x, RATE);
    for snr in [sizes.snr_db, sizes.snr_active_db, sizes.snr_seg_db, sizes.si_sdr_db, sizes.peak_snr_db] {
        assert_eq!(snr.unwrap().0, f64::INFINITY);
    }
    assert_eq!((sizes.linf.unwrap().0, sizes.l0.unwrap().0, sizes.sparsity.unwrap().0), (0.0, 0.0, 1.0));
}

#[test]
fn of_a_silent_utterance_no_snr_is_known() {
    let sizes = measure(&[0.0; 4], &[0.1; 4], RATE);
    assert_eq!(sizes.snr_db, None);
    assert_eq!(sizes.snr_seg_db, None);
    assert!(sizes.linf.is_some());
    assert_eq!(measure(&[], &[], RATE), Sizes::default());
}

#[test]
fn silence_around_speech_moves_the_energy_ratio_but_not_the_active_one() {
    let speech: Vec<f32> = (0..1600).map(|i| (i as f32 * 0.3).sin() * 0.5).collect();
    let silence = vec![0.0f32; 1600];
    let noisy =
        |x: &[f32]| x.iter().enumerate().map(|(i, v)| v + if i % 2 == 0 { 0.01 } else { -0.01 }).collect();
    let padded = [speech.clone(), silence].concat();
    let (alone, with_silence): (Vec<f32>, Vec<f32>) = (noisy(&speech), noisy(&padded));
    let (a, b) = (measure(&speech, &alone, RATE), measure(&padded, &with_silence, RATE));
    assert!((a.snr_db.unwrap().0 - b.snr_db.unwrap().0 - 10.0 * 2f64.log10()).abs() < 1e-3);
    assert!((a.snr_active_db.unwrap().0 - b.snr_active_db.unwrap().0).abs() < 1e-9);
    assert!((a.snr_seg_db.unwrap().0 - b.snr_seg_db.unwrap().0).abs() < 1e-9);
}

#[test]
fn segmental_snr_by_hand() {
    // Two frames of 160 samples: 20 dB, and 60 dB clamped to 35.
    let x = vec![0.5f32; 320];
    let mut y = x.clone();
    y[..160].iter_mut().for_each(|v| *v += 0.05);
    y[160..].iter_mut().for_each(|v| *v += 0.0005);
    assert!((measure(&x, &y, RATE).snr_seg_db.unwrap().0 - 27.5).abs() < 1e-4);
}

#[test]
fn scale_is_no_distortion_to_si_sdr() {
    let x: Vec<f32> = (0..160).map(|i| (i as f32 * 0.3).sin() * 0.5).collect();
    let y: Vec<f32> = x.iter().map(|v| v * 0.5).collect();
    assert_eq!(measure(&x, &y, RATE).si_sdr_db.unwrap().0, f64::INFINITY);
}

#[test]
fn an_eps_saturating_attack_has_the_peak_snr_of_the_paper() {
    // STAA-Net: peak 0.349, eps 0.05 -> 16.87 dB.
    let sizes = measure(&[0.349, -0.1], &[0.299, -0.15], RATE);
    assert!((sizes.peak_snr_db.unwrap().0 - 16.88).abs() < 0.01);
}

#[test]
fn linf_is_verified_to_the_ulp() {
    let eps = f64::from(2f32.powi(-10));
    let x = [0.75f32];
    let at_eps = 0.75 + 2f32.powi(-10);
    for (ulps_over, valid) in [(0, true), (1, true), (2, false), (3, false), (50, false)] {
        let found = check(&x, &[next_up(at_eps, ulps_over)], Norm::Linf, eps);
        assert_eq!(found.is_ok(), valid, "{ulps_over} ulp over: {found:?}");
    }
}

#[test]
fn what_is_broken_is_named_with_where_and_by_how_much() {
    let x = [0.5f32, -0.5, 0.25];
    for (y, norm, eps, expected) in [
        (vec![0.5, -0.5], Norm::Linf, 1.0, "2 samples where the model takes 3"),
        (vec![0.5, f32::NAN, 0.25], Norm::Linf, 1.0, "sample 1 is NaN"),
        (vec![f32::NEG_INFINITY, -0.5, 0.25], Norm::L0, 3.0, "sample 0 is -inf"),
        (vec![0.5, -0.5, -1.5], Norm::Linf, 2.0, "sample 2 is -1.5e0, outside [-1, 1]"),
        (vec![1.0f32.next_up(), -0.5, 0.25], Norm::L2, 9.0, "sample 0 is 1.0000001e0, outside [-1, 1]"),
        (
            vec![0.75, -0.5, 0.25],
            Norm::Linf,
            0.125,
            "linf is 2.50000e-1, over the budget of 1.25000e-1 by 1.25e-1",
        ),
        (
            vec![0.75, -0.25, 0.25],
            Norm::L1,
            0.25,
            "l1 is 5.00000e-1, over the budget of 2.50000e-1 by 2.50e-1",
        ),
        (vec![0.75, -0.25, 0.5], Norm::L0, 2.0, "l0 is 3.00000e0, over the budget of 2.00000e0 by 1.00e0"),
        (vec![0.5, -0.5, 0.5], Norm::L2, 0.125, "l2 is 2.50000e-1, over the budget of 1.25000e-1 by 1.25e-1"),
        (vec![0.5, -0.5, 0.5], Norm::Snr, 20.0, "l2 is 2.50000e-1, over the budget of 7.50000e-2 by 1.75e-1"),
    ] {
        assert_eq!(check(&x, &y, norm, eps).unwrap_err().to_string(), expected);
    }
}

#[test]
fn l0_is_exact_and_a_share_below_one_is_of_the_utterance() {
    let x = [0.0f32; 10];
    let mut y = x;
    y[..3].fill(1e-30);
    assert!(check(&x, &y, Norm::L0, 3.0).is_ok());
    assert!(check(&x, &y, Norm::L0, 2.0).is_err());
    assert!(check(&x, &y, Norm::L0, 0.3).is_ok());
    assert!(check(&x, &y, Norm::L0, 0.2).is_err());
}

#[test]
fn padding_is_zeroed_and_neither_measured_nor_verified() {
    let x = [0.5f32, 0.5, 0.0, 0.0];
    let clean = Clean { row: &x, length: 2, sample_rate_hz: RATE };
    let mut y = [0.5f32, 0.5, 0.9, f32::NAN];
    let judgement = judge(&clean, &y, &Constraint { norm: Norm::Linf, eps: 0.001 });
    assert_eq!(judgement.violation, None);
    assert_eq!(judgement.sizes.unwrap().linf.unwrap().0, 0.0);
    assert_eq!(judgement.pcm16.unwrap().codes.len(), 2);
    assert_eq!(rezero_padding(&mut y, 2), 2);
    assert_eq!(y, x);
    assert_eq!(rezero_padding(&mut y, 9), 0);
}

#[test]
fn what_cannot_be_compared_is_judged_without_sizes() {
    let x = [0.5f32, 0.5];
    for y in [&[0.5f32][..], &[], &[0.5, f32::NAN], &[0.5, 0.5, 0.5]] {
        let judgement = judge(&clean(&x), y, &Constraint { norm: Norm::Linf, eps: 1.0 });
        assert!(judgement.violation.is_some() && judgement.sizes.is_none() && judgement.pcm16.is_none());
    }
}

#[test]
fn codes_saturate_and_never_wrap() {
    for (sample, code) in [
        (1.0f32, 32767i16),
        (-1.0, -32768),
        (2.0, 32767),
        (-2.0, -32768),
        (0.0, 0),
        (0.5 / 32768.0, 0),
        (1.5 / 32768.0, 2),
        (-0.5 / 32768.0, 0),
        (0.002, 66),
        (f32::NAN, 0),
    ] {
        assert_eq!(pcm16::encode(sample), code, "{sample}");
    }
}

#[test]
fn every_code_survives_decoding() {
    assert!((i16::MIN..=i16::MAX).all(|code| pcm16::encode(pcm16::decode(code)) == code));
}

#[test]
fn whole_steps_are_verified_exactly_on_the_grid() {
    let x = [pcm16::decode(1000)];
    let constraint = Constraint { norm: Norm::Linf, eps: 2.0 / 32768.0 };
    for (steps, valid) in [(2, true), (3, false)] {
        let found = pcm16::Pcm16::new(&x, &[pcm16::decode(1000 + steps)], &constraint);
        assert_eq!((found.violation.is_none(), found.linf_lsb), (valid, steps as u64));
    }
}

#[test]
fn success_is_leaving_the_reference_or_reaching_the_target() {
    assert!(succeeds(Goal::Untargeted, "anger", None, "fear"));
    assert!(!succeeds(Goal::Untargeted, "anger", None, "anger"));
    assert!(succeeds(Goal::Targeted, "anger", Some("fear"), "fear"));
    assert!(!succeeds(Goal::Targeted, "anger", Some("fear"), "sadness"));
    assert!(!succeeds(Goal::Targeted, "anger", Some("anger"), "anger"));
    assert!(!succeeds(Goal::Targeted, "anger", None, "fear"));
    assert!(flips("anger", "fear") && !flips("anger", "anger"));
}

#[test]
fn the_digest_is_that_of_little_endian_floats() {
    // python3 -c "import hashlib,struct; print(hashlib.sha256(struct.pack('<3f', 0, 0.5, -1)).hexdigest())"
    assert_eq!(sha256(&[0.0, 0.5, -1.0]), include_str!("../tests/fixtures/samples.sha256").trim());
}

/// Clean samples, on or off the 16-bit grid, and a perturbation of at most eps, added as an attack adds it: in float32.
fn attacked() -> impl Strategy<Value = (Vec<f32>, Vec<f32>, f64)> {
    let samples = prop::collection::vec((-1.0f32..=1.0, -1.0f32..=1.0, any::<bool>(), any::<bool>()), 1..200);
    (samples, prop_oneof![Just(1.0 / 32768.0), Just(0.0005), 1e-5f64..0.1]).prop_map(|(samples, eps)| {
        let one = |(x, direction, on_grid, saturate): (f32, f32, bool, bool)| {
            let x = if on_grid { pcm16::decode(pcm16::encode(x)) } else { x };
            let step = if saturate { direction.signum() } else { direction };
            (x, (x + step * eps as f32).clamp(-1.0, 1.0))
        };
        let (x, y) = samples.into_iter().map(one).unzip();
        (x, y, eps)
    })
}

proptest! {
    #[test]
    fn an_honest_attack_is_valid_in_float_and_after_quantisation((x, y, eps) in attacked()) {
        let sizes = measure(&x, &y, RATE);
        let honest = [
            (Norm::Linf, eps),
            (Norm::L2, sizes.l2.unwrap().0),
            (Norm::L1, sizes.l1.unwrap().0),
            (Norm::L0, sizes.l0.unwrap().0.max(1.0)),
        ];
        for (norm, eps) in honest {
            let judgement = judge(&clean(&x), &y, &Constraint { norm, eps });
            prop_assert_eq!(&judgement.violation, &None);
            prop_assert_eq!(&judgement.pcm16.unwrap().violation, &None);
        }
    }

    #[test]
    fn what_exceeds_a_ball_by_a_thousandth_of_full_scale_is_found((x, _, eps) in attacked(), at in 0usize..200) {
        let at = at % x.len();
        let mut y = x.clone();
        y[at] += if x[at] > 0.0 { -1.0 } else { 1.0 } * (eps as f32 + 0.001);
        let constraint = |norm| Constraint { norm, eps };
        for norm in [Norm::Linf, Norm::L2, Norm::L1] {
            let judgement = judge(&clean(&x), &y, &constraint(norm));
            prop_assert!(judgement.violation.is_some(), "{norm:?} {judgement:?}");
            prop_assert!(judgement.pcm16.unwrap().violation.is_some(), "{norm:?}");
        }
    }

    #[test]
    fn norms_are_ordered((x, y, _) in attacked()) {
        let s = measure(&x, &y, RATE);
        let (linf, l2, l1, l0) = (s.linf.unwrap().0, s.l2.unwrap().0, s.l1.unwrap().0, s.l0.unwrap().0);
        let slack = 1.0 + 1e-12;
        prop_assert!(linf <= l2 * slack && l2 <= l1 * slack);
        prop_assert!(l1 <= l0.sqrt() * l2 * slack && l2 <= l0.sqrt() * linf * slack);
    }

    #[test]
    fn any_row_is_judged(row in prop::collection::vec(any::<u32>().prop_map(f32::from_bits), 0..20), length in 0usize..30) {
        let x = [0.25f32; 10];
        let clean = Clean { row: &x, length, sample_rate_hz: RATE };
        for norm in Norm::ALL {
            let _ = judge(&clean, &row, &Constraint { norm, eps: 0.5 });
        }
    }
}
