//! Who watches a run, and who may stop it: the two handles that go everywhere together.

use crate::progress::{Event, Progress};
use crate::stop::Stop;

/// Who is told what happens, and whether to go on.
#[derive(Clone, Copy)]
pub(crate) struct Watch<'a> {
    pub progress: &'a dyn Progress,
    pub stop: &'a Stop,
}

impl Watch<'_> {
    pub(crate) fn tell(&self, event: Event<'_>) {
        self.progress.event(event);
    }

    pub(crate) fn warn(&self, text: &str) {
        self.tell(Event::Warning(text));
    }
}
