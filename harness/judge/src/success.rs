//! When an attack on an item counts as a success: from predictions that the host asked for, never from the plugin.

use seraph_core::Goal;

/// Whether `prediction` on the committed audio is what the threat's goal asks for. Validity is judged apart: an item
/// succeeds only if its audio also keeps the constraints.
///
/// * untargeted: the prediction is not the `reference` class
/// * targeted: the prediction is the `target` class, which is not the reference; without a target nothing succeeds
pub fn succeeds(goal: Goal, reference: &str, target: Option<&str>, prediction: &str) -> bool {
    match goal {
        Goal::Untargeted => prediction != reference,
        Goal::Targeted => target.is_some_and(|target| target != reference && prediction == target),
    }
}

/// Whether the prediction changed at all (the success test of ART and STAA-Net).
pub fn flips(clean_prediction: &str, prediction: &str) -> bool {
    prediction != clean_prediction
}
