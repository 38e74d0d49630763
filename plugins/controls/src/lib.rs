//! Controls: what a leaderboard needs beside its attacks to be believed. They never ask the victim.
#![deny(unsafe_code)] // but for the attributes of the export macro

mod comb;
mod noise;
mod null;

pub use comb::Comb;
pub use noise::Noise;
pub use null::Null;

seraph_plugin::export_plugin! { attacks: [Null, Noise, Comb], victims: [] }
