//! Which system calls a worker may make: those that computing, memory, threads and the channel need.

use crate::layer;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};
use seraph_wire::{Layer, LayerState};
use std::collections::BTreeMap;

/// Allowed whatever their arguments. What they open or map is confined by Landlock and the limits.
#[rustfmt::skip]
const ALLOWED: &[i64] = &[
    // the channel, output, and files that Landlock lets through
    libc::SYS_read, libc::SYS_write, libc::SYS_readv, libc::SYS_writev, libc::SYS_pread64, libc::SYS_lseek,
    libc::SYS_close, libc::SYS_openat, libc::SYS_fstat, libc::SYS_newfstatat, libc::SYS_statx, libc::SYS_getdents64,
    libc::SYS_faccessat, libc::SYS_faccessat2, libc::SYS_readlinkat, libc::SYS_getcwd, libc::SYS_ppoll,
    // memory
    libc::SYS_mmap, libc::SYS_mprotect, libc::SYS_munmap, libc::SYS_mremap, libc::SYS_madvise, libc::SYS_brk,
    // threads
    libc::SYS_futex, libc::SYS_set_robust_list, libc::SYS_rseq, libc::SYS_membarrier, libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity, libc::SYS_sched_setaffinity, libc::SYS_gettid, libc::SYS_getpid, libc::SYS_exit,
    libc::SYS_exit_group, libc::SYS_getcpu, libc::SYS_sched_getscheduler, libc::SYS_sched_getparam,
    // signals to itself
    libc::SYS_rt_sigaction, libc::SYS_rt_sigprocmask, libc::SYS_rt_sigreturn, libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    // time, randomness, identity
    libc::SYS_clock_gettime, libc::SYS_clock_getres, libc::SYS_clock_nanosleep, libc::SYS_nanosleep,
    libc::SYS_gettimeofday, libc::SYS_getrandom, libc::SYS_uname, libc::SYS_sysinfo, libc::SYS_getrusage,
    libc::SYS_getuid, libc::SYS_geteuid, libc::SYS_getgid, libc::SYS_getegid,
    // answered ENOSYS by the filter below: glibc falls back to clone on that, and on no other error
    libc::SYS_clone3,
];

#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const ALLOWED_HERE: &[i64] = &[
    libc::SYS_open, libc::SYS_stat, libc::SYS_lstat, libc::SYS_access, libc::SYS_readlink, libc::SYS_poll,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_HERE: &[i64] = &[];

/// Installs the filters. They cannot be taken back.
pub fn restrict() -> Layer {
    match install() {
        Ok(()) => layer("seccomp", LayerState::Enforced, ""),
        Err(error) => layer("seccomp", LayerState::Unavailable, error.to_string()),
    }
}

// Of two filters that both return an error, the newest decides which; so the allow-list must pass clone3 through.
fn install() -> Result<(), seccompiler::Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let no_clone3 = SeccompFilter::new(
        BTreeMap::from([(libc::SYS_clone3, vec![])]),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS as u32),
        arch,
    )?;
    let allow_list =
        SeccompFilter::new(rules()?, SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow, arch)?;
    apply_filter(&BpfProgram::try_from(no_clone3)?)?;
    apply_filter(&BpfProgram::try_from(allow_list)?)
}

fn rules() -> Result<BTreeMap<i64, Vec<SeccompRule>>, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.iter().chain(ALLOWED_HERE).map(|&call| (call, vec![])).collect();
    let own_pid = rustix::process::getpid().as_raw_nonzero().get() as u64;
    let threads_only = u64::from(libc::CLONE_THREAD as u32);
    rules.insert(libc::SYS_clone, vec![only(0, SeccompCmpOp::MaskedEq(threads_only), threads_only)?]);
    rules.insert(libc::SYS_tgkill, vec![only(0, SeccompCmpOp::Eq, own_pid)?]);
    rules.insert(libc::SYS_prlimit64, vec![only_null(2)?]);
    rules.insert(libc::SYS_prctl, vec![only(0, SeccompCmpOp::Eq, libc::PR_SET_NAME as u64)?]);
    rules.insert(
        libc::SYS_fcntl,
        [libc::F_GETFD, libc::F_SETFD, libc::F_GETFL]
            .into_iter()
            .map(|command| only(1, SeccompCmpOp::Eq, command as u64))
            .collect::<Result<_, _>>()?,
    );
    Ok(rules)
}

fn only(argument: u8, operation: SeccompCmpOp, value: u64) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(vec![SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operation, value)?])
}

fn only_null(argument: u8) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(vec![SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)?])
}
