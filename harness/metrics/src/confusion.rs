//! Where predictions go: label against prediction, clean and under attack, and the flow from one to the other.

use crate::tally::prediction;
use seraph_core::JournalItem;
use seraph_core::record::Confusion;
use std::collections::BTreeSet;

/// The three tables of a cell. Items without a prediction are in none of them.
pub fn confusion(items: &[JournalItem], victim_classes: &[String]) -> Confusion {
    let labels: BTreeSet<&String> = items.iter().map(|item| &item.label).collect();
    let mut classes = victim_classes.to_vec();
    classes.extend(labels.into_iter().filter(|label| !victim_classes.contains(label)).cloned());
    let empty = vec![vec![0; classes.len()]; classes.len()];
    let mut tables = Confusion { clean: empty.clone(), adversarial: empty.clone(), flow: empty, classes };
    for item in items {
        let label = Some(item.label.as_str());
        let clean = item.clean_pred.as_deref();
        count(&tables.classes, &mut tables.clean, label, clean);
        count(&tables.classes, &mut tables.adversarial, label, prediction(item));
        if item.status.is_attacked() {
            count(&tables.classes, &mut tables.flow, clean, prediction(item));
        }
    }
    tables
}

fn count(classes: &[String], table: &mut [Vec<u64>], row: Option<&str>, column: Option<&str>) {
    let place = |class: Option<&str>| classes.iter().position(|c| Some(c.as_str()) == class);
    if let Some((row, column)) = place(row).zip(place(column)) {
        table[row][column] += 1;
    }
}
