//! Device memory with a type and a length.

use super::backend::Backend;
use super::source::Element;
use crate::Error;
use std::marker::PhantomData;
use std::sync::Arc;

/// A number that kernels know.
pub trait Scalar: Copy + Default + private::Sealed {
    /// Its type in a kernel's signature.
    const ELEMENT: Element;
}

mod private {
    pub trait Sealed {}
}

macro_rules! scalars {
    ($($rust:ty => $element:ident),*) => {
        $(impl private::Sealed for $rust {}
        impl Scalar for $rust {
            const ELEMENT: Element = Element::$element;
        })*
    };
}
scalars!(f32 => F32, f64 => F64, u32 => U32, u64 => U64);

/// `len` numbers in the memory of a device, freed when dropped unless borrowed from elsewhere.
pub struct Buffer<T: Scalar> {
    backend: Arc<dyn Backend>,
    address: u64,
    len: usize,
    owned: bool,
    element: PhantomData<T>,
}

impl<T: Scalar> Buffer<T> {
    /// Memory with no particular content.
    pub(crate) fn allocate(backend: &Arc<dyn Backend>, len: usize) -> Result<Self, Error> {
        let n_bytes = len.checked_mul(size_of::<T>()).ok_or(Error::TooLarge { n_rows: 1, n_samples: len })?;
        let address = if n_bytes == 0 { 0 } else { backend.allocate(n_bytes)? };
        Ok(Self { backend: backend.clone(), address, len, owned: n_bytes > 0, element: PhantomData })
    }

    /// Memory of someone else, for instance a tensor of an inference session on the same stream.
    ///
    /// # Safety
    ///
    /// `len` numbers from `address` on are device memory of this backend, aligned to their size, valid as long as
    /// this buffer lives and as long as kernels launched on it may still run, and touched by nobody else in between
    /// other than in the stream's order.
    pub(crate) unsafe fn borrow(backend: &Arc<dyn Backend>, address: u64, len: usize) -> Self {
        Self { backend: backend.clone(), address, len, owned: false, element: PhantomData }
    }

    /// How many numbers it holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where it is in the device's memory; 0 when empty.
    pub fn address(&self) -> u64 {
        self.address
    }

    pub(crate) fn n_bytes(&self) -> usize {
        self.len * size_of::<T>()
    }

    /// Sets every number to zero.
    pub fn zero(&mut self) -> Result<(), Error> {
        if self.is_empty() {
            return Ok(());
        }
        // SAFETY: the buffer's own bytes, one allocation.
        unsafe { self.backend.zero(self.address, self.n_bytes()) }
    }

    /// Overwrites the buffer with numbers of the host.
    pub fn upload(&mut self, source: &[T]) -> Result<(), Error> {
        crate::error::check_len("source", source.len(), self.len)?;
        if self.is_empty() {
            return Ok(());
        }
        // SAFETY: `T` is a plain number (sealed trait): no padding, and any of its bytes may be read.
        let bytes = unsafe { std::slice::from_raw_parts(source.as_ptr().cast(), self.n_bytes()) };
        // SAFETY: the buffer's own bytes, one allocation.
        unsafe { self.backend.upload(self.address, bytes) }
    }

    /// Waits for what was launched before and copies the buffer to the host.
    pub fn download(&self) -> Result<Vec<T>, Error> {
        let mut target = vec![T::default(); self.len];
        if self.is_empty() {
            return Ok(target);
        }
        // SAFETY: `T` is a plain number (sealed trait): any bytes are a value of it.
        let bytes = unsafe { std::slice::from_raw_parts_mut(target.as_mut_ptr().cast(), self.n_bytes()) };
        // SAFETY: the buffer's own bytes, one allocation.
        unsafe { self.backend.download(bytes, self.address)? };
        Ok(target)
    }
}

impl<T: Scalar> Drop for Buffer<T> {
    fn drop(&mut self) {
        if self.owned {
            // SAFETY: allocated in `allocate`, and this is the only owner's end. Kernels that still use it were
            // launched earlier: the backend frees after them.
            unsafe { self.backend.free(self.address) }
        }
    }
}

impl<T: Scalar> std::fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buffer<{:?}>({} at {:#x})", T::ELEMENT, self.len, self.address)
    }
}
