//! Views of float32 tensors: from slices to the ABI's struct and, checked, back.

use seraph_sys as sys;

use crate::Error;

/// Rows of audio: float32 `[n_rows, n_samples]`, row-major.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// `n_rows * n_samples` samples.
    pub data: &'a [f32],
    /// How many rows.
    pub n_rows: usize,
    /// Samples of each row.
    pub n_samples: usize,
}

impl<'a> Rows<'a> {
    /// Row `row`: `[n_samples]`.
    pub fn row(&self, row: usize) -> &'a [f32] {
        &self.data[row * self.n_samples..(row + 1) * self.n_samples]
    }
}

/// A read-only view of `data` as `[rows, columns]`.
pub(crate) fn view(data: &[f32], rows: usize, columns: usize) -> sys::seraph_tensor {
    let flags = sys::SERAPH_TENSOR_READONLY;
    sys::seraph_tensor { flags, ..raw(data.as_ptr().cast_mut(), data.len(), &[rows, columns]) }
}

/// A read-only view of `data` as `[data.len()]`.
pub(crate) fn view_row(data: &[f32]) -> sys::seraph_tensor {
    let flags = sys::SERAPH_TENSOR_READONLY;
    sys::seraph_tensor { flags, ..raw(data.as_ptr().cast_mut(), data.len(), &[data.len()]) }
}

/// A writable view of `data` as `[rows, columns]`.
pub(crate) fn view_mut(data: &mut [f32], rows: usize, columns: usize) -> sys::seraph_tensor {
    raw(data.as_mut_ptr(), data.len(), &[rows, columns])
}

fn raw(data: *mut f32, len: usize, shape: &[usize]) -> sys::seraph_tensor {
    let mut tensor = sys::seraph_tensor {
        data: data.cast(),
        byte_len: len as u64 * 4,
        byte_offset: 0,
        device_type: sys::SERAPH_DEVICE_CPU,
        device_id: 0,
        dtype_code: sys::SERAPH_DTYPE_FLOAT,
        dtype_bits: 32,
        dtype_lanes: 1,
        flags: 0,
        rank: shape.len() as i32,
        reserved0: 0,
        shape: [0; sys::SERAPH_MAX_RANK],
        stride: [0; sys::SERAPH_MAX_RANK],
        reserved: [0; 2],
    };
    let mut stride = 1;
    for (axis, &extent) in shape.iter().enumerate().rev() {
        tensor.shape[axis] = extent as i64;
        tensor.stride[axis] = stride;
        stride *= extent as i64;
    }
    tensor
}

/// The two extents of a contiguous float32 CPU matrix that fits in its bytes, or what is wrong with it.
pub(crate) fn matrix_shape(tensor: &sys::seraph_tensor, what: &str) -> Result<(usize, usize), Error> {
    let broken = |why: &str| Error::argument(format!("{what}: {why}"));
    if tensor.device_type != sys::SERAPH_DEVICE_CPU {
        return Err(broken("not in CPU memory"));
    }
    if (tensor.dtype_code, tensor.dtype_bits, tensor.dtype_lanes) != (sys::SERAPH_DTYPE_FLOAT, 32, 1) {
        return Err(broken("not float32"));
    }
    if tensor.rank != 2 {
        return Err(broken(&format!("rank is {}, expected 2", tensor.rank)));
    }
    let [rows, columns] = [tensor.shape[0], tensor.shape[1]].map(|extent| usize::try_from(extent).ok());
    let (Some(rows), Some(columns)) = (rows, columns) else { return Err(broken("negative extent")) };
    let row_major = tensor.stride[1] == 1 || columns <= 1;
    if !row_major || (rows > 1 && tensor.stride[0] != columns as i64) {
        return Err(broken("not row-major contiguous"));
    }
    let bytes = (rows as u64).checked_mul(columns as u64).and_then(|len| len.checked_mul(4));
    let end = bytes.and_then(|bytes| bytes.checked_add(tensor.byte_offset));
    if end.is_none_or(|end| end > tensor.byte_len) {
        return Err(broken(&format!("[{rows}, {columns}] does not fit in {} bytes", tensor.byte_len)));
    }
    let address = (tensor.data as u64).wrapping_add(tensor.byte_offset);
    if rows * columns > 0 && (tensor.data.is_null() || !address.is_multiple_of(4)) {
        return Err(broken("null or unaligned data"));
    }
    Ok((rows, columns))
}

/// The elements of a tensor that `matrix_shape` accepted.
///
/// # Safety
/// `data` points to `byte_len` readable bytes that nothing writes for as long as `'a`.
pub(crate) unsafe fn rows<'a>(tensor: &sys::seraph_tensor, what: &str) -> Result<Rows<'a>, Error> {
    let (n_rows, n_samples) = matrix_shape(tensor, what)?;
    // SAFETY: checked above: in bounds, aligned, non-null unless empty.
    let data = unsafe { slice(first(tensor), n_rows * n_samples) }?;
    Ok(Rows { data, n_rows, n_samples })
}

/// The elements of a writable tensor of exactly `[n_rows, n_columns]`.
///
/// # Safety
/// `data` points to `byte_len` writable bytes that nothing else touches for as long as `'a`.
pub(crate) unsafe fn rows_mut<'a>(
    tensor: &sys::seraph_tensor,
    shape: (usize, usize),
    what: &str,
) -> Result<&'a mut [f32], Error> {
    let found = matrix_shape(tensor, what)?;
    if found != shape {
        return Err(Error::argument(format!("{what} is {found:?}, expected {shape:?}")));
    }
    if tensor.flags & sys::SERAPH_TENSOR_READONLY != 0 {
        return Err(Error::argument(format!("{what} is read-only")));
    }
    // SAFETY: checked above: in bounds, aligned, non-null unless empty.
    unsafe { slice_mut(first(tensor), shape.0 * shape.1) }
}

fn first(tensor: &sys::seraph_tensor) -> *mut f32 {
    tensor.data.cast::<u8>().wrapping_add(tensor.byte_offset as usize).cast()
}

/// `len` elements from `ptr`, which may be null only when there are none.
///
/// # Safety
/// `ptr` points to `len` readable elements that nothing writes for as long as `'a`, if `len` is not 0.
pub(crate) unsafe fn slice<'a, T>(ptr: *const T, len: usize) -> Result<&'a [T], Error> {
    match (ptr.is_null(), len) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(Error::argument("null pointer to a non-empty array")),
        // SAFETY: non-null here; the caller promises the rest.
        (false, _) => Ok(unsafe { std::slice::from_raw_parts(ptr, len) }),
    }
}

/// `len` writable elements from `ptr`, which may be null only when there are none.
///
/// # Safety
/// `ptr` points to `len` writable elements that nothing else touches for as long as `'a`, if `len` is not 0.
pub(crate) unsafe fn slice_mut<'a, T>(ptr: *mut T, len: usize) -> Result<&'a mut [T], Error> {
    match (ptr.is_null(), len) {
        (_, 0) => Ok(&mut []),
        (true, _) => Err(Error::argument("null pointer to a non-empty array")),
        // SAFETY: non-null here; the caller promises the rest.
        (false, _) => Ok(unsafe { std::slice::from_raw_parts_mut(ptr, len) }),
    }
}
