//! The arithmetic of attacks on batches of waveforms: steps, projections, masks, norms.
//!
//! Each operation is defined by a function on the CPU, spread over threads when large, and has a CUDA kernel of
//! the same name beside it (`cu/`). The function is the definition: a kernel may be faster, never different.
//! Results do not depend on the number of threads.
//!
//! Tensors are float32, row-major; full scale is 1.0. Operations on rows take a [`Rows`], which says how much of
//! each row is sound and how much padding.

pub mod device;
mod error;
pub mod graph;
mod ops;
mod parallel;
mod philox;
mod reduce;
mod rows;

pub use error::Error;
pub use ops::apply_mask::apply_mask;
pub use ops::axpy::axpy;
pub use ops::clip::{Bounds, clip};
pub use ops::finite_check::finite_check;
pub use ops::l2_step::{L2Step, l2_step};
pub use ops::norms::{Norm, norms};
pub use ops::pcm16_round::pcm16_round;
pub use ops::project_l0::project_l0;
pub use ops::project_l1::project_l1;
pub use ops::project_l2::project_l2;
pub use ops::project_linf::project_linf;
pub use ops::quantise::{quantise_hard, quantise_random};
pub use ops::sign_step::{SignStep, sign_step};
pub use ops::top_k_mask::top_k_mask;
pub use parallel::PARALLEL_FROM;
pub use philox::Stream;
pub use rows::Rows;
