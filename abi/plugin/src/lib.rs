//! seraph-plugin
