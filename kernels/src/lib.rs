//! seraph-kernels
