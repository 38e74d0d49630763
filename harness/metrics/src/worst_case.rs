//! The worst case over attacks, item by item: an item holds only if it holds against all of them.
//!
//! Not the worst of the averages: two attacks that each break the half that the other does not, break everything.

use seraph_core::record::Fate;

/// The worst case over a named set of attacks.
#[derive(Clone, Debug, PartialEq)]
pub struct WorstCase {
    /// Mean of c_i Π_a (1 - s_ia).
    pub robust_accuracy: f64,
    /// The share of initially right items that some attack broke.
    pub asr: Option<f64>,
    /// Per attack, what robust accuracy would gain if it were left out: 0 if the others break all that it breaks.
    pub marginal: Vec<f64>,
    /// The fate of each item.
    pub fates: String,
}

/// The sets of items differ.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorstCaseError {
    /// Another number of items.
    #[error("attack {attack} has {found} items where the first has {expected}")]
    Length {
        /// The attack's place.
        attack: usize,
        /// Items of the first.
        expected: usize,
        /// Items of this one.
        found: usize,
    },
    /// An item that was right for one attack and wrong from the start for another: not one victim, or not one corpus.
    #[error(
        "item {item} was right before one attack and wrong before another; the cells are not of one victim and corpus"
    )]
    Clean {
        /// The item's place.
        item: usize,
    },
}

/// Combines the `fates` of the same items under several attacks (see [`seraph_core::record::Outcomes::fates`]); `None`
/// without attacks or items. Items whose label is the target (`t`) are left out of the rates.
pub fn worst_case(fates: &[&str]) -> Result<Option<WorstCase>, WorstCaseError> {
    let rows: Vec<Vec<Fate>> =
        fates.iter().map(|row| row.chars().filter_map(Fate::from_letter).collect()).collect();
    let Some(first) = rows.first().filter(|row| !row.is_empty()) else { return Ok(None) };
    for (attack, row) in rows.iter().enumerate() {
        if row.len() != first.len() {
            return Err(WorstCaseError::Length { attack, expected: first.len(), found: row.len() });
        }
    }
    let combined: Vec<Fate> = (0..first.len()).map(|i| combine(&rows, i)).collect::<Result<_, _>>()?;
    let eligible = combined.iter().filter(|f| **f != Fate::TargetIsLabel).count() as f64;
    let count = |fate: Fate| combined.iter().filter(|f| **f == fate).count() as f64;
    let (broken, wrong) = (count(Fate::Success), count(Fate::CleanWrong));
    let correct = eligible - wrong;
    Ok((eligible > 0.0).then(|| WorstCase {
        robust_accuracy: (correct - broken) / eligible,
        asr: (correct > 0.0).then(|| broken / correct),
        marginal: (0..rows.len()).map(|attack| broken_by_it_alone(&rows, attack) / eligible).collect(),
        fates: combined.iter().map(|f| f.letter()).collect(),
    }))
}

fn combine(rows: &[Vec<Fate>], item: usize) -> Result<Fate, WorstCaseError> {
    let column = || rows.iter().map(|row| row[item]);
    for special in [Fate::CleanWrong, Fate::TargetIsLabel] {
        let n_special = column().filter(|f| *f == special).count();
        if n_special == rows.len() {
            return Ok(special);
        }
        if n_special > 0 {
            return Err(WorstCaseError::Clean { item });
        }
    }
    // An item that one attack failed on and another left right was tried, and held.
    let order = [Fate::Success, Fate::Robust, Fate::Invalid, Fate::Failed];
    Ok(order.into_iter().find(|fate| column().any(|f| f == *fate)).unwrap_or(Fate::Failed))
}

fn broken_by_it_alone(rows: &[Vec<Fate>], attack: usize) -> f64 {
    let broke = |row: &[Fate], item: usize| row[item] == Fate::Success;
    let alone = |&item: &usize| {
        let others = rows.iter().enumerate().filter(|(a, _)| *a != attack);
        broke(&rows[attack], item) && !others.into_iter().any(|(_, row)| broke(row, item))
    };
    (0..rows[attack].len()).filter(alone).count() as f64
}

/// Point-wise best distances over attacks: min_a d_ia. Empty without attacks.
pub fn best_distances(distances: &[&[f64]]) -> Vec<f64> {
    let n_items = distances.iter().map(|row| row.len()).min().unwrap_or(0);
    (0..n_items).map(|i| distances.iter().map(|row| row[i]).fold(f64::INFINITY, f64::min)).collect()
}
