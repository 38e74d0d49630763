//! What host and workers say to each other, as bytes.
//!
//! A channel is two regions of shared memory and two doorbells. Each region begins with a control page that holds
//! one [`Header`]; the body of a message and its bulk data (samples, logits, gradients) lie in an area behind it.
//! Decoding is total: any bytes give a message or a [`DecodeError`], in time and memory bounded by their length.
//!
//! | file | holds |
//! |---|---|
//! | `layout` | where things lie in the two regions |
//! | `header` | the 64 bytes that announce a message |
//! | `field` | how a value becomes bytes and back |
//! | `start` | host → worker, once: what to load, how to confine itself |
//! | `attack` | an attack's task, its questions, the answers |
//! | `victim` | the host's questions to a victim |
//! | `descriptor` | owned copies of what plugins say about themselves |
//! | `message` | the two message types, by direction |
#![forbid(unsafe_code)]

mod attack;
mod descriptor;
mod field;
mod header;
mod layout;
mod message;
mod start;
mod victim;

pub use attack::{Ask, Asked, BudgetState, Replied, TaskMessage};
pub use descriptor::{
    AttackInfo, Description, ParamInfo, ParamKind, Preset, PresetValue, VictimDesc, VictimInfo,
};
pub use field::{DecodeError, Field, Reader};
pub use header::{Area, HEADER_BYTES, Header};
pub use layout::{CANCEL_OFFSET, CONTROL_BYTES, LAYOUT_OFFSET, Layout, Span};
pub use message::{Down, Ended, Nothing, Up};
pub use start::{Blob, Config, Layer, LayerState, Policy, Ready, Role, Start, Value};
pub use victim::{Answered, LossSpec, Query};

/// The largest body that a receiver reads; descriptors of a library with many attacks are the largest bodies.
pub const MAX_BODY_BYTES: u64 = 4 << 20;
