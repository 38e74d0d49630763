//! Writes false messages into its channel. The sequence number is no secret: it can be read back.

use crate::Scene;
use seraph_sys::*;
use seraph_wire::{
    Answered, Area, Ask, Asked, CONTROL_BYTES, Ended, HEADER_BYTES, Header, MAX_BODY_BYTES, Span, Up,
};
use std::time::Duration;

const UP: i32 = 3;
const HOST_BELL: i32 = 5;
const WORKER_BELL: i32 = 6;

/// The region that the worker writes, mapped once more.
unsafe fn region() -> *mut u8 {
    let len = (CONTROL_BYTES + MAX_BODY_BYTES) as usize;
    let write = libc::PROT_READ | libc::PROT_WRITE;
    unsafe { libc::mmap(std::ptr::null_mut(), len, write, libc::MAP_SHARED, UP, 0).cast() }
}

unsafe fn sequence() -> u64 {
    let mut bytes = [0; HEADER_BYTES];
    unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(region(), HEADER_BYTES) };
    Header::from_bytes(&bytes).map_or(0, |header| header.sequence)
}

unsafe fn write(header: Header, body: &[u8]) -> seraph_status {
    unsafe {
        let at = region();
        at.add(CONTROL_BYTES as usize).copy_from_nonoverlapping(body.as_ptr(), body.len());
        at.copy_from_nonoverlapping(header.to_bytes().as_ptr(), HEADER_BYTES);
    }
    unsafe { ring_and_wait() }
}

unsafe fn ring_and_wait() -> seraph_status {
    let one = 1u64;
    unsafe { libc::write(HOST_BELL, (&raw const one).cast(), 8) };
    loop {
        std::thread::sleep(Duration::from_secs(1000));
    }
}

unsafe fn send(message: &Up, sequence: u64) -> seraph_status {
    let mut body = Vec::new();
    message.put_body(&mut body);
    let header =
        Header { opcode: message.opcode(), sequence, area: Area::Talk, body_bytes: body.len() as u64 };
    unsafe { write(header, &body) }
}

fn commit(rows: Span) -> Up {
    Up::Asked(Asked { ask: Ask::Commit, items: vec![0], rows, loss: None })
}

/// Claims success: advisory, so it is believed and worth nothing.
pub unsafe fn done(_: &Scene) -> seraph_status {
    unsafe {
        send(&Up::Done(Ended { status: SERAPH_OK, message: "all items fooled".to_owned() }), sequence() + 1)
    }
}

pub unsafe fn victim_answer(_: &Scene) -> seraph_status {
    let none = Span::default();
    let answer = Answered { status: 0, message: String::new(), logits: none, loss: none, grad: none };
    unsafe { send(&Up::Answered(answer), sequence() + 1) }
}

pub unsafe fn stale_sequence(_: &Scene) -> seraph_status {
    unsafe { send(&commit(Span::default()), sequence()) }
}

pub unsafe fn future_sequence(_: &Scene) -> seraph_status {
    unsafe { send(&commit(Span::default()), u64::MAX) }
}

pub unsafe fn huge_span(_: &Scene) -> seraph_status {
    let span = Span { offset: u64::MAX - 63, len: u64::MAX };
    unsafe { send(&commit(span), sequence() + 1) }
}

pub unsafe fn huge_body(_: &Scene) -> seraph_status {
    unsafe {
        let sequence = sequence() + 1;
        write(Header { opcode: 105, sequence, area: Area::Talk, body_bytes: u64::MAX }, &[])
    }
}

/// A list that says it has four thousand million entries.
pub unsafe fn huge_count(_: &Scene) -> seraph_status {
    unsafe {
        let sequence = sequence() + 1;
        write(
            Header { opcode: 105, sequence, area: Area::Talk, body_bytes: 64 },
            &[5, 0xff, 0xff, 0xff, 0xff],
        )
    }
}

pub unsafe fn unknown_opcode(_: &Scene) -> seraph_status {
    unsafe {
        let sequence = sequence() + 1;
        write(Header { opcode: 9999, sequence, area: Area::Talk, body_bytes: 0 }, &[])
    }
}

pub unsafe fn garbage_header(_: &Scene) -> seraph_status {
    unsafe {
        region().write_bytes(0xa5, HEADER_BYTES);
        ring_and_wait()
    }
}

pub unsafe fn ring_for_nothing(_: &Scene) -> seraph_status {
    unsafe { ring_and_wait() }
}

/// Fills the bell that the host rings, so that a host that blocked on it would hang.
pub unsafe fn fill_bells(scene: &Scene) -> seraph_status {
    let most = u64::MAX - 1;
    unsafe {
        libc::write(WORKER_BELL, (&raw const most).cast(), 8);
        crate::cheat::behave(scene)
    }
}
