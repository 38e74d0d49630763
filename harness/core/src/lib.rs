//! seraph-core
