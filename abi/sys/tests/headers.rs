//! The headers compile everywhere that they promise to, alone, twice and together, and keep their own rules.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::path::Path;

use sha2::{Digest, Sha256};
use support::{ABI_HEADERS, compile, compilers, header, include_folder, structs_of_header, without_comments};

const C: [&str; 2] = ["gcc", "clang"];
const CPP: [&str; 2] = ["g++", "clang++"];
const C_STANDARDS: [&str; 6] = ["c89", "gnu89", "c99", "c11", "c17", "c2x"];
const CPP_STANDARDS: [&str; 6] = ["c++98", "c++11", "c++14", "c++17", "c++20", "c++2b"];
const WARNINGS: [&str; 8] =
    ["-Wall", "-Wextra", "-Werror", "-pedantic-errors", "-Wconversion", "-Wundef", "-Wshadow", "-Wcast-qual"];
/// Cast of the helper that makes a pointer to mutable floats from a view: its one job.
const TENSOR_H: [&str; 1] = ["-Wno-cast-qual"];

fn check(compiler: &str, standard: &str, source: &Path, more: &[&str]) {
    let standard = format!("-std={standard}");
    let mut arguments = vec![standard.as_str(), "-fsyntax-only", source.to_str().unwrap()];
    arguments.extend(WARNINGS);
    arguments.extend(more);
    compile(compiler, &arguments);
}

#[test]
fn all_headers_compile_in_every_standard_even_twice() {
    let folder = tempfile::tempdir().unwrap();
    let text = "#include <seraph/seraph.h>\n#include <seraph/seraph.h>\ntypedef int not_empty;\n";
    let (c, cc) = (folder.path().join("twice.c"), folder.path().join("twice.cc"));
    std::fs::write(&c, text).unwrap();
    std::fs::write(&cc, text).unwrap();
    for compiler in compilers(&C) {
        for standard in C_STANDARDS {
            check(compiler, standard, &c, &["-Wstrict-prototypes", "-Wc++-compat", TENSOR_H[0]]);
        }
    }
    for compiler in compilers(&CPP) {
        for standard in CPP_STANDARDS {
            check(compiler, standard, &cc, &["-Wold-style-cast", TENSOR_H[0]]);
        }
    }
}

#[test]
fn each_header_compiles_alone() {
    let folder = tempfile::tempdir().unwrap();
    for stem in ABI_HEADERS.iter().chain(&["tensor", "rng"]) {
        let text = format!("#include <seraph/{stem}.h>\ntypedef int not_empty;\n");
        let (c, cc) = (folder.path().join("alone.c"), folder.path().join("alone.cc"));
        std::fs::write(&c, &text).unwrap();
        std::fs::write(&cc, &text).unwrap();
        compilers(&C).into_iter().for_each(|compiler| check(compiler, "c89", &c, &TENSOR_H));
        compilers(&CPP).into_iter().for_each(|compiler| check(compiler, "c++98", &cc, &TENSOR_H));
    }
}

#[test]
fn the_wrapper_compiles_from_cpp11_on() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("wrapper.cc");
    std::fs::write(&source, "#include <seraph/seraph.hpp>\n#include <seraph/seraph.hpp>\n").unwrap();
    for compiler in compilers(&CPP) {
        for standard in &CPP_STANDARDS[1..] {
            check(compiler, standard, &source, &["-Wold-style-cast", TENSOR_H[0]]);
        }
    }
}

/// Code of the ABI's headers, without comments and with single blanks: what a change of the ABI changes.
fn fingerprint() -> String {
    let code = ABI_HEADERS.map(|stem| without_comments(&header(stem))).join(" ");
    let words = code.split_whitespace().collect::<Vec<_>>().join(" ");
    Sha256::digest(words).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_readme_describes_these_headers() {
    let readme = std::fs::read_to_string(include_folder().join("../README.md")).unwrap();
    let found = fingerprint();
    assert!(
        readme.contains(&found),
        "the headers have changed: read abi/README.md again, then put the fingerprint {found} into it"
    );
}

#[test]
fn no_header_uses_what_has_no_fixed_size() {
    for stem in ABI_HEADERS {
        let text = header(stem);
        assert!(!text.contains("//"), "{stem}.h has a C99 comment");
        assert!(text.lines().all(|line| line.len() <= 120), "{stem}.h has a line over 120 columns");
        for found in structs_of_header(&text) {
            for field in &found.fields {
                let words = field.ctype.split(|c: char| !c.is_alphanumeric() && c != '_');
                let loose =
                    ["bool", "_Bool", "enum", "long", "short", "int", "unsigned", "size_t", "wchar_t"];
                for word in words {
                    assert!(!loose.contains(&word), "{stem}.h: {}.{} is {word}", found.name, field.name);
                }
                assert!(!field.name.contains(':'), "{stem}.h: {}.{} is a bitfield", found.name, field.name);
            }
        }
        let code = without_comments(&text);
        assert!(!code.contains("enum "), "{stem}.h has an enum");
    }
}

#[test]
fn every_slot_says_who_may_call_it() {
    let mut slots = 0;
    for stem in ABI_HEADERS {
        let text = header(stem);
        for (at, _) in text.match_indices("(SERAPH_CALL *") {
            let before = &text[..at];
            if before[before.rfind('\n').unwrap_or(0)..].contains("typedef") {
                continue;
            }
            let comment = &before[before.rfind("/*").unwrap()..before.rfind("*/").unwrap()];
            let between = &before[before.rfind("*/").unwrap()..];
            let rule = comment.trim_end().ends_with("-thread]");
            assert!(rule && !between.contains(';'), "{stem}.h, slot after: {}", comment.trim());
            slots += 1;
        }
    }
    assert!(slots >= 20, "found {slots} slots only");
}

#[test]
fn every_growable_struct_begins_with_its_size() {
    // Frozen for ever, so they need none: views, values in arrays, and the note, whose size the file states.
    let frozen = ["seraph_str", "seraph_tensor", "seraph_param", "seraph_note"];
    for stem in ABI_HEADERS {
        for found in structs_of_header(&header(stem)) {
            let first = &found.fields[0];
            let sized = (first.name.as_str(), first.ctype.as_str()) == ("struct_size", "uint32_t");
            assert_eq!(sized, !frozen.contains(&found.name.as_str()), "{}", found.name);
        }
    }
}
