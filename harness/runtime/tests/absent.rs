//! A process where the library is not to be found gets an error, never a panic. Apart, because a process loads one library.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use seraph_runtime::{Error, Runtime};

#[test]
fn a_missing_library_is_an_error_that_names_the_file() {
    let error = Runtime::load(Path::new("/nowhere/libonnxruntime.so")).err().unwrap();
    assert!(matches!(error, Error::Load { .. }));
    assert!(error.to_string().contains("/nowhere/libonnxruntime.so"), "{error}");
}
