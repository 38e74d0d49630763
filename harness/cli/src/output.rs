//! What a command says and how it ends: results on stdout, everything else on stderr, exit 0, 1 or 2.

use serde::Serialize;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// How a command that could be carried out ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is well: exit 0.
    Done,
    /// It ran to its end and something failed its check, in one line: exit 1.
    Failed(String),
}

/// Bad input or usage, in one line that names the thing and what to do: exit 2.
#[derive(Debug)]
pub struct Refused(String);

impl Refused {
    /// With a message that stands on its own.
    pub fn new(message: impl Into<String>) -> Refused {
        Refused(message.into())
    }
}

impl<E: std::error::Error> From<E> for Refused {
    fn from(error: E) -> Refused {
        Refused(error.to_string())
    }
}

/// What every command returns.
pub type Result<T = Outcome> = std::result::Result<T, Refused>;

/// Ends the program as its command ended.
pub fn exit(result: Result) -> ExitCode {
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Failed(why)) => {
            note(&why);
            ExitCode::from(1)
        }
        Err(Refused(why)) => {
            note(&why);
            ExitCode::from(2)
        }
    }
}

/// A line on stderr. Errors are one line, whatever a library put into its message.
pub fn note(message: impl Display) {
    let line = message.to_string().trim().replace('\n', " ");
    // Nothing is left to say it to when stderr is gone.
    let _ = writeln!(io::stderr().lock(), "seraph: {line}");
}

/// Text on stdout. A reader that went away (`seraph list | head`) is no error.
pub fn print(text: impl Display) -> Result<()> {
    let written = writeln!(io::stdout().lock(), "{text}");
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Refused::new(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// One JSON document on stdout.
pub fn print_json<T: Serialize>(document: &T) -> Result<()> {
    print(serde_json::to_string_pretty(document)?)
}
