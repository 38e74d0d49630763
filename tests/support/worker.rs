//! The worker of the tests. It can hide layers of the isolation from itself, as old kernels and containers do.

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

fn main() {
    if std::env::var_os("SERAPH_TEST_HIDE_LANDLOCK").is_some() {
        hide_landlock().expect("a filter can be installed");
    }
    seraph_host::worker_main()
}

/// Answers Landlock's system calls as a kernel without it does.
fn hide_landlock() -> Result<(), Box<dyn std::error::Error>> {
    let calls =
        [libc::SYS_landlock_create_ruleset, libc::SYS_landlock_add_rule, libc::SYS_landlock_restrict_self];
    let filter = SeccompFilter::new(
        calls.into_iter().map(|call| (call, vec![])).collect(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS as u32),
        TargetArch::try_from(std::env::consts::ARCH)?,
    )?;
    seccompiler::apply_filter(&BpfProgram::try_from(filter)?)?;
    Ok(())
}
