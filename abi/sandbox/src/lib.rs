//! seraph-sandbox
