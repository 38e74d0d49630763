//! seraph-judge
