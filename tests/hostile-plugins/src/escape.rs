//! Reaches for what is outside. Each misdeed tries a list of things and names those that succeeded.

use crate::Scene;
use seraph_sys::*;
use std::ffi::{CString, c_char};

/// Descriptors of a worker's channel and of the plugin itself.
const UP: i32 = 3;
const DOWN: i32 = 4;
const PLUGIN: i32 = 7;

unsafe fn opens(path: &str, flags: i32) -> bool {
    let path = CString::new(path).unwrap_or_default();
    unsafe { libc::open(path.as_ptr(), flags, 0o600) >= 0 }
}

pub unsafe fn open_files(scene: &Scene) -> seraph_status {
    let files = [
        "/",
        "/etc/passwd",
        "/etc/hostname",
        "/root",
        "/home",
        "/proc",
        "/proc/1/environ",
        "/proc/self/maps",
        "/proc/self/mem",
        "/dev/null",
        "/dev/shm",
        "/tmp",
        "/sys",
        "/run",
        "/var/log",
    ];
    let opened: Vec<_> = files.into_iter().filter(|file| unsafe { opens(file, libc::O_RDONLY) }).collect();
    unsafe { scene.verdict(&opened) }
}

pub unsafe fn change_files(scene: &Scene) -> seraph_status {
    let mut done = Vec::new();
    let c = |path: &str| CString::new(path).unwrap_or_default();
    unsafe {
        for file in
            ["/tmp/seraph-hostile", "/dev/shm/seraph-hostile", "/seraph-hostile", "/var/tmp/seraph-hostile"]
        {
            if opens(file, libc::O_CREAT | libc::O_WRONLY) {
                done.push("create");
            }
        }
        let (old, new) = (c("/tmp"), c("/tmp2"));
        let calls: [(&str, i64); 9] = [
            ("unlink", libc::unlink(old.as_ptr()).into()),
            ("rename", libc::rename(old.as_ptr(), new.as_ptr()).into()),
            ("mkdir", libc::mkdir(new.as_ptr(), 0o700).into()),
            ("symlink", libc::symlink(old.as_ptr(), new.as_ptr()).into()),
            ("link", libc::link(old.as_ptr(), new.as_ptr()).into()),
            ("chmod", libc::chmod(old.as_ptr(), 0o777).into()),
            ("truncate", libc::truncate(old.as_ptr(), 0).into()),
            ("mknod", libc::mknod(new.as_ptr(), libc::S_IFIFO | 0o600, 0).into()),
            ("chdir", libc::chdir(old.as_ptr()).into()),
        ];
        done.extend(calls.iter().filter(|(_, result)| *result >= 0).map(|(name, _)| *name));
        scene.verdict(&done)
    }
}

pub unsafe fn open_sockets(scene: &Scene) -> seraph_status {
    let kinds = [
        ("tcp", libc::AF_INET, libc::SOCK_STREAM),
        ("udp", libc::AF_INET, libc::SOCK_DGRAM),
        ("tcp6", libc::AF_INET6, libc::SOCK_STREAM),
        ("unix", libc::AF_UNIX, libc::SOCK_STREAM),
        ("netlink", libc::AF_NETLINK, libc::SOCK_RAW),
        ("packet", libc::AF_PACKET, libc::SOCK_RAW),
    ];
    let mut pair = [0; 2];
    unsafe {
        let mut opened: Vec<_> = kinds
            .into_iter()
            .filter(|kind| libc::socket(kind.1, kind.2, 0) >= 0)
            .map(|kind| kind.0)
            .collect();
        if libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, pair.as_mut_ptr()) >= 0 {
            opened.push("socketpair");
        }
        scene.verdict(&opened)
    }
}

/// A success would not come back to tell.
pub unsafe fn run_programs(scene: &Scene) -> seraph_status {
    for program in ["/bin/sh", "/usr/bin/env", "/proc/self/exe"] {
        let path = CString::new(program).unwrap_or_default();
        let arguments = [path.as_ptr(), std::ptr::null::<c_char>()];
        unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), std::ptr::null()) };
        unsafe {
            libc::syscall(
                libc::SYS_execveat,
                PLUGIN,
                c"".as_ptr(),
                arguments.as_ptr(),
                0,
                libc::AT_EMPTY_PATH,
            )
        };
    }
    let spawned = std::process::Command::new("/bin/true").spawn().is_ok();
    unsafe { scene.verdict(if spawned { &["spawn"] } else { &[] }) }
}

pub unsafe fn reach_host(scene: &Scene) -> seraph_status {
    let host = scene.host_pid;
    let mut byte = 0u8;
    let local = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let remote = libc::iovec { iov_base: 0x40_0000 as *mut _, iov_len: 1 };
    unsafe {
        let calls: [(&str, i64); 9] = [
            ("ptrace", libc::ptrace(libc::PTRACE_SEIZE, host, 0, 0)),
            ("kill", libc::kill(host, 0).into()),
            ("kill all", libc::kill(-1, 0).into()),
            ("tgkill", libc::syscall(libc::SYS_tgkill, host, host, 0)),
            ("pidfd_open", libc::syscall(libc::SYS_pidfd_open, host, 0)),
            ("process_vm_readv", libc::process_vm_readv(host, &local, 1, &remote, 1, 0) as i64),
            ("process_vm_writev", libc::process_vm_writev(host, &local, 1, &remote, 1, 0) as i64),
            ("getppid", if libc::getppid() == host { 0 } else { -1 }),
            ("setpriority", libc::setpriority(libc::PRIO_PROCESS, host as u32, 19).into()),
        ];
        let mut done: Vec<_> = calls.iter().filter(|call| call.1 >= 0).map(|call| call.0).collect();
        let files = ["mem", "environ", "maps", "fd", "cmdline", "root", "cwd", "status"];
        let opened = files.iter().filter(|file| opens(&format!("/proc/{host}/{file}"), libc::O_RDONLY));
        done.extend(opened);
        scene.verdict(&done)
    }
}

pub unsafe fn raise_rights(scene: &Scene) -> seraph_status {
    let more = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    unsafe {
        let calls: [(&str, i64); 11] = [
            ("setrlimit", libc::setrlimit(libc::RLIMIT_AS, &more).into()),
            ("setuid", libc::syscall(libc::SYS_setuid, 0)),
            ("setgid", libc::syscall(libc::SYS_setgid, 0)),
            ("setsid", libc::setsid().into()),
            ("setpgid", libc::setpgid(0, scene.host_pid).into()),
            ("nice", if libc::nice(-20) == -20 { 0 } else { -1 }),
            ("unshare", libc::unshare(libc::CLONE_NEWUSER).into()),
            ("dumpable", libc::prctl(libc::PR_SET_DUMPABLE, 1).into()),
            ("outlive the host", libc::prctl(libc::PR_SET_PDEATHSIG, 0).into()),
            ("subreaper", libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1).into()),
            (
                "mount",
                libc::mount(c"none".as_ptr(), c"/tmp".as_ptr(), c"tmpfs".as_ptr(), 0, std::ptr::null())
                    .into(),
            ),
        ];
        let done: Vec<_> = calls.iter().filter(|call| call.1 >= 0).map(|call| call.0).collect();
        scene.verdict(&done)
    }
}

/// System calls with a history.
pub unsafe fn kernel_surface(scene: &Scene) -> seraph_status {
    let calls = [
        ("memfd_create", libc::SYS_memfd_create),
        ("io_uring_setup", libc::SYS_io_uring_setup),
        ("bpf", libc::SYS_bpf),
        ("perf_event_open", libc::SYS_perf_event_open),
        ("userfaultfd", libc::SYS_userfaultfd),
        ("keyctl", libc::SYS_keyctl),
        ("add_key", libc::SYS_add_key),
        ("seccomp", libc::SYS_seccomp),
        ("ioctl", libc::SYS_ioctl),
        ("pipe2", libc::SYS_pipe2),
        ("eventfd2", libc::SYS_eventfd2),
        ("dup", libc::SYS_dup),
        ("shmget", libc::SYS_shmget),
        ("mq_open", libc::SYS_mq_open),
        ("open_by_handle_at", libc::SYS_open_by_handle_at),
        ("clone3", libc::SYS_clone3),
        ("personality", libc::SYS_personality),
    ];
    unsafe {
        let done: Vec<_> = calls
            .into_iter()
            .filter(|call| libc::syscall(call.1, 0, 0, 0, 0, 0) >= 0)
            .map(|call| call.0)
            .collect();
        scene.verdict(&done)
    }
}

pub unsafe fn break_seals(scene: &Scene) -> seraph_status {
    let byte = [1u8];
    let map = |fd: i32| unsafe {
        let write = libc::PROT_READ | libc::PROT_WRITE;
        libc::mmap(std::ptr::null_mut(), 4096, write, libc::MAP_SHARED, fd, 0) != libc::MAP_FAILED
    };
    unsafe {
        let mut done = Vec::new();
        let calls: [(&str, i64); 5] = [
            ("shrink up", libc::ftruncate(UP, 0).into()),
            ("grow up", libc::ftruncate(UP, 1 << 40).into()),
            ("shrink down", libc::ftruncate(DOWN, 0).into()),
            ("write down", libc::pwrite(DOWN, byte.as_ptr().cast(), 1, 0) as i64),
            ("write plugin", libc::pwrite(PLUGIN, byte.as_ptr().cast(), 1, 0) as i64),
        ];
        done.extend(calls.iter().filter(|call| call.1 >= 0).map(|call| call.0));
        if map(DOWN) {
            done.push("map down");
        }
        if map(PLUGIN) {
            done.push("map plugin");
        }
        // Writing past the file-size limit of 0 would end the process before it could be refused.
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        let again = libc::open(c"/proc/self/fd/4".as_ptr(), libc::O_RDWR);
        if again >= 0 && (map(again) || libc::write(again, byte.as_ptr().cast(), 1) >= 0) {
            done.push("write down, opened again");
        }
        let task = scene.task().audio.data;
        let page = (task as usize & !4095) as *mut libc::c_void;
        if libc::mprotect(page, 4096, libc::PROT_READ | libc::PROT_WRITE) >= 0 {
            done.push("mprotect down");
        }
        scene.verdict(&done)
    }
}

/// Which descriptors there are beyond the worker's own.
pub unsafe fn list_descriptors(scene: &Scene) -> seraph_status {
    let open: Vec<_> =
        (PLUGIN + 1..4096).filter(|fd| unsafe { libc::fcntl(*fd, libc::F_GETFD) } >= 0).collect();
    let names: Vec<_> = open.iter().map(i32::to_string).collect();
    unsafe { scene.verdict(&names.iter().map(String::as_str).collect::<Vec<_>>()) }
}
