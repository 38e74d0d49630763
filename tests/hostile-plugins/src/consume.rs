//! Takes more time, memory, threads, processes, output than it may.

use crate::{Scene, host};
use seraph_sys::*;
use std::hint::black_box;
use std::time::Duration;

pub unsafe fn spin(_: &Scene) -> seraph_status {
    loop {
        black_box(0);
    }
}

pub unsafe fn sleep(_: &Scene) -> seraph_status {
    loop {
        std::thread::sleep(Duration::from_secs(1000));
    }
}

pub unsafe fn stop_itself(scene: &Scene) -> seraph_status {
    unsafe {
        libc::syscall(libc::SYS_tgkill, libc::getpid(), libc::syscall(libc::SYS_gettid), libc::SIGSTOP);
        scene.say(SERAPH_E_FAIL, "went on")
    }
}

pub unsafe fn spin_threads(scene: &Scene) -> seraph_status {
    for _ in 0..4 {
        std::thread::spawn(|| {
            loop {
                black_box(0);
            }
        });
    }
    unsafe { sleep(scene) }
}

/// Takes and touches memory until there is none; says how many MiB it got.
pub unsafe fn memory_bomb(scene: &Scene) -> seraph_status {
    const BLOCK: usize = 1 << 20;
    for taken in 0..1 << 20 {
        let block = unsafe { libc::malloc(BLOCK) };
        if block.is_null() {
            return unsafe { scene.say(SERAPH_E_NOMEM, &taken.to_string()) };
        }
        // Seen from outside, so that the compiler does not leave it out.
        unsafe { libc::memset(black_box(block), 1, BLOCK) };
    }
    SERAPH_OK
}

/// Starts threads until it may not; says how many it got, and waits so that they can be counted.
pub unsafe fn thread_bomb(scene: &Scene) -> seraph_status {
    let mut started = 0;
    while started < 10_000 {
        let sleeper = || std::thread::sleep(Duration::from_secs(1000));
        if std::thread::Builder::new().stack_size(64 << 10).spawn(sleeper).is_err() {
            break;
        }
        started += 1;
    }
    std::thread::sleep(Duration::from_millis(300));
    unsafe { scene.say(SERAPH_E_FAIL, &started.to_string()) }
}

pub unsafe fn fork_bomb(scene: &Scene) -> seraph_status {
    let mut forked = Vec::new();
    for _ in 0..8 {
        unsafe {
            for (name, pid) in [
                ("fork", libc::fork() as i64),
                ("vfork", libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0)),
            ] {
                match pid {
                    0 => libc::_exit(0),
                    1.. => forked.push(name),
                    _ => {}
                }
            }
        }
    }
    unsafe { scene.verdict(&forked) }
}

pub unsafe fn print_flood(_: &Scene) -> seraph_status {
    let spam = [b'x'; 1 << 16];
    loop {
        unsafe { libc::write(1, spam.as_ptr().cast(), spam.len()) };
    }
}

/// Logs far more than the rate; the worker drops the rest.
pub unsafe fn log_flood(scene: &Scene) -> seraph_status {
    let text = "spam ".repeat(100);
    for _ in 0..100_000 {
        unsafe { (host().log)(scene.ctx, SERAPH_LOG_INFO, text.as_ptr().cast(), text.len() as u64) };
    }
    SERAPH_OK
}
