//! What an attack or a victim says about itself, as constants.

use std::ops::BitOr;

use seraph_sys as sys;

use crate::{Param, Preset};

/// What an attack is: written once, as a constant, and read by the host before anything runs.
#[derive(Clone, Copy, Debug)]
pub struct AttackInfo {
    /// The name in a plan: lower case, digits, hyphen; at most 47 bytes.
    pub id: &'static str,
    /// For a reader, eg "Projected gradient descent".
    pub name: &'static str,
    /// Of the implementation, eg "1.0.0"; at most 15 bytes.
    pub version: &'static str,
    /// Who wrote this implementation.
    pub author: &'static str,
    /// The paper, so that a reader finds it.
    pub citation: &'static str,
    /// SPDX expression.
    pub license: &'static str,
    /// One paragraph.
    pub doc: &'static str,
    /// Without this it cannot run.
    pub access_required: Access,
    /// Used if granted.
    pub access_optional: Access,
    /// Balls that it can be held to.
    pub norms: Norms,
    /// Goals that it can pursue.
    pub goals: Goals,
    /// Items per task; 0: any.
    pub max_items: u32,
    /// Parameters, each with bounds and a default.
    pub params: &'static [Param],
    /// Named sets of values.
    pub presets: &'static [Preset],
}

impl AttackInfo {
    /// Empty everywhere: the rest of a struct update.
    pub const EMPTY: AttackInfo = AttackInfo {
        id: "",
        name: "",
        version: "",
        author: "",
        citation: "",
        license: "",
        doc: "",
        access_required: Access::NONE,
        access_optional: Access::NONE,
        norms: Norms::LINF,
        goals: Goals::UNTARGETED,
        max_items: 0,
        params: &[],
        presets: &[],
    };
}

/// What a victim is.
#[derive(Clone, Copy, Debug)]
pub struct VictimInfo {
    /// The name in a plan: lower case, digits, hyphen; at most 47 bytes.
    pub id: &'static str,
    /// For a reader.
    pub name: &'static str,
    /// Of the implementation; at most 15 bytes.
    pub version: &'static str,
    /// Who wrote it.
    pub author: &'static str,
    /// SPDX expression.
    pub license: &'static str,
    /// One paragraph.
    pub doc: &'static str,
    /// Parameters; a model file is a blob, by custom named "model".
    pub params: &'static [Param],
}

impl VictimInfo {
    /// Empty everywhere: the rest of a struct update.
    pub const EMPTY: VictimInfo =
        VictimInfo { id: "", name: "", version: "", author: "", license: "", doc: "", params: &[] };
}

macro_rules! bit_set {
    ($(#[$doc:meta])* $name:ident { $($(#[$bit_doc:meta])* $bit:ident = $value:expr,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
        pub struct $name(pub u32);

        impl $name {
            $($(#[$bit_doc])* pub const $bit: $name = $name($value);)*

            /// Both sets together, in a constant.
            pub const fn with(self, other: $name) -> $name {
                $name(self.0 | other.0)
            }

            /// True if every bit of `other` is in this set.
            pub const fn contains(self, other: $name) -> bool {
                self.0 & other.0 == other.0
            }
        }

        impl BitOr for $name {
            type Output = $name;
            fn bitor(self, other: $name) -> $name {
                self.with(other)
            }
        }
    };
}

bit_set! {
    /// What may be asked of the victim.
    Access {
        /// Nothing.
        NONE = 0,
        /// The predicted class.
        DECISION = sys::SERAPH_ACCESS_DECISION,
        /// The logits.
        LOGITS = sys::SERAPH_ACCESS_LOGITS,
        /// Losses and their gradients with respect to the audio.
        GRADIENT = sys::SERAPH_ACCESS_GRADIENT,
    }
}

bit_set! {
    /// A set of norms.
    Norms {
        /// Largest absolute change of a sample.
        LINF = sys::SERAPH_NORM_LINF,
        /// Euclidean norm of the change.
        L2 = sys::SERAPH_NORM_L2,
        /// Sum of the absolute changes.
        L1 = sys::SERAPH_NORM_L1,
        /// Number of changed samples.
        L0 = sys::SERAPH_NORM_L0,
        /// All four.
        ALL = sys::SERAPH_NORM_LINF | sys::SERAPH_NORM_L2 | sys::SERAPH_NORM_L1 | sys::SERAPH_NORM_L0,
    }
}

bit_set! {
    /// A set of goals.
    Goals {
        /// Leave the reference class.
        UNTARGETED = sys::SERAPH_GOAL_UNTARGETED,
        /// Reach the target class.
        TARGETED = sys::SERAPH_GOAL_TARGETED,
        /// Either.
        ANY = sys::SERAPH_GOAL_UNTARGETED | sys::SERAPH_GOAL_TARGETED,
    }
}

/// The norm of a task's ball.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// Largest absolute change of a sample.
    Linf,
    /// Euclidean norm of the change.
    L2,
    /// Sum of the absolute changes.
    L1,
    /// Number of changed samples.
    L0,
}

impl Norm {
    /// The norm of a `SERAPH_NORM_*` bit.
    pub fn from_bit(bit: u32) -> Option<Norm> {
        [Norm::Linf, Norm::L2, Norm::L1, Norm::L0].into_iter().find(|norm| norm.bit() == bit)
    }

    /// Its `SERAPH_NORM_*` bit.
    pub fn bit(self) -> u32 {
        match self {
            Norm::Linf => sys::SERAPH_NORM_LINF,
            Norm::L2 => sys::SERAPH_NORM_L2,
            Norm::L1 => sys::SERAPH_NORM_L1,
            Norm::L0 => sys::SERAPH_NORM_L0,
        }
    }
}

/// What an attack is to achieve for an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Any class but this one.
    Leave(i32),
    /// This class.
    Reach(i32),
}
