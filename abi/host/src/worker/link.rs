//! The worker's end of a channel. Guard pages lie between everything that the plugin could write past the end of.

use crate::supervise::{DOWN_FD, HOST_BELL_FD, UP_FD, WORKER_BELL_FD};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous};
use seraph_wire::{
    Area, CANCEL_OFFSET, CONTROL_BYTES, Down, Field, HEADER_BYTES, Header, LAYOUT_OFFSET, Layout,
    MAX_BODY_BYTES, Span, Up,
};
use std::os::fd::BorrowedFd;
use std::sync::atomic::AtomicU32;

/// The two regions, mapped for the life of the process.
pub(crate) struct Link {
    layout: Layout,
    up_control: *mut u8,
    up_talk: *mut u8,
    down_control: *const u8,
    down_talk: *const u8,
    down_task: *const u8,
    host_bell: BorrowedFd<'static>,
    worker_bell: BorrowedFd<'static>,
    sent: u64,
    received: u64,
    body: Vec<u8>,
}

impl Link {
    /// Maps the regions that the host gave.
    pub fn open() -> Result<Self, String> {
        // SAFETY: the host gives a worker these descriptors, and nothing closes them.
        let [up, down, host_bell, worker_bell] =
            [UP_FD, DOWN_FD, HOST_BELL_FD, WORKER_BELL_FD].map(|fd| unsafe { BorrowedFd::borrow_raw(fd) });
        let mut sizes = [0; 24];
        let n = rustix::io::pread(down, &mut sizes, LAYOUT_OFFSET as u64).map_err(|error| {
            format!("this program was asked to be a worker, but no host started it: {error}")
        })?;
        let layout = Layout::from_bytes(&sizes[..n]).map_err(|error| error.to_string())?;
        let task_at = CONTROL_BYTES + layout.down_talk;
        let read = ProtFlags::READ;
        let write = ProtFlags::READ | ProtFlags::WRITE;
        Ok(Self {
            layout,
            up_control: map(up, 0, CONTROL_BYTES, write)?,
            up_talk: map(up, CONTROL_BYTES, layout.up_talk, write)?,
            down_control: map(down, 0, CONTROL_BYTES, read)?,
            down_talk: map(down, CONTROL_BYTES, layout.down_talk, read)?,
            down_task: map(down, task_at, layout.down_task, read)?,
            host_bell,
            worker_bell,
            sent: 0,
            received: 0,
            body: Vec::new(),
        })
    }

    /// Writes a message and rings.
    pub fn send(&mut self, message: &Up) -> Result<(), String> {
        self.body.clear();
        message.put_body(&mut self.body);
        if self.body.len() as u64 > MAX_BODY_BYTES {
            return Err(format!("a message of {} bytes", self.body.len()));
        }
        self.sent += 1;
        let body_bytes = self.body.len() as u64;
        let header = Header { opcode: message.opcode(), sequence: self.sent, area: Area::Talk, body_bytes };
        // SAFETY: the body is at most as large as its place (above), the header as its page; both are mapped.
        unsafe {
            self.up_talk.copy_from_nonoverlapping(self.body.as_ptr(), self.body.len());
            self.up_control.copy_from_nonoverlapping(header.to_bytes().as_ptr(), HEADER_BYTES);
        }
        rustix::io::write(self.host_bell, &1u64.to_ne_bytes()).map_err(|error| error.to_string())?;
        Ok(())
    }

    /// Waits for a message.
    pub fn receive(&mut self) -> Result<Down, String> {
        // The first message lies there before the process exists.
        if self.received > 0 {
            self.await_bell()?;
        }
        let mut header = [0; HEADER_BYTES];
        // SAFETY: the control page is mapped.
        unsafe { header.as_mut_ptr().copy_from_nonoverlapping(self.down_control, HEADER_BYTES) };
        let header = Header::from_bytes(&header).map_err(|error| error.to_string())?;
        if header.sequence != self.received + 1 || header.body_bytes > MAX_BODY_BYTES {
            return Err(format!("message {} out of order", header.sequence));
        }
        self.received += 1;
        // SAFETY: bodies are at most as large as their place in an area (above), and the host leaves them alone
        // until it is answered.
        let body = unsafe { std::slice::from_raw_parts(self.area(header.area), header.body_bytes as usize) };
        let message = Down::decode(header.opcode, body).map_err(|error| error.to_string())?;
        // The bell of the first message must not announce the second.
        if self.received == 1 {
            self.await_bell()?;
        }
        Ok(message)
    }

    /// The numbers of a span of what the host wrote. They stay as they are while the message counts.
    pub fn numbers(&self, area: Area, span: Span, expected: usize) -> Result<&'static [f32], String> {
        let size = if area == Area::Talk { self.layout.down_talk } else { self.layout.down_task };
        let range = span.checked(size, 4 * expected as u64).map_err(|error| error.to_string())?;
        // SAFETY: within the area (above), mapped for the life of the process; spans are aligned.
        Ok(unsafe { std::slice::from_raw_parts(self.area(area).add(range.start).cast(), expected) })
    }

    /// Room for `len` numbers that the host reads, and the span that says where: the first at or after byte
    /// `after` of the payload.
    ///
    /// # Safety
    /// Rooms in use at the same time do not overlap.
    pub unsafe fn room<'a>(&self, after: u64, len: usize) -> Result<(Span, &'a mut [f32]), String> {
        let span = Span::after(MAX_BODY_BYTES + after, 4 * len as u64, self.layout.up_talk)
            .ok_or_else(|| format!("{} bytes do not fit the channel", 4 * len))?;
        // SAFETY: within the area (above), mapped for the life of the process; the caller keeps rooms apart.
        let room =
            unsafe { std::slice::from_raw_parts_mut(self.up_talk.add(span.offset as usize).cast(), len) };
        Ok((span, room))
    }

    /// The word that the host sets to cancel.
    pub fn cancel_flag(&self) -> *const AtomicU32 {
        self.down_control.wrapping_add(CANCEL_OFFSET).cast()
    }

    fn area(&self, area: Area) -> *const u8 {
        if area == Area::Talk { self.down_talk } else { self.down_task }
    }

    fn await_bell(&self) -> Result<(), String> {
        loop {
            let mut count = [0; 8];
            match rustix::io::read(self.worker_bell, &mut count) {
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.to_string()),
            }
            match poll(&mut [PollFd::from_borrowed_fd(self.worker_bell, PollFlags::IN)], None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}

/// Maps part of a region between two guard pages.
fn map(fd: BorrowedFd<'_>, offset: u64, len: u64, protection: ProtFlags) -> Result<*mut u8, String> {
    let guard = CONTROL_BYTES as usize;
    let fixed = MapFlags::SHARED | MapFlags::FIXED;
    // SAFETY: the first call reserves new addresses without access, the second replaces their middle.
    let start = unsafe {
        let reserved = mmap_anonymous(
            std::ptr::null_mut(),
            len as usize + 2 * guard,
            ProtFlags::empty(),
            MapFlags::PRIVATE,
        );
        reserved
            .and_then(|reserved| mmap(reserved.byte_add(guard), len as usize, protection, fixed, fd, offset))
    };
    start.map(<*mut _>::cast).map_err(|error| error.to_string())
}
