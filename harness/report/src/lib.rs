//! seraph-report
