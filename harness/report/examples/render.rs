//! Renders the leaderboards of a run: `cargo run -p seraph-report --example render -- RUN_DIR OUT_DIR`.

use seraph_report::{Options, render};
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(dir), Some(out)) = (arguments.next(), arguments.next()) else {
        eprintln!("give the output folder of a run, and the folder to render into");
        return ExitCode::from(2);
    };
    match render(&dir, &out, &Options::default()) {
        Ok(rendered) => {
            eprintln!("{}\n{}", rendered.table, rendered.files[0].display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
