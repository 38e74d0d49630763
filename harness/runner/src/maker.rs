//! Where the adversarial audio of a cell comes from: an attack in a worker, or files that were made elsewhere.

use crate::error::RunError;
use crate::judging::Left;
use crate::task::Batch;
use seraph_host::Fault;

/// Makes adversarial audio for batches of items. It is believed in nothing.
pub(crate) trait Maker {
    /// Items that it is given at a time.
    fn batch_items(&self) -> usize;

    /// What it has to offer for each item of a batch.
    fn make(&mut self, batch: &Batch) -> Result<Vec<Left>, Trouble>;
}

/// What may go wrong with a batch that is not the maker's doing.
pub(crate) enum Trouble {
    /// The run cannot go on: a disk, a corpus.
    Run(RunError),
    /// The victim failed: its cell fails.
    Victim(Fault),
    /// The user asked the run to stop.
    Stopped,
}

impl From<RunError> for Trouble {
    fn from(error: RunError) -> Trouble {
        Trouble::Run(error)
    }
}
