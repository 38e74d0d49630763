//! End-to-end tests, one binary: the program as a user meets it.
#![allow(clippy::unwrap_used)]

mod cli_bad_input;
mod cli_hostile;
mod cli_list;
mod cli_resume;
mod cli_run;
mod program;
mod tidy;
