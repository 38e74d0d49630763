//! What the columns mean, and what was kept out of the plugins' hands.

use crate::column::COLUMNS;
use maud::{Markup, html};

/// The foot of the page.
pub fn footer() -> Markup {
    html! {
        section #definitions {
            h2 { "Definitions" }
            p {
                "Attacks only perturb. Queries, time, constraints, predictions and verdicts are the host's: the audio that an attack "
                "hands in is checked against the threat in double precision and scored again by a fresh process. An output that "
                "breaks the threat is no success. Intervals are 95 % and resample whole speakers; where all \
                 items share one outcome they are Wilson's, of a mean over classes those of each class combined. A dash is a missing value, never 0."
            }
            dl.facts {
                @for column in COLUMNS { dt { (column.title) } dd { (column.doc) } }
            }
        }
    }
}
