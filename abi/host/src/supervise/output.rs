//! What a worker prints: drained so that it never blocks, counted, its last lines kept.
//!
//! A log message travels as a line of its standard error that begins with a marker. A plugin can forge such a
//! line; it can log what it likes anyway.

use crate::task::{LogLine, Progress};
use seraph_sys::{SERAPH_LOG_ERROR, SERAPH_LOG_HOST_MISBEHAVING, SERAPH_LOG_INFO};
use std::collections::VecDeque;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{ChildStderr, ChildStdout};
use std::sync::{Arc, Mutex, PoisonError};

/// Before a log line: then its level as a digit, a space, the text.
pub(crate) const LOG_MARK: u8 = 0x01;
/// Before a progress line: then item, step, steps, loss.
pub(crate) const PROGRESS_MARK: u8 = 0x02;
/// The longest log message, bytes.
pub(crate) const MAX_LOG_BYTES: usize = 4096;

/// The last words of Rust's and C++'s run-times and of the dynamic loader, which makes room for each new thread.
const OUT_OF_MEMORY: [&str; 3] = ["memory allocation of", "bad_alloc", "cannot allocate memory"];

const KEPT_LINES: usize = 256;

/// The two pipes of a worker.
pub(crate) struct Output {
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    partial: [Vec<u8>; 2],
    bytes: u64,
    lines: VecDeque<LogLine>,
    progress: Option<Arc<Mutex<Option<Progress>>>>,
}

impl Output {
    /// Watches these pipes.
    pub fn new(
        stdout: Option<ChildStdout>,
        stderr: Option<ChildStderr>,
        progress: Option<Arc<Mutex<Option<Progress>>>>,
    ) -> std::io::Result<Self> {
        for fd in [stdout.as_ref().map(AsFd::as_fd), stderr.as_ref().map(AsFd::as_fd)].into_iter().flatten() {
            let flags = rustix::fs::fcntl_getfl(fd)? | rustix::fs::OFlags::NONBLOCK;
            rustix::fs::fcntl_setfl(fd, flags)?;
        }
        let partial = [Vec::new(), Vec::new()];
        Ok(Self { stdout, stderr, partial, bytes: 0, lines: VecDeque::new(), progress })
    }

    /// The pipes that are still open.
    pub fn fds(&self) -> [Option<BorrowedFd<'_>>; 2] {
        [self.stdout.as_ref().map(AsFd::as_fd), self.stderr.as_ref().map(AsFd::as_fd)]
    }

    /// Reads what is there, up to a bound per call so that no flood starves the rest.
    pub fn drain(&mut self) {
        if drain_pipe(&mut self.stdout, &mut self.partial[0], &mut self.bytes) {
            self.stdout = None;
        }
        if drain_pipe(&mut self.stderr, &mut self.partial[1], &mut self.bytes) {
            self.stderr = None;
        }
        for pipe in 0..2 {
            self.split_lines(pipe);
        }
    }

    /// Bytes printed so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The lines kept, and none from now on.
    pub fn take_lines(&mut self) -> Vec<LogLine> {
        for pipe in 0..2 {
            let rest = std::mem::take(&mut self.partial[pipe]);
            self.keep(&rest);
        }
        self.lines.drain(..).collect()
    }

    /// Whether the last lines say that memory ran out.
    pub fn says_out_of_memory(&self) -> bool {
        let said = |text: &str| OUT_OF_MEMORY.iter().any(|words| text.contains(words));
        let partial = self.partial.iter().map(|bytes| String::from_utf8_lossy(bytes));
        self.lines.iter().rev().take(8).any(|line| said(&line.text))
            || partial.into_iter().any(|text| said(&text))
    }

    fn split_lines(&mut self, pipe: usize) {
        let mut bytes = std::mem::take(&mut self.partial[pipe]);
        let mut start = 0;
        while let Some(len) = bytes[start..].iter().position(|&byte| byte == b'\n') {
            self.keep(&bytes[start..start + len]);
            start += len + 1;
        }
        bytes.drain(..start);
        if bytes.len() > 2 * MAX_LOG_BYTES {
            self.keep(&bytes);
            bytes.clear();
        }
        self.partial[pipe] = bytes;
    }

    fn keep(&mut self, line: &[u8]) {
        if let Some((&PROGRESS_MARK, rest)) = line.split_first() {
            if let (Some(said), Some(shown)) = (parse_progress(rest), &self.progress) {
                *shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
            }
            return;
        }
        if line.is_empty() {
            return;
        }
        if self.lines.len() == KEPT_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(parse_line(line));
    }
}

/// Whether the pipe is at its end.
fn drain_pipe(pipe: &mut Option<impl Read>, into: &mut Vec<u8>, bytes: &mut u64) -> bool {
    const CHUNKS: usize = 16;
    let Some(pipe) = pipe else { return false };
    let mut chunk = [0; 1 << 16];
    for _ in 0..CHUNKS {
        match pipe.read(&mut chunk) {
            Ok(0) => return true,
            Ok(n) => {
                *bytes += n as u64;
                into.extend_from_slice(&chunk[..n]);
                // Of one endless line only the end is kept.
                let excess = into.len().saturating_sub(chunk.len());
                if !into.contains(&b'\n') {
                    into.drain(..excess);
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    false
}

fn parse_line(line: &[u8]) -> LogLine {
    if let [LOG_MARK, level, b' ', text @ ..] = line {
        let level = i32::from(level.wrapping_sub(b'0')).min(SERAPH_LOG_HOST_MISBEHAVING);
        return LogLine { level, text: escape(text) };
    }
    LogLine { level: SERAPH_LOG_INFO, text: escape(line) }
}

fn parse_progress(line: &[u8]) -> Option<Progress> {
    let text = std::str::from_utf8(line).ok()?;
    let mut words = text.split_ascii_whitespace();
    Some(Progress {
        item: words.next()?.parse().ok()?,
        step: words.next()?.parse().ok()?,
        steps: words.next()?.parse().ok()?,
        loss: words.next()?.parse().ok()?,
    })
}

/// Text from a plugin as people may see it: valid, bounded, without control characters.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let bytes = &bytes[..bytes.len().min(MAX_LOG_BYTES)];
    let mut out = String::with_capacity(bytes.len());
    for character in String::from_utf8_lossy(bytes).chars() {
        if character.is_control() && character != '\t' {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}

const _: () = assert!(SERAPH_LOG_ERROR < SERAPH_LOG_HOST_MISBEHAVING && SERAPH_LOG_HOST_MISBEHAVING < 10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(escape(b"a\x1b[31mred\r\xff"), "a\\u{1b}[31mred\\r\u{fffd}");
    }

    #[test]
    fn a_marked_line_has_its_level() {
        assert_eq!(parse_line(b"\x013 bad").level, SERAPH_LOG_ERROR);
        assert_eq!(parse_line(b"\x01z bad").level, SERAPH_LOG_HOST_MISBEHAVING);
        assert_eq!(parse_line(b"plain").text, "plain");
    }
}
