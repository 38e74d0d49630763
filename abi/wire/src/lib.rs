//! seraph-wire
