//! What an attacker may see, how far it may move, and what it wants: the threat model of a cell.

use crate::number::Number;
use crate::seed::Seed;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the attacker may ask of the victim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Decisions, logits and gradients of the victim.
    WhiteBox,
    /// Decisions and logits of the victim.
    Score,
    /// Decisions of the victim.
    Decision,
    /// Everything of the source victim, nothing of the victim.
    Transfer,
}

impl Access {
    /// Every access, strongest first.
    pub const ALL: [Access; 4] = [Access::WhiteBox, Access::Score, Access::Decision, Access::Transfer];

    /// What the oracle answers: the victim's, or under [`Access::Transfer`] the source's.
    pub fn grants(self) -> Grants {
        match self {
            Access::WhiteBox | Access::Transfer => Grants::DECISION | Grants::LOGITS | Grants::GRADIENT,
            Access::Score => Grants::DECISION | Grants::LOGITS,
            Access::Decision => Grants::DECISION,
        }
    }

    /// The name in a plan, eg "white-box".
    pub fn as_str(self) -> &'static str {
        match self {
            Access::WhiteBox => "white-box",
            Access::Score => "score",
            Access::Decision => "decision",
            Access::Transfer => "transfer",
        }
    }
}

/// A set of oracle functions. The bits are those of `SERAPH_ACCESS_*` in the plugin headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grants(pub u32);

impl Grants {
    /// Nothing.
    pub const NONE: Grants = Grants(0);
    /// The predicted class.
    pub const DECISION: Grants = Grants(1);
    /// The logits.
    pub const LOGITS: Grants = Grants(2);
    /// Losses and their gradients with respect to the audio.
    pub const GRADIENT: Grants = Grants(4);

    /// Whether every grant of `other` is in `self`.
    pub fn contains(self, other: Grants) -> bool {
        self.0 & other.0 == other.0
    }

    /// What `other` has and `self` lacks.
    pub fn lacking(self, other: Grants) -> Grants {
        Grants(other.0 & !self.0)
    }
}

impl std::ops::BitOr for Grants {
    type Output = Grants;

    fn bitor(self, other: Grants) -> Grants {
        Grants(self.0 | other.0)
    }
}

impl fmt::Display for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names =
            [(Grants::DECISION, "decisions"), (Grants::LOGITS, "logits"), (Grants::GRADIENT, "gradients")];
        let held: Vec<_> = names.iter().filter(|(g, _)| self.contains(*g)).map(|(_, name)| *name).collect();
        f.write_str(if held.is_empty() { "nothing" } else { "" })?;
        f.write_str(&held.join(", "))
    }
}

/// How the size of a perturbation is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Norm {
    /// Largest change of a sample, full scale 1.0.
    Linf,
    /// Root of the summed squares of the changes.
    L2,
    /// Sum of the changes.
    L1,
    /// Changed samples: a count if eps >= 1, else a share of the utterance.
    L0,
    /// Signal-to-noise ratio in dB, at least eps.
    Snr,
}

impl Norm {
    /// Every norm.
    pub const ALL: [Norm; 5] = [Norm::Linf, Norm::L2, Norm::L1, Norm::L0, Norm::Snr];

    /// The ball that an attack plugin is told: an SNR threat is an L2 ball around each item.
    pub fn ball(self) -> Norm {
        if self == Norm::Snr { Norm::L2 } else { self }
    }

    /// The name in a plan, eg "linf".
    pub fn as_str(self) -> &'static str {
        match self {
            Norm::Linf => "linf",
            Norm::L2 => "l2",
            Norm::L1 => "l1",
            Norm::L0 => "l0",
            Norm::Snr => "snr",
        }
    }

    /// Whether a larger eps gives the attacker more room; an SNR gives less.
    pub fn grows_with_eps(self) -> bool {
        self != Norm::Snr
    }

    /// The radius of the [`Norm::ball`] around `clean` (the valid samples), in full-scale units.
    ///
    /// SNR: `‖clean‖₂ · 10^(-eps/20)`, from SNR = 20 log10(‖x‖₂ / ‖δ‖₂). L0 with eps < 1: that share of the samples,
    /// rounded down, at least one.
    pub fn radius(self, eps: f64, clean: &[f32]) -> f64 {
        match self {
            Norm::Snr => energy(clean).sqrt() * 10f64.powf(-eps / 20.0),
            Norm::L0 if eps < 1.0 => (eps * clean.len() as f64).floor().max(1.0),
            _ => eps,
        }
    }
}

fn energy(samples: &[f32]) -> f64 {
    samples.iter().map(|&x| f64::from(x) * f64::from(x)).sum()
}

/// What counts as success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// Any class but the reference class.
    #[default]
    Untargeted,
    /// The target class.
    Targeted,
}

impl Goal {
    /// The name in a plan.
    pub fn as_str(self) -> &'static str {
        match self {
            Goal::Untargeted => "untargeted",
            Goal::Targeted => "targeted",
        }
    }
}

/// Which items are attacked, and what their label is taken to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Labels {
    /// The corpus's label: items that the victim gets right are attacked.
    #[default]
    True,
    /// The victim's clean prediction: all items are attacked.
    Predicted,
}

/// The target class of a targeted threat.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum TargetRule {
    /// Drawn per item from the other classes, by the item's seed.
    Random,
    /// The class after the reference class, in the victim's order, the last wrapping to the first.
    Next,
    /// One class for all items; items already in it are not attacked.
    Class(String),
}

impl From<String> for TargetRule {
    fn from(text: String) -> Self {
        match text.as_str() {
            "random" => TargetRule::Random,
            "next" => TargetRule::Next,
            _ => TargetRule::Class(text),
        }
    }
}

impl From<TargetRule> for String {
    fn from(rule: TargetRule) -> Self {
        match rule {
            TargetRule::Random => "random".into(),
            TargetRule::Next => "next".into(),
            TargetRule::Class(class) => class,
        }
    }
}

impl TargetRule {
    /// The target of an item whose reference class is `reference`; `None` where the item is already there, where the
    /// victim has no such class, or where it has no other class.
    pub fn resolve(&self, reference: usize, classes: &[String], item_seed: &Seed) -> Option<usize> {
        let n_classes = classes.len();
        let shift = match self {
            TargetRule::Class(class) => {
                return classes.iter().position(|c| c == class).filter(|&target| target != reference);
            }
            _ if n_classes < 2 => return None,
            TargetRule::Next => 1,
            // Seeds are uniform over 2^64: the bias of the remainder is below n_classes / 2^64.
            TargetRule::Random => 1 + (item_seed.key() % (n_classes as u64 - 1)) as usize,
        };
        Some((reference + shift) % n_classes)
    }
}

/// The threat of one cell: one eps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threat {
    /// What the attacker may ask.
    pub access: Access,
    /// How its perturbation is measured.
    pub norm: Norm,
    /// How large that may be, in the norm's unit.
    pub eps: Number,
    /// What it wants.
    pub goal: Goal,
    /// The target class, for a targeted goal.
    pub target: Option<TargetRule>,
    /// Which items are attacked.
    pub labels: Labels,
    /// Forward queries that one utterance may cost.
    pub queries: u64,
    /// Gradient queries that one utterance may cost.
    pub gradient_queries: u64,
    /// The victim whose oracle answers under [`Access::Transfer`].
    pub source: Option<String>,
}

impl Threat {
    /// A short readable name, eg "white-box-linf-0.001-untargeted".
    pub fn slug(&self) -> String {
        let mut slug =
            format!("{}-{}-{}-{}", self.access.as_str(), self.norm.as_str(), self.eps, self.goal.as_str());
        for part in [self.target.clone().map(String::from), self.source.clone()].into_iter().flatten() {
            slug.push('-');
            slug.push_str(&part);
        }
        slug
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes() -> Vec<String> {
        ["anger", "fear", "sadness"].map(String::from).to_vec()
    }

    #[test]
    fn the_grants_of_an_access_are_what_its_name_says() {
        assert!(Access::WhiteBox.grants().contains(Grants::GRADIENT));
        assert_eq!(Access::Score.grants().lacking(Grants::GRADIENT | Grants::LOGITS), Grants::GRADIENT);
        assert_eq!(Access::Decision.grants().to_string(), "decisions");
        assert_eq!(Grants::NONE.to_string(), "nothing");
    }

    #[test]
    fn an_snr_threat_is_an_l2_ball_per_item() {
        let clean = [0.3f32, -0.4];
        let norm = (f64::from(0.3f32).powi(2) + f64::from(0.4f32).powi(2)).sqrt();
        assert!((Norm::Snr.radius(20.0, &clean) - norm / 10.0).abs() < 1e-15);
        assert_eq!(Norm::Snr.ball(), Norm::L2);
    }

    #[test]
    fn an_l0_budget_below_one_is_a_share_of_the_utterance() {
        assert_eq!(Norm::L0.radius(0.1, &[0.0; 48]), 4.0);
        assert_eq!(Norm::L0.radius(0.001, &[0.0; 48]), 1.0);
        assert_eq!(Norm::L0.radius(7.0, &[0.0; 48]), 7.0);
    }

    #[test]
    fn a_target_is_never_the_reference() {
        let seed = |i: u8| Seed::derive("test", &[&[i]]);
        for reference in 0..3 {
            let mut seen = std::collections::BTreeSet::new();
            for i in 0..50 {
                seen.insert(TargetRule::Random.resolve(reference, &classes(), &seed(i)));
            }
            assert_eq!(seen, (0..3).filter(|&c| c != reference).map(Some).collect());
        }
        assert_eq!(TargetRule::Next.resolve(2, &classes(), &seed(0)), Some(0));
        assert_eq!(TargetRule::Class("fear".into()).resolve(1, &classes(), &seed(0)), None);
        assert_eq!(TargetRule::Class("fear".into()).resolve(0, &classes(), &seed(0)), Some(1));
        assert_eq!(TargetRule::Class("joy".into()).resolve(0, &classes(), &seed(0)), None);
        assert_eq!(TargetRule::Random.resolve(0, &classes()[..1], &seed(0)), None);
    }
}
