//! By group: how robustness differs between emotions, genders, speakers and languages, and where predictions go.

use crate::estimate::percent;
use crate::plot::interval::interval_bar;
use crate::report::Report;
use crate::table::{Board, Row, estimate, norm_name, why_none_is_ranked};
use maud::{Markup, html};
use seraph_core::Group;
use seraph_core::record::Confusion;
use std::collections::{BTreeMap, BTreeSet};

/// Groups in the order in which they are shown; other groupings of a record follow.
const GROUPINGS: [(&str, &str); 4] = [
    ("by_emotion", "Emotion"),
    ("by_gender", "Gender"),
    ("by_speaker", "Speaker"),
    ("by_language", "Language"),
];
/// Steps of the confusion table's shading in the style sheet.
const N_SHADES: f64 = 8.0;

/// One cell for each victim and family.
pub fn section(report: &Report) -> Markup {
    html! {
        h2 { "By group" }
        p.lead {
            "For each model, the strongest attack at the size of perturbation that comes nearest to halving its accuracy: "
            "there, differences between groups show best."
        }
        @for boards in report.table.families() {
            @let victims: BTreeSet<&str> = boards.iter().flat_map(Board::victims).collect();
            @for victim in victims {
                @if let Some((board, row)) = telling_cell(boards, victim) { (cell(board, row)) }
                @else { (absent(boards, victim)) }
            }
        }
    }
}

/// Where no attack can be called the strongest.
fn absent(boards: &[Board], victim: &str) -> Markup {
    html! {
        h3 { (victim) ", " (boards[0].key.family.threat_name()) }
        p.missing {
            "No row of this model is ranked, so none is the strongest"
            @if let Some(reason) = why_none_is_ranked(boards, victim) { ": " (reason) } "."
        }
    }
}

/// Of the strongest ranked row of each board, the one nearest to half of the clean accuracy.
fn telling_cell<'a>(boards: &'a [Board], victim: &'a str) -> Option<(&'a Board, &'a Row)> {
    let strongest = boards.iter().filter_map(|board| Some((board, board.ranked_rows_of(victim).next()?)));
    let distance = |row: &Row| {
        let robust = row.robust_accuracy().map_or(f64::INFINITY, |estimate| estimate.value);
        row.metric("clean_accuracy").map_or(f64::INFINITY, |clean| (robust - clean.value / 2.0).abs())
    };
    strongest.min_by(|(_, a), (_, b)| distance(a).total_cmp(&distance(b)))
}

fn cell(board: &Board, row: &Row) -> Markup {
    let (norm, eps) = (norm_name(board.key.family.norm), board.key.eps);
    html! {
        h3 { (row.victim) " under " (row.attack) ", " (board.key.family.access.as_str()) ", " (norm) " " (eps) }
        div.split {
            @for (key, title) in GROUPINGS {
                @if let Some(groups) = row.record.groups.get(key).filter(|groups| !groups.is_empty()) {
                    div { (group_table(title, groups)) }
                }
            }
        }
        @if let Some(confusion) = &row.record.confusion {
            div.split {
                div { h4 { "Label to prediction, clean" } (matrix(confusion, &confusion.clean, "label", "predicted")) }
                div { h4 { "Label to prediction, under attack" } (matrix(confusion, &confusion.adversarial, "label", "predicted")) }
                div { h4 { "Confusion flow of attacked items" } (matrix(confusion, &confusion.flow, "clean", "attacked")) }
            }
        }
    }
}

fn group_table(title: &str, groups: &BTreeMap<String, Group>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(title) {
            table {
                thead { tr {
                    th.text scope="col" { (title) }
                    th scope="col" { "Items" }
                    th scope="col" { "Clean acc." }
                    th scope="col" { "Robust acc." }
                    th scope="col" { "ASR" }
                } }
                tbody { @for (name, group) in groups { (group_line(name, group)) } }
            }
        }
    }
}

fn group_line(name: &str, group: &Group) -> Markup {
    let metric = |key: &str| group.metrics.get(key).and_then(estimate);
    let robust = metric("robust_accuracy");
    html! {
        tr {
            th.text scope="row" { (name) }
            td { (group.n.total) }
            td { (share(metric("clean_accuracy").map(|e| e.value))) }
            td {
                span.headline { (share(robust.map(|e| e.value))) }
                @if let Some(interval) = robust.and_then(|e| e.percent_interval()) { span.ci { (interval) } }
                (interval_bar(robust.as_ref()))
            }
            td { (share(metric("asr").map(|e| e.value))) }
        }
    }
}

fn share(value: Option<f64>) -> Markup {
    match value {
        Some(value) => html! { (percent(value)) },
        None => html! { span.missing aria-label="missing" { "–" } },
    }
}

/// Counts, shaded by their share of the row. A class without items has a row of dashes.
fn matrix(confusion: &Confusion, counts: &[Vec<u64>], from: &str, to: &str) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label={ (from) " to " (to) } {
            table.confusion {
                thead { tr {
                    th.text scope="col" { (from) " ↓  " (to) " →" }
                    @for class in &confusion.classes { th scope="col" title=(class) { (abbreviate(class)) } }
                } }
                tbody {
                    @for (i, (class, row)) in confusion.classes.iter().zip(counts).enumerate() {
                        tr { th.text scope="row" { (class) } (matrix_line(i, row)) }
                    }
                }
            }
        }
    }
}

fn matrix_line(label: usize, counts: &[u64]) -> Markup {
    let total: u64 = counts.iter().sum();
    html! {
        @for (i, count) in counts.iter().enumerate() {
            @if total == 0 { td.missing { "–" } }
            @else {
                @let shade = (*count as f64 / total as f64 * N_SHADES).round() as usize;
                td class={ "h" (shade) @if i == label { " diagonal" } } { (count) }
            }
        }
    }
}

fn abbreviate(class: &str) -> String {
    match class.chars().count() {
        0..=6 => class.to_owned(),
        _ => class.chars().take(4).chain(['.']).collect(),
    }
}
