//! What a device must be able to do.

use super::source::Program;
use crate::Error;
use std::ffi::c_void;

/// How many blocks of how many threads a kernel runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Blocks over the samples of a row, or over a flat tensor.
    pub x: u32,
    /// Blocks over rows.
    pub y: u32,
    /// Threads in a block.
    pub block: u32,
}

/// Memory and kernels of one device, in one order: what is asked for later happens later, as on a CUDA stream.
///
/// # Safety
///
/// Memory from `allocate` must be valid for reads and writes by kernels launched before its `free`, and must
/// overlap no other. `launch` must run the kernel of that name in the program, with those arguments, and nothing
/// else.
pub unsafe trait Backend: Send + Sync {
    /// Memory of `n_bytes > 0` with no particular content, aligned to 16 bytes or more.
    fn allocate(&self, n_bytes: usize) -> Result<u64, Error>;

    /// Gives memory back, after what was launched before.
    ///
    /// # Safety
    ///
    /// `address` came from `allocate` and is not used again.
    unsafe fn free(&self, address: u64);

    /// Sets memory to zero.
    ///
    /// # Safety
    ///
    /// `n_bytes` from `address` on are inside one allocation.
    unsafe fn zero(&self, address: u64, n_bytes: usize) -> Result<(), Error>;

    /// Copies to the device. `source` is free again on return.
    ///
    /// # Safety
    ///
    /// `source.len()` bytes from `address` on are inside one allocation.
    unsafe fn upload(&self, address: u64, source: &[u8]) -> Result<(), Error>;

    /// Copies from the device, after all that was launched before.
    ///
    /// # Safety
    ///
    /// `target.len()` bytes from `address` on are inside one allocation.
    unsafe fn download(&self, target: &mut [u8], address: u64) -> Result<(), Error>;

    /// Runs a kernel; may return before it has run.
    ///
    /// # Safety
    ///
    /// `arguments` point to one value each, of the types in the kernel's signature; pointers among them are to
    /// device memory of at least the length that the kernel touches, and what it writes overlaps nothing else that
    /// it touches.
    unsafe fn launch(
        &self,
        program: &'static Program,
        kernel: &str,
        grid: Grid,
        arguments: &mut [*mut c_void],
    ) -> Result<(), Error>;
}
