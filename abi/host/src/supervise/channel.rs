//! The host's end of a channel: two sealed memory files and two doorbells.
//!
//! What the worker writes is read by `pread` into the host's own memory and looked at there: it is never mapped,
//! so it cannot change between check and use, nor fault. What the host writes, the worker can only read.

use crate::fault::Fault;
use crate::sealed::memory_file;
use rustix::event::EventfdFlags;
use rustix::fs::SealFlags;
use rustix::mm::{MapFlags, ProtFlags};
use seraph_wire::{
    Area, CANCEL_OFFSET, CONTROL_BYTES, Down, Field, HEADER_BYTES, Header, LAYOUT_OFFSET, Layout,
    MAX_BODY_BYTES, Span, Up,
};
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

/// A channel to one worker.
pub(crate) struct Channel {
    up: OwnedFd,
    down_fd: OwnedFd,
    down: SharedMemory,
    host_bell: OwnedFd,
    worker_bell: OwnedFd,
    layout: Layout,
    sent: u64,
    received: u64,
    body: Vec<u8>,
}

impl Channel {
    /// A channel whose areas carry `payload_bytes` of samples besides a body.
    pub fn new(payload_bytes: u64) -> io::Result<Self> {
        let area = MAX_BODY_BYTES + payload_bytes;
        let layout = Layout::new(area, area, area);
        let up = region("seraph-up", layout.up_bytes())?;
        rustix::fs::fcntl_add_seals(&up, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        let down_fd = region("seraph-down", layout.down_bytes())?;
        let mut down = SharedMemory::map(&down_fd, layout.down_bytes() as usize)?;
        // From here on nobody can make another writable mapping of it.
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::FUTURE_WRITE | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&down_fd, seals)?;
        let bell = || rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let sizes = layout.to_bytes();
        down.bytes_mut(LAYOUT_OFFSET..LAYOUT_OFFSET + sizes.len()).copy_from_slice(&sizes);
        let (host_bell, worker_bell) = (bell()?, bell()?);
        Ok(Self { up, down_fd, down, host_bell, worker_bell, layout, sent: 0, received: 0, body: Vec::new() })
    }

    /// The descriptors that the worker inherits, in order.
    pub fn worker_fds(&self) -> [BorrowedFd<'_>; 4] {
        [self.up.as_fd(), self.down_fd.as_fd(), self.host_bell.as_fd(), self.worker_bell.as_fd()]
    }

    /// Rung by the worker.
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.host_bell.as_fd()
    }

    /// Address space that the regions take in the worker.
    pub fn mapped_bytes(&self) -> u64 {
        self.layout.up_bytes() + self.layout.down_bytes()
    }

    /// Bytes that one message can carry besides its body.
    pub fn payload_bytes(&self) -> u64 {
        self.layout.up_talk - MAX_BODY_BYTES
    }

    /// Writes a message and rings.
    pub fn send(&mut self, message: &Down, area: Area) -> Result<(), Fault> {
        self.body.clear();
        message.put_body(&mut self.body);
        let body_bytes = self.body.len() as u64;
        if body_bytes > MAX_BODY_BYTES {
            return Err(Fault::TooLarge { bytes: body_bytes, capacity: MAX_BODY_BYTES });
        }
        let at = self.area_start(area);
        self.down.bytes_mut(at..at + self.body.len()).copy_from_slice(&self.body);
        self.sent += 1;
        let header = Header { opcode: message.opcode(), sequence: self.sent, area, body_bytes };
        self.down.bytes_mut(0..HEADER_BYTES).copy_from_slice(&header.to_bytes());
        match rustix::io::write(&self.worker_bell, &1u64.to_ne_bytes()) {
            // A worker that filled its own bell finds it ringing.
            Ok(_) | Err(rustix::io::Errno::AGAIN) => Ok(()),
            Err(error) => Err(Fault::protocol(format!("its doorbell cannot be rung: {error}"))),
        }
    }

    /// Reads the message that the bell announced.
    pub fn receive(&mut self) -> Result<Up, Fault> {
        let mut header = [0; HEADER_BYTES];
        self.pread(&mut header, 0)?;
        let header = Header::from_bytes(&header).map_err(Fault::protocol)?;
        if header.sequence != self.received + 1 {
            let (found, expected) = (header.sequence, self.received + 1);
            return Err(Fault::protocol(format!("message {found} instead of {expected}")));
        }
        if header.area != Area::Talk || header.body_bytes > MAX_BODY_BYTES {
            return Err(Fault::protocol("a message whose body lies outside its area"));
        }
        self.received += 1;
        let mut body = std::mem::take(&mut self.body);
        body.resize(header.body_bytes as usize, 0);
        self.pread(&mut body, CONTROL_BYTES)?;
        let message = Up::decode(header.opcode, &body).map_err(Fault::protocol);
        self.body = body;
        message
    }

    /// Empties the bell. Whether it had been rung.
    pub fn heed_bell(&self) -> bool {
        let mut count = [0; 8];
        rustix::io::read(&self.host_bell, &mut count).is_ok()
    }

    /// Copies numbers that the worker wrote: `out.len()` of them, `skip` after the start of a span that must hold
    /// `expected` in all.
    pub fn read_numbers(
        &self,
        span: Span,
        expected: usize,
        skip: usize,
        out: &mut [f32],
    ) -> Result<(), Fault> {
        let range = span.checked(self.layout.up_talk, 4 * expected as u64).map_err(Fault::protocol)?;
        let at = CONTROL_BYTES + range.start as u64 + 4 * skip as u64;
        self.pread(as_bytes_mut(out), at)
    }

    /// Room for `len` numbers in an area that the worker reads, and the span that says where: the first of them
    /// that starts at or after byte `after` of the payload.
    pub fn room(&self, area: Area, after: u64, len: usize) -> Result<Span, Fault> {
        let bytes = 4 * len as u64;
        let size = if area == Area::Talk { self.layout.down_talk } else { self.layout.down_task };
        Span::after(MAX_BODY_BYTES + after, bytes, size)
            .ok_or(Fault::TooLarge { bytes: after + bytes, capacity: self.payload_bytes() })
    }

    /// The numbers of a span that [`room`](Self::room) gave.
    pub fn numbers_mut(&mut self, area: Area, span: Span) -> &mut [f32] {
        let at = self.area_start(area) + span.offset as usize;
        self.down.numbers_mut(at..at + span.len as usize)
    }

    /// What the worker wrote, for reading, and the memory that it reads, for writing.
    pub fn split(&mut self) -> (UpReader<'_>, DownWriter<'_>) {
        let start = CONTROL_BYTES as usize;
        (UpReader { fd: self.up.as_fd(), layout: self.layout }, DownWriter { memory: &mut self.down, start })
    }

    /// Tells the worker to stop soon.
    pub fn cancel(&self) {
        self.down.word(CANCEL_OFFSET).store(1, Ordering::Release);
    }

    fn area_start(&self, area: Area) -> usize {
        let behind = if area == Area::Talk { 0 } else { self.layout.down_talk };
        (CONTROL_BYTES + behind) as usize
    }

    fn pread(&self, out: &mut [u8], at: u64) -> Result<(), Fault> {
        pread_exact(self.up.as_fd(), out, at)
    }
}

/// Reads what the worker wrote.
pub(crate) struct UpReader<'a> {
    fd: BorrowedFd<'a>,
    layout: Layout,
}

impl UpReader<'_> {
    /// As [`Channel::read_numbers`].
    pub fn read(&self, span: Span, expected: usize, skip: usize, out: &mut [f32]) -> Result<(), Fault> {
        let range = span.checked(self.layout.up_talk, 4 * expected as u64).map_err(Fault::protocol)?;
        let at = CONTROL_BYTES + range.start as u64 + 4 * skip as u64;
        pread_exact(self.fd, as_bytes_mut(out), at)
    }
}

/// Writes what the worker reads, in the talk area.
pub(crate) struct DownWriter<'a> {
    memory: &'a mut SharedMemory,
    start: usize,
}

impl DownWriter<'_> {
    /// Three disjoint spans, in ascending order, as slices.
    pub fn three(&mut self, spans: [Span; 3]) -> [&mut [f32]; 3] {
        let at = |span: Span| self.start + span.offset as usize..self.start + span.end() as usize;
        let [a, b, c] = spans.map(at);
        assert!(a.end <= b.start && b.end <= c.start, "spans are laid out in order");
        let whole = self.memory.numbers_mut(a.start..c.end);
        let (first, rest) = whole.split_at_mut((b.start - a.start) / 4);
        let (second, third) = rest.split_at_mut((c.start - b.start) / 4);
        [&mut first[..a.len() / 4], &mut second[..b.len() / 4], &mut third[..c.len() / 4]]
    }
}

fn pread_exact(fd: BorrowedFd<'_>, out: &mut [u8], at: u64) -> Result<(), Fault> {
    let mut done = 0;
    while done < out.len() {
        match rustix::io::pread(fd, &mut out[done..], at + done as u64) {
            Ok(0) => return Err(Fault::protocol("a message beyond the end of its region")),
            Ok(n) => done += n,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Fault::protocol(format!("its region cannot be read: {error}"))),
        }
    }
    Ok(())
}

fn region(name: &str, bytes: u64) -> io::Result<OwnedFd> {
    let fd = memory_file(name)?;
    rustix::fs::ftruncate(&fd, bytes)?;
    Ok(fd)
}

fn as_bytes_mut(numbers: &mut [f32]) -> &mut [u8] {
    // SAFETY: f32 has no padding, every pattern of bytes is one, and u8 has no alignment.
    unsafe { std::slice::from_raw_parts_mut(numbers.as_mut_ptr().cast(), size_of_val(numbers)) }
}

/// A mapping of a memory file that only this process can write to.
pub(crate) struct SharedMemory {
    start: *mut u8,
    len: usize,
}

// SAFETY: the mapping belongs to this value alone; nothing in it is tied to a thread.
unsafe impl Send for SharedMemory {}

impl SharedMemory {
    fn map(fd: &OwnedFd, len: usize) -> io::Result<Self> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice.
        let start =
            unsafe { rustix::mm::mmap(std::ptr::null_mut(), len, protection, MapFlags::SHARED, fd, 0)? };
        Ok(Self { start: start.cast(), len })
    }

    fn bytes_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        assert!(range.start <= range.end && range.end <= self.len, "within the mapping");
        // SAFETY: within the mapping (above), which lives as long as `self`; `&mut self` makes it the only
        // reference here, and the seal keeps every other process from writing.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }

    fn numbers_mut(&mut self, range: Range<usize>) -> &mut [f32] {
        assert!(range.start.is_multiple_of(4) && range.len().is_multiple_of(4), "whole numbers");
        let bytes = self.bytes_mut(range);
        // SAFETY: the mapping is page-aligned and the range starts at a multiple of 4 (above); every pattern of
        // bytes is an f32.
        unsafe { std::slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), bytes.len() / 4) }
    }

    fn word(&self, offset: usize) -> &AtomicU32 {
        assert!(offset.is_multiple_of(4) && offset + 4 <= CONTROL_BYTES as usize, "in the control page");
        // SAFETY: aligned and within the mapping (above); `bytes_mut` never covers this word after start-up.
        unsafe { AtomicU32::from_ptr(self.start.add(offset).cast()) }
    }
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `map` and nothing refers to it any more.
        let _ = unsafe { rustix::mm::munmap(self.start.cast(), self.len) };
    }
}
