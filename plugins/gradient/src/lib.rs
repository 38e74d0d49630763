//! Attacks that follow the gradient inside a ball of fixed radius.
//!
//! One file per method; what they share is [`descent`], the loop of iterated steps, and `seraph_plugin::toolkit`.
#![deny(unsafe_code)] // but for the attributes of the export macro

pub mod descent;
mod fgsm;
mod pgd;

pub use fgsm::Fgsm;
pub use pgd::Pgd;

seraph_plugin::export_plugin! { attacks: [Fgsm, Pgd], victims: [] }
