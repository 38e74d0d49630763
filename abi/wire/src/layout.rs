//! Where things lie in the two regions of a channel.
//!
//! ```text
//! up   (worker writes, host reads by pread):  control page | talk
//! down (host writes, worker maps read-only):  control page | talk | task
//! ```

use crate::field::{DecodeError, record};

/// Bytes of the control page at the start of a region.
pub const CONTROL_BYTES: u64 = 4096;
/// Where the cancel flag (u32) lies in the control page of the down region.
pub const CANCEL_OFFSET: usize = 64;
/// Where the [`Layout`] lies in the control page of the down region.
pub const LAYOUT_OFFSET: usize = 128;

record! {
    /// Sizes of the areas, in bytes, each a whole number of pages.
    #[derive(Copy, Eq)]
    pub struct Layout {
        /// Worker → host.
        pub up_talk: u64,
        /// Host → worker.
        pub down_talk: u64,
        /// Host → worker, left alone during a task.
        pub down_task: u64,
    }
}

impl Layout {
    /// Areas of at least these sizes.
    pub fn new(up_talk: u64, down_talk: u64, down_task: u64) -> Self {
        let pages = |bytes: u64| bytes.next_multiple_of(CONTROL_BYTES);
        Self { up_talk: pages(up_talk), down_talk: pages(down_talk), down_task: pages(down_task) }
    }

    /// Bytes of the up region.
    pub fn up_bytes(&self) -> u64 {
        CONTROL_BYTES + self.up_talk
    }

    /// Bytes of the down region.
    pub fn down_bytes(&self) -> u64 {
        CONTROL_BYTES + self.down_talk + self.down_task
    }
}

record! {
    /// Bulk data of a message: bytes of the area that holds its body.
    #[derive(Copy, Eq, Default)]
    pub struct Span {
        /// Bytes from the area's start, a multiple of 64.
        pub offset: u64,
        /// Bytes.
        pub len: u64,
    }
}

impl Span {
    /// The span as a range of an area of `area` bytes that holds exactly `expected` bytes.
    pub fn checked(&self, area: u64, expected: u64) -> Result<std::ops::Range<usize>, DecodeError> {
        let outside = DecodeError::Span { offset: self.offset, len: self.len, area };
        match self.offset.checked_add(self.len) {
            Some(end) if end <= area && self.len == expected && self.offset.is_multiple_of(64) => {
                Ok(self.offset as usize..end as usize)
            }
            _ => Err(outside),
        }
    }

    /// The next span of `len` bytes after `end`, aligned; `None` when the area is too small.
    pub fn after(end: u64, len: u64, area: u64) -> Option<Self> {
        let offset = end.checked_next_multiple_of(64)?;
        (offset.checked_add(len)? <= area).then_some(Self { offset, len })
    }

    /// One past the last byte.
    pub fn end(&self) -> u64 {
        self.offset + self.len
    }
}
