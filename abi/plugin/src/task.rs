//! A batch of utterances to attack, as an attack sees it.

use std::ops::Range;

use seraph_sys as sys;

use crate::{Access, Error, Goal, Host, Norm, Oracle, Rng, Rows, Status, tensor};

/// What the samples of a task are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Samples, full scale 1.0.
    Waveform,
    /// Whatever the victim's front end makes.
    Features,
}

impl Domain {
    pub(crate) fn code(self) -> i32 {
        match self {
            Domain::Waveform => sys::SERAPH_DOMAIN_WAVEFORM,
            Domain::Features => sys::SERAPH_DOMAIN_FEATURES,
        }
    }
}

/// A batch of utterances, the ball around each, and what is to be achieved. Items are `0..n_items`.
pub struct Task<'a> {
    audio: Rows<'a>,
    lengths: &'a [u32],
    reference: &'a [i32],
    target: Option<&'a [i32]>,
    radius: &'a [f32],
    streams: Option<&'a [u64]>,
    norm: Norm,
    domain: Domain,
    eps: f32,
    clip: (f32, f32),
    seed: [u8; 32],
}

impl<'a> Task<'a> {
    /// How many items.
    pub fn n_items(&self) -> usize {
        self.audio.n_rows
    }

    /// Every item, by index.
    pub fn items(&self) -> Range<usize> {
        0..self.n_items()
    }

    /// Samples of a row, padding included; the same for all items.
    pub fn n_samples(&self) -> usize {
        self.audio.n_samples
    }

    /// The clean audio of an item: `[n_samples]`, 0 past its length.
    pub fn audio(&self, item: usize) -> &'a [f32] {
        self.audio.row(item)
    }

    /// The clean audio of an item without its padding: `[length]`.
    pub fn utterance(&self, item: usize) -> &'a [f32] {
        &self.audio(item)[..self.length(item)]
    }

    /// Valid samples of an item; what is changed past it is undone by the host.
    pub fn length(&self, item: usize) -> usize {
        self.lengths[item] as usize
    }

    /// The class to leave: the oracle's own prediction on the clean audio.
    pub fn reference(&self, item: usize) -> i32 {
        self.reference[item]
    }

    /// The class to reach, or nothing: untargeted.
    pub fn target(&self, item: usize) -> Option<i32> {
        self.target.map(|target| target[item])
    }

    /// What is to be achieved for an item.
    pub fn goal(&self, item: usize) -> Goal {
        self.target(item).map_or(Goal::Leave(self.reference(item)), Goal::Reach)
    }

    /// True if the items have target classes.
    pub fn is_targeted(&self) -> bool {
        self.target.is_some()
    }

    /// The norm of the ball that the host verifies.
    pub fn norm(&self) -> Norm {
        self.norm
    }

    /// The radius of the ball around an item, in full-scale units (for L0: samples).
    pub fn radius(&self, item: usize) -> f32 {
        self.radius[item]
    }

    /// The budget as the plan states it (for an SNR threat: dB).
    pub fn eps(&self) -> f32 {
        self.eps
    }

    /// The box that the host verifies, lowest and highest sample, eg (-1, 1).
    pub fn clip(&self) -> (f32, f32) {
        self.clip
    }

    /// What the samples are.
    pub fn domain(&self) -> Domain {
        self.domain
    }

    /// The random stream of an item: the same however items are batched.
    pub fn rng(&self, item: usize) -> Rng {
        Rng::new(&self.seed, self.streams.map_or(item as u64, |streams| streams[item]))
    }

    /// The seed itself, for what is drawn once per task.
    pub fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// The task behind `raw`, checked, and its oracle.
    ///
    /// # Safety
    /// `raw` follows `seraph/attack.h`, and all it points to lives, unwritten, as long as `'a`.
    pub(crate) unsafe fn open(
        raw: &'a sys::seraph_task,
        host: Host<'a>,
    ) -> Result<(Task<'a>, Oracle<'a>), Error> {
        if (raw.struct_size as usize) < size_of::<sys::seraph_task>() {
            return Err(Status::Version.into());
        }
        let n_items = raw.n_items as usize;
        // SAFETY: the caller promises the tensor, the arrays of n_items, and the oracle.
        let (audio, lengths, reference, radius, oracle) = unsafe {
            (
                tensor::rows(&raw.audio, "task.audio")?,
                tensor::slice(raw.lengths, n_items)?,
                tensor::slice(raw.reference, n_items)?,
                tensor::slice(raw.radius, n_items)?,
                Oracle::open(raw.oracle, host, raw.audio.shape[1] as usize)?,
            )
        };
        // SAFETY: as above; null means that there are none.
        let (target, streams) = unsafe { (optional(raw.target, n_items), optional(raw.streams, n_items)) };
        let task = Task {
            audio,
            lengths,
            reference,
            target,
            radius,
            streams,
            norm: Norm::from_bit(raw.norm).ok_or_else(|| broken(format!("norm is {}", raw.norm)))?,
            domain: [Domain::Waveform, Domain::Features]
                .into_iter()
                .find(|domain| domain.code() == raw.domain)
                .ok_or_else(|| broken(format!("domain is {}", raw.domain)))?,
            eps: raw.eps,
            clip: (raw.clip_lo, raw.clip_hi),
            seed: raw.seed,
        };
        task.check(n_items, oracle.n_classes())?;
        Ok((task, oracle))
    }

    /// What the header promises about the numbers.
    fn check(&self, n_items: usize, n_classes: usize) -> Result<(), Error> {
        if self.audio.n_rows != n_items {
            return Err(broken(format!("audio has {} rows for {n_items} items", self.audio.n_rows)));
        }
        let is_class = |class: i32| usize::try_from(class).is_ok_and(|class| class < n_classes);
        for item in self.items() {
            if self.length(item) > self.n_samples() {
                return Err(broken(format!("item {item} is longer than its row")));
            }
            if !is_class(self.reference(item)) || !self.target(item).is_none_or(is_class) {
                return Err(broken(format!("item {item} has a class outside 0..{n_classes}")));
            }
            if !(self.radius(item) >= 0.0 && self.radius(item).is_finite()) {
                return Err(broken(format!("item {item} has radius {}", self.radius(item))));
            }
        }
        let (lowest, highest) = self.clip;
        if lowest <= highest { Ok(()) } else { Err(broken(format!("box is [{lowest}, {highest}]"))) }
    }
}

/// Whether what an attack needs is granted, for a clear error before the first query.
pub(crate) fn require(granted: Access, needed: Access, what: &str) -> Result<(), Error> {
    if granted.contains(needed) {
        return Ok(());
    }
    Err(Error::new(Status::Denied, format!("the threat model does not grant {what}")))
}

unsafe fn optional<'a, T>(ptr: *const T, len: usize) -> Option<&'a [T]> {
    // SAFETY: null, or `len` elements by the promise of `Task::open`.
    (!ptr.is_null()).then(|| unsafe { std::slice::from_raw_parts(ptr, len) })
}

fn broken(why: String) -> Error {
    Error::argument(format!("task: {why}"))
}
