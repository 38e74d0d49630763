//! seraph-data
