//! Progress on stderr: one bar with an estimate, and a line for what happens once.

use crate::output;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use seraph_runner::{Event, Progress};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How often a log gets a line.
const LOG_EVERY: Duration = Duration::from_secs(30);

/// Shows a run's events. Where stderr is no terminal but a log, a line stands for the bar now and then.
pub struct Bar {
    bar: ProgressBar,
    quiet: bool,
    /// When the log got its last line; `None`: there is a terminal, or nobody wants to know.
    logged: Option<Mutex<Instant>>,
}

impl Bar {
    /// A bar with nothing to show yet; a `quiet` one shows warnings alone.
    pub fn new(quiet: bool) -> Bar {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let template = "{msg:24!} [{bar:30}] {pos}/{len} items  {elapsed} gone, {eta} left";
        let style = ProgressStyle::with_template(template).expect("the template is fixed and well-formed");
        bar.set_style(style.progress_chars("=> "));
        if quiet {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let is_log = !quiet && !std::io::stderr().is_terminal();
        Bar { bar, quiet, logged: is_log.then(|| Mutex::new(Instant::now())) }
    }

    /// The bar as a line, if the log has had none for a while.
    fn log(&self) {
        let Some(mut last) = self.logged.as_ref().and_then(|logged| logged.try_lock().ok()) else { return };
        if last.elapsed() < LOG_EVERY {
            return;
        }
        *last = Instant::now();
        let (done, all) = (self.bar.position(), self.bar.length().unwrap_or(0));
        let (gone, left) = (HumanDuration(self.bar.elapsed()), HumanDuration(self.bar.eta()));
        output::note(format!("{}: {done}/{all} items, {gone} gone, {left} left", self.bar.message()));
    }

    fn say(&self, line: String) {
        self.bar.suspend(|| output::note(line));
    }
}

impl Progress for Bar {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Phase { name, items } => {
                self.bar.set_length(items as u64);
                self.bar.set_position(0);
                self.bar.reset_eta();
                self.bar.set_message(name.to_owned());
            }
            Event::Resumed { items } => {
                self.bar.inc(items as u64);
                self.bar.reset_eta();
            }
            Event::Item => {
                self.bar.inc(1);
                self.log();
            }
            Event::Cell { id } => self.bar.set_message(id.to_owned()),
            Event::Note(text) if !self.quiet => self.say(text.to_owned()),
            Event::Note(_) => {}
            Event::Warning(text) => self.say(format!("warning: {text}")),
            Event::Done => self.bar.finish_and_clear(),
        }
    }
}
