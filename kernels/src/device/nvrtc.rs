//! Compiling kernels at run time.

use super::source::Program;
use crate::Error;
use cudarc::nvrtc::{result, sys};
use std::ffi::CString;

/// What a source is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Machine code for one compute capability: 90 for `sm_90`.
    Machine(u32),
    /// PTX for one compute capability and later: 90 for `compute_90`.
    Portable(u32),
}

/// Whether the compiler is installed where the dynamic loader finds it.
pub fn is_present() -> bool {
    // SAFETY: looks for a library by its name; NVRTC's initialisers do nothing but initialise NVRTC.
    unsafe { sys::is_culib_present() }
}

/// The compiler's version.
pub fn version() -> Result<(u32, u32), Error> {
    require()?;
    let (mut major, mut minor) = (0, 0);
    // SAFETY: both point to a number of ours.
    check("read its version", unsafe { sys::nvrtcVersion(&mut major, &mut minor) })?;
    Ok((major.unsigned_abs(), minor.unsigned_abs()))
}

/// The latest target that the compiler knows and a device of this compute capability runs.
pub fn target_for(capability: u32) -> Result<Target, Error> {
    require()?;
    let mut n_known = 0;
    // SAFETY: points to a number of ours.
    check("count its targets", unsafe { sys::nvrtcGetNumSupportedArchs(&mut n_known) })?;
    let mut known = vec![0; usize::try_from(n_known).unwrap_or(0)];
    // SAFETY: `known` has room for the number of targets that was just given.
    check("list its targets", unsafe { sys::nvrtcGetSupportedArchs(known.as_mut_ptr()) })?;
    let known = known.into_iter().filter_map(|arch| u32::try_from(arch).ok());
    match known.filter(|arch| *arch <= capability).max() {
        Some(arch) if arch == capability => Ok(Target::Machine(arch)),
        Some(arch) => Ok(Target::Portable(arch)),
        None => Err(Error::Device(format!("NVRTC knows no target for compute capability {capability}"))),
    }
}

/// Compiles a program to a cubin or, for [`Target::Portable`], to PTX with its final zero.
pub fn compile(program: &Program, target: Target) -> Result<Vec<u8>, Error> {
    require()?;
    let source = CString::new(program.source()).expect("sources hold no zero byte");
    let name = CString::new(program.name).expect("names hold no zero byte");
    let handle = result::create_program(&source, Some(&name)).map_err(|error| failure("start", error.0))?;
    let compiled = compile_handle(program, handle, target);
    // SAFETY: made above, and not used below. A failure to free is no failure to compile.
    let _ = unsafe { result::destroy_program(handle) };
    compiled
}

fn compile_handle(program: &Program, handle: sys::nvrtcProgram, target: Target) -> Result<Vec<u8>, Error> {
    let arch = match target {
        Target::Machine(arch) => format!("--gpu-architecture=sm_{arch}"),
        Target::Portable(arch) => format!("--gpu-architecture=compute_{arch}"),
    };
    // No contraction to fused multiply-adds: the CPU definitions round every step.
    let options = [arch.as_str(), "--fmad=false", "--std=c++17"];
    // SAFETY: `handle` is a live program.
    if let Err(error) = unsafe { result::compile_program(handle, &options) } {
        return Err(Error::Device(format!("{}: {}: {}", program.name, error.0.text(), log(handle))));
    }
    match target {
        Target::Machine(_) => cubin(handle),
        Target::Portable(_) => {
            // SAFETY: `handle` is a live, compiled program.
            let ptx = unsafe { result::get_ptx(handle) }.map_err(|error| failure("give PTX", error.0))?;
            Ok(ptx.into_iter().map(|byte| byte.cast_unsigned()).collect())
        }
    }
}

fn cubin(handle: sys::nvrtcProgram) -> Result<Vec<u8>, Error> {
    let mut len = 0;
    // SAFETY: `handle` is a live, compiled program; `len` is ours.
    check("measure machine code", unsafe { sys::nvrtcGetCUBINSize(handle, &mut len) })?;
    let mut code = vec![0u8; len];
    // SAFETY: as above, and `code` has the size that was just given.
    check("give machine code", unsafe { sys::nvrtcGetCUBIN(handle, code.as_mut_ptr().cast()) })?;
    Ok(code)
}

fn log(handle: sys::nvrtcProgram) -> String {
    // SAFETY: `handle` is a live program.
    let log = unsafe { result::get_program_log(handle) }.unwrap_or_default();
    let log: Vec<u8> =
        log.into_iter().map(|byte| byte.cast_unsigned()).take_while(|byte| *byte != 0).collect();
    String::from_utf8_lossy(&log).trim().to_string()
}

fn require() -> Result<(), Error> {
    if is_present() {
        return Ok(());
    }
    Err(Error::Device(
        "libnvrtc is not found: install nvidia-cuda-nvrtc 13.0, or name its folder to the loader".into(),
    ))
}

fn check(what: &str, code: sys::nvrtcResult) -> Result<(), Error> {
    if code == sys::nvrtcResult::NVRTC_SUCCESS { Ok(()) } else { Err(failure(what, code)) }
}

fn failure(what: &str, code: sys::nvrtcResult) -> Error {
    Error::Device(format!("NVRTC could not {what}: {}", code.text()))
}

trait Text {
    fn text(self) -> String;
}

impl Text for sys::nvrtcResult {
    fn text(self) -> String {
        format!("{self:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_source_is_refused_with_what_the_compiler_says() {
        if !is_present() {
            eprintln!("skipped: libnvrtc is not found");
            return;
        }
        let program = Program { name: "bad.cu", text: "KERNEL bad(float *x) { x[0] = y; }" };
        let error = compile(&program, Target::Machine(90)).expect_err("it does not compile").to_string();
        assert!(error.starts_with("bad.cu: NVRTC_ERROR_COMPILATION: bad.cu(1): error:"), "{error}");
    }
}
