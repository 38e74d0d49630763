//! seraph-gradient
