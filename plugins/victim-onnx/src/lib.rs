//! seraph-victim-onnx
