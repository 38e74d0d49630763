//! From what an attack left behind for an item to its journal line: verified, re-scored, measured by the host alone.

use crate::clean::CleanItem;
use crate::roster::{Assignment, Place};
use seraph_core::journal::{JournalItem, Pcm16Item, Sizes};
use seraph_core::{ItemStatus, Number, Threat};
use seraph_data::Item;
use seraph_host::predicted_class;
use seraph_judge::{Clean, Constraint, Judgement, Violation, judge, pcm16, rezero_padding, succeeds};

/// A model that scores one row: the judge's own victim, which no attack has touched.
pub(crate) trait Scorer {
    /// Why it could not.
    type Error;

    /// The logits of one row.
    fn score(&mut self, row: &[f32]) -> Result<Vec<f32>, Self::Error>;
}

/// What the task of an item left behind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Left {
    /// The last commit, if there was one.
    pub committed: Option<Vec<f32>>,
    /// Whether it was stored as 16-bit PCM before it came here: then rounding to the grid is not its maker's doing,
    /// and it is held to the constraint in whole quantisation steps.
    pub stored: bool,
    /// What the plugin did wrong: a short name and a sentence.
    pub fault: Option<(&'static str, String)>,
    /// Forward queries charged.
    pub forward_queries: u64,
    /// Gradient queries charged.
    pub gradient_queries: u64,
    /// Gradient queries whose answer was zero everywhere.
    pub zero_gradients: u64,
    /// Forward and gradient queries charged when what counts was committed.
    pub at_success: Option<(u64, u64)>,
    /// Share of the task's seconds on the host's clock; `None`: nothing was run.
    pub seconds: Option<f64>,
}

/// What the journal lines of a cell have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bench<'a> {
    /// The emotion of each logit.
    pub classes: &'a [String],
    /// The threat.
    pub threat: &'a Threat,
}

/// A judged item: its line, and the codes of its audio for those who want to hear it.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub line: JournalItem,
    pub codes: Option<Vec<i16>>,
}

impl Bench<'_> {
    /// The line of an item that the attack was not given.
    pub fn left_alone(&self, item: &Item, index: usize, place: Place, clean: &CleanItem) -> JournalItem {
        let status = match place {
            Place::CleanWrong => ItemStatus::CleanWrong,
            Place::TargetIsLabel => ItemStatus::TargetIsLabel,
            Place::Attacked(_) => ItemStatus::Failed,
        };
        JournalItem { status, ..self.blank(item, index, clean) }
    }

    /// The line of an attacked item. The error is the judge's victim's.
    pub fn judged<S: Scorer>(
        &self,
        item: &Item,
        assignment: &Assignment,
        clean: (&Clean<'_>, &CleanItem),
        left: Left,
        scorer: &mut S,
    ) -> Result<Judged, S::Error> {
        let (clean, clean_answer) = clean;
        let mut line = JournalItem {
            reference: Some(self.classes[assignment.reference].clone()),
            target: assignment.target.map(|target| self.classes[target].clone()),
            status: ItemStatus::Failed,
            fault: left.fault.as_ref().map(|(name, _)| (*name).to_owned()),
            forward_queries: left.forward_queries,
            gradient_queries: left.gradient_queries,
            zero_gradients: left.zero_gradients,
            seconds: left.seconds.map(Number),
            ..self.blank(item, assignment.index, clean_answer)
        };
        let Some(mut committed) = left.committed else {
            let nothing = || "nothing was committed".to_owned();
            line.reason = Some(left.fault.map_or_else(nothing, |(_, sentence)| sentence));
            line.fault.get_or_insert_with(|| "no-commit".into());
            return Ok(Judged { line, codes: None });
        };
        rezero_padding(&mut committed, clean.length);
        let mut judgement = judge(clean, &committed, &Constraint::of(self.threat));
        if let Some(pcm16) = judgement.pcm16.as_ref().filter(|_| left.stored) {
            judgement.violation = pcm16.violation.clone();
        }
        self.score(&mut line, assignment, &committed, &judgement, scorer)?;
        if line.success {
            line.success_forward_queries = left.at_success.map(|(forward, _)| forward);
            line.success_gradient_queries = left.at_success.map(|(_, gradient)| gradient);
        }
        Ok(Judged { line, codes: judgement.pcm16.map(|pcm16| pcm16.codes) })
    }

    fn score<S: Scorer>(
        &self,
        line: &mut JournalItem,
        assignment: &Assignment,
        committed: &[f32],
        judgement: &Judgement,
        scorer: &mut S,
    ) -> Result<(), S::Error> {
        line.adv_sha256 = Some(judgement.sha256.clone());
        line.sizes = judgement.sizes.unwrap_or_default();
        line.status = if judgement.violation.is_some() { ItemStatus::Invalid } else { ItemStatus::Ok };
        line.reason = judgement.violation.as_ref().map(ToString::to_string);
        if let Some(violation) = &judgement.violation {
            line.fault.get_or_insert_with(|| violation.name().to_owned());
        }
        let Some(quantised) = &judgement.pcm16 else { return Ok(()) };
        if matches!(judgement.violation, Some(Violation::Box { .. })) {
            return Ok(()); // no audio: what the victim would say of it means nothing
        }
        let logits = scorer.score(committed)?;
        let prediction = predicted_class(&logits);
        line.adv_pred = Some(self.classes[prediction].clone());
        line.adv_logits = numbers(&logits);
        line.success = line.status == ItemStatus::Ok && self.reached(assignment, prediction);
        line.pcm16 = Some(self.score_pcm16(assignment, committed.len(), quantised, scorer)?);
        Ok(())
    }

    fn score_pcm16<S: Scorer>(
        &self,
        assignment: &Assignment,
        row_samples: usize,
        quantised: &pcm16::Pcm16,
        scorer: &mut S,
    ) -> Result<Pcm16Item, S::Error> {
        let mut row: Vec<f32> = quantised.codes.iter().map(|&code| pcm16::decode(code)).collect();
        row.resize(row_samples, 0.0);
        let prediction = predicted_class(&scorer.score(&row)?);
        let valid = quantised.violation.is_none();
        Ok(Pcm16Item {
            adv_pred: Some(self.classes[prediction].clone()),
            valid,
            success: valid && self.reached(assignment, prediction),
            linf_lsb: Some(quantised.linf_lsb),
            l0: Some(quantised.l0),
            snr_db: quantised.snr_db,
        })
    }

    fn reached(&self, assignment: &Assignment, prediction: usize) -> bool {
        let name = |class: usize| self.classes[class].as_str();
        succeeds(self.threat.goal, name(assignment.label), assignment.target.map(name), name(prediction))
    }

    fn blank(&self, item: &Item, index: usize, clean: &CleanItem) -> JournalItem {
        JournalItem {
            item: item.id.clone(),
            index: index as u64,
            speaker: item.speaker.clone(),
            gender: item.gender.map(|gender| gender.name().to_owned()),
            language: item.language.clone(),
            label: item.emotion.name().to_owned(),
            reference: None,
            target: None,
            clean_pred: Some(self.classes[clean.class].clone()),
            adv_pred: None,
            status: ItemStatus::Failed,
            reason: None,
            fault: None,
            success: false,
            clean_logits: numbers(&clean.logits),
            adv_logits: vec![],
            sizes: Sizes::default(),
            pcm16: None,
            forward_queries: 0,
            gradient_queries: 0,
            success_forward_queries: None,
            success_gradient_queries: None,
            zero_gradients: 0,
            seconds: None,
            adv_sha256: None,
        }
    }
}

fn numbers(logits: &[f32]) -> Vec<Number> {
    logits.iter().map(|&logit| Number(f64::from(logit))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use seraph_core::{Access, Goal, Labels, Norm};

    /// Says class 1 where the first sample is above 0.5.
    struct Threshold(Vec<Vec<f32>>);

    impl Scorer for Threshold {
        type Error = std::convert::Infallible;

        fn score(&mut self, row: &[f32]) -> Result<Vec<f32>, Self::Error> {
            self.0.push(row.to_vec());
            Ok(if row[0] > 0.5 { vec![0.0, 1.0] } else { vec![1.0, 0.0] })
        }
    }

    fn threat(eps: f64) -> Threat {
        Threat {
            access: Access::WhiteBox,
            norm: Norm::Linf,
            eps: Number(eps),
            goal: Goal::Untargeted,
            target: None,
            labels: Labels::True,
            queries: 10,
            gradient_queries: 10,
            source: None,
        }
    }

    fn item() -> Item {
        seraph_data::load("synthetic", None, None, 1).unwrap().items.remove(0)
    }

    fn judged(committed: Option<&[f32]>, eps: f64) -> (JournalItem, Vec<Vec<f32>>) {
        let committed = committed.map(<[f32]>::to_vec);
        judged_as(Left { committed, forward_queries: 3, at_success: Some((2, 1)), ..Left::default() }, eps)
    }

    fn judged_as(left: Left, eps: f64) -> (JournalItem, Vec<Vec<f32>>) {
        let classes = ["anger", "fear"].map(String::from);
        let threat = threat(eps);
        let bench = Bench { classes: &classes, threat: &threat };
        let row = [0.4f32, 0.0, 0.25, 0.0];
        let clean = Clean { row: &row, length: 3, sample_rate_hz: 16_000 };
        let answer = CleanItem { class: 0, logits: vec![1.0, 0.0] };
        let assignment = Assignment { index: 4, label: 0, reference: 0, target: None };
        let mut scorer = Threshold(vec![]);
        let judged = bench.judged(&item(), &assignment, (&clean, &answer), left, &mut scorer).unwrap();
        (judged.line, scorer.0)
    }

    #[test]
    fn a_valid_success_is_scored_in_float_and_as_pcm16() {
        let (line, asked) = judged(Some(&[0.6, 0.0, 0.25, 0.0]), 0.25);
        assert_eq!(
            (line.status, line.success, line.adv_pred.as_deref()),
            (ItemStatus::Ok, true, Some("fear"))
        );
        assert_eq!((line.index, line.success_forward_queries), (4, Some(2)));
        assert!(line.pcm16.unwrap().success);
        assert_eq!(asked[1], [(0.6f32 * 32768.0).round() / 32768.0, 0.0, 0.25, 0.0]);
    }

    #[test]
    fn what_is_hidden_in_the_padding_never_reaches_the_model() {
        let (line, asked) = judged(Some(&[0.4, 0.0, 0.25, 0.9]), 0.25);
        assert_eq!((line.status, line.success), (ItemStatus::Ok, false));
        assert!(asked.iter().all(|row| row[3] == 0.0), "{asked:?}");
    }

    #[test]
    fn a_success_outside_the_ball_is_none() {
        let (line, _) = judged(Some(&[0.6, 0.0, 0.25, 0.0]), 0.1);
        assert_eq!(
            (line.status, line.success, line.fault.as_deref()),
            (ItemStatus::Invalid, false, Some("norm"))
        );
        assert_eq!(line.adv_pred.as_deref(), Some("fear"), "the prediction is recorded all the same");
        assert!(!line.pcm16.unwrap().success);
    }

    #[test]
    fn two_ulp_over_are_over_and_nan_is_never_scored() {
        let over = 0.4f32 + 0.25;
        let over = f32::from_bits(over.to_bits() + 3);
        assert_eq!(judged(Some(&[over, 0.0, 0.25, 0.0]), 0.25).0.status, ItemStatus::Invalid);
        let (line, asked) = judged(Some(&[f32::NAN, 0.0, 0.25, 0.0]), 0.25);
        assert_eq!((line.status, line.fault.as_deref(), asked.len()), (ItemStatus::Invalid, Some("nan"), 0));
    }

    #[test]
    fn stored_audio_is_held_to_the_constraint_in_whole_steps() {
        // Half a step over: what rounding to the grid may add.
        let over = [pcm16::decode(pcm16::encode(0.4 + 0.125) + 1), 0.0, 0.25, 0.0];
        let eps = f64::from(over[0]) - f64::from(0.4f32) - 1.0 / 65536.0;
        let (line, _) = judged(Some(&over), eps);
        assert_eq!((line.status, line.pcm16.unwrap().valid), (ItemStatus::Invalid, true));
        let (line, _) =
            judged_as(Left { committed: Some(over.to_vec()), stored: true, ..Left::default() }, eps);
        assert_eq!((line.status, line.success), (ItemStatus::Ok, true));
    }

    #[test]
    fn an_item_without_a_commit_is_a_failed_attack() {
        let (line, asked) = judged(None, 0.25);
        assert_eq!((line.status, line.success, asked.len()), (ItemStatus::Failed, false, 0));
        assert_eq!((line.reason.as_deref(), line.forward_queries), (Some("nothing was committed"), 3));
        assert_eq!(line.adv_sha256, None);
    }
}
