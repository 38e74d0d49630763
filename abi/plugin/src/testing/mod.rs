//! Runs an attack or a victim through the real C tables, in this process, without a shared library: what the
//! tests of a plugin are made of.
//!
//! ```no_run
//! # use seraph_plugin::prelude::*;
//! # use seraph_plugin::{analytic::Linear, testing::Scene};
//! # fn test<MyAttack: Attack>() {
//! let model = Linear::random(4, 1600, 1);
//! let scene = Scene { radius: vec![0.01], ..Scene::new(&model, vec![vec![0.1; 1600]]) };
//! let outcome = scene.run::<MyAttack>(None, &[("steps", Value::I64(5))]);
//! assert!(outcome.status.is_ok() && outcome.succeeded(0));
//! # }
//! ```

mod host;
mod scene;
mod victim;

pub use scene::{Outcome, Scene};
pub use victim::Loaded;

use std::marker::PhantomData;

use seraph_sys as sys;

use crate::attack::AttackEntry;
use crate::export::{Library, attack_entry, victim_entry};
use crate::victim::VictimEntry;
use crate::{Attack, Error, Param, Preset, Value, Victim, param};

/// A host as a plugin's entry function gets it, for tests that load a shared library; it lives for ever.
pub fn host_table() -> &'static sys::seraph_host {
    Box::leak(Box::new(host::table()))
}

/// A library of one attack.
pub(crate) struct OnlyAttack<A>(PhantomData<A>);

impl<A: Attack> Library for OnlyAttack<A> {
    const ATTACKS: &'static [AttackEntry] = &[attack_entry::<A>()];
    const VICTIMS: &'static [VictimEntry] = &[];
}

/// A library of one victim.
pub(crate) struct OnlyVictim<V>(PhantomData<V>);

impl<V: Victim> Library for OnlyVictim<V> {
    const ATTACKS: &'static [AttackEntry] = &[];
    const VICTIMS: &'static [VictimEntry] = &[victim_entry::<V>()];
}

/// The values that a host would create an instance with: defaults, then the preset, then `values`.
fn config_values(
    params: &'static [Param],
    presets: &'static [Preset],
    preset: Option<&str>,
    values: &[(&str, Value)],
) -> Result<Vec<sys::seraph_param>, Error> {
    let mut raw: Vec<sys::seraph_param> = params.iter().map(Param::default_raw).collect();
    let mut set = |name: &str, value: Value| {
        let found =
            param::find(params, name).ok_or_else(|| Error::argument(format!("no parameter '{name}'")));
        let (index, param) = found?;
        raw[index] = param.raw_of(value).map_err(Error::argument)?;
        Ok::<(), Error>(())
    };
    if let Some(name) = preset {
        let found = presets.iter().find(|preset| preset.name == name);
        let preset = found.ok_or_else(|| Error::argument(format!("no preset '{name}'")))?;
        preset.values.iter().try_for_each(|(name, value)| set(name, *value))?;
    }
    values.iter().try_for_each(|(name, value)| set(name, *value))?;
    Ok(raw)
}
