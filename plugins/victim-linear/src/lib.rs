//! Victims whose least adversarial change is known: the oracle of every attack test.
#![deny(unsafe_code)] // but for the attributes of the export macro

mod victim;

pub use victim::{LinearVictim, PiecewiseVictim, SphereVictim};

seraph_plugin::export_plugin! { attacks: [], victims: [LinearVictim, SphereVictim, PiecewiseVictim] }
