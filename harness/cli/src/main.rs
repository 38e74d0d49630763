//! The `seraph` command: parse, do, say.
#![forbid(unsafe_code)]

mod bar;
mod checks;
mod commands;
mod install;
mod output;
mod overwrite;
mod table;

use std::process::ExitCode;

fn main() -> ExitCode {
    // A worker is this binary, started again under a name of its own.
    seraph_host::worker_main_if_requested();
    output::exit(commands::Seraph::from_args().run())
}
