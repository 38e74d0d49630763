//! The first message to a worker: what to load, what to create, how to confine itself; and its answer.

use crate::field::{DecodeError, Field, Reader, choice, record};

choice! {
    /// What a worker is for.
    pub enum Role as "role" {
        /// Says what the library holds, and ends.
        Describe = 0,
        /// Runs one attack.
        Attack = 1,
        /// Answers for one victim.
        Victim = 2,
    }
}

record! {
    /// The first message. The plugin's bytes lie in a sealed memory file that the worker inherits.
    pub struct Start {
        /// What for.
        pub role: Role,
        /// Which attack or victim; empty for [`Role::Describe`].
        pub id: String,
        /// What it is created with.
        pub config: Config,
        /// How it confines itself before any of the plugin's code runs.
        pub policy: Policy,
    }
}

record! {
    /// Every parameter of an instance, in the order of its descriptor.
    pub struct Config {
        /// Stable id, value.
        pub values: Vec<(u32, Value)>,
    }
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A real number.
    F64(f64),
    /// A whole number.
    I64(i64),
    /// True or false.
    Bool(bool),
    /// An index into the choices.
    Choice(u32),
    /// The bytes of a file.
    Blob(Blob),
}

record! {
    /// A file's bytes: a sealed memory file that the worker inherits.
    #[derive(Copy, Eq)]
    pub struct Blob {
        /// Its descriptor in the worker.
        pub fd: i32,
        /// Its bytes.
        pub len: u64,
    }
}

impl Field for Value {
    const MIN_BYTES: usize = 2;
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::F64(v) => (1u8, *v).put(out),
            Self::I64(v) => (2u8, *v).put(out),
            Self::Bool(v) => (3u8, *v).put(out),
            Self::Choice(v) => (4u8, *v).put(out),
            Self::Blob(v) => (5u8, *v).put(out),
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::take(from)? {
            1 => Self::F64(Field::take(from)?),
            2 => Self::I64(Field::take(from)?),
            3 => Self::Bool(Field::take(from)?),
            4 => Self::Choice(Field::take(from)?),
            5 => Self::Blob(Field::take(from)?),
            value => return Err(DecodeError::Invalid { what: "kind of value", value: value.into() }),
        })
    }
}

record! {
    /// How a worker confines itself.
    pub struct Policy {
        /// Bytes of address space.
        pub memory_bytes: u64,
        /// Seconds of CPU time over its life: a backstop, the host keeps its own clock.
        pub cpu_s: u64,
        /// Threads.
        pub threads: u32,
        /// Files and folders that may be read and mapped for execution, besides the system's libraries.
        pub execute_paths: Vec<String>,
        /// Files and folders that may be read.
        pub read_paths: Vec<String>,
        /// A user of its own, when the host is root.
        pub own_user: bool,
    }
}

choice! {
    /// Whether a layer of the isolation holds.
    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum LayerState as "layer state" {
        /// In force, in full.
        Enforced = 0,
        /// In force as far as this kernel can.
        Partial = 1,
        /// Not in force: this system does not offer it.
        Unavailable = 2,
        /// Left out because it was not asked for.
        Off = 3,
    }
}

record! {
    /// One layer of the isolation.
    #[derive(serde::Serialize, serde::Deserialize)]
    pub struct Layer {
        /// Eg "landlock".
        pub name: String,
        /// Whether it holds.
        pub state: LayerState,
        /// Eg "abi 7"; the same on every run of one machine.
        pub detail: String,
    }
}

record! {
    /// A worker's first message: it is confined, and has loaded nothing yet.
    pub struct Ready {
        /// The layers, innermost last.
        pub layers: Vec<Layer>,
    }
}
