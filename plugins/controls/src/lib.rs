//! seraph-controls
