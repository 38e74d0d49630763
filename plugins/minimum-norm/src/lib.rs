//! Attacks that look for the smallest change that succeeds.
//!
//! One file per method. What they share: [`search`] asks, keeps the nearest success of each item and hands it in;
//! [`hyperplane`] is the least change across a hyperplane, exact in the box; [`planes`] linearises the victim, one
//! hyperplane per class; [`polish`] shortens what was found.
#![deny(unsafe_code)] // but for the attributes of the export macro

pub mod hyperplane;
pub mod planes;
pub mod polish;
pub mod scale;
pub mod search;

mod adam;
mod cw;
mod ddn;
mod deepfool;
mod fab;
mod fmn;
mod jsma;
mod sigma_zero;
mod sparsefool;

pub use cw::Cw;
pub use ddn::Ddn;
pub use deepfool::DeepFool;
pub use fab::Fab;
pub use fmn::Fmn;
pub use jsma::Jsma;
pub use sigma_zero::SigmaZero;
pub use sparsefool::SparseFool;

seraph_plugin::export_plugin! {
    attacks: [DeepFool, Cw, Ddn, Fmn, Fab, Jsma, SparseFool, SigmaZero],
    victims: []
}
