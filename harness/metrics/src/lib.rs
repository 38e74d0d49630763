//! seraph-metrics
