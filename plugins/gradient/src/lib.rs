//! Attacks that follow the gradient inside a ball of fixed radius.
//!
//! One file per method; what they share is [`descent`], the loop of iterated steps, and `seraph_plugin::toolkit`.
#![deny(unsafe_code)] // but for the attributes of the export macro

mod apgd;
mod bim;
pub mod descent;
mod fgsm;
mod mi_fgsm;
mod pgd;
mod pgd_sparse;
mod snr_fgsm;

pub use apgd::Apgd;
pub use bim::Bim;
pub use fgsm::Fgsm;
pub use mi_fgsm::MiFgsm;
pub use pgd::Pgd;
pub use pgd_sparse::PgdSparse;
pub use snr_fgsm::SnrFgsm;

seraph_plugin::export_plugin! { attacks: [Fgsm, SnrFgsm, Bim, MiFgsm, Pgd, PgdSparse, Apgd], victims: [] }
