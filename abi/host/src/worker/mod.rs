//! The worker's own main: confined first, then it loads the plugin and serves.

mod attack;
mod link;
mod victim;

use crate::loaded::{Context, Library, LogSink};
use crate::supervise::{PLUGIN_FD, WORKER_ARGUMENT};
use link::Link;
use seraph_wire::{Description, Down, Ended, Nothing, Ready, Role, Start, Up};
use std::path::Path;

/// The part of a worker's memory that one call may take from the arena: all that the limit leaves.
const ARENA_BYTES: u64 = u64::MAX;

/// Becomes a worker, and never returns, if the host started this process as one. Call it first thing in `main`.
pub fn worker_main_if_requested() {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == WORKER_ARGUMENT) {
        worker_main();
    }
}

/// Runs as a worker of the host that started this process, and ends it.
pub fn worker_main() -> ! {
    match serve() {
        Ok(()) => std::process::exit(0),
        Err(error) => {
            use std::io::Write;
            // The host reads this; a print macro would panic on a closed pipe.
            let _ = writeln!(std::io::stderr(), "{error}");
            std::process::exit(70)
        }
    }
}

fn serve() -> Result<(), String> {
    let mut link = Link::open()?;
    let Down::Start(start) = link.receive()? else {
        return Err("the first message is not how to start".to_owned());
    };
    let layers = seraph_sandbox::confine(&start.policy).map_err(|error| error.to_string())?;
    link.send(&Up::Ready(Ready { layers }))?;
    let Down::Go(Nothing {}) = link.receive()? else {
        return Err("the second message is not to go on".to_owned());
    };
    // From here on foreign code runs.
    let library = match Library::open(Path::new(&format!("/proc/self/fd/{PLUGIN_FD}"))) {
        Ok(library) => library,
        Err(reason) => return link.send(&Up::NotLoaded(Ended { status: 0, message: reason })),
    };
    match start.role {
        Role::Describe => describe(&mut link, &library)?,
        Role::Attack => attack::serve(&mut link, &library, &start)?,
        Role::Victim => victim::serve(&mut link, &library, &start)?,
    }
    library.shut_down();
    Ok(())
}

fn describe(link: &mut Link, library: &Library) -> Result<(), String> {
    let answer = match crate::loaded::description(library) {
        Ok(description) => Up::Described(description),
        Err(reason) => Up::NotLoaded(Ended { status: 0, message: reason }),
    };
    if matches!(&answer, Up::Described(Description { attacks, victims }) if attacks.is_empty() && victims.is_empty())
    {
        return link.send(&Up::NotLoaded(Ended { status: 0, message: "it has no factory".to_owned() }));
    }
    link.send(&answer)?;
    link.receive().map(|_| ())
}

fn context(link: &Link, _start: &Start) -> Box<Context> {
    Context::new(LogSink::Stderr, link.cancel_flag(), ARENA_BYTES)
}
