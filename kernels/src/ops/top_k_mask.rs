//! The mask of the largest samples of each row.

use super::norms::with_base;
use crate::device::{Arg, Buffer, Device, DeviceRows, Work};
use crate::parallel::{collect, for_rows, vectorised};
use crate::{Error, Rows};

/// Bits of a key that one pass of the selection looks at.
const DIGIT_BITS: u32 = 8;

/// Bits of a key: a float32 without its sign.
const KEY_BITS: u32 = 31;

/// Writes 1 where `|values|` is among the `k[r]` largest of row `r`, 0 elsewhere and in the padding.
///
/// * `values`: `[n_rows, n_samples]`, for instance a gradient
/// * `k`: `[n_rows]`, samples to mark; all of a row's samples when it has fewer
/// * `mask`: `[n_rows, n_samples]`, overwritten with 0.0 and 1.0
///
/// Of equal magnitudes the earlier sample wins; NaN ranks with zeros. The result is exact, and a device gives the
/// same bits.
pub fn top_k_mask(values: &[f32], rows: &Rows, k: &[usize], mask: &mut [f32]) -> Result<(), Error> {
    rows.check("values", values.len())?;
    rows.check("mask", mask.len())?;
    rows.check_per_row("k", k.len())?;
    for_rows(rows, mask, |row, mask| {
        let values = rows.row(values, row);
        let cut = find_cut(values.len(), k[row], |i| key(values[i]));
        let (mask, padding) = mask.split_at_mut(values.len());
        vectorised(|| {
            cut.for_each(values.len(), |i| key(values[i]), |i, is_in| mask[i] = f32::from(u8::from(is_in)));
        });
        padding.fill(0.0);
    });
    Ok(())
}

/// What orders samples: the bits of the magnitude, which order as the magnitudes do. NaN counts as 0.
#[inline(always)]
pub(crate) fn key(value: f32) -> u32 {
    if value.is_nan() { 0 } else { value.abs().to_bits() }
}

/// Where a row is cut: keys above `key` are in, and so are the first `ties` of those equal to it.
pub(crate) struct Cut {
    pub(crate) key: u32,
    pub(crate) ties: usize,
}

impl Cut {
    /// Calls `each(i, in)` for samples `0..n` in order.
    #[inline(always)]
    pub(crate) fn for_each(&self, n: usize, key: impl Fn(usize) -> u32, mut each: impl FnMut(usize, bool)) {
        const BLOCK: usize = 1024;
        let mut ties_left = self.ties;
        for start in (0..n).step_by(BLOCK) {
            let block = start..n.min(start + BLOCK);
            let ties: u32 = block.clone().map(|i| u32::from(key(i) == self.key)).sum();
            if ties as usize <= ties_left {
                ties_left -= ties as usize;
                block.for_each(|i| each(i, key(i) >= self.key));
            } else {
                for i in block {
                    let wins_tie = key(i) == self.key && ties_left > 0;
                    ties_left -= usize::from(wins_tie);
                    each(i, key(i) > self.key || wins_tie);
                }
            }
        }
    }
}

/// The cut that lets `k` of `n` keys in: the `k`-th largest key, found digit by digit from the top.
pub(crate) fn find_cut(n: usize, k: usize, key: impl Fn(usize) -> u32 + Sync) -> Cut {
    let mut wanted = k.min(n);
    if wanted == 0 {
        return Cut { key: u32::MAX, ties: 0 };
    }
    let top = KEY_BITS - DIGIT_BITS;
    let digit = pick_digit(&count_digits(n, &key, top), &mut wanted);
    // Few samples share the first digit: from here on, only those are looked at.
    let mut left: Vec<u32> = (0..n).map(key).filter(|key| key >> top == digit).collect();
    let (mut prefix, mut shift) = (digit << top, top);
    while shift > 0 {
        let below = shift.saturating_sub(DIGIT_BITS);
        let digit =
            pick_digit(&count_digits(left.len(), &|i| left[i] & ((1 << shift) - 1), below), &mut wanted);
        prefix |= digit << below;
        left.retain(|key| key >> below == prefix >> below);
        shift = below;
    }
    Cut { key: prefix, ties: wanted }
}

type Counts = [u32; 1 << DIGIT_BITS];

/// How often each digit, which is what is left of a key without its `below` lowest bits, occurs.
fn count_digits(n: usize, key: &(impl Fn(usize) -> u32 + Sync), below: u32) -> Counts {
    const PIECE: usize = 1 << 16;
    let pieces = collect(n.div_ceil(PIECE), PIECE, |piece| {
        // Neighbours often share a digit; two tables keep an increment from waiting for the one before it.
        let mut counts = [[0; 1 << DIGIT_BITS]; 2];
        for i in piece * PIECE..n.min((piece + 1) * PIECE) {
            counts[i % 2][(key(i) >> below) as usize % (1 << DIGIT_BITS)] += 1;
        }
        counts
    });
    let mut total = [0; 1 << DIGIT_BITS];
    for counts in pieces.into_iter().flatten() {
        total.iter_mut().zip(counts).for_each(|(total, count): (&mut u32, u32)| *total += count);
    }
    total
}

/// The digit in which the `wanted`-th largest key lies; `wanted` becomes its rank among the keys of that digit.
fn pick_digit(counts: &Counts, wanted: &mut usize) -> u32 {
    for (digit, &count) in counts.iter().enumerate().rev() {
        if *wanted <= count as usize {
            return digit as u32;
        }
        *wanted -= count as usize;
    }
    unreachable!("a key is wanted that was not counted")
}

/// Samples whose ties a kernel marks in one word.
const WORD: usize = 32;

/// Words whose ties are counted together; `cu/top_k_mask.cu` has the same number.
const TIE_TILE: usize = 32;

/// The cuts of all rows, and where their ties are.
pub(crate) struct DeviceCuts {
    cuts: Buffer<u32>,
    wanted: Buffer<u64>,
    ties: Buffer<u32>,
    before: Buffer<u64>,
    n_words: u64,
    n_tiles: u64,
}

impl DeviceCuts {
    /// The arguments `cuts, wanted, ties, before`.
    pub(crate) fn tensors(&self) -> [Arg; 4] {
        [(&self.cuts).into(), (&self.wanted).into(), (&self.ties).into(), (&self.before).into()]
    }

    /// The arguments `n_rows, n_samples, n_words, n_tiles`.
    pub(crate) fn sizes(&self, rows: &DeviceRows) -> [Arg; 4] {
        [rows.n_rows(), rows.n_samples(), self.n_words, self.n_tiles].map(Arg::from)
    }
}

impl Device {
    /// [`top_k_mask`] on a device.
    pub fn top_k_mask(
        &self,
        values: &Buffer<f32>,
        rows: &DeviceRows,
        k: &Buffer<u64>,
        mask: &mut Buffer<f32>,
    ) -> Result<(), Error> {
        rows.shape().check("values", values.len())?;
        rows.shape().check("mask", mask.len())?;
        let found = self.find_cuts(values, None, rows, k)?;
        let inputs = [values.into(), rows.lengths().into()];
        let arguments = [&inputs[..], &found.tensors(), &[mask.into()], &found.sizes(rows)].concat();
        self.launch("write_mask", rows.samples(), &arguments)
    }

    /// Where each row of `|x − base|` is cut so that `k[r]` samples are in.
    pub(crate) fn find_cuts(
        &self,
        x: &Buffer<f32>,
        base: Option<&Buffer<f32>>,
        rows: &DeviceRows,
        k: &Buffer<u64>,
    ) -> Result<DeviceCuts, Error> {
        let n_rows = rows.shape().n_rows();
        rows.shape().check_per_row("k", k.len())?;
        let per_row = Work::flat(rows.n_rows());
        let (mut wanted, mut cuts) = (self.scratch::<u64>(n_rows)?, self.scratch::<u32>(n_rows)?);
        let outputs = [(&mut wanted).into(), (&mut cuts).into(), rows.n_rows().into()];
        let arguments = [&[k.into(), rows.lengths().into()][..], &outputs].concat();
        self.launch("start_selection", per_row, &arguments)?;
        let mut counts = self.zeros::<u32>(n_rows << DIGIT_BITS)?;
        let mut shift = KEY_BITS;
        while shift > 0 {
            let below = shift.saturating_sub(DIGIT_BITS);
            let inputs = [&with_base(x, base)[..], &[rows.lengths().into(), (&cuts).into()]].concat();
            let scalars = [shift.into(), below.into(), rows.n_rows().into(), rows.n_samples().into()];
            let arguments = [&inputs[..], &[(&mut counts).into()], &scalars].concat();
            self.launch("count_digits", rows.samples(), &arguments)?;
            let tensors = [(&mut counts).into(), (&mut wanted).into(), (&mut cuts).into()];
            let arguments = [&tensors[..], &[below.into(), rows.n_rows().into()]].concat();
            self.launch("pick_digit", per_row, &arguments)?;
            shift = below;
        }
        self.rank_ties(x, base, rows, cuts, wanted)
    }

    fn rank_ties(
        &self,
        x: &Buffer<f32>,
        base: Option<&Buffer<f32>>,
        rows: &DeviceRows,
        cuts: Buffer<u32>,
        wanted: Buffer<u64>,
    ) -> Result<DeviceCuts, Error> {
        let n_rows = rows.shape().n_rows();
        let words = rows.shape().n_samples().div_ceil(WORD);
        let tiles = words.div_ceil(TIE_TILE);
        let (n_words, n_tiles) = (words as u64, tiles as u64);
        let (mut ties, mut before) = (self.scratch(n_rows * words)?, self.scratch(n_rows * tiles)?);
        let inputs = [&with_base(x, base)[..], &[rows.lengths().into(), (&cuts).into()]].concat();
        let sizes = [rows.n_rows().into(), rows.n_samples().into(), n_words.into()];
        let arguments = [&inputs[..], &[(&mut ties).into()], &sizes].concat();
        self.launch("mark_ties", rows.each(n_words), &arguments)?;
        let sizes = [rows.n_rows().into(), n_words.into(), n_tiles.into()];
        let arguments = [&[(&ties).into(), (&mut before).into()][..], &sizes].concat();
        self.launch("count_ties", rows.each(n_tiles), &arguments)?;
        let arguments = [(&mut before).into(), rows.n_rows().into(), n_tiles.into()];
        self.launch("scan_ties", Work::flat(rows.n_rows()), &arguments)?;
        Ok(DeviceCuts { cuts, wanted, ties, before, n_words, n_tiles })
    }
}
