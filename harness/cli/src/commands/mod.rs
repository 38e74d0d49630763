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
use clap::{Parser, Subcommand};

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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Seraph::command().debug_assert();
    }
}
