//! The mirror is the headers: names, order, types and signatures as text; sizes, offsets and values as a compiler
//! of C sees them.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::collections::BTreeMap;
use std::mem::offset_of;
use std::process::Command;

use seraph_sys::*;
use support::{ABI_HEADERS, compile, compilers, header, mirror, structs_of_header, structs_of_mirror};

/// Where the mirror has the fields of its structs: `struct.field` -> offset, `struct` -> size.
macro_rules! layout {
    ($($name:ident { $($field:ident),* $(,)? })*) => {
        BTreeMap::from([$(
            (stringify!($name).to_owned(), size_of::<$name>() as i64),
            $((concat!(stringify!($name), ".", stringify!($field)).to_owned(), offset_of!($name, $field) as i64),)*
        )*])
    };
}

/// What the mirror's constants are.
macro_rules! values {
    ($($name:ident),* $(,)?) => { BTreeMap::from([$((stringify!($name).to_owned(), $name as i64)),*]) };
}

fn layout_of_mirror() -> BTreeMap<String, i64> {
    layout! {
        seraph_str { ptr, len }
        seraph_tensor { data, byte_len, byte_offset, device_type, device_id, dtype_code, dtype_bits, dtype_lanes, flags, rank, reserved0, shape, stride, reserved }
        seraph_host { struct_size, abi_major, abi_minor, name, version, get_extension, log, set_error, progress, cancelled, alloc }
        seraph_loss { struct_size, kind, kappa, reserved, classes, targets, cotangent }
        seraph_budget { struct_size, reserved, forward_left, forward_used, gradient_left, gradient_used }
        seraph_oracle { struct_size, access, n_classes, sample_rate_hz, max_rows, reserved, decision, logits, loss_grad, budget, commit }
        seraph_param_info { struct_size, id, kind, flags, name, unit, doc, min_value, max_value, default_value, choices, n_choices }
        seraph_param { id, kind, f64, i64, data, data_len }
        seraph_preset { struct_size, n_params, name, doc, params }
        seraph_config { struct_size, n_params, params }
        seraph_task { struct_size, n_items, audio, lengths, reference, target, norm, domain, radius, eps, clip_lo, clip_hi, reserved, seed, oracle, streams }
        seraph_attack_info { struct_size, access_required, access_optional, norms, goals, max_items, id, name, version, author, citation, license, doc, params, n_params, presets, n_presets }
        seraph_attack_factory { struct_size, count, info, create, run, destroy }
        seraph_victim_info { struct_size, reserved, id, name, version, author, license, doc, params, n_params }
        seraph_victim_desc { struct_size, access, n_classes, sample_rate_hz, n_samples, max_rows, domain, arch, classes, gradient_note, device, runtime }
        seraph_victim_factory { struct_size, count, info, create, describe, logits, loss_grad, destroy }
        seraph_plugin { struct_size, abi_major, abi_minor, get_factory, shutdown }
        seraph_note { namesz, descsz, note_type, name, abi_major, abi_minor_min, abi_minor_built, kind, id, version }
    }
}

fn values_of_mirror() -> BTreeMap<String, i64> {
    values![
        SERAPH_ABI_MAJOR,
        SERAPH_ABI_MINOR,
        SERAPH_OK,
        SERAPH_E_FAIL,
        SERAPH_E_ARG,
        SERAPH_E_NOMEM,
        SERAPH_E_UNSUPPORTED,
        SERAPH_E_DENIED,
        SERAPH_E_BUDGET,
        SERAPH_E_CANCELLED,
        SERAPH_E_NONFINITE,
        SERAPH_E_STATE,
        SERAPH_E_VERSION,
        SERAPH_E_MODEL,
        SERAPH_MAX_RANK,
        SERAPH_DEVICE_CPU,
        SERAPH_DEVICE_CUDA,
        SERAPH_DTYPE_INT,
        SERAPH_DTYPE_UINT,
        SERAPH_DTYPE_FLOAT,
        SERAPH_DTYPE_BFLOAT,
        SERAPH_TENSOR_READONLY,
        SERAPH_LOG_DEBUG,
        SERAPH_LOG_INFO,
        SERAPH_LOG_WARN,
        SERAPH_LOG_ERROR,
        SERAPH_LOG_HOST_MISBEHAVING,
        SERAPH_ACCESS_DECISION,
        SERAPH_ACCESS_LOGITS,
        SERAPH_ACCESS_GRADIENT,
        SERAPH_LOSS_CE,
        SERAPH_LOSS_MARGIN,
        SERAPH_LOSS_DLR,
        SERAPH_LOSS_DLR_TARGETED,
        SERAPH_LOSS_VJP,
        SERAPH_PARAM_F64,
        SERAPH_PARAM_I64,
        SERAPH_PARAM_BOOL,
        SERAPH_PARAM_ENUM,
        SERAPH_PARAM_BLOB,
        SERAPH_PARAM_LOG_SCALE,
        SERAPH_PARAM_AFFECTS_BUDGET,
        SERAPH_PARAM_REQUIRED,
        SERAPH_NORM_LINF,
        SERAPH_NORM_L2,
        SERAPH_NORM_L1,
        SERAPH_NORM_L0,
        SERAPH_GOAL_UNTARGETED,
        SERAPH_GOAL_TARGETED,
        SERAPH_DOMAIN_WAVEFORM,
        SERAPH_DOMAIN_FEATURES,
        SERAPH_KIND_ATTACK,
        SERAPH_KIND_VICTIM,
        SERAPH_NOTE_TYPE,
        SERAPH_NOTE_DESC_SIZE,
    ]
}

const TEXTS: [(&str, &str); 4] = [
    ("SERAPH_FACTORY_ATTACK", SERAPH_FACTORY_ATTACK),
    ("SERAPH_FACTORY_VICTIM", SERAPH_FACTORY_VICTIM),
    ("SERAPH_ENTRY_SYMBOL", SERAPH_ENTRY_SYMBOL),
    ("SERAPH_NOTE_SECTION", SERAPH_NOTE_SECTION),
];

/// The object-like numeric macros of a header.
fn constants_of_header(text: &str) -> Vec<String> {
    let code = support::without_comments(text);
    let defines = code.lines().filter_map(|line| line.trim().strip_prefix("#define SERAPH_"));
    let constants = defines.filter_map(|define| {
        let (name, value) = define.split_once(char::is_whitespace)?;
        let value = value.trim();
        let numeric =
            value.starts_with(|c: char| c.is_ascii_digit() || c == '-') || value.starts_with("SERAPH_CAST");
        (!name.contains('(') && numeric).then(|| format!("SERAPH_{name}"))
    });
    constants.collect()
}

#[test]
fn fields_types_and_signatures_are_those_of_the_headers() {
    for stem in ABI_HEADERS {
        let (expected, found) = (structs_of_header(&header(stem)), structs_of_mirror(&mirror(stem)));
        assert!(!expected.is_empty() && !expected[0].fields.is_empty(), "{stem}.h was not understood");
        for (expected, found) in expected.iter().zip(&found) {
            assert_eq!(expected, found, "{stem}");
        }
        assert_eq!(expected.len(), found.len(), "{stem}: structs");
    }
}

#[test]
fn every_constant_and_field_of_the_headers_is_compared_below() {
    let (layout, values) = (layout_of_mirror(), values_of_mirror());
    for stem in ABI_HEADERS {
        for found in structs_of_header(&header(stem)) {
            assert!(layout.contains_key(&found.name), "{}", found.name);
            for field in found.fields {
                assert!(layout.contains_key(&format!("{}.{}", found.name, field.name)), "{}", field.name);
            }
        }
        for name in constants_of_header(&header(stem)) {
            assert!(values.contains_key(&name), "{name}");
        }
    }
}

#[test]
fn sizes_offsets_and_values_are_those_that_c_compilers_see() {
    let (layout, values) = (layout_of_mirror(), values_of_mirror());
    let mut probe = String::from("#include <seraph/seraph.h>\n#include <stdio.h>\nint main(void) {\n");
    for key in layout.keys() {
        let expression = match key.split_once('.') {
            Some((name, field)) => format!("offsetof({name}, {field})"),
            None => format!("sizeof({key})"),
        };
        probe += &format!("  printf(\"{key} %ld\\n\", (long)({expression}));\n");
    }
    for key in values.keys() {
        probe += &format!("  printf(\"{key} %ld\\n\", (long)({key}));\n");
    }
    for (key, _) in TEXTS {
        probe += &format!("  printf(\"{key} %s\\n\", {key});\n");
    }
    probe += "  return 0;\n}\n";
    for compiler in compilers(&["gcc", "clang"]) {
        compare(compiler, &probe, &layout, &values);
    }
}

fn compare(compiler: &str, probe: &str, layout: &BTreeMap<String, i64>, values: &BTreeMap<String, i64>) {
    let folder = tempfile::tempdir().unwrap();
    let (source, program) = (folder.path().join("probe.c"), folder.path().join("probe"));
    std::fs::write(&source, probe).unwrap();
    compile(compiler, &["-std=c99", source.to_str().unwrap(), "-o", program.to_str().unwrap()]);
    let output = String::from_utf8(Command::new(program).output().unwrap().stdout).unwrap();
    let seen: BTreeMap<&str, &str> = output.lines().filter_map(|line| line.split_once(' ')).collect();
    assert_eq!(seen.len(), layout.len() + values.len() + TEXTS.len());
    for (key, value) in layout.iter().chain(values) {
        assert_eq!(seen[key.as_str()], value.to_string(), "{compiler}: {key}");
    }
    for (key, text) in TEXTS {
        assert_eq!(seen[key], text, "{compiler}: {key}");
    }
}

#[test]
fn sizes_that_are_frozen_stay() {
    assert_eq!(size_of::<seraph_tensor>(), 160);
    assert_eq!(size_of::<seraph_note>(), 92);
    assert_eq!(size_of::<seraph_str>(), 16);
}

#[test]
fn a_changed_header_would_be_seen() {
    let mutations = [
        ("attack", "uint32_t n_items;", "uint64_t n_items;"),
        ("attack", "const uint32_t *lengths;", "uint32_t *lengths;"),
        ("attack", "uint32_t norms;", "uint32_t balls;"),
        ("oracle", "uint32_t item, seraph_budget *out", "uint64_t item, seraph_budget *out"),
        ("host", "int32_t(SERAPH_CALL *cancelled)", "int64_t(SERAPH_CALL *cancelled)"),
        ("victim", "uint32_t max_rows; ", "int32_t max_rows; "),
        ("base", "int64_t shape[SERAPH_MAX_RANK];", "int64_t shape[8];"),
    ];
    for (stem, from, to) in mutations {
        let mutated = header(stem).replacen(from, to, 1);
        assert_ne!(mutated, header(stem), "{stem}: '{from}' is not there to be changed");
        assert_ne!(
            structs_of_header(&mutated),
            structs_of_mirror(&mirror(stem)),
            "{stem}: '{to}' was not seen"
        );
    }
}
