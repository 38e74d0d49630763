//! seraph-autodiff
