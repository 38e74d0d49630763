//! No command writes over its own input.

use crate::output::{Refused, Result};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Refuses an output that is the file `input`, under whatever name: another path, a link.
pub fn refuse(input: &Path, output: &Path, option: &str) -> Result<()> {
    // What is not there cannot be overwritten, and what cannot be read is refused by who reads it.
    let (Ok(read), Ok(written)) = (input.metadata(), output.metadata()) else { return Ok(()) };
    if (read.dev(), read.ino()) != (written.dev(), written.ino()) {
        return Ok(());
    }
    let (input, output) = (input.display(), output.display());
    Err(Refused::new(format!("{option} {output} would overwrite the input {input}; give another {option}")))
}
