//! What a run tells whoever watches it.

/// Something that happened in a run.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A phase begins.
    Phase {
        /// What it is, eg "clean pass".
        name: &'a str,
        /// How many items it has.
        items: usize,
    },
    /// So many items of the phase were done by an earlier run.
    Resumed {
        /// How many.
        items: usize,
    },
    /// An item is done.
    Item,
    /// Work on a cell begins.
    Cell {
        /// Its id.
        id: &'a str,
    },
    /// A fact worth a line.
    Note(&'a str),
    /// A fact that the user should act on.
    Warning(&'a str),
    /// Nothing more will come.
    Done,
}

/// Who is told. Called from all threads of the run.
pub trait Progress: Sync {
    /// Takes an event.
    fn event(&self, event: Event<'_>);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _: Event<'_>) {}
}
