//! Safe SDK for authors of attacks and victims: implement [`Attack`] or [`Victim`], then [`export_plugin!`].
//!
//! ```
//! use seraph_plugin::prelude::*;
//!
//! /// Adds the same offset to every sample.
//! struct Offset(f32);
//!
//! impl Attack for Offset {
//!     const INFO: AttackInfo = AttackInfo {
//!         id: "offset",
//!         name: "Constant offset",
//!         version: "1.0.0",
//!         doc: "Adds a fraction of the radius to every sample.",
//!         params: &[Param::f64("fraction", 1.0, 0.0, 1.0, "of the radius").unit("eps")],
//!         norms: Norms::LINF,
//!         goals: Goals::UNTARGETED,
//!         ..AttackInfo::EMPTY
//!     };
//!
//!     fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
//!         Ok(Offset(config.f64("fraction")? as f32))
//!     }
//!
//!     fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
//!         for item in task.items() {
//!             let mut x = task.audio(item).to_vec();
//!             let ball = Ball::of(task, item);
//!             x[..task.length(item)].iter_mut().for_each(|sample| *sample += self.0 * task.radius(item));
//!             ball.project(&mut x[..task.length(item)]);
//!             oracle.commit(item, &x)?;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! seraph_plugin::export_plugin! { attacks: [Offset], victims: [] }
//! # fn main() {}
//! ```
//!
//! What crosses the boundary is `seraph-sys`; all unsafe code of a Rust plugin is in this crate. The way in is
//! [`export`] (tables, notes), then `guard` (null, panic, status), then `attack`/`victim`; [`toolkit`] has what
//! attacks on waveforms share, [`analytic`] models with known optima, and [`testing`] runs an attack against one
//! of them through the real C tables.

pub mod analytic;
mod attack;
mod config;
mod error;
#[doc(hidden)]
pub mod export;
mod guard;
mod host;
mod info;
pub mod loss;
mod oracle;
mod param;
pub mod rng;
mod tables;
mod task;
mod tensor;
pub mod testing;
pub mod toolkit;
mod victim;

pub use attack::Attack;
pub use config::Config;
pub use error::{Error, Status};
pub use host::{Host, Level};
pub use info::{Access, AttackInfo, Goal, Goals, Norm, Norms, VictimInfo};
pub use loss::{Loss, LossKind};
pub use oracle::{Budget, Gradients, Oracle};
pub use param::{Param, ParamKind, Preset, Value};
pub use rng::Rng;
pub use task::{Domain, Task};
pub use tensor::Rows;
pub use victim::{Description, LossGrad, Victim};

/// What nearly every plugin imports.
pub mod prelude {
    pub use crate::toolkit::Ball;
    pub use crate::{
        Access, Attack, AttackInfo, Config, Description, Domain, Error, Goal, Goals, Gradients, Host, Loss,
        LossGrad, LossKind, Norm, Norms, Oracle, Param, Preset, Rng, Rows, Status, Task, Value, Victim,
        VictimInfo,
    };
}
