//! The trait of an attack, and the C factory that stands before its implementations.

use std::ffi::c_char;
use std::marker::PhantomData;

use seraph_sys as sys;

use crate::export::{Library, open_create};
use crate::guard::{guard, guard_or};
use crate::{AttackInfo, Config, Error, Host, Oracle, Task, tables};

/// An attack: perturbs the items of a task and commits the results.
///
/// What it commits is clipped, quantised and scored by the host, in its own process; an attack neither counts
/// its queries nor says whether it succeeded. All its randomness comes from [`Task::rng`].
pub trait Attack: Sized + 'static {
    /// What it is.
    const INFO: AttackInfo;

    /// An instance with these parameters.
    fn create(config: &Config, host: &Host) -> Result<Self, Error>;

    /// Perturbs each item of `task` and commits the results through `oracle`. Called any number of times.
    /// An item without a commit is a failed attack; the last commit of an item counts.
    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error>;
}

/// `Attack::create`, whatever the type behind it.
type Create = fn(&Config, &Host) -> Result<Box<dyn Runs>, Error>;

/// An attack of a library: what it is, and how to make one.
#[doc(hidden)]
pub struct AttackEntry {
    pub(crate) info: &'static AttackInfo,
    create: Create,
}

/// The entry of `A` in its library's list.
pub const fn attack_entry<A: Attack>() -> AttackEntry {
    AttackEntry {
        info: &A::INFO,
        create: |config, host| A::create(config, host).map(|attack| Box::new(attack) as Box<dyn Runs>),
    }
}

trait Runs {
    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error>;
}

impl<A: Attack> Runs for A {
    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        Attack::run(self, task, oracle)
    }
}

/// What a `seraph_self` of an attack points to.
struct Instance {
    host: *const sys::seraph_host,
    attack: Box<dyn Runs>,
}

/// The factory of the attacks of `L`.
pub(crate) struct Factory<L>(PhantomData<L>);

impl<L: Library> Factory<L> {
    pub(crate) const TABLE: &'static sys::seraph_attack_factory = &sys::seraph_attack_factory {
        struct_size: size_of::<sys::seraph_attack_factory>() as u32,
        count: L::ATTACKS.len() as u32,
        info: Self::info,
        create: Self::create,
        run: Self::run,
        destroy: Self::destroy,
    };

    unsafe extern "C" fn info(index: u32) -> *const sys::seraph_attack_info {
        guard_or(std::ptr::null(), || {
            tables::of::<L>().attacks.get(index as usize).map_or(std::ptr::null(), std::ptr::from_ref)
        })
    }

    unsafe extern "C" fn create(
        host: *const sys::seraph_host,
        ctx: *mut sys::seraph_ctx,
        id: *const c_char,
        config: *const sys::seraph_config,
        out: *mut *mut sys::seraph_self,
    ) -> sys::seraph_status {
        // SAFETY: these are the arguments of a factory's create.
        let (guarded, id) = match unsafe { open_create(host, ctx, id) } {
            Ok(opened) => opened,
            Err(status) => return status,
        };
        guard(&guarded, || {
            let entry = L::ATTACKS.iter().find(|entry| entry.info.id == id);
            let entry = entry.ok_or_else(|| Error::argument(format!("no attack '{id}' in this library")))?;
            // SAFETY: null or a config, which is borrowed for the call.
            let config = unsafe { config.as_ref() }.ok_or_else(|| Error::argument("config is null"))?;
            // SAFETY: the header promises n_params values, and blobs that outlive the instance.
            let config = unsafe { Config::new(entry.info.params, config) }?;
            let attack = (entry.create)(&config, &guarded)?;
            // SAFETY: null or writable for the call.
            let out = unsafe { out.as_mut() }.ok_or_else(|| Error::argument("out is null"))?;
            *out = Box::into_raw(Box::new(Instance { host, attack })).cast();
            Ok(())
        })
    }

    unsafe extern "C" fn run(
        this: *mut sys::seraph_self,
        ctx: *mut sys::seraph_ctx,
        task: *const sys::seraph_task,
    ) -> sys::seraph_status {
        // SAFETY: null, or what `create` made, which one thread at a time holds.
        let Some(instance) = (unsafe { this.cast::<Instance>().as_mut() }) else { return sys::SERAPH_E_ARG };
        // SAFETY: checked in `create`; lives as long as the library.
        let host = unsafe { Host::new(instance.host, ctx) };
        guard(&host, || {
            // SAFETY: null, or a task that lives until this call returns.
            let task = unsafe { task.as_ref() }.ok_or_else(|| Error::argument("task is null"))?;
            // SAFETY: the header promises the arrays that the task's counts describe.
            let (task, mut oracle) = unsafe { Task::open(task, host) }?;
            instance.attack.run(&task, &mut oracle)
        })
    }

    unsafe extern "C" fn destroy(this: *mut sys::seraph_self) {
        if !this.is_null() {
            // SAFETY: what `create` made, handed back once.
            let instance = unsafe { Box::from_raw(this.cast::<Instance>()) };
            guard_or((), || drop(instance));
        }
    }
}
