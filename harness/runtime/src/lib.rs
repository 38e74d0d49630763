//! seraph-runtime
