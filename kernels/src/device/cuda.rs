//! A CUDA device: one stream of its primary context, kernels compiled on first use and kept.

use super::Device;
use super::backend::{Backend, Grid};
use super::nvrtc::{self, Target};
use super::source::Program;
use crate::Error;
use cudarc::driver::{CudaContext, CudaStream, DriverError, result, sys};
use std::collections::HashMap;
use std::ffi::{CString, c_void};
use std::panic::catch_unwind;
use std::sync::{Arc, Mutex, PoisonError};

/// How many CUDA devices there are; 0 where there is no driver, or one that does not start.
pub fn cuda_device_count() -> usize {
    devices().unwrap_or(0)
}

/// The same, with the reason where there is none.
fn devices() -> Result<usize, Error> {
    // A driver library without the symbols that are looked up makes cudarc panic.
    catch_unwind(|| {
        // SAFETY: looks for a library by its name; the driver's initialisers are the driver's own.
        if !unsafe { sys::is_culib_present() } {
            return Err(Error::Device("there is no CUDA driver: libcuda is not found".into()));
        }
        result::init().map_err(|error| failure("start", error))?;
        let count = CudaContext::device_count().map_err(|error| failure("count its devices", error))?;
        Ok(usize::try_from(count).unwrap_or(0))
    })
    .unwrap_or_else(|_| {
        Err(Error::Device("the CUDA driver that was found lacks functions of CUDA 13".into()))
    })
}

impl Device {
    /// CUDA device `ordinal`, with a stream of its own.
    ///
    /// Errors say what is missing: a driver, the compiler, or such a device.
    pub fn cuda(ordinal: usize) -> Result<Self, Error> {
        Ok(Self::new(Arc::new(Cuda::new(ordinal)?)))
    }
}

/// One stream of a CUDA device's primary context, which is the one that inference sessions use too.
pub struct Cuda {
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    target: Target,
    modules: Mutex<HashMap<&'static str, Module>>,
}

/// A program in the driver. It is unloaded with the context, at the end of the process.
struct Module(sys::CUmodule);

// SAFETY: a module handle may be used from any thread that has its context current; the driver locks.
unsafe impl Send for Module {}

impl Cuda {
    /// A new stream on CUDA device `ordinal`.
    pub fn new(ordinal: usize) -> Result<Self, Error> {
        let found = devices()?;
        if ordinal >= found {
            return Err(Error::Device(format!("there is no CUDA device {ordinal}, the driver has {found}")));
        }
        let context = CudaContext::new(ordinal).map_err(|error| failure("open the device", error))?;
        let (major, minor) =
            context.compute_capability().map_err(|error| failure("describe the device", error))?;
        let target = nvrtc::target_for((10 * major + minor).unsigned_abs())?;
        let stream = context.new_stream().map_err(|error| failure("make a stream", error))?;
        Ok(Self { context, stream, target, modules: Mutex::default() })
    }

    /// The stream, for a session that is to run in order with the kernels.
    pub fn stream(&self) -> *mut c_void {
        self.stream.cu_stream().cast()
    }

    /// What the device calls itself.
    pub fn name(&self) -> Result<String, Error> {
        self.context.name().map_err(|error| failure("name the device", error))
    }

    /// Waits for all that was launched.
    pub fn synchronize(&self) -> Result<(), Error> {
        self.stream.synchronize().map_err(|error| failure("wait for the stream", error))
    }

    fn bind(&self) -> Result<(), Error> {
        self.context.bind_to_thread().map_err(|error| failure("enter its context", error))
    }

    fn function(&self, program: &'static Program, kernel: &str) -> Result<sys::CUfunction, Error> {
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        let module = match modules.get(program.name) {
            Some(module) => module.0,
            None => {
                let code = nvrtc::compile(program, self.target)?;
                // SAFETY: a cubin, or PTX with a final zero, as NVRTC made it.
                let module = unsafe { result::module::load_data(code.as_ptr().cast()) }
                    .map_err(|error| failure("load a compiled kernel", error))?;
                modules.insert(program.name, Module(module));
                module
            }
        };
        let name = CString::new(kernel).expect("kernel names hold no zero byte");
        // SAFETY: modules are never unloaded while the context lives.
        unsafe { result::module::get_function(module, name) }.map_err(|error| failure("find a kernel", error))
    }
}

// SAFETY: every call goes to one stream of one context: allocations are the driver's, `free` is ordered after
// earlier launches, `launch` takes the function of that name from the program's module.
unsafe impl Backend for Cuda {
    fn allocate(&self, n_bytes: usize) -> Result<u64, Error> {
        self.bind()?;
        // SAFETY: the stream lives; the content is documented as arbitrary; all uses are on this stream.
        unsafe { result::malloc_async(self.stream.cu_stream(), n_bytes) }
            .map_err(|error| failure(&format!("allocate {n_bytes} bytes"), error))
    }

    unsafe fn free(&self, address: u64) {
        // A context that is gone has taken its memory along.
        if self.bind().is_ok() {
            // SAFETY: the caller gives back what `allocate` gave; in the stream's order.
            let _ = unsafe { result::free_async(address, self.stream.cu_stream()) };
        }
    }

    unsafe fn zero(&self, address: u64, n_bytes: usize) -> Result<(), Error> {
        self.bind()?;
        // SAFETY: the caller's range, in the stream's order.
        unsafe { result::memset_d8_async(address, 0, n_bytes, self.stream.cu_stream()) }
            .map_err(|error| failure("zero memory", error))
    }

    unsafe fn upload(&self, address: u64, source: &[u8]) -> Result<(), Error> {
        self.bind()?;
        // SAFETY: the caller's range; `source` stays until the wait below has ended.
        unsafe { result::memcpy_htod_async(address, source, self.stream.cu_stream()) }
            .map_err(|error| failure("copy to the device", error))?;
        self.synchronize()
    }

    unsafe fn download(&self, target: &mut [u8], address: u64) -> Result<(), Error> {
        self.bind()?;
        // SAFETY: the caller's range; `target` stays until the wait below has ended.
        unsafe { result::memcpy_dtoh_async(target, address, self.stream.cu_stream()) }
            .map_err(|error| failure("copy from the device", error))?;
        self.synchronize()
    }

    unsafe fn launch(
        &self,
        program: &'static Program,
        kernel: &str,
        grid: Grid,
        arguments: &mut [*mut c_void],
    ) -> Result<(), Error> {
        self.bind()?;
        let function = self.function(program, kernel)?;
        let (blocks, threads) = ((grid.x, grid.y, 1), (grid.block, 1, 1));
        // SAFETY: the function is live, and the caller's arguments fit its signature.
        unsafe { result::launch_kernel(function, blocks, threads, 0, self.stream.cu_stream(), arguments) }
            .map_err(|error| failure(&format!("launch {kernel}"), error))
    }
}

fn failure(what: &str, error: DriverError) -> Error {
    Error::Device(format!("CUDA could not {what}: {error:?}"))
}
