//! The CPU definitions against what they should be: closed forms, sorting, float64, and bad input.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use seraph_kernels::*;

const FULL_SCALE: Bounds = Bounds { low: -1.0, high: 1.0 };

/// One row without padding.
fn row(x: &[f32]) -> Rows {
    Rows::full(1, x.len()).unwrap()
}

/// A deterministic stand-in for audio: values in [-1, 1], with zeros among them.
fn noise(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            if state.is_multiple_of(11) { 0.0 } else { (state as i32 >> 8) as f32 / (1 << 23) as f32 }
        })
        .collect()
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn sign_step_follows_its_formula() {
    let denormal = f32::from_bits(1);
    // x, x0, g, expected, with alpha 0.25 and epsilon 0.375
    for (x, x0, g, expected) in [
        (0.0, 0.0, 3.0, 0.25),
        (0.0, 0.0, -3.0, -0.25),
        (0.0, 0.0, 0.0, 0.0),
        (0.0, 0.0, -0.0, 0.0),
        (0.5, 0.5, f32::NAN, 0.5),
        (0.0, 0.0, denormal, 0.25),
        (0.0, 0.0, -denormal, -0.25),
        (0.0, 0.0, f32::INFINITY, 0.25),
        (0.25, 0.0, 1.0, 0.375), // the ball holds it
        (-0.25, 0.0, -1.0, -0.375),
        (0.9375, 0.9375, 1.0, 1.0), // the box holds it
        (-0.9375, -0.9375, -1.0, -1.0),
    ] {
        let mut out = [x];
        sign_step(&mut out, &[x0], &[g], &SignStep { alpha: 0.25, epsilon: 0.375, bounds: FULL_SCALE })
            .unwrap();
        assert_eq!(out, [expected], "x {x}, x0 {x0}, g {g}");
    }
    let mut broken = [f32::NAN];
    let step = SignStep { alpha: 0.25, epsilon: 0.375, bounds: FULL_SCALE };
    sign_step(&mut broken, &[0.0], &[1.0], &step).unwrap();
    assert!(broken[0].is_nan(), "a NaN sample must not be laundered into a number");
}

#[test]
fn large_tensors_get_the_bits_of_small_ones() {
    let n = PARALLEL_FROM + 4321;
    let (x0, g) = (noise(n, 1), noise(n, 2));
    let step = SignStep { alpha: 0.001, epsilon: 0.0025, bounds: FULL_SCALE };
    let mut whole = noise(n, 3);
    let mut pieces = whole.clone();
    sign_step(&mut whole, &x0, &g, &step).unwrap();
    for ((x, x0), g) in pieces.chunks_mut(1000).zip(x0.chunks(1000)).zip(g.chunks(1000)) {
        sign_step(x, x0, g, &step).unwrap();
    }
    assert_eq!(bits(&whole), bits(&pieces));
}

#[test]
fn norms_of_known_rows() {
    let x = [3.0, -4.0, 0.0, f32::NAN, 1.0, 1.0, -1.0, 1.0];
    let rows = Rows::new(4, &[3, 4]).unwrap();
    for (norm, expected) in
        [(Norm::L0, [2.0, 4.0]), (Norm::L1, [7.0, 4.0]), (Norm::L2, [5.0, 2.0]), (Norm::Linf, [4.0, 1.0])]
    {
        assert_eq!(norms(&x, None, &rows, norm).unwrap(), expected, "{norm:?}");
        assert_eq!(norms(&x, Some(&[0.0; 8]), &rows, norm).unwrap(), expected, "{norm:?} from zero");
    }
    let broken = norms(&[1.0, f32::NAN, 0.5], None, &row(&[0.0; 3]), Norm::Linf).unwrap();
    assert!(broken[0].is_nan());
    assert_eq!(norms(&[], None, &Rows::full(2, 0).unwrap(), Norm::L2).unwrap(), [0.0, 0.0]);
}

#[test]
fn l2_norm_neither_overflows_nor_underflows() {
    for value in [f32::MAX, 1e-45] {
        let found = norms(&[value; 4], None, &row(&[0.0; 4]), Norm::L2).unwrap()[0];
        assert_eq!(found, 2.0 * f64::from(value));
    }
}

#[test]
fn l2_step_moves_alpha_along_the_gradient() {
    let mut x = [0.0, 0.0, 0.125, 0.5, 0.5, 0.5];
    let x0 = [0.0, 0.0, 0.0, 0.5, 0.5, 0.0];
    let g = [3e-30, 4e-30, 9.0, 0.0, 0.0, 9.0];
    let rows = Rows::new(3, &[2, 2]).unwrap();
    l2_step(&mut x, &x0, &g, &rows, &L2Step { alpha: 0.5, epsilon: 1.0, bounds: FULL_SCALE }).unwrap();
    assert_eq!(x, [0.3, 0.4, 0.0, 0.5, 0.5, 0.0], "step, padding of x0, and no step without a gradient");
    l2_step(&mut x, &x0, &g, &rows, &L2Step { alpha: 4.5, epsilon: 1.0, bounds: FULL_SCALE }).unwrap();
    assert_eq!(x[..2], [0.6, 0.8], "the ball holds it");
    let tight = Bounds { low: -0.25, high: 0.25 };
    l2_step(
        &mut x[..2],
        &x0[..2],
        &g[..2],
        &row(&g[..2]),
        &L2Step { alpha: 0.5, epsilon: 1.0, bounds: tight },
    )
    .unwrap();
    assert_eq!(x[..2], [0.25, 0.25], "the box holds it");
}

#[test]
fn l2_step_without_direction_still_projects() {
    for gradient in [[0.0, 0.0], [f32::NAN, 1.0], [f32::INFINITY, 1.0]] {
        let mut x = [0.6, 0.8];
        let step = L2Step { alpha: 0.5, epsilon: 0.5, bounds: FULL_SCALE };
        l2_step(&mut x, &[0.0; 2], &gradient, &row(&gradient), &step).unwrap();
        assert_eq!(x, [0.3, 0.4], "gradient {gradient:?}");
    }
}

/// Threshold of the L1 projection by sorting, in float64: Duchi et al. 2008, figure 1.
fn l1_threshold_by_sorting(d: &[f64], radius: f64) -> f64 {
    let mut sorted: Vec<f64> = d.iter().map(|d| d.abs()).collect();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let (mut sum, mut threshold) = (0.0, 0.0);
    for (i, value) in sorted.iter().enumerate() {
        sum += value;
        let candidate = (sum - radius) / (i + 1) as f64;
        if *value > candidate {
            threshold = candidate;
        }
    }
    threshold
}

fn check_l1(x: &[f32], x0: &[f32], radius: f32) {
    let mut projected = x.to_vec();
    project_l1(&mut projected, x0, &row(x), radius).unwrap();
    let d: Vec<f64> = x.iter().zip(x0).map(|(x, x0)| f64::from(*x) - f64::from(*x0)).collect();
    if d.iter().map(|d| d.abs()).sum::<f64>() <= f64::from(radius) {
        return assert_eq!(bits(&projected), bits(x), "a row inside is untouched");
    }
    let threshold = l1_threshold_by_sorting(&d, radius.into());
    for ((found, d), x0) in projected.iter().zip(&d).zip(x0) {
        let expected = f64::from(*x0) + d.signum() * (d.abs() - threshold).max(0.0);
        assert!((f64::from(*found) - expected).abs() <= 1.2e-7, "{found} for {expected}, radius {radius}");
    }
    let norm = norms(&projected, Some(x0), &row(x), Norm::L1).unwrap()[0];
    assert!(norm <= f64::from(radius) + 6e-8 * x.len() as f64, "norm {norm}, radius {radius}");
}

#[test]
fn l1_projection_brings_hard_rows_into_the_ball() {
    // One sample leaves the support per step, more of them than steps: only the rescaling makes it fit.
    let steep: Vec<f32> = (0..120).map(|i| 0.5f32.powi(i)).collect();
    let mut x = steep.clone();
    project_l1(&mut x, &[0.0; 120], &row(&steep), 1e-30).unwrap();
    assert!(norms(&x, None, &row(&x), Norm::L1).unwrap()[0] <= 1.000_001e-30);
    let mut x = steep.clone();
    project_l1(&mut x, &[0.0; 120], &row(&steep), 0.0).unwrap();
    assert!(x.iter().all(|x| *x == 0.0), "nothing fits a ball of radius 0");
}

/// The same cases in every run.
fn repeatable() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(6), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(repeatable())]

    #[test]
    fn l1_projection_is_that_of_sorting(seed in 1u32..10_000, n in 1usize..9000, radius in 0.001f32..200.0) {
        check_l1(&noise(n, seed), &vec![0.125; n], radius);
    }

    #[test]
    fn l2_projection_scales_the_difference(seed in 1u32..10_000, n in 1usize..9000, radius in 0.001f32..50.0) {
        let (x, x0) = (noise(n, seed), noise(n, seed + 1));
        let before = norms(&x, Some(&x0), &row(&x), Norm::L2).unwrap()[0];
        let mut projected = x.clone();
        project_l2(&mut projected, &x0, &row(&x), radius).unwrap();
        let keep = (f64::from(radius) / before).min(1.0);
        for ((found, x), x0) in projected.iter().zip(&x).zip(&x0) {
            let expected = f64::from(*x0) + keep * (f64::from(*x) - f64::from(*x0));
            prop_assert!((f64::from(*found) - expected).abs() <= 6e-8);
        }
    }

    #[test]
    fn top_k_is_that_of_sorting(seed in 1u32..10_000, n in 1usize..3000, k in 0usize..3200) {
        // Few distinct values: ties everywhere.
        let values: Vec<f32> = noise(n, seed).iter().map(|x| (x * 8.0).round()).collect();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|a, b| values[*b].abs().total_cmp(&values[*a].abs()).then(a.cmp(b)));
        let mut expected = vec![0.0; n];
        order.iter().take(k).for_each(|i| expected[*i] = 1.0);
        let mut mask = vec![9.0; n];
        top_k_mask(&values, &row(&values), &[k], &mut mask).unwrap();
        prop_assert_eq!(&mask, &expected);
        let mut x = values.clone();
        project_l0(&mut x, &vec![0.0; n], &row(&values), &[k]).unwrap();
        prop_assert_eq!(x, values.iter().zip(&expected).map(|(x, m)| if *m == 1.0 { *x } else { 0.0 }).collect::<Vec<_>>());
    }

    #[test]
    fn pcm16_is_rint_of_float64(x in -1.2f32..1.2) {
        let mut found = [x];
        pcm16_round(&mut found);
        let code = (f64::from(x) * 32768.0).round_ties_even().clamp(-32768.0, 32767.0);
        prop_assert_eq!(f64::from(found[0]), code / 32768.0);
    }
}

#[test]
fn pcm16_at_its_edges() {
    let half = 0.5 / 32768.0;
    for (x, code) in [
        (1.0, 32767),
        (-1.0, -32768),
        (f32::INFINITY, 32767),
        (f32::NEG_INFINITY, -32768),
        (f32::NAN, 0),
        (half, 0),
        (3.0 * half, 2),
        (-half, 0),
        (-3.0 * half, -2),
        (0.0, 0),
        (1e-40, 0),
    ] {
        let mut found = [x];
        pcm16_round(&mut found);
        assert_eq!(found[0] * 32768.0, code as f32, "x {x}");
    }
    for code in i16::MIN..=i16::MAX {
        let mut held = [f32::from(code) / 32768.0];
        pcm16_round(&mut held);
        assert_eq!(held[0] * 32768.0, f32::from(code), "what a file holds stays");
    }
}

#[test]
fn top_k_counts_no_padding_and_no_nan() {
    let values = [0.5, f32::NAN, -2.0, 9.0, 0.0, 0.0, 0.0, 0.0];
    let mut mask = [7.0; 8];
    top_k_mask(&values, &Rows::new(4, &[3, 4]).unwrap(), &[2, 2], &mut mask).unwrap();
    assert_eq!(mask, [1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn projections_give_padding_back() {
    let rows = Rows::new(3, &[2, 0]).unwrap();
    let x0 = [0.0, 0.0, 0.25, 0.5, 0.5, 0.5];
    let x = [0.5, 0.5, 9.0, 9.0, 9.0, 9.0];
    type Project = fn(&mut [f32], &[f32], &Rows) -> Result<(), Error>;
    let cases: [(&str, Project); 4] = [
        ("linf", |x, x0, rows| project_linf(x, x0, rows, 4.0)),
        ("l2", |x, x0, rows| project_l2(x, x0, rows, 4.0)),
        ("l1", |x, x0, rows| project_l1(x, x0, rows, 4.0)),
        ("l0", |x, x0, rows| project_l0(x, x0, rows, &[2, 2])),
    ];
    for (name, project) in cases {
        let mut found = x;
        project(&mut found, &x0, &rows).unwrap();
        assert_eq!(found, [0.5, 0.5, 0.25, 0.5, 0.5, 0.5], "{name}");
    }
}

#[test]
fn masks_copy_bit_for_bit_at_their_ends() {
    let mut x = [0.1, f32::NAN, 0.3, 1.0];
    apply_mask(&mut x, &[0.7, 0.2, f32::NAN, 0.0], &[0.0, 0.0, 1.0, 0.25]).unwrap();
    assert_eq!(x, [0.7, 0.2, 0.3, 0.25]);
}

#[test]
fn random_quantisation_is_the_hard_one_or_none() {
    let n = 10_001;
    let p: Vec<f32> = noise(2 * n, 5).iter().map(|x| (x + 1.0) / 2.0).collect();
    let rows = Rows::new(n, &[n, n - 3]).unwrap();
    let streams = [Stream::new(&[7; 32], 0), Stream::new(&[7; 32], 1)];
    let (mut mixed, mut soft) = (p.clone(), vec![9.0; 2 * n]);
    quantise_random(&mut mixed, &mut soft, &rows, &streams).unwrap();
    let mut hard = p.clone();
    quantise_hard(&mut hard);
    for i in 0..2 * n - 3 {
        assert!(soft[i] == 0.0 || soft[i] == 1.0);
        assert_eq!(mixed[i], if soft[i] == 1.0 { p[i] } else { hard[i] });
    }
    assert_eq!(mixed[2 * n - 3..], [0.0; 3], "padding");
    assert_eq!(soft[2 * n - 3..], [0.0; 3], "padding");
    // 10,001 fair coins: 5000 ± 50; five deviations.
    let share = soft[..n].iter().sum::<f32>();
    assert!((4750.0..5250.0).contains(&share), "{share} of {n} stayed soft");
    let (mut alone, mut alone_soft) = (p[n..].to_vec(), vec![0.0; n]);
    quantise_random(&mut alone, &mut alone_soft, &Rows::new(n, &[n - 3]).unwrap(), &streams[1..]).unwrap();
    assert_eq!(alone, mixed[n..], "a row does not depend on its batch");
    assert_eq!(
        [0.5, 0.499_999_97, f32::NAN].map(|p| {
            let mut p = [p];
            quantise_hard(&mut p);
            p[0]
        }),
        [1.0, 0.0, 0.0]
    );
}

#[test]
fn broken_samples_are_counted_per_row() {
    let x = [f32::NAN, 1.0, f32::INFINITY, f32::NAN, 0.0, f32::MAX, f32::from_bits(1), f32::NEG_INFINITY];
    assert_eq!(finite_check(&x, &Rows::new(4, &[3, 4]).unwrap()).unwrap(), [2, 1]);
}

#[test]
fn axpy_rounds_twice() {
    let (a, x, y) = (1.0 + f32::EPSILON, 1.0 - f32::EPSILON, -1.0);
    let mut fused = [y];
    axpy(&mut fused, a, &[x]).unwrap();
    assert_eq!(fused[0], a * x + y);
    assert_ne!(fused[0], a.mul_add(x, y), "the case must tell the two apart");
}

#[test]
fn bad_input_is_named() {
    let step = SignStep { alpha: 0.1, epsilon: 0.1, bounds: FULL_SCALE };
    let two = Rows::full(1, 2).unwrap();
    let mut x = [0.0; 2];
    let cases: [(Result<(), Error>, &str); 9] = [
        (sign_step(&mut x, &[0.0], &[0.0; 2], &step), "x0 holds 1 values, its shape needs 2"),
        (sign_step(&mut x, &[0.0; 2], &[0.0; 3], &step), "g holds 3 values, its shape needs 2"),
        (
            sign_step(&mut x, &[0.0; 2], &[0.0; 2], &SignStep { epsilon: -1.0, ..step }),
            "epsilon is -1, it must be finite and at least 0",
        ),
        (
            sign_step(&mut x, &[0.0; 2], &[0.0; 2], &SignStep { alpha: f32::NAN, ..step }),
            "alpha is NaN, it must be finite",
        ),
        (clip(&mut x, Bounds { low: 1.0, high: -1.0 }), "low is 1, it must be at most high, and neither NaN"),
        (
            project_l1(&mut x, &[0.0; 2], &two, f32::INFINITY),
            "radius is inf, it must be finite and at least 0",
        ),
        (project_l0(&mut x, &[0.0; 2], &two, &[1, 1]), "k holds 2 values, its shape needs 1"),
        (Rows::new(2, &[1, 3]).map(drop), "row 1 is said to have 3 samples, the tensor has 2 per row"),
        (
            Rows::full(2, usize::MAX / 2).map(drop),
            "2 rows of 9223372036854775807 samples are too many to index",
        ),
    ];
    for (found, message) in cases {
        assert_eq!(found.unwrap_err().to_string(), message);
    }
    assert_eq!(x, [0.0; 2], "nothing is written when an operation is refused");
}
