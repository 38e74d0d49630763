//! The host's questions to a victim, and what it answers.

use crate::field::record;
use crate::layout::Span;

record! {
    /// A loss, one value per row.
    pub struct LossSpec {
        /// `SERAPH_LOSS_*`.
        pub kind: i32,
        /// Confidence of the margin.
        pub kappa: f32,
        /// The class of each row; absent in a question: the item's own.
        pub classes: Option<Vec<i32>>,
        /// The target class of each row, for the targeted DLR.
        pub targets: Option<Vec<i32>>,
        /// f32 `[rows, n_classes]`, for the vector-Jacobian product.
        pub cotangent: Option<Vec<f32>>,
    }
}

record! {
    /// A question to a victim: logits, or with a loss also losses and gradients.
    pub struct Query {
        /// Rows.
        pub n_rows: u32,
        /// Samples of each row.
        pub n_samples: u64,
        /// Samples, f32 `[n_rows, n_samples]`.
        pub rows: Span,
        /// Absent: logits alone.
        pub loss: Option<LossSpec>,
    }
}

record! {
    /// A victim's answer.
    pub struct Answered {
        /// `SERAPH_OK`, or why not.
        pub status: i32,
        /// What it said through `set_error`.
        pub message: String,
        /// f32 `[n_rows, n_classes]`.
        pub logits: Span,
        /// f32 `[n_rows]`.
        pub loss: Span,
        /// f32 `[n_rows, n_samples]`.
        pub grad: Span,
    }
}
