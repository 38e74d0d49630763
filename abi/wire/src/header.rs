//! The 64 bytes that announce a message. They lie alone in the control page, guard pages apart from any data.

use crate::field::{DecodeError, Field, Reader};

/// Bytes of a header.
pub const HEADER_BYTES: usize = 64;

const MAGIC: u32 = 0x5341_5250; // "PRAS" in memory: neither text nor a small number
const PROTOCOL: u32 = 1;

crate::field::choice! {
    /// Which area of the sender's region holds the body.
    pub enum Area as "area" {
        /// Overwritten by the next message.
        Talk = 0,
        /// Host → worker only: what a task points to, left alone until the task ends.
        Task = 1,
    }
}

/// What is sent, and where its body lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which message.
    pub opcode: u32,
    /// 1, 2, 3 … in each direction; anything but the next number is refused.
    pub sequence: u64,
    /// Where the body lies: at the start of this area.
    pub area: Area,
    /// Bytes of the body.
    pub body_bytes: u64,
}

impl Header {
    /// The header as it lies in the control page; bytes not named are 0.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut out = Vec::with_capacity(HEADER_BYTES);
        MAGIC.put(&mut out);
        PROTOCOL.put(&mut out);
        self.opcode.put(&mut out);
        self.sequence.put(&mut out);
        self.area.put(&mut out);
        self.body_bytes.put(&mut out);
        out.resize(HEADER_BYTES, 0);
        out.try_into().expect("resized to the length of a header")
    }

    /// Reads a header.
    pub fn from_bytes(bytes: &[u8; HEADER_BYTES]) -> Result<Self, DecodeError> {
        let mut from = Reader::new(bytes);
        if (u32::take(&mut from)?, u32::take(&mut from)?) != (MAGIC, PROTOCOL) {
            return Err(DecodeError::Magic);
        }
        Ok(Self {
            opcode: u32::take(&mut from)?,
            sequence: u64::take(&mut from)?,
            area: Area::take(&mut from)?,
            body_bytes: u64::take(&mut from)?,
        })
    }
}
