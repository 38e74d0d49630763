//! seraph-runner
