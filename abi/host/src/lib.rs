//! seraph-host
