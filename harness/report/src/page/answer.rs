//! The first things that a reader asks of a family of boards: which model holds up, which attack is strongest, how sure.

use super::plural;
use crate::estimate::percent;
use crate::standing::{self, Lead, Standing};
use crate::table::Board;
use maud::{Markup, html};

/// Cards for one family; `boards` are its points of growing perturbation.
pub fn cards(boards: &[Board]) -> Markup {
    let victims = standing::victims(boards);
    let attacks = standing::attacks(boards);
    let sizes =
        if boards.len() == 1 { String::new() } else { format!(", averaged over {} sizes", boards.len()) };
    html! {
        div.answers {
            div.answer {
                h3 { "Which model holds up best?" }
                @match victims.first() {
                    Some(best) => {
                        p.big { (best.name) }
                        p {
                            strong { (percent(best.robust_accuracy)) "\u{202f}%" }
                            " of items stay right whichever attack is used" (sizes) ". "
                            (lead(best, "lower"))
                        }
                    }
                    None => { p.big { "–" } p { "No model has a ranked result on every board." } }
                }
            }
            div.answer {
                h3 { "Which attack is strongest?" }
                @match attacks.first() {
                    Some(best) => {
                        p.big { (best.name) }
                        p {
                            "It leaves " strong { (percent(best.robust_accuracy)) "\u{202f}%" } " of items right, averaged over "
                            (plural(boards.iter().map(|b| b.victims().len()).max().unwrap_or(0), "model")) (sizes.replace(", averaged over", " and"))
                            ". " (lead(best, "higher"))
                        }
                    }
                    None => { p.big { "–" } p { "No attack has a ranked result on every model." } }
                }
            }
            (sureness_card(boards, &[victims.first(), attacks.first()]))
        }
    }
}

/// How far the next one is behind, and whether that can be told from chance.
fn lead(best: &Standing, word: &str) -> Markup {
    html! {
        @match &best.lead {
            None => "There is no other to compare it with.",
            Some(lead) if lead.difference.value == 0.0 => { "Tied with " (lead.over) "." },
            Some(lead) => {
                (lead.over) " is next, " (percent(lead.difference.value)) " points " (word)
                @if let Some(interval) = lead.difference.percent_interval() { " " (interval) } "."
            }
        }
    }
}

fn sureness_card(boards: &[Board], best: &[Option<&Standing>]) -> Markup {
    let rows = || boards.iter().flat_map(|board| &board.rows);
    let n_items = rows().map(|row| row.record.n.total).max().unwrap_or(0);
    let n_speakers = rows().filter_map(|row| Some(row.record.groups.get("by_speaker")?.len())).max();
    let unranked = rows().filter(|row| row.rank.is_none()).count();
    let leads: Vec<&Lead> = best.iter().flatten().filter_map(|standing| standing.lead.as_ref()).collect();
    html! {
        div.answer {
            h3 { "How sure are we?" }
            p.big { (verdict(&leads)) }
            p {
                (plural(n_items as usize, "item"))
                @if let Some(n) = n_speakers { " of " (plural(n, "speaker")) }
                ", compared item by item; 95 % intervals in brackets resample speakers. "
                @if unranked > 0 { (plural(unranked, "row")) " not ranked, with the reason on the board." }
            }
        }
    }
}

/// Whether the first places would survive other speakers.
fn verdict(leads: &[&Lead]) -> &'static str {
    let known =
        leads.iter().filter(|lead| lead.difference.low.is_some() || lead.difference.value == 0.0).count();
    let ties = leads.iter().filter(|lead| lead.is_tie()).count();
    match (leads.len(), known) {
        (0, _) => "Nothing to compare",
        (n, known) if known < n => "Not known: no journals",
        (1, _) if ties == 0 => "The lead exceeds chance",
        (1, _) => "The lead may be chance",
        _ if ties == 0 => "Both leads exceed chance",
        _ if ties == 1 => "One lead may be chance",
        _ => "Both leads may be chance",
    }
}
