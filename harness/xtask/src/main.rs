//! Project automation: `cargo xtask setup | demo | run | test | lint`.
//!
//! No dependencies, so that the first command on a fresh machine starts at once.
#![forbid(unsafe_code)]

mod cargo;
mod onnxruntime;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask <command>

  setup          fetch ONNX Runtime by package name (pip, pinned hash) into target/onnxruntime
  demo [ARGS]    setup, build in release mode, run `seraph demo ARGS`
  run ARGS       setup, build in release mode, run `seraph ARGS`
  test [ARGS]    setup, build every plugin, run all tests (ARGS go to cargo test)
  lint           rustfmt, clippy and rustdoc, warnings denied

An ORT_DYLIB_PATH that is already set wins over the fetched library.";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    let done = match command.as_str() {
        "setup" => onnxruntime::ensure().map(|library| println!("{}", library.display())),
        "demo" => cargo::seraph(&[vec!["demo".to_owned()], rest].concat()),
        "run" => cargo::seraph(&rest),
        "test" => cargo::test(&rest),
        "lint" => cargo::lint(),
        "" | "help" | "-h" | "--help" => {
            println!("{HELP}");
            Ok(())
        }
        other => Err(format!("unknown command '{other}'\n\n{HELP}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::from(2)
        }
    }
}
