//! `seraph list`: what is there.

use super::shared::PluginDirs;
use crate::output::{self, Outcome, Result};
use crate::table;
use clap::{Args, ValueEnum};
use seraph_host::AttackInfo;
use seraph_runner::catalogue;
use serde_json::{Value, json};

/// Lists attacks, victims, corpora, metrics or presets
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  seraph list attacks\n  seraph list metrics --json")]
pub struct List {
    /// What to list
    #[arg(value_enum)]
    what: What,
    /// Say it as one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    plugins: PluginDirs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// Attack plugins in the plugin folders
    Attacks,
    /// Victim plugins in the plugin folders
    Victims,
    /// Corpora that can be loaded, and their splits
    Corpora,
    /// What records hold, with units
    Metrics,
    /// Named parameter sets of the attacks
    Presets,
}

/// A table, and the same as JSON.
struct Listing {
    header: &'static [&'static str],
    rows: Vec<Vec<String>>,
    json: Vec<Value>,
}

impl List {
    /// Lists.
    pub fn run(self) -> Result {
        let listing = match self.what {
            What::Attacks => attacks(&self.attacks()?),
            What::Victims => self.victims()?,
            What::Corpora => corpora(),
            What::Metrics => metrics(),
            What::Presets => presets(&self.attacks()?),
        };
        if self.json {
            output::print_json(&listing.json)?;
        } else if listing.rows.is_empty() {
            output::note("there is nothing; --plugin-dir or SERAPH_PLUGIN_PATH name folders with plugins");
        } else {
            output::print(table::table(listing.header, &listing.rows))?;
        }
        Ok(Outcome::Done)
    }

    fn catalogue(&self) -> Result<catalogue::Catalogue> {
        let catalogue = catalogue::read(&self.plugins.folders()?);
        for problem in &catalogue.problems {
            output::note(format!("left out: {problem}"));
        }
        Ok(catalogue)
    }

    fn attacks(&self) -> Result<Vec<AttackInfo>> {
        Ok(self.catalogue()?.attacks.into_iter().map(|found| found.info).collect())
    }

    fn victims(&self) -> Result<Listing> {
        let victims = self.catalogue()?.victims;
        let row = |v: &catalogue::Found<seraph_host::VictimInfo>| {
            vec![v.info.id.clone(), v.info.version.clone(), v.info.doc.clone()]
        };
        Ok(Listing {
            header: &["victim", "version", "what it is"],
            rows: victims.iter().map(row).collect(),
            json: victims.iter().map(|v| json!({ "library": v.library, "info": v.info })).collect(),
        })
    }
}

fn attacks(attacks: &[AttackInfo]) -> Listing {
    let row = |a: &AttackInfo| {
        vec![
            a.id.clone(),
            a.version.clone(),
            catalogue::access_names(a.access_required),
            catalogue::norm_names(a.norms),
            a.name.clone(),
            a.citation.clone(),
        ]
    };
    Listing {
        header: &["attack", "version", "needs", "norms", "what it is", "source"],
        rows: attacks.iter().map(row).collect(),
        json: attacks.iter().map(|a| json!(a)).collect(),
    }
}

fn presets(attacks: &[AttackInfo]) -> Listing {
    let all = || attacks.iter().flat_map(|a| a.presets.iter().map(move |p| (a, p)));
    Listing {
        header: &["attack", "preset", "what it is"],
        rows: all().map(|(a, p)| vec![a.id.clone(), p.name.clone(), p.doc.clone()]).collect(),
        json: all().map(|(a, p)| json!({ "attack": a.id, "preset": p.name, "doc": p.doc })).collect(),
    }
}

fn corpora() -> Listing {
    let all = seraph_data::corpora();
    let row = |c: &seraph_data::CorpusInfo| {
        vec![c.id.to_owned(), c.language.unwrap_or("").to_owned(), c.splits.join(" "), c.licence.to_owned()]
    };
    Listing {
        header: &["corpus", "language", "splits", "licence"],
        rows: all.iter().map(row).collect(),
        json: all
            .iter()
            .map(|c| {
                json!({
                    "id": c.id, "language": c.language, "splits": c.splits, "classes": c.classes,
                    "licence": c.licence, "citation": c.citation, "layout": c.layout,
                })
            })
            .collect(),
    }
}

fn metrics() -> Listing {
    let all = seraph_metrics::metrics();
    Listing {
        header: &["metric", "unit", "better", "what it is"],
        rows: all
            .iter()
            .map(|m| vec![m.name.to_owned(), m.unit.to_owned(), better(m).to_owned(), m.doc.to_owned()])
            .collect(),
        json: all
            .iter()
            .map(|m| json!({ "name": m.name, "unit": m.unit, "better": better(m), "doc": m.doc }))
            .collect(),
    }
}

fn better(metric: &seraph_metrics::MetricInfo) -> &'static str {
    match metric.higher_is_better {
        Some(true) => "higher",
        Some(false) => "lower",
        None => "",
    }
}
