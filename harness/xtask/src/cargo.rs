//! Runs cargo, and what cargo built.

use std::ffi::OsStr;
use std::process::Command;

use crate::{onnxruntime, workspace};

/// Builds the program and every plugin in release mode and runs `seraph args`.
pub fn seraph(args: &[String]) -> Result<(), String> {
    let runtime = onnxruntime::ensure()?;
    let mut build = cargo(["build", "--release", "--package", "seraph-cli"]);
    for package in workspace::plugin_packages()? {
        build.args(["--package", &package]);
    }
    succeed(&mut build)?;
    let program = workspace::target().join("release/seraph");
    let status = Command::new(&program)
        .args(args)
        .env("ORT_DYLIB_PATH", runtime)
        .status()
        .map_err(|e| format!("cannot start {}: {e}", program.display()))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => std::process::exit(code), // seraph has said why
        None => Err(format!("seraph ended with {status}")),
    }
}

/// Builds everything, so that the tests find the plugins as libraries, and runs all tests.
pub fn test(args: &[String]) -> Result<(), String> {
    let runtime = onnxruntime::ensure()?;
    succeed(cargo(["build", "--workspace", "--lib", "--bins"]).env("ORT_DYLIB_PATH", &runtime))?;
    succeed(cargo(["test", "--workspace"]).args(args).env("ORT_DYLIB_PATH", &runtime))
}

/// Formatting, lints and documentation, each with warnings denied.
pub fn lint() -> Result<(), String> {
    succeed(&mut cargo(["fmt", "--all", "--check"]))?;
    succeed(&mut cargo(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    succeed(cargo(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "--deny warnings"))
}

fn cargo<const N: usize>(args: [&str; N]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace::root()).args(args.map(OsStr::new));
    command
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|e| format!("cannot start cargo: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed")) }
}
