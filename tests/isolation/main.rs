//! Nothing that a plugin does harms its host: each mode of the hostile plugin gets its verdict, costs only its own
//! items, and leaves no descriptor, process or thread behind.
//!
//! A binary of its own, so that what is left behind can be counted.
#![allow(clippy::unwrap_used)]

mod house;
mod verdicts;

use house::{House, hostile, options, params, task};
use seraph_host::{AttackWorker, Fault, WorkerOptions};
use std::process::Command;

/// A plugin whose constructor ends the process, or tries to write a file, is named for it; the file is not there.
#[test]
fn constructors_run_confined() {
    let house = House::enter();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mark");
    let file_text = file.to_string_lossy().into_owned();
    for (what, code) in [("exit", 0), ("write-file", 13)] {
        let env = [("HOSTILE_CONSTRUCTOR", what), ("HOSTILE_FILE", &file_text)];
        let env = env.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        let fault = seraph_host::describe(hostile(), &WorkerOptions { env, ..options() }).unwrap_err();
        assert_eq!(fault, Fault::EarlyExit { code }, "{what}");
    }
    assert!(!file.exists());
    house.leave();
}

/// What goes wrong in `create` is a fault of the start.
#[test]
fn creation_is_watched_too() {
    let house = House::enter();
    for (mode, expected) in
        [("raw-exit-0", "exited with code 0 instead of returning"), ("abort", "crashed with SIGABRT")]
    {
        let mut params = params(mode);
        params[2].value = seraph_host::ParamValue::Bool(true);
        let fault = AttackWorker::start(hostile(), "hostile", &params, &options()).err().unwrap();
        assert_eq!(fault.to_string(), expected, "{mode}");
    }
    house.leave();
}

/// A kernel without Landlock: the tier says so, and a run that demands more does not start.
#[test]
fn without_landlock_the_tier_falls_and_ranked_runs_refuse() {
    let house = House::enter();
    let env = vec![("SERAPH_TEST_HIDE_LANDLOCK".to_owned(), "1".to_owned())];
    let hidden = WorkerOptions { env, ..options() };
    let fault = AttackWorker::start(hostile(), "hostile", &params("behave"), &hidden).err().unwrap();
    assert!(matches!(fault, Fault::Isolation { tier: 2, required: 3, .. }), "{fault}");
    assert!(fault.to_string().contains("landlock"), "{fault}");
    let lower = WorkerOptions { required_tier: 2, ..hidden };
    let worker = AttackWorker::start(hostile(), "hostile", &params("behave"), &lower).unwrap();
    assert_eq!(worker.isolation().tier, 2);
    drop(worker);
    house.leave();
}

/// A program that is no worker says what to do.
#[test]
fn a_program_that_is_no_worker_is_named() {
    let house = House::enter();
    for (program, expected) in
        [("/bin/true", "worker_main_if_requested"), ("/no/such/program", "/no/such/program")]
    {
        let options = WorkerOptions { worker_exe: Some(program.into()), ..options() };
        let fault = seraph_host::describe(hostile(), &options).unwrap_err();
        assert!(fault.to_string().contains(expected), "{fault}");
    }
    house.leave();
}

/// A worker dies with its host, even one that was killed.
#[test]
fn workers_die_with_a_killed_host() {
    let house = House::enter();
    let mut host = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "host_that_will_be_killed", "--nocapture"])
        .env("SERAPH_TEST_BE_KILLED", "1")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let worker =
        house::wait_for(|| house::children_of(host.id()).first().copied()).expect("it starts a worker");
    host.kill().unwrap();
    host.wait().unwrap();
    let gone = || {
        (!std::path::Path::new(&format!("/proc/{worker}")).exists() || house::is_zombie(worker)).then_some(())
    };
    house::wait_for(gone).expect("the worker is gone");
    house.leave();
}

/// Part of the test above; on its own it does nothing.
#[test]
fn host_that_will_be_killed() {
    if std::env::var_os("SERAPH_TEST_BE_KILLED").is_some() {
        house::run("sleep", &options(), &task());
    }
}

/// The suite once more as a user without rights, if this is root and that user can read the program.
#[test]
fn the_verdicts_hold_for_an_unprivileged_host() {
    use std::os::unix::process::CommandExt;
    // SAFETY: reads a number.
    if unsafe { libc::geteuid() } != 0 || std::env::var_os("SERAPH_TEST_UNPRIVILEGED").is_some() {
        println!("skipped: this host is unprivileged already");
        return;
    }
    let house = House::enter();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "verdicts::every_misdeed_has_its_verdict"]).env("SERAPH_TEST_UNPRIVILEGED", "1");
    match command.uid(65534).gid(65534).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
        Err(error) => println!("skipped: nobody cannot run this program: {error}"),
    }
    house.leave();
}
