//! The same operations on a device: its memory, its kernels, and the one way to launch them.
//!
//! Methods of [`Device`] are named as the functions on the CPU that define them, take the same arguments with
//! [`Buffer`] for slices, and live in the same files. They return as soon as the work is in the device's queue;
//! only [`Buffer::download`] waits.

mod backend;
mod buffer;
#[cfg(feature = "cuda")]
mod cuda;
mod launch;
#[cfg(feature = "cuda")]
pub mod nvrtc;
mod rows;
mod source;

pub use backend::{Backend, Grid};
pub use buffer::{Buffer, Scalar};
#[cfg(feature = "cuda")]
pub use cuda::{Cuda, cuda_device_count};
pub use launch::Geometry;
pub(crate) use launch::{Arg, Work};
pub use rows::DeviceRows;
pub use source::{Element, PROGRAMS, Program};

use crate::{Error, Rows};
use std::sync::Arc;

/// A device that operations run on. Clones are the same device.
#[derive(Clone)]
pub struct Device {
    backend: Arc<dyn Backend>,
    geometry: Geometry,
}

impl Device {
    /// The device behind a backend.
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self { backend, geometry: Geometry::default() }
    }

    /// The same device with its threads spread in another way.
    pub fn with_geometry(self, geometry: Geometry) -> Self {
        Self { geometry, ..self }
    }

    pub(crate) fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    pub(crate) fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// A buffer with these numbers.
    pub fn upload<T: Scalar>(&self, source: &[T]) -> Result<Buffer<T>, Error> {
        let mut buffer = Buffer::allocate(&self.backend, source.len())?;
        buffer.upload(source)?;
        Ok(buffer)
    }

    /// A buffer of zeros.
    pub fn zeros<T: Scalar>(&self, len: usize) -> Result<Buffer<T>, Error> {
        let mut buffer = Buffer::allocate(&self.backend, len)?;
        buffer.zero()?;
        Ok(buffer)
    }

    /// A buffer with no particular content, for results.
    pub(crate) fn scratch<T: Scalar>(&self, len: usize) -> Result<Buffer<T>, Error> {
        Buffer::allocate(&self.backend, len)
    }

    /// A buffer over memory of someone else on this device, for instance of an inference session.
    ///
    /// # Safety
    ///
    /// `len` numbers from `address` on are memory of this device, aligned to their size, valid as long as the
    /// buffer lives and kernels launched on it may run, and touched by nobody else but in the order of the device's
    /// stream.
    pub unsafe fn borrow<T: Scalar>(&self, address: u64, len: usize) -> Buffer<T> {
        // SAFETY: the caller's promise is the same.
        unsafe { Buffer::borrow(&self.backend, address, len) }
    }

    /// A shape with its lengths on the device.
    pub fn rows(&self, rows: &Rows) -> Result<DeviceRows, Error> {
        DeviceRows::new(self, rows)
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").field("geometry", &self.geometry).finish_non_exhaustive()
    }
}
