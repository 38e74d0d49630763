//! Attacks that look for the smallest change that succeeds.
//!
//! One file per method. What they share: [`search`] asks, keeps the nearest success of each item and hands it in;
//! [`hyperplane`] is the least change across a hyperplane, exact in the box; [`planes`] linearises the victim, one
//! hyperplane per class; [`polish`] shortens what was found.
#![deny(unsafe_code)] // but for the attributes of the export macro

pub mod hyperplane;
pub mod planes;
pub mod polish;
pub mod search;

mod deepfool;

pub use deepfool::DeepFool;

seraph_plugin::export_plugin! {
    attacks: [DeepFool],
    victims: []
}
