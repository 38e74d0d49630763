//! The constant infos of a library as the ABI's tables, made once and kept for as long as the library.

use std::any::TypeId;
use std::sync::Mutex;

use seraph_sys as sys;

use crate::export::Library;
use crate::param::{self, ParamKind};
use crate::{AttackInfo, Param, Preset, VictimInfo};

/// The tables of one library.
pub(crate) struct Tables {
    pub(crate) attacks: Vec<sys::seraph_attack_info>,
    pub(crate) victims: Vec<sys::seraph_victim_info>,
}

// SAFETY: constant once made: every pointer inside leads to leaked or static memory that nobody writes.
unsafe impl Send for Tables {}
// SAFETY: as above.
unsafe impl Sync for Tables {}

static MADE: Mutex<Vec<(TypeId, &'static Tables)>> = Mutex::new(Vec::new());

/// The tables of `L`. Panics if a declaration contradicts itself, which a plugin's first test shows.
pub(crate) fn of<L: Library>() -> &'static Tables {
    let mut made = MADE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let key = TypeId::of::<L>();
    if let Some((_, tables)) = made.iter().find(|(id, _)| *id == key) {
        return tables;
    }
    let attacks = L::ATTACKS.iter().map(|attack| attack_info(attack.info)).collect();
    let victims = L::VICTIMS.iter().map(|victim| victim_info(victim.info)).collect();
    let tables: &'static Tables = Box::leak(Box::new(Tables { attacks, victims }));
    made.push((key, tables));
    tables
}

fn attack_info(info: &'static AttackInfo) -> sys::seraph_attack_info {
    let (params, presets) = (params(info.id, info.params), presets(info.id, info.params, info.presets));
    sys::seraph_attack_info {
        struct_size: size_of::<sys::seraph_attack_info>() as u32,
        access_required: info.access_required.0,
        access_optional: info.access_optional.0,
        norms: info.norms.0,
        goals: info.goals.0,
        max_items: info.max_items,
        id: text(info.id),
        name: text(info.name),
        version: text(info.version),
        author: text(info.author),
        citation: text(info.citation),
        license: text(info.license),
        doc: text(info.doc),
        params: params.as_ptr(),
        n_params: params.len() as u64,
        presets: presets.as_ptr(),
        n_presets: presets.len() as u64,
    }
}

fn victim_info(info: &'static VictimInfo) -> sys::seraph_victim_info {
    let params = params(info.id, info.params);
    sys::seraph_victim_info {
        struct_size: size_of::<sys::seraph_victim_info>() as u32,
        reserved: 0,
        id: text(info.id),
        name: text(info.name),
        version: text(info.version),
        author: text(info.author),
        license: text(info.license),
        doc: text(info.doc),
        params: params.as_ptr(),
        n_params: params.len() as u64,
    }
}

fn params(owner: &str, params: &'static [Param]) -> &'static [*const sys::seraph_param_info] {
    for (index, param) in params.iter().enumerate() {
        let twin = params[..index].iter().find(|other| other.id() == param.id());
        assert!(twin.is_none(), "{owner}: parameter '{}' is declared twice", param.name);
    }
    leak(params.iter().map(|param| std::ptr::from_ref(leak_one(param_info(param)))))
}

fn param_info(param: &'static Param) -> sys::seraph_param_info {
    let (min_value, max_value, default_value, choices) = match param.kind {
        ParamKind::F64 { default, min, max } => (min, max, default, &[][..]),
        ParamKind::I64 { default, min, max } => (min as f64, max as f64, default as f64, &[][..]),
        ParamKind::Bool { default } => (0.0, 1.0, f64::from(u8::from(default)), &[][..]),
        ParamKind::Choice { choices, default } => (0.0, choices.len() as f64 - 1.0, default as f64, choices),
        ParamKind::Blob => (0.0, 0.0, 0.0, &[][..]),
    };
    let choices = leak(choices.iter().map(|choice| text(choice)));
    sys::seraph_param_info {
        struct_size: size_of::<sys::seraph_param_info>() as u32,
        id: param.id(),
        kind: param.code(),
        flags: param.flags,
        name: text(param.name),
        unit: text(param.unit),
        doc: text(param.doc),
        min_value,
        max_value,
        default_value,
        choices: choices.as_ptr(),
        n_choices: choices.len() as u64,
    }
}

fn presets(
    owner: &str,
    params: &'static [Param],
    presets: &'static [Preset],
) -> &'static [*const sys::seraph_preset] {
    let preset_of = |preset: &'static Preset| {
        let values = leak(preset.values.iter().map(|(name, value)| {
            let (_, param) = param::find(params, name)
                .unwrap_or_else(|| panic!("{owner}: preset '{}' sets unknown '{name}'", preset.name));
            param.raw_of(*value).unwrap_or_else(|why| panic!("{owner}: preset '{}': {why}", preset.name))
        }));
        std::ptr::from_ref(leak_one(sys::seraph_preset {
            struct_size: size_of::<sys::seraph_preset>() as u32,
            n_params: values.len() as u32,
            name: text(preset.name),
            doc: text(preset.doc),
            params: values.as_ptr(),
        }))
    };
    leak(presets.iter().map(preset_of))
}

/// A string of the ABI that borrows `text`.
pub(crate) fn text(text: &str) -> sys::seraph_str {
    sys::seraph_str { ptr: text.as_ptr().cast(), len: text.len() as u64 }
}

fn leak<T>(items: impl Iterator<Item = T>) -> &'static [T] {
    Box::leak(items.collect::<Box<[T]>>())
}

fn leak_one<T>(item: T) -> &'static T {
    Box::leak(Box::new(item))
}
