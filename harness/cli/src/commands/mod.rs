//! The commands, one file each.

mod cell;
mod check;
mod demo;
mod describe;
mod grad;
mod judge;
mod list;
mod recompute;
mod render;
mod run;
mod shared;
mod victim_check;

use crate::output::Result;
use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser, Subcommand};

/// Attacks speech-emotion models through isolated plugins, judges every result itself, and publishes the
/// leaderboards.
#[derive(Debug, Parser)]
#[command(name = "seraph", version, about, long_about = None, after_help = EXAMPLES)]
pub struct Seraph {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  seraph demo                                  the whole path, with nothing to install
  seraph run plan.toml --out results           a plan of one's own
  seraph run plan.toml --out results --resume  go on where it was interrupted

Exit status: 0 done, 1 done but something failed its check, 2 bad input or usage.";

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Run(run::Run),
    Render(render::Render),
    Recompute(recompute::Recompute),
    Check(check::CheckPlugin),
    Describe(describe::Describe),
    List(list::List),
    Grad(grad::Grad),
    #[command(subcommand)]
    Victim(Victim),
    Judge(judge::Judge),
    Cell(cell::Cell),
}

/// Examines victims.
#[derive(Debug, Subcommand)]
enum Victim {
    Check(victim_check::VictimCheck),
}

impl Seraph {
    /// The command line; ends the program where it is none.
    pub fn from_args() -> Seraph {
        Seraph::try_parse().unwrap_or_else(|error| with_nearest_command(error).exit())
    }

    /// Carries the command out.
    pub fn run(self) -> Result {
        match self.command {
            Command::Demo(command) => command.run(),
            Command::Run(command) => command.run(),
            Command::Render(command) => command.run(),
            Command::Recompute(command) => command.run(),
            Command::Check(command) => command.run(),
            Command::Describe(command) => command.run(),
            Command::List(command) => command.run(),
            Command::Grad(command) => command.run(),
            Command::Victim(Victim::Check(command)) => command.run(),
            Command::Judge(command) => command.run(),
            Command::Cell(command) => command.run(),
        }
    }
}

/// Names the nearest command where two letters are swapped, which clap's own measure does not find near.
fn with_nearest_command(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return error };
    if error.get(ContextKind::SuggestedSubcommand).is_none() {
        let distance = |name: &str| strsim::damerau_levenshtein(name, word);
        let command = Seraph::command();
        let known = command.get_subcommands().map(|command| command.get_name().to_owned());
        let near =
            known.filter(|name| distance(name) <= 1 + name.len() / 4).min_by_key(|name| distance(name));
        if let Some(near) = near {
            error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![near]));
        }
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_command_is_told_the_nearest() {
        for (typed, nearest) in [("rnu", Some("'run'")), ("rendr", Some("'render'")), ("bogus", None)] {
            let error = Seraph::try_parse_from(["seraph", typed]).expect_err(typed);
            let text = with_nearest_command(error).to_string();
            assert_eq!(text.contains("similar"), nearest.is_some(), "{text}");
            assert!(text.contains(nearest.unwrap_or_default()), "{text}");
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Seraph::command().debug_assert();
    }
}
