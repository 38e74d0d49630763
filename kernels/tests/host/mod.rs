//! The kernels as host C++ behind the interface of a device: what runs is the CUDA source, on threads in a loop.

use libloading::Library;
use seraph_kernels::Error;
use seraph_kernels::device::{Backend, Device, Geometry, Grid, Program};
use std::collections::HashMap;
use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex};

type Launch = unsafe extern "C" fn(*const c_char, c_uint, c_uint, c_uint, c_int, *mut *mut c_void) -> c_int;

static SHIM: LazyLock<Library> = LazyLock::new(|| {
    let path = build();
    // SAFETY: just built from the shim's source, which runs nothing on load.
    let shim = unsafe { Library::new(&path) }.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    // It is loaded; nothing is left behind.
    let _ = std::fs::remove_file(&path);
    shim
});

/// Builds the shim once per test run, under a name of this process, so that runs at the same time do not meet.
fn build() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/shim.cpp");
    let target =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("seraph-shim-{}.so", std::process::id()));
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let options =
        ["-std=c++17", "-O2", "-ffp-contract=off", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror"];
    let output = Command::new(&compiler).args(options).arg(&source).arg("-o").arg(&target).output();
    let output = output.unwrap_or_else(|error| {
        panic!(
            "the kernels' tests need a C++ compiler; {compiler:?}: {error} (install one, or name it in CXX)"
        )
    });
    assert!(output.status.success(), "{compiler:?}: {}", String::from_utf8_lossy(&output.stderr));
    target
}

/// Memory of the host, with a rim that nobody may write and a content that nobody may rely on.
struct Host {
    backwards: bool,
    memory: Mutex<HashMap<u64, Vec<u64>>>,
}

const FILL: u64 = 0xFFF7_DEAD_FFF7_DEAD; // NaN, read as float32 or float64
const RIM: usize = 8; // words before and behind

/// A device that runs a kernel's threads from first to last, or from last to first.
pub fn device(geometry: Geometry, backwards: bool) -> Device {
    Device::new(Arc::new(Host { backwards, memory: Mutex::default() })).with_geometry(geometry)
}

// SAFETY: memory is a vector that lives until `free`; the shim runs the kernel of that name.
unsafe impl Backend for Host {
    fn allocate(&self, n_bytes: usize) -> Result<u64, Error> {
        let mut words = vec![FILL; n_bytes.div_ceil(8) + 2 * RIM];
        let address = words[RIM..].as_mut_ptr() as u64;
        self.memory.lock().unwrap().insert(address, words);
        Ok(address)
    }

    unsafe fn free(&self, address: u64) {
        let words = self.memory.lock().unwrap().remove(&address).expect("it was allocated");
        let (before, behind) = (&words[..RIM], &words[words.len() - RIM..]);
        assert!(before.iter().chain(behind).all(|word| *word == FILL), "a kernel wrote outside its buffer");
    }

    unsafe fn zero(&self, address: u64, n_bytes: usize) -> Result<(), Error> {
        // SAFETY: the caller's range, inside one allocation.
        unsafe { std::ptr::write_bytes(address as *mut u8, 0, n_bytes) };
        Ok(())
    }

    unsafe fn upload(&self, address: u64, source: &[u8]) -> Result<(), Error> {
        // SAFETY: the caller's range, inside one allocation.
        unsafe { std::ptr::copy_nonoverlapping(source.as_ptr(), address as *mut u8, source.len()) };
        Ok(())
    }

    unsafe fn download(&self, target: &mut [u8], address: u64) -> Result<(), Error> {
        // SAFETY: the caller's range, inside one allocation.
        unsafe { std::ptr::copy_nonoverlapping(address as *const u8, target.as_mut_ptr(), target.len()) };
        Ok(())
    }

    unsafe fn launch(
        &self,
        _program: &'static Program,
        kernel: &str,
        grid: Grid,
        arguments: &mut [*mut c_void],
    ) -> Result<(), Error> {
        let name = CString::new(kernel).unwrap();
        // SAFETY: the shim's only function, with the type that its source gives it.
        let launch = unsafe { SHIM.get::<Launch>(b"seraph_shim_launch\0") }.unwrap();
        // SAFETY: the caller's arguments fit the kernel's signature.
        let missing = unsafe {
            launch(name.as_ptr(), grid.x, grid.y, grid.block, self.backwards.into(), arguments.as_mut_ptr())
        };
        assert_eq!(missing, 0, "tests/host/shim.cpp does not list kernel {kernel}");
        Ok(())
    }
}
