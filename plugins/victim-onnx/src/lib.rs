//! `victim-onnx`: any ONNX speech-emotion model that takes raw audio and gives logits.
//!
//! ONNX Runtime answers; the gradients come from differentiating the model's graph. `signature` finds input and
//! output, `sessions` keeps the model and its differentiated forms open, `victim` is the plugin.
#![deny(unsafe_code)] // but for the attributes of the export macro

mod sessions;
mod signature;
mod victim;

pub use victim::VictimOnnx;

seraph_plugin::export_plugin! { attacks: [], victims: [VictimOnnx] }
