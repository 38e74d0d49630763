//! A victim, utterances, a threat: everything that one run of an attack needs, and what came of it.

use std::ffi::{CStr, CString};

use seraph_sys as sys;

use super::host::{self, Questioned, State};
use super::{OnlyAttack, config_values};
use crate::analytic::Model;
use crate::attack::Factory;
use crate::loss::argmax;
use crate::toolkit::Ball;
use crate::{Access, Attack, Budget, Domain, Error, Norm, Value, tensor};

/// What an attack is run against. The reference class of an item is what the model says about its clean audio.
pub struct Scene<'m> {
    /// The victim.
    pub model: &'m dyn Model,
    /// Clean audio of each item; all are padded to the longest.
    pub audio: Vec<Vec<f32>>,
    /// Of the ball.
    pub norm: Norm,
    /// Of each item; one entry: of all.
    pub radius: Vec<f32>,
    /// Classes to reach; none: untargeted.
    pub targets: Option<Vec<i32>>,
    /// Lowest and highest sample.
    pub clip: (f32, f32),
    /// All randomness.
    pub seed: [u8; 32],
    /// The random stream of each item; none: its index.
    pub streams: Option<Vec<u64>>,
    /// What is granted.
    pub access: Access,
    /// Queries of each item: forward, gradient.
    pub budget: (u64, u64),
    /// Rows of one oracle call.
    pub max_rows: u32,
    /// After so many oracle calls, the task is cancelled.
    pub cancel_after: u64,
}

/// What came of a run.
pub struct Outcome<'s> {
    /// What `create` or `run` returned.
    pub status: Result<(), Error>,
    /// The last commit of each item.
    pub commits: Vec<Option<Vec<f32>>>,
    /// What each item has used and has left.
    pub budgets: Vec<Budget>,
    /// Oracle calls.
    pub calls: u64,
    /// What was logged.
    pub log: Vec<String>,
    scene: &'s Scene<'s>,
    reference: Vec<i32>,
}

impl<'m> Scene<'m> {
    /// An untargeted Linf scene of radius 0.01 in [-1, 1], everything granted, without a limit.
    pub fn new(model: &'m dyn Model, audio: Vec<Vec<f32>>) -> Scene<'m> {
        Scene {
            model,
            audio,
            norm: Norm::Linf,
            radius: vec![0.01],
            targets: None,
            clip: (-1.0, 1.0),
            seed: [0; 32],
            streams: None,
            access: Access::DECISION | Access::LOGITS | Access::GRADIENT,
            budget: (u64::MAX / 2, u64::MAX / 2),
            max_rows: 8,
            cancel_after: u64::MAX,
        }
    }

    /// Makes an `A` from defaults, preset and values, and runs it on all items as one task.
    pub fn run<A: Attack>(&self, preset: Option<&str>, values: &[(&str, Value)]) -> Outcome<'_> {
        let id = CString::new(A::INFO.id).expect("the id of a note has no NUL");
        self.run_with(|state, task| {
            let values = config_values(A::INFO.params, A::INFO.presets, preset, values)?;
            // SAFETY: the table of this SDK follows the header.
            unsafe { run_task(Factory::<OnlyAttack<A>>::TABLE, &id, &values, state, task) }
        })
    }

    /// Runs attack `index` of a factory that did not come from this SDK, with its defaults, on all items as one task.
    ///
    /// # Safety
    /// `factory` follows `seraph/attack.h`.
    pub unsafe fn run_factory(&self, factory: &sys::seraph_attack_factory, index: u32) -> Outcome<'_> {
        self.run_with(|state, task| {
            // SAFETY: the caller's promise: a description, its parameters and its id.
            let (id, values) = unsafe {
                let info = (factory.info)(index).as_ref().ok_or_else(|| Error::argument("no such attack"))?;
                let params = tensor::slice(info.params, info.n_params as usize)?;
                let values: Vec<sys::seraph_param> =
                    params.iter().map(|param| default_of(&**param)).collect();
                (tensor::slice(info.id.ptr.cast::<u8>(), info.id.len as usize)?, values)
            };
            let id = CString::new(id).map_err(|_| Error::argument("an id with a NUL"))?;
            // SAFETY: the caller's promise.
            unsafe { run_task(factory, &id, &values, state, task) }
        })
    }

    /// Sets the stage, lets `run` play on it, and keeps what came of it.
    fn run_with(&self, run: impl FnOnce(&mut State, &sys::seraph_task) -> Result<(), Error>) -> Outcome<'_> {
        let n_samples = self.n_samples();
        let clean: Vec<f32> = self.audio.iter().flat_map(|x| padded(x, n_samples)).collect();
        let lengths: Vec<u32> = self.audio.iter().map(|x| x.len() as u32).collect();
        let reference: Vec<i32> = (0..self.audio.len()).map(|item| self.predict(&self.clean(item))).collect();
        let victim = Questioned {
            model: self.model,
            lengths: &lengths,
            reference: &reference,
            target: self.targets.as_deref(),
            n_samples,
            access: self.access.0,
        };
        let budget =
            Budget { forward_left: self.budget.0, gradient_left: self.budget.1, ..Budget::default() };
        let mut state = State::new(Some(victim), budget);
        state.cancel_after = self.cancel_after;
        let radius = self.radii();
        let oracle = host::oracle(&victim, self.max_rows);
        let task = self.task(&clean, &lengths, &reference, &radius, &oracle);
        let status = run(&mut state, &task);
        let (commits, budgets) = (std::mem::take(&mut state.commits), std::mem::take(&mut state.budgets));
        let (calls, log) = (state.calls, std::mem::take(&mut state.log));
        drop(state); // it borrows the reference classes
        Outcome { status, commits, budgets, calls, log, scene: self, reference }
    }

    /// The class that the model gives a row.
    pub fn predict(&self, x: &[f32]) -> i32 {
        let mut z = vec![0.0; self.model.n_classes()];
        self.model.logits(x, &mut z);
        argmax(&z) as i32
    }

    /// The padded clean audio of an item.
    pub fn clean(&self, item: usize) -> Vec<f32> {
        padded(&self.audio[item], self.n_samples()).collect()
    }

    fn n_samples(&self) -> usize {
        self.audio.iter().map(Vec::len).max().unwrap_or(0)
    }

    fn radii(&self) -> Vec<f32> {
        let of = |item: usize| self.radius[if self.radius.len() == 1 { 0 } else { item }];
        (0..self.audio.len()).map(of).collect()
    }

    fn task(
        &self,
        clean: &[f32],
        lengths: &[u32],
        reference: &[i32],
        radius: &[f32],
        oracle: &sys::seraph_oracle,
    ) -> sys::seraph_task {
        let n_items = self.audio.len();
        sys::seraph_task {
            struct_size: size_of::<sys::seraph_task>() as u32,
            n_items: n_items as u32,
            audio: tensor::view(clean, n_items, self.n_samples()),
            lengths: lengths.as_ptr(),
            reference: reference.as_ptr(),
            target: self.targets.as_ref().map_or(std::ptr::null(), |target| target.as_ptr()),
            norm: self.norm.bit(),
            domain: Domain::Waveform.code(),
            radius: radius.as_ptr(),
            eps: radius.first().copied().unwrap_or(0.0),
            clip_lo: self.clip.0,
            clip_hi: self.clip.1,
            reserved: 0,
            seed: self.seed,
            oracle: std::ptr::from_ref(oracle),
            streams: self.streams.as_ref().map_or(std::ptr::null(), |streams| streams.as_ptr()),
        }
    }
}

impl Outcome<'_> {
    /// What counts for an item: its last commit, else its clean audio.
    pub fn adversarial(&self, item: usize) -> Vec<f32> {
        self.commits[item].clone().unwrap_or_else(|| self.scene.clean(item))
    }

    /// Whether what counts reaches the item's goal in the model's eyes.
    pub fn succeeded(&self, item: usize) -> bool {
        let mut x = self.adversarial(item);
        x[self.scene.audio[item].len()..].fill(0.0);
        let predicted = self.scene.predict(&x);
        match &self.scene.targets {
            Some(targets) => predicted == targets[item],
            None => predicted != self.reference[item],
        }
    }

    /// The class of an item's clean audio.
    pub fn reference(&self, item: usize) -> i32 {
        self.reference[item]
    }

    /// The distance of what counts from the clean audio, in float64, under the scene's norm.
    pub fn distance(&self, item: usize) -> f64 {
        let (clean, length) = (&self.scene.audio[item], self.scene.audio[item].len());
        let ball = Ball::new(self.scene.norm, clean, 0.0, self.scene.clip);
        ball.distance(&self.adversarial(item)[..length])
    }

    /// Panics unless every item has a commit that the host would accept: finite, in the box, in the ball (with
    /// its tolerance for float32: 2 ulp for Linf, 1e-6 and one rounding per sample for L2 and L1), padding clean.
    pub fn assert_valid(&self) {
        for (item, commit) in self.commits.iter().enumerate() {
            let x = commit.as_ref().unwrap_or_else(|| panic!("item {item} has no commit"));
            let clean = self.scene.clean(item);
            let length = self.scene.audio[item].len();
            let (low, high) = self.scene.clip;
            assert!(x.iter().all(|x| (low..=high).contains(x)), "item {item} leaves the box");
            assert_eq!(x[length..], clean[length..], "item {item} changes its padding");
            let radius = f64::from(self.scene.radii()[item]);
            let ulp = f64::from(f32::EPSILON) * f64::from(high.abs().max(low.abs()));
            let slack = match self.scene.norm {
                Norm::Linf => 2.0 * ulp,
                Norm::L2 => 1e-6 * radius + (length as f64).sqrt() * ulp,
                Norm::L1 => 1e-6 * radius + length as f64 * ulp,
                Norm::L0 => 0.0,
            };
            let distance = self.distance(item);
            assert!(distance <= radius + slack, "item {item}: {distance} > {radius}");
        }
    }
}

/// Creates an instance, runs it, destroys it.
///
/// # Safety
/// `factory` follows `seraph/attack.h`.
unsafe fn run_task(
    factory: &sys::seraph_attack_factory,
    id: &CStr,
    values: &[sys::seraph_param],
    state: &mut State,
    task: &sys::seraph_task,
) -> Result<(), Error> {
    let config = sys::seraph_config {
        struct_size: size_of::<sys::seraph_config>() as u32,
        n_params: values.len() as u32,
        params: values.as_ptr(),
    };
    let host = host::table();
    let pointer: *mut State = state;
    let ctx: *mut sys::seraph_ctx = pointer.cast();
    let mut instance = std::ptr::null_mut();
    // SAFETY: every argument follows the header and outlives the call; the state is reached through ctx alone.
    let created = unsafe { (factory.create)(&host, ctx, id.as_ptr(), &config, &mut instance) };
    // SAFETY: no callback runs now.
    unsafe { &mut *pointer }.outcome(created)?;
    // SAFETY: as above; the instance is destroyed once.
    let ran = unsafe {
        let ran = (factory.run)(instance, ctx, task);
        (factory.destroy)(instance);
        ran
    };
    // SAFETY: no callback runs any more.
    unsafe { &mut *pointer }.outcome(ran)
}

/// What stands in a config when nobody says otherwise.
fn default_of(info: &sys::seraph_param_info) -> sys::seraph_param {
    let is_real = info.kind == sys::SERAPH_PARAM_F64;
    sys::seraph_param {
        id: info.id,
        kind: info.kind,
        f64: if is_real { info.default_value } else { 0.0 },
        i64: if is_real { 0 } else { info.default_value as i64 },
        data: std::ptr::null(),
        data_len: 0,
    }
}

fn padded(x: &[f32], n_samples: usize) -> impl Iterator<Item = f32> + '_ {
    x.iter().copied().chain(std::iter::repeat(0.0)).take(n_samples)
}
