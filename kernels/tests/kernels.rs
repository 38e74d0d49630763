//! The CUDA sources, compiled as host C++, against the CPU definitions: every operation, bit for bit, over odd
//! shapes, odd grids, both orders of threads, and numbers that are not numbers.
#![allow(clippy::unwrap_used)]

mod host;

use seraph_kernels::device::{Buffer, Device, DeviceRows, Geometry};
use seraph_kernels::*;

/// What an operation works on.
struct Case {
    rows: Rows,
    x: Vec<f32>,
    x0: Vec<f32>,
    g: Vec<f32>,
    k: Vec<usize>,
}

/// How values are drawn.
#[derive(Clone, Copy, Debug)]
enum Values {
    /// Audio-like, in [-1, 1].
    Plain,
    /// Few distinct values: ties everywhere.
    Coarse,
    /// NaN, infinities, both zeros, denormals and extremes among them.
    Special,
}

const SPECIAL: [f32; 12] = [
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    0.0,
    -0.0,
    1e-45,
    -1e-45,
    1e-39,
    f32::MAX,
    f32::MIN,
    1.0,
    -1.0,
];

fn draw(n: usize, seed: u32, values: Values) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let mut one = |values| {
        let word = next();
        let plain = (word as i32 >> 8) as f32 / (1 << 23) as f32;
        match values {
            Values::Plain => plain,
            Values::Coarse => (plain * 4.0).round() / 4.0,
            Values::Special if word.is_multiple_of(3) => SPECIAL[(word / 3) as usize % SPECIAL.len()],
            Values::Special => plain,
        }
    };
    (0..n).map(|_| one(values)).collect()
}

impl Case {
    fn new(n_samples: usize, lengths: &[usize], values: Values) -> Self {
        let rows = Rows::new(n_samples, lengths).unwrap();
        let n = rows.n_values();
        let k =
            lengths.iter().enumerate().map(|(row, length)| [length / 3, 0, length + 1, 1][row % 4]).collect();
        Self { x: draw(n, 1, values), x0: draw(n, 2, values), g: draw(n, 3, values), k, rows }
    }

    fn all() -> Vec<(String, Self)> {
        let shapes: [(usize, &[usize]); 7] = [
            (1, &[1]),
            (0, &[0, 0]),
            (7, &[7, 0, 3]),
            (64, &[64, 63, 33, 32, 31]),
            (1500, &[1500, 1024, 1023, 1025, 1]),
            (4097, &[4097, 4096, 4095, 4000]),
            (20_001, &[20_001, 12_288]),
        ];
        let values = [Values::Plain, Values::Coarse, Values::Special];
        let name =
            |n_samples, lengths: &[usize], values| format!("{n_samples} samples, {lengths:?}, {values:?}");
        shapes
            .iter()
            .flat_map(|(n, lengths)| {
                values.map(|values| (name(*n, lengths, values), Self::new(*n, lengths, values)))
            })
            .collect()
    }
}

/// Results as bits; every NaN is the same NaN.
type Bits = Vec<u64>;

fn bits32(x: &[f32]) -> Bits {
    x.iter().map(|x| if x.is_nan() { u64::MAX } else { x.to_bits().into() }).collect()
}

fn bits64(x: &[f64]) -> Bits {
    x.iter().map(|x| if x.is_nan() { u64::MAX } else { x.to_bits() }).collect()
}

/// One operation, both ways.
struct Operation {
    name: &'static str,
    cpu: fn(&Case) -> Result<Bits, Error>,
    device: fn(&Device, &DeviceRows, &Case) -> Result<Bits, Error>,
}

/// What `f` makes of `x`.
fn cpu(case: &Case, f: impl FnOnce(&mut [f32]) -> Result<(), Error>) -> Result<Bits, Error> {
    let mut x = case.x.clone();
    f(&mut x)?;
    Ok(bits32(&x))
}

/// What `f` makes of `x` on the device.
fn on(
    device: &Device,
    case: &Case,
    f: impl FnOnce(&mut Buffer<f32>) -> Result<(), Error>,
) -> Result<Bits, Error> {
    let mut x = device.upload(&case.x)?;
    f(&mut x)?;
    Ok(bits32(&x.download()?))
}

const SIGN: SignStep = SignStep { alpha: 0.01, epsilon: 0.3, bounds: Bounds { low: -0.9, high: 0.8 } };
const L2: L2Step = L2Step { alpha: 0.7, epsilon: 2.5, bounds: Bounds { low: -0.9, high: 0.8 } };
const NORMS: [Norm; 4] = [Norm::L0, Norm::L1, Norm::L2, Norm::Linf];

fn k(device: &Device, case: &Case) -> Result<Buffer<u64>, Error> {
    device.upload(&case.k.iter().map(|k| *k as u64).collect::<Vec<_>>())
}

fn streams(case: &Case) -> Vec<Stream> {
    (0..case.rows.n_rows() as u64).map(|row| Stream::new(&[9; 32], row << 31)).collect()
}

#[rustfmt::skip]
const OPERATIONS: &[Operation] = &[
    Operation {
        name: "sign_step",
        cpu: |c| cpu(c, |x| sign_step(x, &c.x0, &c.g, &SIGN)),
        device: |d, _, c| on(d, c, |x| d.sign_step(x, &d.upload(&c.x0)?, &d.upload(&c.g)?, &SIGN)),
    },
    Operation {
        name: "l2_step",
        cpu: |c| cpu(c, |x| l2_step(x, &c.x0, &c.g, &c.rows, &L2)),
        device: |d, rows, c| on(d, c, |x| d.l2_step(x, &d.upload(&c.x0)?, &d.upload(&c.g)?, rows, &L2)),
    },
    Operation {
        name: "clip",
        cpu: |c| cpu(c, |x| clip(x, SIGN.bounds)),
        device: |d, _, c| on(d, c, |x| d.clip(x, SIGN.bounds)),
    },
    Operation {
        name: "axpy",
        cpu: |c| cpu(c, |x| axpy(x, 1.1, &c.g)),
        device: |d, _, c| on(d, c, |x| d.axpy(x, 1.1, &d.upload(&c.g)?)),
    },
    Operation {
        name: "apply_mask",
        cpu: |c| cpu(c, |x| apply_mask(x, &c.x0, &c.g)),
        device: |d, _, c| on(d, c, |x| d.apply_mask(x, &d.upload(&c.x0)?, &d.upload(&c.g)?)),
    },
    Operation {
        name: "pcm16_round",
        cpu: |c| cpu(c, |x| { pcm16_round(x); Ok(()) }),
        device: |d, _, c| on(d, c, |x| d.pcm16_round(x)),
    },
    Operation {
        name: "project_linf",
        cpu: |c| cpu(c, |x| project_linf(x, &c.x0, &c.rows, 0.25)),
        device: |d, rows, c| on(d, c, |x| d.project_linf(x, &d.upload(&c.x0)?, rows, 0.25)),
    },
    Operation {
        name: "project_l2",
        cpu: |c| cpu(c, |x| project_l2(x, &c.x0, &c.rows, 0.75)),
        device: |d, rows, c| on(d, c, |x| d.project_l2(x, &d.upload(&c.x0)?, rows, 0.75)),
    },
    Operation {
        name: "project_l1",
        cpu: |c| cpu(c, |x| project_l1(x, &c.x0, &c.rows, 3.0)),
        device: |d, rows, c| on(d, c, |x| d.project_l1(x, &d.upload(&c.x0)?, rows, 3.0)),
    },
    Operation {
        name: "project_l0",
        cpu: |c| cpu(c, |x| project_l0(x, &c.x0, &c.rows, &c.k)),
        device: |d, rows, c| on(d, c, |x| d.project_l0(x, &d.upload(&c.x0)?, rows, &k(d, c)?)),
    },
    Operation {
        name: "top_k_mask",
        cpu: |c| cpu(c, |mask| top_k_mask(&c.g, &c.rows, &c.k, mask)),
        device: |d, rows, c| on(d, c, |mask| d.top_k_mask(&d.upload(&c.g)?, rows, &k(d, c)?, mask)),
    },
    Operation {
        name: "quantise_hard",
        cpu: |c| cpu(c, |p| { quantise_hard(p); Ok(()) }),
        device: |d, _, c| on(d, c, |p| d.quantise_hard(p)),
    },
    Operation {
        name: "quantise_random",
        cpu: |c| {
            let mut soft = c.g.clone();
            let p = cpu(c, |p| quantise_random(p, &mut soft, &c.rows, &streams(c)))?;
            Ok([p, bits32(&soft)].concat())
        },
        device: |d, rows, c| {
            let mut soft = d.upload(&c.g)?;
            let p = on(d, c, |p| d.quantise_random(p, &mut soft, rows, &streams(c)))?;
            Ok([p, bits32(&soft.download()?)].concat())
        },
    },
    Operation {
        name: "finite_check",
        cpu: |c| finite_check(&c.x, &c.rows),
        device: |d, rows, c| d.finite_check(&d.upload(&c.x)?, rows)?.download(),
    },
    Operation {
        name: "norms",
        cpu: |c| {
            let of = |norm| Ok(bits64(&norms(&c.x, None, &c.rows, norm)?));
            Ok(NORMS.map(of).into_iter().collect::<Result<Vec<_>, Error>>()?.concat())
        },
        device: |d, rows, c| {
            let x = d.upload(&c.x)?;
            let of = |norm| Ok(bits64(&d.norms(&x, None, rows, norm)?.download()?));
            Ok(NORMS.map(of).into_iter().collect::<Result<Vec<_>, Error>>()?.concat())
        },
    },
    Operation {
        name: "norms of a difference",
        cpu: |c| {
            let of = |norm| Ok(bits64(&norms(&c.x, Some(&c.x0), &c.rows, norm)?));
            Ok(NORMS.map(of).into_iter().collect::<Result<Vec<_>, Error>>()?.concat())
        },
        device: |d, rows, c| {
            let (x, x0) = (d.upload(&c.x)?, d.upload(&c.x0)?);
            let of = |norm| Ok(bits64(&d.norms(&x, Some(&x0), rows, norm)?.download()?));
            Ok(NORMS.map(of).into_iter().collect::<Result<Vec<_>, Error>>()?.concat())
        },
    },
];

const GEOMETRIES: [Geometry; 4] = [
    Geometry { block: 256, per_thread: 4, max_blocks: 1 << 20 },
    Geometry { block: 64, per_thread: 1, max_blocks: 3 },
    Geometry { block: 7, per_thread: 3, max_blocks: 5 },
    Geometry { block: 1, per_thread: 1, max_blocks: 1 },
];

/// The first operation, case and value in which a device differs from the definitions.
fn first_difference(device: &Device) -> Option<String> {
    for (name, case) in Case::all() {
        let rows = device.rows(&case.rows).unwrap();
        for operation in OPERATIONS {
            let expected = (operation.cpu)(&case).unwrap();
            let found = (operation.device)(device, &rows, &case).unwrap();
            if let Some(i) = (0..expected.len().max(found.len())).find(|i| expected.get(*i) != found.get(*i))
            {
                let (expected, found) = (expected.get(i), found.get(i));
                return Some(format!(
                    "{}, {name}: value {i} is {found:x?}, not {expected:x?}",
                    operation.name
                ));
            }
        }
    }
    None
}

#[test]
fn kernels_give_the_bits_of_their_definitions() {
    for geometry in GEOMETRIES {
        for backwards in [false, true] {
            let difference = first_difference(&host::device(geometry, backwards));
            assert_eq!(difference, None, "{geometry:?}, backwards: {backwards}");
        }
    }
}

#[cfg(feature = "cuda")]
#[test]
fn a_gpu_gives_the_bits_of_the_definitions() {
    match Device::cuda(0) {
        Ok(device) => {
            for geometry in GEOMETRIES {
                assert_eq!(first_difference(&device.clone().with_geometry(geometry)), None, "{geometry:?}");
            }
        }
        Err(error) => {
            assert_eq!(device::cuda_device_count(), 0, "{error}");
            eprintln!("skipped: {error}");
        }
    }
}

#[test]
fn a_tensor_of_many_tiles_sums_in_the_same_order() {
    // More tiles in a row than a tile holds lanes, and a second level of sums.
    let case = Case::new(4096 * 40 + 11, &[4096 * 40 + 11, 4096 * 33], Values::Plain);
    let device = host::device(GEOMETRIES[0], true);
    let rows = device.rows(&case.rows).unwrap();
    for operation in OPERATIONS {
        let same = (operation.cpu)(&case).unwrap() == (operation.device)(&device, &rows, &case).unwrap();
        assert!(same, "{}", operation.name);
    }
}

#[test]
fn bad_input_is_refused_as_on_the_cpu() {
    let device = host::device(GEOMETRIES[0], false);
    let rows = device.rows(&Rows::full(1, 2).unwrap()).unwrap();
    let (mut x, short) = (device.zeros::<f32>(2).unwrap(), device.zeros::<f32>(1).unwrap());
    let same = device.zeros::<f32>(2).unwrap();
    for (found, message) in [
        (device.sign_step(&mut x, &short, &same, &SIGN), "x0 holds 1 values, its shape needs 2"),
        (device.project_l2(&mut x, &same, &rows, -1.0), "radius is -1, it must be finite and at least 0"),
        (device.l2_step(&mut x, &same, &short, &rows, &L2), "g holds 1 values, its shape needs 2"),
        (x.upload(&[1.0]), "source holds 1 values, its shape needs 2"),
    ] {
        assert_eq!(found.unwrap_err().to_string(), message);
    }
    // SAFETY: the memory is `x`'s own, and both live to the end of the test.
    let alias = unsafe { device.borrow::<f32>(x.address(), 2) };
    assert_eq!(
        device.axpy(&mut x, 1.0, &alias).unwrap_err().to_string(),
        "kernel axpy: argument 0 is written and overlaps argument 1"
    );
}
