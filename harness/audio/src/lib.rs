//! seraph-audio
