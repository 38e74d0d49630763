//! Progress on stderr: one bar with an estimate, and a line for what happens once.

use crate::output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use seraph_runner::{Event, Progress};

/// Shows a run's events. Where stderr is no terminal, the bar is silent and only the lines are written.
pub struct Bar {
    bar: ProgressBar,
    quiet: bool,
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
        Bar { bar, quiet }
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
            Event::Item => self.bar.inc(1),
            Event::Cell { id } => self.bar.set_message(id.to_owned()),
            Event::Note(text) if !self.quiet => self.say(text.to_owned()),
            Event::Note(_) => {}
            Event::Warning(text) => self.say(format!("warning: {text}")),
            Event::Done => self.bar.finish_and_clear(),
        }
    }
}
