//! The operations, one per file: the CPU function that defines it, and beside it the same on a device.

pub(crate) mod apply_mask;
pub(crate) mod axpy;
pub(crate) mod clip;
pub(crate) mod finite_check;
pub(crate) mod l2_step;
pub(crate) mod norms;
pub(crate) mod pcm16_round;
pub(crate) mod project_l0;
pub(crate) mod project_l1;
pub(crate) mod project_l2;
pub(crate) mod project_linf;
pub(crate) mod quantise;
pub(crate) mod sign_step;
pub(crate) mod top_k_mask;
