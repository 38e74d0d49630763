//! Cells: everything that is needed to repeat one, folded away until it is asked for.

use super::plural;
use crate::report::Report;
use crate::table::{Board, Row};
use maud::{Markup, html};
use seraph_core::plan::{ParamValue, Params};
use std::collections::BTreeSet;

/// Cells that the page lists; the records hold the others.
const MAX_CELLS: usize = 200;

/// All cells.
pub fn section(report: &Report) -> Markup {
    let n_cells = report.table.rows().count();
    html! {
        h2 { "Cells" }
        p.lead { "What it takes to repeat each row." }
        @for (board, row) in report.table.rows().take(MAX_CELLS) { (details(board, row)) }
        @if n_cells > MAX_CELLS {
            p.note { (plural(n_cells - MAX_CELLS, "more cell")) " in the records: too many for one page." }
        }
    }
}

/// Keys of the cells that [`section`] lists.
pub fn listed(report: &Report) -> BTreeSet<&str> {
    report.table.rows().take(MAX_CELLS).map(|(_, row)| row.record.key.as_str()).collect()
}

fn details(board: &Board, row: &Row) -> Markup {
    html! {
        details id={ "cell-" (row.record.key) } {
            summary { (row.attack) " on " (row.victim) ", " (board.key.family.threat_name()) ", eps " (board.key.eps) ", seed " (row.record.cell.seed) }
            dl.facts {
                @for (name, value) in facts(row) { dt { (name) } dd { (value) } }
                @for flag in &row.record.flags { dt { "Flag" } dd { strong { (flag.name) } ": " (flag.detail) } }
            }
        }
    }
}

fn facts(row: &Row) -> Vec<(&'static str, String)> {
    let (record, cell) = (&row.record, &row.record.cell);
    let (n, threat) = (&record.n, row.threat());
    let tier = record.isolation.tier.map_or("none reached".into(), |tier| format!("tier {tier}"));
    let all = [
        ("Cell", record.id.clone()),
        ("Key", record.key.clone()),
        ("Reason", record.reason.clone().unwrap_or_default()),
        ("Items", counts(n)),
        ("Attack", format!("{} {}, sha256 {}", cell.attack.id, cell.attack.version, cell.attack.sha256)),
        ("Preset", cell.attack.preset.clone().unwrap_or_default()),
        ("Attack parameters", params(&cell.attack.params)),
        (
            "Victim",
            format!("{} through {}, sha256 {}", cell.victim.id, cell.victim.plugin, cell.victim.sha256),
        ),
        ("Architecture", cell.victim.arch.clone().unwrap_or_default()),
        ("Victim plugin", format!("sha256 {}", cell.victim.plugin_sha256)),
        ("Victim parameters", params(&cell.victim.params)),
        ("Source of transfer", row.source.clone().unwrap_or_default()),
        ("Corpus", format!("{}, manifest sha256 {}", cell.corpus.id, cell.corpus.manifest_sha256)),
        (
            "Queries allowed",
            format!("{} forward, {} gradient per item", threat.queries, threat.gradient_queries),
        ),
        ("Isolation", format!("{tier}: {}", record.isolation.mechanisms.join(", "))),
        ("Environment", environment(row)),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

fn counts(n: &seraph_core::Counts) -> String {
    format!(
        "{} in all, {} clean-correct, {} attacked, {} succeeded, {} invalid, {} failed",
        n.total, n.clean_correct, n.attacked, n.succeeded, n.invalid, n.failed
    )
}

fn params(params: &Params) -> String {
    let value = |value: &ParamValue| match value {
        ParamValue::Bool(value) => value.to_string(),
        ParamValue::Int(value) => value.to_string(),
        ParamValue::Float(value) => value.to_string(),
        ParamValue::Text(value) => value.clone(),
    };
    params.iter().map(|(name, v)| format!("{name} = {}", value(v))).collect::<Vec<_>>().join(", ")
}

fn environment(row: &Row) -> String {
    let environment = &row.record.environment;
    let runtime = environment.runtime.as_deref().unwrap_or_default();
    let parts = [environment.harness.as_str(), runtime, &environment.device, &environment.cpu];
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(", ")
}
