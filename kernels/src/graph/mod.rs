//! What ONNX Runtime's own operators do slowly on the CPU in a differentiated model, done at once.
//!
//! These have no CUDA source beside them: on a GPU the standard operators serve. Each is defined by a formula over
//! standard operators, which the tests evaluate in float64.

mod first_largest;
pub mod max_pool_conv_grad;
pub mod max_pool_grad;

/// Runs `task(0..n_tasks)`, in any order and on any threads.
pub type Spread<'s> = &'s dyn Fn(usize, &(dyn Fn(usize) + Sync + Send));

/// A [`Spread`] on the calling thread.
pub fn in_order(n_tasks: usize, task: &(dyn Fn(usize) + Sync + Send)) {
    (0..n_tasks).for_each(task);
}
