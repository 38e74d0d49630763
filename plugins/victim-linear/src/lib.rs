//! seraph-victim-linear
