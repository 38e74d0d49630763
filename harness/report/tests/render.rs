//! Renders whole folders and looks at what comes out.

#![allow(clippy::unwrap_used)]

mod support;

use seraph_report::{Options, render};
use std::fs;
use std::path::Path;

#[test]
fn a_sample_run_renders_to_all_formats() {
    // Kept under target/tmp, so that the page can be opened and looked at.
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report-sample");
    let _ = fs::remove_dir_all(&dir);
    support::sample_run(&dir);
    let rendered = render(&dir, &dir, &Options::default()).unwrap();
    let names: Vec<_> = rendered.files.iter().map(|f| f.file_name().unwrap().to_str().unwrap()).collect();
    let stem = "leaderboard";
    assert_eq!(names, ["html", "md", "csv", "json", "tex"].map(|e| format!("{stem}.{e}")));
    assert_eq!(rendered.table.boards.len(), 3);
    println!("{}", rendered.table);
}
