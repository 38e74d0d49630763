//! Ends its process: by fault, by signal, by exit.

use crate::{Scene, cheat};
use seraph_sys::*;
use std::hint::black_box;

/// Names what the library does while it is being loaded.
const IN_CONSTRUCTOR: &str = "HOSTILE_CONSTRUCTOR";

pub unsafe fn null_write(_: &Scene) -> seraph_status {
    unsafe { black_box(std::ptr::null_mut::<u32>()).write_volatile(1) };
    SERAPH_OK
}

pub unsafe fn abort(_: &Scene) -> seraph_status {
    std::process::abort()
}

pub unsafe fn stack_overflow(_: &Scene) -> seraph_status {
    #[allow(unconditional_recursion)]
    fn deeper(frame: &mut [u8; 4096]) -> u8 {
        let mut next = [frame[0]; 4096];
        deeper(black_box(&mut next)).wrapping_add(frame[1])
    }
    i32::from(deeper(&mut [0; 4096]))
}

pub unsafe fn jump_nowhere(_: &Scene) -> seraph_status {
    let nowhere: extern "C" fn() = unsafe { std::mem::transmute(black_box(8usize)) };
    nowhere();
    SERAPH_OK
}

/// The task lies in memory that only the host can write.
pub unsafe fn write_task(scene: &Scene) -> seraph_status {
    unsafe { scene.task().audio.data.cast::<f32>().write_volatile(0.5) };
    SERAPH_OK
}

/// Writes on and on behind the task's samples: read-only, then a guard page.
pub unsafe fn past_region(scene: &Scene) -> seraph_status {
    let mut at = unsafe { scene.task().audio.data.cast::<u8>() };
    loop {
        at = at.wrapping_add(4096);
        unsafe { black_box(at.read_volatile()) };
    }
}

pub unsafe fn exit_0(_: &Scene) -> seraph_status {
    std::process::exit(0)
}

pub unsafe fn raw_exit_0(_: &Scene) -> seraph_status {
    unsafe { libc::syscall(libc::SYS_exit_group, 0) };
    SERAPH_OK
}

pub unsafe fn exit_after_commit(scene: &Scene) -> seraph_status {
    unsafe {
        cheat::behave(scene);
        raw_exit_0(scene)
    }
}

/// A system call of another architecture's table.
pub unsafe fn foreign_syscall(scene: &Scene) -> seraph_status {
    #[cfg(target_arch = "x86_64")]
    unsafe {
        let (mut result, getuid) = (24i64, 24i64);
        std::arch::asm!("int 0x80", inlateout("rax") getuid => result);
        let _ = scene.say(SERAPH_E_FAIL, &format!("int 0x80 returned {result}"));
        SERAPH_E_FAIL
    }
    #[cfg(not(target_arch = "x86_64"))]
    unsafe {
        abort(scene)
    }
}

pub unsafe fn in_constructor() {
    let Ok(what) = std::env::var(IN_CONSTRUCTOR) else { return };
    unsafe {
        match what.as_str() {
            "exit" => {
                libc::syscall(libc::SYS_exit_group, 0);
            }
            "write-file" => {
                // Leaves a mark that the test looks for.
                let path = std::env::var("HOSTILE_FILE").unwrap_or_default();
                let written = std::fs::write(path, "here").is_ok();
                libc::syscall(libc::SYS_exit_group, if written { 99 } else { 13 });
            }
            _ => std::process::abort(),
        }
    }
}
