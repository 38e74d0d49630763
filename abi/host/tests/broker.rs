//! The broker's books: who is charged, who is refused, what reaches the victim, what is kept.
#![allow(clippy::unwrap_used)]

mod support;

use proptest::prelude::*;
use seraph_host::{Broker, Denial, Fault, Grants, Loss, LossGradOut, Task, Used, Victim, VictimDesc};
use seraph_sys::{
    SERAPH_ACCESS_DECISION, SERAPH_ACCESS_GRADIENT, SERAPH_ACCESS_LOGITS, SERAPH_DOMAIN_WAVEFORM,
    SERAPH_E_ARG, SERAPH_E_BUDGET, SERAPH_E_DENIED, SERAPH_LOSS_CE, SERAPH_LOSS_DLR_TARGETED,
    SERAPH_LOSS_MARGIN, SERAPH_LOSS_VJP,
};

/// Answers z = (0, sum of the row, 0), at most two rows at a time; keeps the losses that it was asked for.
struct Sum {
    desc: VictimDesc,
    input: Vec<f32>,
    asked: Vec<Loss>,
}

impl Sum {
    fn new() -> Self {
        let desc = VictimDesc {
            access: SERAPH_ACCESS_LOGITS | SERAPH_ACCESS_GRADIENT,
            n_classes: 3,
            sample_rate_hz: 16_000,
            n_samples: 4,
            max_rows: 2,
            domain: SERAPH_DOMAIN_WAVEFORM,
            arch: String::new(),
            classes: None,
            gradient_note: String::new(),
            device: String::new(),
            runtime: String::new(),
        };
        Self { desc, input: Vec::new(), asked: Vec::new() }
    }
}

impl Victim for Sum {
    fn desc(&self) -> &VictimDesc {
        &self.desc
    }

    fn input(&mut self, len: usize) -> Result<&mut [f32], Fault> {
        self.input.resize(len, 0.0);
        Ok(&mut self.input)
    }

    fn logits_of_input(&mut self, n: usize, logits: &mut [f32]) -> Result<(), Fault> {
        assert!(n <= 2 && logits.len() == 3 * n, "batches are split");
        for (row, logits) in self.input.chunks(self.input.len() / n).zip(logits.chunks_mut(3)) {
            logits.copy_from_slice(&[0.0, row.iter().sum(), 0.0]);
        }
        Ok(())
    }

    fn loss_grad_of_input(&mut self, n: usize, loss: &Loss, out: LossGradOut<'_>) -> Result<(), Fault> {
        self.asked.push(loss.clone());
        out.loss.fill(1.0);
        out.grad.fill(1.0);
        self.logits_of_input(n, out.logits)
    }
}

/// Three items of four samples; the lengths are 4, 3, 2.
fn task() -> Task {
    Task { lengths: vec![4, 3, 2], reference: vec![0, 1, 2], ..support::task(3, 4) }
}

const ALL: u32 = SERAPH_ACCESS_DECISION | SERAPH_ACCESS_LOGITS | SERAPH_ACCESS_GRADIENT;

fn grants(forward: u64, gradient: u64) -> Grants {
    Grants { access: ALL, forward, gradient }
}

fn ce() -> Loss {
    Loss { kind: SERAPH_LOSS_CE, kappa: 0.0, classes: None, targets: None, cotangent: None }
}

fn loss_grad(broker: &mut Broker<'_>, items: &[u32], loss: &Loss) -> (Result<(), Denial>, Vec<f32>) {
    let n = items.len();
    let x = vec![0.5; 4 * n];
    let (mut losses, mut grad, mut logits) = (vec![0.0; n], vec![0.0; 4 * n], vec![0.0; 3 * n]);
    let out = LossGradOut { loss: &mut losses, grad: &mut grad, logits: &mut logits };
    let answered = broker.loss_grad(items, &mut &x[..], loss, out);
    (answered, grad)
}

#[test]
fn rows_are_split_padded_and_put_together() {
    let (task, mut victim) = (task(), Sum::new());
    let mut broker = Broker::new(&mut victim, &task, grants(10, 10));
    let mut logits = vec![0.0; 15];
    broker.logits(&[0, 1, 2, 0, 1], &mut &[0.5; 20][..], &mut logits).unwrap();
    let sums: Vec<_> = logits.chunks(3).map(|row| row[1]).collect();
    assert_eq!(sums, [2.0, 1.5, 1.0, 2.0, 1.5], "samples past an item's length are read as 0");
    let (answered, grad) = loss_grad(&mut broker, &[2, 1], &ce());
    answered.unwrap();
    assert_eq!(grad, [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0], "and have no gradient");
    let expected = [(2, 0), (3, 1), (2, 1)].map(|(forward, gradient)| Used { forward, gradient });
    assert_eq!(broker.used(), expected);
}

#[test]
fn several_rows_of_one_item_are_charged_together_or_not_at_all() {
    let (task, mut victim) = (task(), Sum::new());
    let mut broker = Broker::new(&mut victim, &task, grants(3, 0));
    let mut logits = vec![0.0; 15];
    let refused = broker.logits(&[0, 0, 1, 0, 0], &mut &[0.5; 20][..], &mut logits);
    assert_eq!(refused, Err(Denial::Status(SERAPH_E_BUDGET)));
    assert_eq!(broker.used(), [Used::default(); 3]);
    assert_eq!(logits, vec![0.0; 15], "outputs are untouched");
    broker.logits(&[0, 0, 1, 0], &mut &[0.5; 16][..], &mut logits[..12]).unwrap();
    assert_eq!(broker.budget(0).unwrap().forward_left, 0);
    assert_eq!(broker.budget(9), Err(Denial::Status(SERAPH_E_ARG)));
}

#[test]
fn classes_that_are_left_out_are_the_items_own() {
    let untargeted = task();
    let targeted = Task { target: Some(vec![2, 2, 0]), ..task() };
    let dlr = Loss { kind: SERAPH_LOSS_DLR_TARGETED, ..ce() };
    for (task, loss, classes, targets) in [
        (&untargeted, ce(), Some(vec![1, 0]), None),
        (&targeted, ce(), Some(vec![2, 2]), None),
        (&targeted, Loss { classes: Some(vec![0, 0]), ..ce() }, Some(vec![0, 0]), None),
        (&targeted, dlr.clone(), Some(vec![1, 0]), Some(vec![2, 2])),
    ] {
        let mut victim = Sum::new();
        loss_grad(&mut Broker::new(&mut victim, task, grants(9, 9)), &[1, 0], &loss).0.unwrap();
        assert_eq!((&victim.asked[0].classes, &victim.asked[0].targets), (&classes, &targets));
    }
    let mut victim = Sum::new();
    let answered = loss_grad(&mut Broker::new(&mut victim, &untargeted, grants(9, 9)), &[0], &dlr).0;
    assert_eq!(answered, Err(Denial::Status(SERAPH_E_ARG)), "a targeted loss needs a target");
}

#[test]
fn losses_that_make_no_sense_cost_nothing() {
    let task = task();
    for loss in [
        Loss { kind: 99, ..ce() },
        Loss { classes: Some(vec![3]), ..ce() },
        Loss { classes: Some(vec![-1]), ..ce() },
        Loss { classes: Some(vec![0, 0]), ..ce() },
        Loss { kind: SERAPH_LOSS_MARGIN, kappa: -1.0, ..ce() },
        Loss { kind: SERAPH_LOSS_MARGIN, kappa: f32::NAN, ..ce() },
        Loss { kind: SERAPH_LOSS_VJP, ..ce() },
        Loss { kind: SERAPH_LOSS_VJP, cotangent: Some(vec![0.0; 2]), ..ce() },
        Loss { kind: SERAPH_LOSS_VJP, cotangent: Some(vec![f32::NAN; 3]), ..ce() },
    ] {
        let mut victim = Sum::new();
        let mut broker = Broker::new(&mut victim, &task, grants(9, 9));
        assert_eq!(loss_grad(&mut broker, &[0], &loss).0, Err(Denial::Status(SERAPH_E_ARG)), "{loss:?}");
        assert_eq!(broker.used()[0], Used::default());
    }
}

#[test]
fn a_victim_without_gradients_grants_none() {
    let (task, mut victim) = (task(), Sum::new());
    victim.desc.access = SERAPH_ACCESS_LOGITS;
    let mut broker = Broker::new(&mut victim, &task, grants(9, 9));
    assert_eq!(broker.access(), SERAPH_ACCESS_DECISION | SERAPH_ACCESS_LOGITS);
    assert_eq!(loss_grad(&mut broker, &[0], &ce()).0, Err(Denial::Status(SERAPH_E_DENIED)));
}

proptest! {
    /// Whatever is asked in whatever order: nobody gets more than the budget, and what was answered was charged.
    #[test]
    fn no_sequence_of_questions_overspends(
        questions in proptest::collection::vec((any::<bool>(), proptest::collection::vec(0u32..4, 0..5)), 0..40),
        (forward, gradient) in (0u64..12, 0u64..12),
    ) {
        let (task, mut victim) = (task(), Sum::new());
        let mut broker = Broker::new(&mut victim, &task, grants(forward, gradient));
        let mut expected = [Used::default(); 3];
        for (with_gradient, items) in questions {
            let answered = if with_gradient {
                loss_grad(&mut broker, &items, &ce()).0
            } else {
                let mut logits = vec![0.0; 3 * items.len()];
                broker.logits(&items, &mut &vec![0.5; 4 * items.len()][..], &mut logits)
            };
            if answered.is_ok() {
                for item in items {
                    expected[item as usize].forward += 1;
                    expected[item as usize].gradient += u64::from(with_gradient);
                }
            }
            prop_assert_eq!(broker.used(), expected);
            prop_assert!(expected.iter().all(|used| used.forward <= forward && used.gradient <= gradient));
        }
    }
}
