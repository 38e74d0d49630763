//! Losses on logits: what an attack asks for, and for victims without a graph of their own the exact values and
//! gradients.
//!
//! | kind | value for a row with logits z, class c | source |
//! |---|---|---|
//! | `Ce` | -log softmax(z)\[c\] | |
//! | `Margin` | max(z_c - max_{i != c} z_i, -kappa) | Carlini & Wagner 2017, f_6 |
//! | `Dlr` | -(z_c - max_{i != c} z_i) / (z_pi1 - z_pi3) | Croce & Hein 2020, eq. 6 |
//! | `DlrTargeted` | -(z_c - z_t) / (z_pi1 - (z_pi3 + z_pi4) / 2) | the same, eq. 7 |
//! | `Vjp` | sum_k cotangent_k z_k | |
//!
//! z_pi is z in descending order. With 3 classes z_pi4 is z_pi3; with 2 the divisor is 1. The gradient goes
//! through the divisor. Of equal logits the one with the lowest class comes first.

use std::ops::Range;

use seraph_sys as sys;

use crate::{Error, tensor};

/// Which loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossKind {
    /// Cross entropy, in nats.
    Ce,
    /// Difference to the strongest other class, clamped below at -kappa.
    Margin,
    /// Difference of logits ratio.
    Dlr,
    /// Difference of logits ratio towards a target.
    DlrTargeted,
    /// Any linear form of the logits.
    Vjp,
}

const KINDS: [(LossKind, i32); 5] = [
    (LossKind::Ce, sys::SERAPH_LOSS_CE),
    (LossKind::Margin, sys::SERAPH_LOSS_MARGIN),
    (LossKind::Dlr, sys::SERAPH_LOSS_DLR),
    (LossKind::DlrTargeted, sys::SERAPH_LOSS_DLR_TARGETED),
    (LossKind::Vjp, sys::SERAPH_LOSS_VJP),
];

/// A loss and what it needs, one entry per row.
#[derive(Clone, Copy, Debug)]
pub struct Loss<'a> {
    /// Which loss.
    pub kind: LossKind,
    /// Of `Margin`: confidence, >= 0; infinity: never clamped.
    pub kappa: f32,
    /// `[n]`, c of each row; for an attack, none means the item's target class if it has one, else its reference.
    pub classes: Option<&'a [i32]>,
    /// `[n]`, t of each row, for `DlrTargeted`; for an attack, none means the item's target class.
    pub targets: Option<&'a [i32]>,
    /// `[n, n_classes]`, for `Vjp`.
    pub cotangent: Option<&'a [f32]>,
}

impl<'a> Loss<'a> {
    /// Cross entropy.
    pub const CE: Loss<'static> = Loss::of(LossKind::Ce);
    /// Margin, never clamped.
    pub const MARGIN: Loss<'static> = Loss::of(LossKind::Margin);
    /// Difference of logits ratio.
    pub const DLR: Loss<'static> = Loss::of(LossKind::Dlr);
    /// Difference of logits ratio towards a target.
    pub const DLR_TARGETED: Loss<'static> = Loss::of(LossKind::DlrTargeted);

    /// A loss of this kind on each item's own class.
    pub const fn of(kind: LossKind) -> Loss<'static> {
        Loss { kind, kappa: f32::INFINITY, classes: None, targets: None, cotangent: None }
    }

    /// sum_k cotangent_k z_k of each row: `cotangent` is `[n, n_classes]`.
    pub const fn vjp(cotangent: &'a [f32]) -> Loss<'a> {
        Loss { cotangent: Some(cotangent), ..Loss::of(LossKind::Vjp) }
    }

    /// Is every array that is there, and each that must be, as long as the rows need?
    pub(crate) fn check(&self, n: usize, n_classes: usize) -> Result<(), Error> {
        let wrong = |what: &str| Err(Error::argument(format!("loss.{what} does not have one entry per row")));
        match (self.classes, self.targets, self.cotangent) {
            (Some(classes), _, _) if classes.len() != n => wrong("classes"),
            (_, Some(targets), _) if targets.len() != n => wrong("targets"),
            (_, _, Some(cotangent)) if cotangent.len() != n * n_classes => wrong("cotangent"),
            (_, _, None) if self.kind == LossKind::Vjp => wrong("cotangent"),
            _ => Ok(()),
        }
    }

    pub(crate) fn part(&self, part: &Range<usize>, n_classes: usize) -> Loss<'a> {
        Loss {
            classes: self.classes.map(|classes| &classes[part.clone()]),
            targets: self.targets.map(|targets| &targets[part.clone()]),
            cotangent: self.cotangent.map(|c| &c[part.start * n_classes..part.end * n_classes]),
            ..*self
        }
    }

    pub(crate) fn raw(&self) -> sys::seraph_loss {
        let kind = KINDS.iter().find(|row| row.0 == self.kind).map_or(sys::SERAPH_LOSS_CE, |row| row.1);
        sys::seraph_loss {
            struct_size: size_of::<sys::seraph_loss>() as u32,
            kind,
            kappa: self.kappa,
            reserved: 0,
            classes: self.classes.map_or(std::ptr::null(), <[i32]>::as_ptr),
            targets: self.targets.map_or(std::ptr::null(), <[i32]>::as_ptr),
            cotangent: self.cotangent.map_or(std::ptr::null(), <[f32]>::as_ptr),
        }
    }

    /// The loss that a victim is asked for: here every array that its kind needs is there, each class in bounds.
    ///
    /// # Safety
    /// The non-null pointers of `raw` lead to arrays of `n` rows that live, unwritten, as long as `'a`.
    pub(crate) unsafe fn open(raw: &sys::seraph_loss, n: usize, n_classes: usize) -> Result<Loss<'a>, Error> {
        // SAFETY: the caller's promise; what must be there is not allowed to be null.
        unsafe {
            let loss = Loss::open_for_oracle(raw, n, n_classes)?;
            if loss.kind != LossKind::Vjp && loss.classes.is_none() {
                return Err(Error::argument("loss.classes is null"));
            }
            if loss.kind == LossKind::DlrTargeted && loss.targets.is_none() {
                return Err(Error::argument("loss.targets is null"));
            }
            Ok(loss)
        }
    }

    /// The loss that an oracle is asked for: classes and targets may be left to the task.
    ///
    /// # Safety
    /// As [`Loss::open`].
    pub(crate) unsafe fn open_for_oracle(
        raw: &sys::seraph_loss,
        n: usize,
        n_classes: usize,
    ) -> Result<Loss<'a>, Error> {
        let kind = KINDS.iter().find(|row| row.1 == raw.kind).map(|row| row.0);
        let kind = kind.ok_or_else(|| Error::argument(format!("loss kind {} is unknown", raw.kind)))?;
        // SAFETY: the caller's promise.
        let (classes, targets) =
            unsafe { (classes(raw.classes, n, n_classes)?, classes(raw.targets, n, n_classes)?) };
        let cotangent = match kind {
            // SAFETY: the caller's promise.
            LossKind::Vjp => Some(unsafe { tensor::slice(raw.cotangent, n * n_classes) }?),
            _ => None,
        };
        if raw.kappa.is_nan() || raw.kappa < 0.0 {
            return Err(Error::argument(format!("loss.kappa is {}", raw.kappa)));
        }
        Ok(Loss { kind, kappa: raw.kappa, classes, targets, cotangent })
    }

    /// Value of the loss of row `row` with logits `z`, and into `dz` its gradient with respect to them.
    ///
    /// Panics if an array that the kind needs is not there.
    pub fn value_and_gradient(&self, row: usize, z: &[f64], dz: &mut [f64]) -> f64 {
        let class = || self.classes.expect("a victim gets classes with a loss that has them")[row] as usize;
        let target = || self.targets.expect("a victim gets targets with a targeted loss")[row] as usize;
        dz.fill(0.0);
        match self.kind {
            LossKind::Ce => cross_entropy(z, class(), dz),
            LossKind::Margin => margin(z, class(), f64::from(self.kappa), dz),
            LossKind::Dlr => dlr(z, class(), dz),
            LossKind::DlrTargeted => dlr_targeted(z, class(), target(), dz),
            LossKind::Vjp => {
                let cotangent = self.cotangent.expect("a victim gets a cotangent with a VJP");
                linear_form(z, &cotangent[row * z.len()..(row + 1) * z.len()], dz)
            }
        }
    }
}

/// Classes in bounds, or none if the pointer is null.
///
/// # Safety
/// `ptr` is null or leads to `n` classes that live, unwritten, as long as `'a`.
unsafe fn classes<'a>(ptr: *const i32, n: usize, n_classes: usize) -> Result<Option<&'a [i32]>, Error> {
    if ptr.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let classes = unsafe { tensor::slice(ptr, n) }?;
    match classes.iter().find(|class| usize::try_from(**class).map_or(true, |class| class >= n_classes)) {
        Some(class) => Err(Error::argument(format!("class {class} is not in 0..{n_classes}"))),
        None => Ok(Some(classes)),
    }
}

/// The class of the largest logit; of equal ones the lowest.
pub fn argmax<T: PartialOrd + Copy>(z: &[T]) -> usize {
    (1..z.len()).fold(0, |best, class| if z[class] > z[best] { class } else { best })
}

/// The strongest class other than `class`.
pub fn runner_up<T: PartialOrd + Copy>(z: &[T], class: usize) -> usize {
    let first = usize::from(class == 0);
    (first..z.len()).filter(|i| *i != class).fold(first, |best, i| if z[i] > z[best] { i } else { best })
}

fn cross_entropy(z: &[f64], class: usize, dz: &mut [f64]) -> f64 {
    let highest = z[argmax(z)];
    let total: f64 = z.iter().map(|z| (z - highest).exp()).sum();
    dz.iter_mut().zip(z).for_each(|(dz, z)| *dz = (z - highest).exp() / total);
    dz[class] -= 1.0;
    total.ln() + highest - z[class]
}

fn margin(z: &[f64], class: usize, kappa: f64, dz: &mut [f64]) -> f64 {
    let other = runner_up(z, class);
    let value = z[class] - z[other];
    if value <= -kappa {
        return -kappa;
    }
    dz[class] = 1.0;
    dz[other] = -1.0;
    value
}

/// 1e-12: keeps the ratio finite where the logits of the divisor are equal, as in AutoAttack.
const DIVISOR_FLOOR: f64 = 1e-12;

fn dlr(z: &[f64], class: usize, dz: &mut [f64]) -> f64 {
    let (other, order) = (runner_up(z, class), descending(z));
    let mut divisor = vec![0.0; z.len()];
    if z.len() > 2 {
        divisor[order[0]] += 1.0;
        divisor[order[2]] -= 1.0;
    }
    ratio(z, (other, class), &divisor, dz)
}

fn dlr_targeted(z: &[f64], class: usize, target: usize, dz: &mut [f64]) -> f64 {
    let order = descending(z);
    let mut divisor = vec![0.0; z.len()];
    if z.len() > 2 {
        divisor[order[0]] += 1.0;
        divisor[order[2]] -= 0.5;
        divisor[order[3.min(z.len() - 1)]] -= 0.5;
    }
    ratio(z, (target, class), &divisor, dz)
}

/// (z_up - z_down) / (sum_k divisor_k z_k), the divisor being 1 when all its weights are 0.
fn ratio(z: &[f64], (up, down): (usize, usize), divisor: &[f64], dz: &mut [f64]) -> f64 {
    let is_one = divisor.iter().all(|weight| *weight == 0.0);
    let weighted: f64 = z.iter().zip(divisor).map(|(z, weight)| z * weight).sum();
    let d = if is_one { 1.0 } else { weighted + DIVISOR_FLOOR };
    let value = (z[up] - z[down]) / d;
    dz.iter_mut().zip(divisor).for_each(|(dz, weight)| *dz = -value * weight / d);
    dz[up] += 1.0 / d;
    dz[down] -= 1.0 / d;
    value
}

fn linear_form(z: &[f64], cotangent: &[f32], dz: &mut [f64]) -> f64 {
    dz.iter_mut().zip(cotangent).for_each(|(dz, c)| *dz = f64::from(*c));
    z.iter().zip(cotangent).map(|(z, c)| z * f64::from(*c)).sum()
}

/// Classes by descending logit; equal ones by class.
fn descending(z: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..z.len()).collect();
    order.sort_by(|a, b| z[*b].total_cmp(&z[*a]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses<'a>(classes: &'a [i32], targets: &'a [i32], cotangent: &'a [f32]) -> Vec<Loss<'a>> {
        let kinds = [LossKind::Ce, LossKind::Margin, LossKind::Dlr, LossKind::DlrTargeted];
        let mut all: Vec<Loss> = kinds
            .into_iter()
            .map(|kind| Loss { classes: Some(classes), targets: Some(targets), ..Loss::of(kind) })
            .collect();
        all.push(Loss::vjp(cotangent));
        all
    }

    #[test]
    fn gradients_agree_with_central_differences() {
        for k in [2, 3, 4, 7, 8] {
            let z: Vec<f64> = (0..k).map(|i| f64::from((i * 37 + 11) % 17) * 0.31 - 1.5).collect();
            let cotangent: Vec<f32> = (0..k).map(|i| i as f32 - 1.5).collect();
            for class in 0..k {
                let (classes, targets) = ([class], [(class + 1) % k]);
                for loss in losses(&classes, &targets, &cotangent) {
                    check_gradient(&loss, &z);
                }
            }
        }
    }

    fn check_gradient(loss: &Loss, z: &[f64]) {
        let (mut dz, mut ignored) = (vec![0.0; z.len()], vec![0.0; z.len()]);
        loss.value_and_gradient(0, z, &mut dz);
        let h = 1e-6;
        for i in 0..z.len() {
            let at = |delta: f64, ignored: &mut [f64]| {
                let mut z = z.to_vec();
                z[i] += delta;
                loss.value_and_gradient(0, &z, ignored)
            };
            let difference = (at(h, &mut ignored) - at(-h, &mut ignored)) / (2.0 * h);
            assert!((difference - dz[i]).abs() < 1e-6, "{:?} d/dz_{i}: {difference} {}", loss.kind, dz[i]);
        }
    }

    #[test]
    fn values_by_hand() {
        let z = [3.0, 1.0, 0.0, -1.0];
        let mut dz = [0.0; 4];
        let (classes, targets) = ([0], [1]);
        let on = |kind| Loss { classes: Some(&classes), targets: Some(&targets), ..Loss::of(kind) };
        let total = 3f64.exp() + 1f64.exp() + 1.0 + (-1f64).exp();
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        close(on(LossKind::Ce).value_and_gradient(0, &z, &mut dz), total.ln() - 3.0);
        close(on(LossKind::Margin).value_and_gradient(0, &z, &mut dz), 2.0);
        close(on(LossKind::Dlr).value_and_gradient(0, &z, &mut dz), -2.0 / 3.0);
        close(on(LossKind::DlrTargeted).value_and_gradient(0, &z, &mut dz), -2.0 / 3.5);
        // K = 2: the divisor is 1. K = 3: z_pi4 is z_pi3.
        close(on(LossKind::Dlr).value_and_gradient(0, &z[..2], &mut dz[..2]), -2.0);
        close(on(LossKind::DlrTargeted).value_and_gradient(0, &z[..3], &mut dz[..3]), -2.0 / 3.0);
    }

    #[test]
    fn margin_is_clamped_at_minus_kappa_and_then_flat() {
        let mut dz = [1.0; 2];
        let loss = Loss { classes: Some(&[0]), kappa: 0.5, ..Loss::MARGIN };
        assert_eq!(loss.value_and_gradient(0, &[0.0, 2.0], &mut dz), -0.5);
        assert_eq!(dz, [0.0, 0.0]);
    }

    #[test]
    fn equal_logits_give_finite_losses() {
        for loss in losses(&[1], &[2], &[1.0; 4]) {
            let mut dz = [0.0; 4];
            assert!(loss.value_and_gradient(0, &[0.25; 4], &mut dz).is_finite(), "{:?}", loss.kind);
        }
    }
}
