//! The summary: for each corpus and threat, the answers and one table of how every model holds up at every size.

use super::answer;
use crate::estimate::percent;
use crate::plot::interval::interval_bar;
use crate::report::Report;
use crate::standing::{self, WorstCase};
use crate::table::{Board, norm_name, norm_unit};
use maud::{Markup, html};
use std::collections::BTreeSet;

/// All families.
pub fn summaries(report: &Report) -> Markup {
    html! {
        h2 { "Summary" }
        @for boards in report.table.families() {
            @let family = &boards[0].key.family;
            h3 { (family.corpus_name()) ": " (family.threat_name()) }
            (answer::cards(boards))
            (worst_case_table(boards))
        }
    }
}

/// Models by sizes of perturbation; in each field the worst case over all attacks.
fn worst_case_table(boards: &[Board]) -> Markup {
    let worst: Vec<Vec<WorstCase>> = boards.iter().map(standing::worst_cases).collect();
    let family = &boards[0].key.family;
    let victims = in_order(boards);
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
                            (clean_field(&worst, victim))
                            @for board in &worst { (field(board.iter().find(|w| w.victim == *victim))) }
                        }
                    }
                }
            }
        }
        p.lead {
            "Items that stay right whichever attack of the board is used, in percent of all items; eps in units of "
            (norm_unit(family.norm)) ". Intervals are 95 % and resample speakers. Named is the attack that alone comes nearest to it."
        }
    }
}

/// Victims, the one that holds up best first; then those that lack a result on some board.
fn in_order(boards: &[Board]) -> Vec<&str> {
    let mut victims: Vec<&str> = standing::victims(boards).iter().map(|standing| standing.name).collect();
    let others: BTreeSet<&str> =
        boards.iter().flat_map(Board::victims).filter(|v| !victims.contains(v)).collect();
    victims.extend(others);
    victims
}

fn clean_field(worst: &[Vec<WorstCase>], victim: &str) -> Markup {
    let clean = worst.iter().flatten().find(|w| w.victim == victim).and_then(|w| w.clean);
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

fn field(worst: Option<&WorstCase>) -> Markup {
    html! {
        td {
            @match worst {
                Some(worst) => {
                    span.headline { (percent(worst.robust_accuracy.value)) }
                    @if let Some(interval) = worst.robust_accuracy.percent_interval() { span.ci { (interval) } }
                    (interval_bar(Some(&worst.robust_accuracy)))
                    span.sub { "mostly " (worst.strongest) }
                }
                None => span.missing aria-label="missing" { "–" },
            }
        }
    }
}
