//! An attack's task, its questions to the oracle, and the answers.

use crate::field::{choice, record};
use crate::layout::Span;
use crate::victim::LossSpec;

record! {
    /// A batch of items to attack. Its spans lie in the task area.
    pub struct TaskMessage {
        /// Items.
        pub n_items: u32,
        /// Samples of each row.
        pub n_samples: u64,
        /// Samples, f32 `[n_items, n_samples]`.
        pub audio: Span,
        /// Valid samples of each item.
        pub lengths: Vec<u32>,
        /// The class to leave.
        pub reference: Vec<i32>,
        /// The class to reach.
        pub target: Option<Vec<i32>>,
        /// The random stream of each item.
        pub streams: Vec<u64>,
        /// One `SERAPH_NORM_*`.
        pub norm: u32,
        /// `SERAPH_DOMAIN_*`.
        pub domain: i32,
        /// Of the ball around each item.
        pub radius: Vec<f32>,
        /// As the plan states it.
        pub eps: f32,
        /// Lower end of the box.
        pub clip_lo: f32,
        /// Upper end of the box.
        pub clip_hi: f32,
        /// All randomness comes from here.
        pub seed: [u8; 32],
        /// `SERAPH_ACCESS_*` granted.
        pub access: u32,
        /// Classes of the victim.
        pub n_classes: u32,
        /// Of the victim's input; 0: not audio.
        pub sample_rate_hz: u32,
        /// Rows that one question may have.
        pub max_rows: u32,
    }
}

choice! {
    /// What an attack asks.
    pub enum Ask as "question" {
        /// The predicted class of each row.
        Decision = 1,
        /// The logits of each row.
        Logits = 2,
        /// Loss and gradient of each row.
        LossGrad = 3,
        /// What is left of an item's budget.
        Budget = 4,
        /// Hand in a candidate.
        Commit = 5,
    }
}

record! {
    /// A question of an attack.
    pub struct Asked {
        /// Which.
        pub ask: Ask,
        /// The item of each row; one for [`Ask::Budget`] and [`Ask::Commit`].
        pub items: Vec<u32>,
        /// Samples, f32 `[items, n_samples]`; empty for [`Ask::Budget`].
        pub rows: Span,
        /// For [`Ask::LossGrad`].
        pub loss: Option<LossSpec>,
    }
}

record! {
    /// What is left for an item.
    #[derive(Copy, Eq, Default)]
    pub struct BudgetState {
        /// Forward queries left.
        pub forward_left: u64,
        /// Forward queries made.
        pub forward_used: u64,
        /// Gradient queries left.
        pub gradient_left: u64,
        /// Gradient queries made.
        pub gradient_used: u64,
    }
}

record! {
    /// The host's answer. Spans that the question does not have are empty.
    pub struct Replied {
        /// `SERAPH_OK`, or why not; then everything else is empty.
        pub status: i32,
        /// Classes, for [`Ask::Decision`].
        pub classes: Vec<i32>,
        /// For [`Ask::Budget`].
        pub budget: BudgetState,
        /// f32 `[rows]`.
        pub loss: Span,
        /// f32 `[rows, n_classes]`.
        pub logits: Span,
        /// f32 `[rows, n_samples]`.
        pub grad: Span,
    }
}
