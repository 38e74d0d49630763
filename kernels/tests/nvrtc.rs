//! The CUDA sources through NVRTC, for machines with and without a GPU: it needs only the compiler's library.
#![cfg(feature = "cuda")]
#![allow(clippy::unwrap_used)]

use seraph_kernels::device::PROGRAMS;
use seraph_kernels::device::nvrtc::{self, Target};

/// Whether there is a compiler; says so where there is none.
fn compiler() -> bool {
    if nvrtc::is_present() {
        return true;
    }
    eprintln!(
        "skipped: libnvrtc is not found (pip install 'nvidia-cuda-nvrtc==13.0.*', its lib folder in LD_LIBRARY_PATH)"
    );
    false
}

#[test]
fn sources_compile_to_machine_code_of_three_generations() {
    if !compiler() {
        return;
    }
    for program in PROGRAMS {
        for arch in [80, 90, 100] {
            let code = nvrtc::compile(program, Target::Machine(arch)).unwrap();
            assert_eq!(code[..4], *b"\x7fELF", "{} for sm_{arch}", program.name);
        }
    }
}

#[test]
fn no_multiplication_is_fused_with_an_addition() {
    if !compiler() {
        return;
    }
    for program in PROGRAMS {
        let ptx = String::from_utf8(nvrtc::compile(program, Target::Portable(90)).unwrap()).unwrap();
        assert!(ptx.contains(".entry"), "{}: no kernel", program.name);
        assert!(!ptx.contains("fma."), "{}", program.name);
    }
}

#[test]
fn a_device_gets_the_latest_target_that_it_runs() {
    if !compiler() {
        return;
    }
    assert_eq!(nvrtc::target_for(90).unwrap(), Target::Machine(90));
    assert!(matches!(nvrtc::target_for(999).unwrap(), Target::Portable(arch) if arch >= 100));
    assert_eq!(
        nvrtc::target_for(20).unwrap_err().to_string(),
        "NVRTC knows no target for compute capability 20"
    );
}

#[test]
fn version_is_that_of_the_library() {
    if !compiler() {
        let error = nvrtc::version().unwrap_err().to_string();
        assert!(error.starts_with("libnvrtc is not found"), "{error}");
        return;
    }
    assert!(nvrtc::version().unwrap() >= (12, 0));
}
