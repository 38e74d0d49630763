//! seraph-sys
