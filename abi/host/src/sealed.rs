//! Bytes that nobody can change any more: what was hashed is what runs.

use rustix::fs::{MemfdFlags, SealFlags};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

const CHUNK_BYTES: usize = 1 << 20;

/// A sealed memory file and the hash of its bytes.
#[derive(Debug)]
pub struct SealedFile {
    fd: OwnedFd,
    len: u64,
    sha256: String,
}

impl SealedFile {
    /// A sealed copy of a file.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::copy(&mut File::open(path)?)
    }

    /// A sealed copy of these bytes.
    pub fn from_bytes(mut bytes: &[u8]) -> io::Result<Self> {
        Self::copy(&mut bytes)
    }

    /// Bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Of the bytes, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub(crate) fn raw_fd(&self) -> i32 {
        self.fd.as_raw_fd()
    }

    fn copy(source: &mut impl Read) -> io::Result<Self> {
        let mut file = File::from(memory_file("seraph-sealed")?);
        let mut hash = Sha256::new();
        let mut len = 0;
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let n = source.read(&mut chunk)?;
            if n == 0 {
                break;
            }
            hash.update(&chunk[..n]);
            file.write_all(&chunk[..n])?;
            len += n as u64;
        }
        let fd = OwnedFd::from(file);
        let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&fd, seals)?;
        Ok(Self { fd, len, sha256: hex(&hash.finalize()) })
    }
}

/// A memory file that can be sealed and mapped for execution.
pub(crate) fn memory_file(name: &str) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // EXEC is needed where the system's default is not executable, and unknown to kernels before 6.3.
    rustix::fs::memfd_create(name, flags | MemfdFlags::EXEC)
        .or_else(|_| rustix::fs::memfd_create(name, flags))
        .map_err(io::Error::from)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
