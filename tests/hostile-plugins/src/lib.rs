//! seraph-hostile-plugins
