//! Security curves: for each victim, what every attack leaves of its accuracy as the perturbation grows.

use crate::plot::curve::{SecurityCurve, Series, Style};
use crate::report::Report;
use crate::table::{Board, Family, norm_name, norm_unit, why_none_is_ranked};
use maud::{Markup, html};
use std::collections::{BTreeMap, BTreeSet};

/// The curves of all families.
pub fn section(report: &Report) -> Markup {
    let styles = styles(report);
    html! {
        h2 { "Security curves" }
        p.lead { "Robust accuracy against the size of the perturbation; bands are 95 % intervals. The lowest line is the strongest attack; dotted lines are controls. Rows that are not ranked are left out." }
        @for boards in report.table.families() {
            @let family = &boards[0].key.family;
            @if report.table.families().count() > 1 { h3 { (family.corpus_name()) ": " (family.threat_name()) } }
            div.victims {
                @for victim in victims(boards) { (figure(family, boards, victim, &styles)) }
            }
        }
    }
}

/// The style of each attack's line, which it keeps over the whole page.
fn styles(report: &Report) -> BTreeMap<&str, Style> {
    let ranked = report.table.rows().filter(|(_, row)| row.rank.is_some());
    let (controls, attacks): (Vec<_>, Vec<_>) =
        ranked.map(|(_, row)| (row.is_control, row.attack.as_str())).partition(|(is_control, _)| *is_control);
    let attacks: BTreeSet<&str> = attacks.into_iter().map(|(_, name)| name).collect();
    let controls = controls.into_iter().map(|(_, name)| (name, Style::Control));
    let attacks = attacks.into_iter().enumerate().map(|(n, name)| (name, Style::Attack(n)));
    controls.chain(attacks).collect()
}

fn victims(boards: &[Board]) -> BTreeSet<&str> {
    boards.iter().flat_map(Board::victims).collect()
}

fn figure(family: &Family, boards: &[Board], victim: &str, styles: &BTreeMap<&str, Style>) -> Markup {
    let curve = SecurityCurve {
        title: format!(
            "Robust accuracy of {victim} by size of perturbation; the numbers are in the boards below"
        ),
        axis: format!("{} ({})", norm_name(family.norm), norm_unit(family.norm)),
        grows: family.norm.grows_with_eps(),
        clean: rows_of(boards, victim).find_map(|(_, row)| row.metric("clean_accuracy")),
        if_empty: match why_none_is_ranked(boards, victim) {
            Some(reason) => format!("Not drawn, because no row of this model is ranked: {reason}."),
            None => "No ranked row of this model has a result to draw.".into(),
        },
        series: styles.iter().filter_map(|(attack, style)| series(boards, victim, attack, *style)).collect(),
    };
    html! { figure { figcaption { strong { (victim) } } (curve.draw()) } }
}

fn rows_of<'a>(boards: &'a [Board], victim: &'a str) -> impl Iterator<Item = (f64, &'a crate::table::Row)> {
    let rows = boards.iter().flat_map(|board| board.rows.iter().map(|row| (board.key.eps, row)));
    rows.filter(move |(_, row)| row.victim == victim)
}

/// One point per board; where an attack has several (seeds, sources), the strongest.
fn series(boards: &[Board], victim: &str, attack: &str, style: Style) -> Option<Series> {
    let points: Vec<_> = boards
        .iter()
        .filter_map(|board| {
            let mut rows = board.ranked_rows_of(victim).filter(|row| row.attack == attack);
            rows.next()
                .map(|strongest| (board.key.eps, strongest.robust_accuracy().filter(|e| e.value.is_finite())))
        })
        .collect();
    let has_results = points.iter().any(|(_, value)| value.is_some());
    has_results.then(|| Series { label: attack.to_owned(), style, points })
}
