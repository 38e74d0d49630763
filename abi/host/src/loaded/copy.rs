//! Owned copies of a plugin's descriptors. Sizes and counts are checked before anything behind them is read.

use super::library::Library;
use seraph_sys::*;
use seraph_wire::{
    AttackInfo, Description, ParamInfo, ParamKind, Preset, PresetValue, VictimDesc, VictimInfo,
};

/// Most of a kind that a descriptor may have.
const MAX_COUNT: u64 = 4096;
const MAX_TEXT_BYTES: u64 = 1 << 16;
const MAX_STRUCT_BYTES: u32 = 4096;

type Copied<T> = Result<T, String>;

/// The descriptions of everything in a library.
pub(crate) fn description(library: &Library) -> Copied<Description> {
    let mut description = Description { attacks: Vec::new(), victims: Vec::new() };
    if let Some(factory) = library.attacks()? {
        for index in 0..count(factory.count.into(), "attacks")? {
            // SAFETY: a checked slot, an index below the count; descriptions live as long as the library.
            description.attacks.push(unsafe { attack_info((factory.info)(index as u32)) }?);
        }
    }
    if let Some(factory) = library.victims()? {
        for index in 0..count(factory.count.into(), "victims")? {
            // SAFETY: as above.
            description.victims.push(unsafe { victim_info((factory.info)(index as u32)) }?);
        }
    }
    Ok(description)
}

/// # Safety
/// `raw` was filled in by a victim that is alive.
pub(crate) unsafe fn victim_desc(raw: &seraph_victim_desc) -> Copied<VictimDesc> {
    let n_classes = count(raw.n_classes.into(), "classes")?;
    // SAFETY: the caller's promise, for every string and the list of classes.
    unsafe {
        let classes = if raw.classes.is_null() {
            None
        } else {
            Some(list(raw.classes, n_classes, "classes", |name| text(name))?)
        };
        Ok(VictimDesc {
            access: raw.access,
            n_classes: raw.n_classes,
            sample_rate_hz: raw.sample_rate_hz,
            n_samples: raw.n_samples,
            max_rows: raw.max_rows,
            domain: raw.domain,
            arch: text(&raw.arch)?,
            classes,
            gradient_note: text(&raw.gradient_note)?,
            device: text(&raw.device)?,
            runtime: text(&raw.runtime)?,
        })
    }
}

/// # Safety
/// `raw` is null or a description as its contract says.
unsafe fn attack_info(raw: *const seraph_attack_info) -> Copied<AttackInfo> {
    // SAFETY: the caller's promise; each pointer is checked before it is read.
    unsafe {
        let raw = sized(raw, "an attack's description")?;
        Ok(AttackInfo {
            id: text(&raw.id)?,
            name: text(&raw.name)?,
            version: text(&raw.version)?,
            author: text(&raw.author)?,
            citation: text(&raw.citation)?,
            license: text(&raw.license)?,
            doc: text(&raw.doc)?,
            access_required: raw.access_required,
            access_optional: raw.access_optional,
            norms: raw.norms,
            goals: raw.goals,
            max_items: raw.max_items,
            params: list(raw.params, raw.n_params, "parameters", |info| param_info(*info))?,
            presets: list(raw.presets, raw.n_presets, "presets", |info| preset(*info))?,
        })
    }
}

/// # Safety
/// `raw` is null or a description as its contract says.
unsafe fn victim_info(raw: *const seraph_victim_info) -> Copied<VictimInfo> {
    // SAFETY: as in `attack_info`.
    unsafe {
        let raw = sized(raw, "a victim's description")?;
        Ok(VictimInfo {
            id: text(&raw.id)?,
            name: text(&raw.name)?,
            version: text(&raw.version)?,
            author: text(&raw.author)?,
            license: text(&raw.license)?,
            doc: text(&raw.doc)?,
            params: list(raw.params, raw.n_params, "parameters", |info| param_info(*info))?,
        })
    }
}

/// # Safety
/// `raw` is null or a description as its contract says.
unsafe fn param_info(raw: *const seraph_param_info) -> Copied<ParamInfo> {
    // SAFETY: as in `attack_info`.
    unsafe {
        let raw = sized(raw, "a parameter's description")?;
        let choices = if raw.kind == SERAPH_PARAM_ENUM {
            list(raw.choices, raw.n_choices, "choices", |choice| text(choice))?
        } else {
            Vec::new()
        };
        Ok(ParamInfo {
            id: raw.id,
            kind: kind(raw.kind)?,
            flags: raw.flags,
            name: text(&raw.name)?,
            unit: text(&raw.unit)?,
            doc: text(&raw.doc)?,
            min_value: raw.min_value,
            max_value: raw.max_value,
            default_value: raw.default_value,
            choices,
        })
    }
}

/// # Safety
/// `raw` is null or a preset as its contract says.
unsafe fn preset(raw: *const seraph_preset) -> Copied<Preset> {
    // SAFETY: as in `attack_info`.
    unsafe {
        let raw = sized(raw, "a preset")?;
        let values = list(raw.params, raw.n_params.into(), "values", |value| {
            Ok(PresetValue { id: value.id, kind: kind(value.kind)?, f64: value.f64, i64: value.i64 })
        })?;
        Ok(Preset { name: text(&raw.name)?, doc: text(&raw.doc)?, values })
    }
}

fn kind(raw: i32) -> Copied<ParamKind> {
    Ok(match raw {
        SERAPH_PARAM_F64 => ParamKind::F64,
        SERAPH_PARAM_I64 => ParamKind::I64,
        SERAPH_PARAM_BOOL => ParamKind::Bool,
        SERAPH_PARAM_ENUM => ParamKind::Enum,
        SERAPH_PARAM_BLOB => ParamKind::Blob,
        other => return Err(format!("a parameter of unknown kind {other}")),
    })
}

fn count(n: u64, what: &str) -> Copied<u64> {
    if n <= MAX_COUNT { Ok(n) } else { Err(format!("it says it has {n} {what}")) }
}

/// The struct that `raw` points to, if it is at least as large as its first version.
///
/// # Safety
/// `raw` is null or points to a struct that begins with its size and is as large as that says.
unsafe fn sized<'a, T>(raw: *const T, what: &str) -> Copied<&'a T> {
    if raw.is_null() || !raw.is_aligned() {
        return Err(format!("{what} is NULL or not aligned"));
    }
    // SAFETY: the caller's promise.
    let size = unsafe { raw.cast::<u32>().read() };
    if (size as usize) < size_of::<T>() || size > MAX_STRUCT_BYTES {
        return Err(format!("{what} says it has {size} bytes, version 1 has {}", size_of::<T>()));
    }
    // SAFETY: aligned and large enough (above).
    Ok(unsafe { &*raw })
}

/// # Safety
/// `start` is null or points to `n` values.
unsafe fn list<T, U>(start: *const T, n: u64, what: &str, copy: impl Fn(&T) -> Copied<U>) -> Copied<Vec<U>> {
    let n = count(n, what)? as usize;
    if n == 0 {
        return Ok(Vec::new());
    }
    if start.is_null() || !start.is_aligned() {
        return Err(format!("its list of {what} is NULL or not aligned"));
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(start, n) }.iter().map(copy).collect()
}

/// # Safety
/// The string's pointer is null or points to as many bytes as it says.
unsafe fn text(raw: &seraph_str) -> Copied<String> {
    if raw.len == 0 {
        return Ok(String::new());
    }
    if raw.ptr.is_null() || raw.len > MAX_TEXT_BYTES {
        return Err(format!("a string of {} bytes at NULL, or too long", raw.len));
    }
    // SAFETY: the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts(raw.ptr.cast::<u8>(), raw.len as usize) };
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err("a string that is not UTF-8".to_owned()),
    }
}
