//! `seraph render`: records to leaderboards.

use crate::output::{self, Outcome, Result};
use clap::Args;
use seraph_report::Options;
use seraph_runner::{Folder, Manifest};
use std::path::PathBuf;

/// Renders leaderboards (HTML, Markdown, CSV, JSON, LaTeX) from the records of a run
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  seraph render results --out site --title \"EmoDB, first light\"")]
pub struct Render {
    /// The output folder of a run
    dir: PathBuf,
    /// Where the leaderboards are written
    #[arg(long, value_name = "DIR2")]
    out: PathBuf,
    /// Heading of the page; the name of the plan where not given
    #[arg(long)]
    title: Option<String>,
    /// Say the result as one JSON document
    #[arg(long)]
    json: bool,
}

impl Render {
    /// Renders.
    pub fn run(self) -> Result {
        let mut options = Options::default();
        options.title = match self.title {
            Some(title) => title,
            None => Manifest::read(&Folder::at(&self.dir))?.map_or(options.title, |run| run.plan.name),
        };
        let rendered = seraph_report::render(&self.dir, &self.out, &options)?;
        if self.json {
            output::print_json(&serde_json::json!({ "files": rendered.files }))?;
        } else {
            output::print(&rendered.table)?;
            output::print(format!("leaderboard: {}", rendered.files[0].display()))?;
        }
        Ok(Outcome::Done)
    }
}
