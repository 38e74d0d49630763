//! The summary: for each corpus and threat, the answers and one table of how every model holds up at every size.

use super::answer;
use crate::estimate::percent;
use crate::plot::interval::interval_bar;
use crate::report::Report;
use crate::standing::{self, VictimStanding};
use crate::table::{Board, norm_name, norm_unit};
use maud::{Markup, html};
use std::collections::BTreeSet;

/// All families.
pub fn summaries(report: &Report) -> Markup {
    html! {
        h2 { "Summary" }
        @for boards in report.table.families() {
            @let family = &boards[0].key.family;
            h3 { (family.corpus_name()) ": " (family.threat_name()) (device(&family.device)) }
            (answer::cards(boards))
            (worst_case_table(boards))
        }
    }
}

fn device(device: &str) -> String {
    if device.is_empty() || device == "cpu" { String::new() } else { format!(", on {device}") }
}

/// Models by sizes of perturbation; in each field the worst case over all attacks.
fn worst_case_table(boards: &[Board]) -> Markup {
    let standings: Vec<Vec<VictimStanding>> = boards.iter().map(standing::victims).collect();
    let family = &boards[0].key.family;
    let victims = by_mean_worst_case(&standings);
    html! {
        h4 { "Robust accuracy against all attacks together" }
        div.scroll tabindex="0" role="region" aria-label="Robust accuracy against all attacks together" {
            table {
                thead { tr {
                    th.text scope="col" { "Model" }
                    th scope="col" { "Clean acc." }
                    @for board in boards {
                        th scope="col" { a href={ "#" (board.key.slug()) } { (norm_name(family.norm)) " " (board.key.eps) } }
                    }
                } }
                tbody {
                    @for victim in &victims {
                        tr {
                            th.text.name scope="row" { (victim) }
                            (clean_field(&standings, victim))
                            @for board in &standings { (field(board.iter().find(|s| s.victim == *victim))) }
                        }
                    }
                }
            }
        }
        p.lead {
            "Items that stay right whichever attack of the board is used, in percent of all items; eps in units of "
            (norm_unit(family.norm)) ". Below: the attack that alone comes nearest to it, with its interval."
        }
    }
}

/// Victims, the one that holds up best over all sizes first; one that has no result somewhere counts as 0 there.
fn by_mean_worst_case<'a>(standings: &[Vec<VictimStanding<'a>>]) -> Vec<&'a str> {
    let all: BTreeSet<&str> = standings.iter().flatten().map(|s| s.victim).collect();
    let sum = |victim: &str| -> f64 {
        standings.iter().flatten().filter(|s| s.victim == victim).map(|s| s.worst_case).sum()
    };
    let mut victims: Vec<&str> = all.into_iter().collect();
    victims.sort_by(|a, b| sum(b).total_cmp(&sum(a)));
    victims
}

fn clean_field(standings: &[Vec<VictimStanding>], victim: &str) -> Markup {
    let clean = standings.iter().flatten().find(|s| s.victim == victim).and_then(|s| s.clean);
    html! {
        td {
            @match clean {
                Some(clean) => {
                    (percent(clean.value))
                    @if let Some(interval) = clean.percent_interval() { span.ci { (interval) } }
                }
                None => span.missing aria-label="missing" { "–" },
            }
        }
    }
}

fn field(standing: Option<&VictimStanding>) -> Markup {
    html! {
        td {
            @match standing {
                Some(standing) => {
                    @let (attack, alone) = &standing.strongest;
                    span.headline { (percent(standing.worst_case)) }
                    span.sub { (attack) " " (alone.percent_interval().unwrap_or_default()) }
                    (interval_bar(Some(alone)))
                }
                None => span.missing aria-label="missing" { "–" },
            }
        }
    }
}
