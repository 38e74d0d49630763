//! `seraph recompute`: the records anew from the journals.

use crate::output::{self, Outcome, Result};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Makes the records of a run anew from its journals; they come out the same to the byte
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  seraph recompute results")]
pub struct Recompute {
    /// The output folder of a run
    dir: PathBuf,
    /// Say the result as one JSON document
    #[arg(long)]
    json: bool,
}

impl Recompute {
    /// Recomputes.
    pub fn run(self) -> Result {
        let done = seraph_runner::recompute(&self.dir)?;
        if self.json {
            output::print_json(&json!({
                "records": done.records, "changed": done.changed, "unfinished": done.unfinished,
            }))?;
        } else {
            output::print(format!(
                "{} records made anew, {} of them differ from what was there; {} cells are not finished",
                done.records,
                done.changed.len(),
                done.unfinished.len()
            ))?;
        }
        Ok(match done.changed.first() {
            None => Outcome::Done,
            Some(first) => Outcome::Failed(format!(
                "{} records differed from their journals and were replaced; the first: {first}",
                done.changed.len()
            )),
        })
    }
}
