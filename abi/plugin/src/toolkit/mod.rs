//! What attacks on waveforms share: balls, objectives, batches, and the best candidate so far.
//!
//! A fixed-budget attack reads as: [`Batch::of`] the task; ask the oracle for the gradient of an [`Objective`];
//! `ball.ascend`, `ball.project`; keep what is [`Best`]; commit.

mod ball;
mod batch;
mod best;
mod objective;

pub use ball::Ball;
pub use batch::Batch;
pub use best::Best;
pub use objective::{Objective, Surrogate};
