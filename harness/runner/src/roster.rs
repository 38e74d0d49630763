//! Which items of a cell are attacked, away from which class and towards which.

use crate::clean::CleanPass;
use seraph_core::{Goal, Labels, Seed, Threat};

/// An item that the attack is given. Classes are indices of logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Place in the corpus.
    pub index: usize,
    /// The class that counts as right: the label, or under `labels = "predicted"` the clean prediction.
    pub label: usize,
    /// The class that the attack is told to leave: the oracle's prediction on the clean audio.
    pub reference: usize,
    /// The class that it is told to reach.
    pub target: Option<usize>,
}

/// What a cell does with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Attacks it.
    Attacked(Assignment),
    /// Leaves it: the clean prediction is wrong.
    CleanWrong,
    /// Leaves it: it is in the target class, or there is no other class to reach.
    TargetIsLabel,
}

/// What the roster of a cell follows from.
#[derive(Clone, Copy, Debug)]
pub struct RosterInput<'a> {
    /// The item ids, in the order of the corpus.
    pub ids: &'a [String],
    /// The class of each item's label.
    pub labels: &'a [usize],
    /// The judged victim's clean pass.
    pub clean: &'a CleanPass,
    /// The oracle's clean pass: the source's under a transfer threat, else the victim's.
    pub oracle: &'a CleanPass,
    /// The emotion of each logit.
    pub classes: &'a [String],
    /// The threat.
    pub threat: &'a Threat,
    /// The master seed.
    pub seed: u64,
}

/// One place per item, in the order of the corpus.
pub fn roster(input: &RosterInput<'_>) -> Vec<Place> {
    (0..input.ids.len()).map(|index| place(input, index)).collect()
}

fn place(input: &RosterInput<'_>, index: usize) -> Place {
    let predicted = input.clean.items[index].class;
    let label = match input.threat.labels {
        Labels::True if predicted != input.labels[index] => return Place::CleanWrong,
        Labels::True => input.labels[index],
        Labels::Predicted => predicted,
    };
    let reference = input.oracle.items[index].class;
    let attacked = |target| Place::Attacked(Assignment { index, label, reference, target });
    if input.threat.goal == Goal::Untargeted {
        return attacked(None);
    }
    match target(input, index, label) {
        Some(target) => attacked(Some(target)),
        None => Place::TargetIsLabel,
    }
}

/// The target depends on the master seed and the item alone, so that all attacks of a plan pursue the same one.
fn target(input: &RosterInput<'_>, index: usize, label: usize) -> Option<usize> {
    let seed = Seed::derive("seraph/target/1", &[&input.seed.to_le_bytes(), input.ids[index].as_bytes()]);
    input.threat.target.as_ref()?.resolve(label, input.classes, &seed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::clean::CleanItem;
    use seraph_core::{Access, Norm, Number, TargetRule};

    fn pass(classes: &[usize]) -> CleanPass {
        let item = |&class| CleanItem { class, logits: vec![] };
        CleanPass { items: classes.iter().map(item).collect(), ..CleanPass::default() }
    }

    fn threat(labels: Labels, target: Option<TargetRule>) -> Threat {
        Threat {
            access: Access::WhiteBox,
            norm: Norm::Linf,
            eps: Number(0.1),
            goal: if target.is_some() { Goal::Targeted } else { Goal::Untargeted },
            target,
            labels,
            queries: 1,
            gradient_queries: 1,
            source: None,
        }
    }

    /// Labels 0 1 2, the victim says 0 1 1, the source 0 2 1.
    fn places(threat: &Threat) -> Vec<Place> {
        let ids = ["a", "b", "c"].map(String::from);
        let classes = ["anger", "fear", "sadness"].map(String::from);
        let (clean, oracle) = (pass(&[0, 1, 1]), pass(&[0, 2, 1]));
        let labels = [0, 1, 2];
        let input = RosterInput {
            ids: &ids,
            labels: &labels,
            clean: &clean,
            oracle: &oracle,
            classes: &classes,
            threat,
            seed: 1,
        };
        roster(&input)
    }

    fn assigned(index: usize, label: usize, reference: usize, target: Option<usize>) -> Place {
        Place::Attacked(Assignment { index, label, reference, target })
    }

    #[test]
    fn under_true_labels_clean_errors_are_left_alone_and_the_reference_is_the_oracles() {
        assert_eq!(
            places(&threat(Labels::True, None)),
            [assigned(0, 0, 0, None), assigned(1, 1, 2, None), Place::CleanWrong]
        );
    }

    #[test]
    fn under_predicted_labels_all_items_are_attacked() {
        assert_eq!(
            places(&threat(Labels::Predicted, None)),
            [assigned(0, 0, 0, None), assigned(1, 1, 2, None), assigned(2, 1, 1, None)]
        );
    }

    #[test]
    fn an_item_in_the_target_class_is_left_alone() {
        let to_fear = threat(Labels::True, Some(TargetRule::Class("fear".into())));
        assert_eq!(places(&to_fear), [assigned(0, 0, 0, Some(1)), Place::TargetIsLabel, Place::CleanWrong]);
    }

    #[test]
    fn a_random_target_is_the_same_for_every_attack_and_never_the_label() {
        let random = threat(Labels::Predicted, Some(TargetRule::Random));
        assert_eq!(places(&random), places(&random));
        for place in places(&random) {
            let Place::Attacked(item) = place else { panic!("{place:?}") };
            assert_ne!(item.target, Some(item.label));
        }
    }
}
