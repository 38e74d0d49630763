//! The first things that a reader asks of a family of boards: which model holds up, which attack is strongest, how sure.

use super::plural;
use crate::estimate::percent;
use crate::standing::{self, AttackStanding, VictimStanding};
use crate::table::Board;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// A name and its mean over the boards of a family.
type Mean<'a> = (&'a str, f64);

/// Cards for one family; `boards` are its points of growing perturbation.
pub fn cards(boards: &[Board]) -> Markup {
    let victims: Vec<Vec<VictimStanding>> = boards.iter().map(standing::victims).collect();
    let attacks: Vec<Vec<AttackStanding>> = boards.iter().map(standing::attacks).collect();
    html! {
        div.answers {
            (victim_card(&victims))
            (attack_card(&attacks))
            (sureness_card(boards, &victims))
        }
    }
}

fn victim_card(standings: &[Vec<VictimStanding>]) -> Markup {
    let ranking =
        means(standings.iter().map(|board| board.iter().map(|s| (s.victim, s.worst_case)).collect()), false);
    html! {
        div.answer {
            h3 { "Which model holds up best?" }
            @match ranking.as_slice() {
                [] => { p.big { "–" } p { "No ranked result." } }
                [best, rest @ ..] => {
                    p.big { (best.0) }
                    p {
                        "Right on " strong { (percent(best.1)) "\u{202f}%" } " of items whichever attack is used"
                        (over_sizes(standings.len())) ". "
                        @if let Some(next) = rest.first() { (lead(best, next, "lower")) }
                        @else { "The only model here." }
                    }
                }
            }
        }
    }
}

fn attack_card(standings: &[Vec<AttackStanding>]) -> Markup {
    let ranking = means(
        standings.iter().map(|board| board.iter().map(|s| (s.attack, s.robust_accuracy)).collect()),
        true,
    );
    html! {
        div.answer {
            h3 { "Which attack is strongest?" }
            @match ranking.as_slice() {
                [] => { p.big { "–" } p { "No attack has a ranked result on every model." } }
                [best, rest @ ..] => {
                    p.big { (best.0) }
                    p {
                        "Leaves " strong { (percent(best.1)) "\u{202f}%" } " right, averaged over models" (over_sizes(standings.len())) ". "
                        @if let Some(next) = rest.first() { (lead(best, next, "higher")) }
                        @else { "The only attack here." }
                    }
                }
            }
        }
    }
}

/// How far the next one is behind.
fn lead(best: &Mean, next: &Mean, word: &str) -> Markup {
    let points = percent((best.1 - next.1).abs());
    html! {
        @if points == "0.0" { "Tied with " (next.0) "." }
        @else { (next.0) " is next, " (points) " points " (word) "." }
    }
}

fn over_sizes(n_boards: usize) -> String {
    if n_boards == 1 { String::new() } else { format!(", averaged over {n_boards} sizes of perturbation") }
}

fn sureness_card(boards: &[Board], standings: &[Vec<VictimStanding>]) -> Markup {
    let widest =
        standings.iter().flatten().filter_map(|s| Some((s.strongest.1.high? - s.strongest.1.low?) / 2.0));
    let widest = widest.fold(None, |widest: Option<f64>, half| Some(widest.map_or(half, |w| w.max(half))));
    let rows = || boards.iter().flat_map(|board| &board.rows);
    let n_items = rows().map(|row| row.record.n.total).max().unwrap_or(0);
    let n_speakers = rows().filter_map(|row| Some(row.record.groups.get("by_speaker")?.len())).max();
    let unranked = rows().filter(|row| row.rank.is_none()).count();
    html! {
        div.answer {
            h3 { "How sure are we?" }
            @match widest {
                Some(half) => p.big { "±\u{202f}" (percent(half)) " points at most" },
                None => p.big { "Not known" },
            }
            p {
                (plural(n_items as usize, "item"))
                @if let Some(n) = n_speakers { " of " (plural(n, "speaker")) }
                "; the widest 95 % interval of a strongest attack. "
                @if unranked > 0 { (plural(unranked, "row")) " not ranked, with the reason on the board." }
            }
        }
    }
}

/// Means over the boards of those that stand on every board, best first.
fn means<'a>(boards: impl Iterator<Item = Vec<Mean<'a>>>, lowest_first: bool) -> Vec<Mean<'a>> {
    let mut values: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut n_boards = 0;
    for board in boards.filter(|board| !board.is_empty()) {
        n_boards += 1;
        board.into_iter().for_each(|(name, value)| values.entry(name).or_default().push(value));
    }
    values.retain(|_, values| values.len() == n_boards);
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let mut means: Vec<Mean> = values.into_iter().map(|(name, values)| (name, mean(values))).collect();
    means.sort_by(|a, b| {
        let order = a.1.total_cmp(&b.1);
        (if lowest_first { order } else { order.reverse() }).then(a.0.cmp(b.0))
    });
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_misses_a_board_is_not_averaged() {
        let boards = [vec![("a", 0.9), ("b", 0.5)], vec![("b", 0.3)], vec![]];
        assert_eq!(means(boards.into_iter(), false), [("b", 0.4)]);
    }

    #[test]
    fn best_first_and_ties_by_name() {
        let boards = || [vec![("b", 0.5), ("a", 0.5), ("c", 0.1)]].into_iter();
        assert_eq!(means(boards(), false).iter().map(|m| m.0).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(means(boards(), true).iter().map(|m| m.0).collect::<Vec<_>>(), ["c", "a", "b"]);
    }
}
