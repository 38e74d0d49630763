//! What a gradient attack optimises: a surrogate loss, the direction in which it leads to the goal, and how far the
//! goal is.

use crate::loss::{argmax, runner_up};
use crate::{Error, Goal, Loss, LossKind, Task};

/// A differentiable stand-in for success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surrogate {
    /// Cross entropy.
    Ce,
    /// Difference to the strongest other class (Carlini & Wagner 2017), never clamped.
    Margin,
    /// Difference of logits ratio (Croce & Hein 2020), which no scaling of the logits changes.
    Dlr,
}

impl Surrogate {
    /// The words of a parameter that chooses one.
    pub const CHOICES: &'static [&'static str] = &["ce", "margin", "dlr"];

    /// The surrogate of that word.
    pub fn from_choice(choice: &str) -> Result<Surrogate, Error> {
        match choice {
            "ce" => Ok(Surrogate::Ce),
            "margin" => Ok(Surrogate::Margin),
            "dlr" => Ok(Surrogate::Dlr),
            other => Err(Error::argument(format!("no loss '{other}'"))),
        }
    }
}

/// A surrogate for the goals of a task.
pub struct Objective<'t> {
    task: &'t Task<'t>,
    kind: LossKind,
    sign: f32,
    /// Per item, the class that a targeted DLR goes to where the task names none.
    towards: Option<Vec<i32>>,
    references: Vec<i32>,
    targets: Vec<i32>,
}

impl<'t> Objective<'t> {
    /// The objective of `surrogate` for the goals of `task`. A targeted DLR is eq. 7 of its paper: away from the
    /// reference, towards the target.
    pub fn new(task: &'t Task<'t>, surrogate: Surrogate) -> Objective<'t> {
        let (kind, sign) = match (surrogate, task.is_targeted()) {
            (Surrogate::Ce, false) => (LossKind::Ce, 1.0),
            (Surrogate::Ce, true) => (LossKind::Ce, -1.0),
            (Surrogate::Margin, false) => (LossKind::Margin, -1.0),
            (Surrogate::Margin, true) => (LossKind::Margin, 1.0),
            (Surrogate::Dlr, false) => (LossKind::Dlr, 1.0),
            (Surrogate::Dlr, true) => (LossKind::DlrTargeted, 1.0),
        };
        Objective { task, kind, sign, towards: None, references: Vec::new(), targets: Vec::new() }
    }

    /// Targeted DLR away from each item's reference towards `classes` (one per item), as one of the several ways to
    /// an untargeted goal.
    pub fn towards(task: &'t Task<'t>, classes: Vec<i32>) -> Objective<'t> {
        let kind = LossKind::DlrTargeted;
        Objective {
            task,
            kind,
            sign: 1.0,
            towards: Some(classes),
            references: Vec::new(),
            targets: Vec::new(),
        }
    }

    /// The loss to ask for, with one row per item of `items`.
    pub fn loss(&mut self, items: &[u32]) -> Loss<'_> {
        if self.kind != LossKind::DlrTargeted {
            return Loss::of(self.kind);
        }
        self.references.clear();
        self.references.extend(items.iter().map(|item| self.task.reference(*item as usize)));
        self.targets.clear();
        if let Some(towards) = &self.towards {
            self.targets.extend(items.iter().map(|item| towards[*item as usize]));
        }
        let targets = self.towards.is_some().then_some(&self.targets[..]);
        Loss { classes: Some(&self.references), targets, ..Loss::of(self.kind) }
    }

    /// 1 if the loss is to be raised, -1 if lowered.
    pub fn sign(&self) -> f32 {
        self.sign
    }

    /// How far an item with these logits is from its goal: negative once it is reached, infinite for NaN.
    /// Untargeted, z_reference - max of the others; targeted, max of the others - z_target.
    pub fn margin(&self, item: usize, logits: &[f32]) -> f32 {
        if logits.iter().any(|z| z.is_nan()) {
            return f32::INFINITY;
        }
        let margin_of = |class: i32| logits[class as usize] - logits[runner_up(logits, class as usize)];
        let margin = match self.task.goal(item) {
            Goal::Leave(reference) => margin_of(reference),
            Goal::Reach(target) => -margin_of(target),
        };
        if margin.is_nan() { f32::INFINITY } else { margin }
    }

    /// True if a victim that answers `logits` gives an item the class that its goal asks for.
    pub fn is_reached(&self, item: usize, logits: &[f32]) -> bool {
        let predicted = argmax(logits) as i32;
        match self.task.goal(item) {
            Goal::Leave(reference) => predicted != reference,
            Goal::Reach(target) => predicted == target,
        }
    }
}
