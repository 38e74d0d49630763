//! The mask of the largest samples of each row.

use crate::parallel::{collect, for_rows};
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
        let mut ties_left = cut.ties;
        for (mask, value) in mask.iter_mut().zip(values) {
            *mask = f32::from(u8::from(cut.lets_in(key(*value), &mut ties_left)));
        }
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
    /// Whether the next sample, of this key, is in. `ties_left` starts as `ties` and counts down over the row.
    #[inline(always)]
    pub(crate) fn lets_in(&self, key: u32, ties_left: &mut usize) -> bool {
        let wins_tie = key == self.key && *ties_left > 0;
        *ties_left -= usize::from(wins_tie);
        key > self.key || wins_tie
    }
}

/// The cut that lets `k` of `n` keys in: the `k`-th largest key, found digit by digit from the top.
pub(crate) fn find_cut(n: usize, k: usize, key: impl Fn(usize) -> u32 + Sync) -> Cut {
    let mut wanted = k.min(n);
    if wanted == 0 {
        return Cut { key: u32::MAX, ties: 0 };
    }
    let (mut prefix, mut shift) = (0, KEY_BITS);
    while shift > 0 {
        let below = shift.saturating_sub(DIGIT_BITS);
        let counts = count_digits(n, &key, prefix, shift, below);
        let digit = pick_digit(&counts, &mut wanted);
        prefix |= digit << below;
        shift = below;
    }
    Cut { key: prefix, ties: wanted }
}

type Counts = [u32; 1 << DIGIT_BITS];

/// How often each digit (bits `below..shift`) occurs among the keys that agree with `prefix` from `shift` up.
fn count_digits(
    n: usize,
    key: &(impl Fn(usize) -> u32 + Sync),
    prefix: u32,
    shift: u32,
    below: u32,
) -> Counts {
    const PIECE: usize = 1 << 16;
    let pieces = collect(n.div_ceil(PIECE), PIECE, |piece| {
        let mut counts = [0; 1 << DIGIT_BITS];
        for i in piece * PIECE..n.min((piece + 1) * PIECE) {
            let key = key(i);
            if (key ^ prefix) >> shift == 0 {
                counts[(key >> below) as usize & (counts.len() - 1)] += 1;
            }
        }
        counts
    });
    let mut total = [0; 1 << DIGIT_BITS];
    for counts in pieces {
        total.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
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
