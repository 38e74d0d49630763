//! The `seraph` command: parse, do, say.
#![forbid(unsafe_code)]
// The comments of commands and flags are help texts for a terminal, not pages.
#![allow(rustdoc::broken_intra_doc_links, rustdoc::invalid_html_tags)]

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
