//! The two message types, by direction.

use crate::attack::{Asked, Replied, TaskMessage};
use crate::descriptor::{Description, VictimDesc};
use crate::field::{DecodeError, Field, record};
use crate::start::{Ready, Start};
use crate::victim::{Answered, Query};

record! {
    /// How a call into the plugin ended.
    pub struct Ended {
        /// What it returned.
        pub status: i32,
        /// What it said through `set_error`.
        pub message: String,
    }
}

/// Declares a message type: one opcode and one body for each variant.
macro_rules! messages {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident($body:ty) = $code:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $name { $($(#[$variant_meta])* $variant($body),)* }

        impl $name {
            /// The number of this message.
            pub fn opcode(&self) -> u32 {
                match self { $(Self::$variant(_) => $code,)* }
            }

            /// Appends the body.
            pub fn put_body(&self, out: &mut Vec<u8>) {
                match self { $(Self::$variant(body) => body.put(out),)* }
            }

            /// The message with this number and body.
            pub fn decode(opcode: u32, body: &[u8]) -> Result<Self, DecodeError> {
                match opcode {
                    $($code => Ok(Self::$variant(Field::from_bytes(body)?)),)*
                    value => Err(DecodeError::Invalid { what: "message", value: value.into() }),
                }
            }
        }
    };
}

record! {
    /// A message without contents.
    #[derive(Copy, Eq, Default)]
    pub struct Nothing {}
}

messages! {
    /// Host → worker.
    pub enum Down {
        /// Confine yourself.
        Start(Start) = 1,
        /// Load the plugin and create the instance.
        Go(Nothing) = 2,
        /// Run a task. In the task area.
        Run(TaskMessage) = 3,
        /// The answer to what was asked.
        Replied(Replied) = 4,
        /// Answer as a victim.
        Query(Query) = 5,
        /// Destroy the instance and end.
        Quit(Nothing) = 6,
    }
}

messages! {
    /// Worker → host.
    pub enum Up {
        /// Confined; nothing is loaded yet.
        Ready(Ready) = 101,
        /// What the library holds.
        Described(Description) = 102,
        /// The library could not be loaded, or its tables break the contract.
        NotLoaded(Ended) = 108,
        /// The instance is there, or why not.
        Created(Ended) = 103,
        /// The victim is there, and is this.
        Loaded(VictimDesc) = 104,
        /// A question of the attack.
        Asked(Asked) = 105,
        /// The task has ended.
        Done(Ended) = 106,
        /// The answer of the victim.
        Answered(Answered) = 107,
    }
}
