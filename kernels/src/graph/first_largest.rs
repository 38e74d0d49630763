//! Where the first largest of a few values is, without a branch to mispredict.

/// Windows longer than this would need more bits for the position.
const MAX_WINDOW: usize = 1 << 16;

/// Position in `values` of the first largest one; NaN counts as larger than all. Panics beyond 65,536 values.
#[inline(always)]
pub fn first_largest(values: &[f32]) -> usize {
    match values.len() {
        2 => of_known_length::<2>(values),
        3 => of_known_length::<3>(values),
        4 => of_known_length::<4>(values),
        5 => of_known_length::<5>(values),
        8 => of_known_length::<8>(values),
        10 => of_known_length::<10>(values),
        _ => position(values.iter().enumerate().map(|(at, value)| key(*value, at)).fold(i64::MIN, i64::max)),
    }
}

/// As [`first_largest`] over two stretches, one after the other.
#[inline(always)]
pub fn first_largest_of_pairs(first: &[f32], second: &[f32]) -> usize {
    if let ([a, b], [c, d]) = (first, second) {
        return position(key(*a, 0).max(key(*b, 1)).max(key(*c, 2).max(key(*d, 3))));
    }
    let values = first.iter().chain(second).enumerate();
    position(values.map(|(at, value)| key(*value, at)).fold(i64::MIN, i64::max))
}

#[inline(always)]
fn of_known_length<const N: usize>(values: &[f32]) -> usize {
    let values: &[f32; N] = values.try_into().expect("the caller matched the length");
    let mut largest = i64::MIN;
    for (at, value) in values.iter().enumerate() {
        largest = largest.max(key(*value, at));
    }
    position(largest)
}

/// A whole number that orders like (value, earlier position).
#[inline(always)]
fn key(value: f32, at: usize) -> i64 {
    debug_assert!(at < MAX_WINDOW, "a window of more than {MAX_WINDOW}");
    let bits = (value + 0.0).to_bits() as i32; // + 0.0: -0 and 0 are equal
    let ordered = bits ^ (((bits >> 31) as u32) >> 1) as i32;
    (i64::from(ordered) << 16) | (MAX_WINDOW - 1 - at) as i64
}

#[inline(always)]
fn position(key: i64) -> usize {
    MAX_WINDOW - 1 - (key & (MAX_WINDOW as i64 - 1)) as usize
}
