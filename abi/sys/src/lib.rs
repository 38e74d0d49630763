//! The plugin ABI in Rust: the same structs, constants and function types as `abi/include/seraph/*.h`, file by
//! file and field by field, and nothing else. The headers are the truth; `tests/mirror.rs` compiles them and
//! compares sizes, offsets, constants and signatures. Contracts stand at the slots of the headers.
#![no_std]
#![allow(missing_docs)] // each item is documented where its contract is: in the header of the same name

mod attack;
mod base;
mod host;
mod oracle;
mod param;
mod plugin;
mod victim;

pub use attack::*;
pub use base::*;
pub use host::*;
pub use oracle::*;
pub use param::*;
pub use plugin::*;
pub use victim::*;
