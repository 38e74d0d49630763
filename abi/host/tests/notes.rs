//! A plugin's notes are read without running it; a file that does not fit is refused with its reason.
#![allow(clippy::unwrap_used)]

mod support;

use seraph_host::{Kind, PluginFileError, find_plugin, read_plugin, scan};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{compile, plain};

/// Bytes of a compiled plugin and where in them its first note begins.
fn library() -> (Vec<u8>, usize) {
    let bytes = std::fs::read(&plain().path).unwrap();
    let at = bytes.windows(8).position(|window| window == b"SERAPH\0\0").unwrap() - 12;
    (bytes, at)
}

fn read(dir: &Path, bytes: &[u8]) -> Result<(), String> {
    let path = dir.join("x.so");
    std::fs::write(&path, bytes).unwrap();
    read_plugin(&path)
        .map(|_| ())
        .map_err(|error| error.to_string().replace(&path.display().to_string(), "x.so"))
}

#[test]
fn notes_say_what_is_inside() {
    // In which order is the linker's business.
    let mut notes: Vec<_> = plain().notes.iter().map(|note| (&*note.id, note.kind, &*note.version)).collect();
    notes.sort_by_key(|note| note.0);
    assert_eq!(notes, [("slope", Kind::Victim, "1.0.0"), ("step", Kind::Attack, "1.0.0")]);
    assert_eq!(plain().sha256.len(), 64);
}

#[test]
fn notes_survive_strip() {
    let path = compile("plain", &["-s"]);
    assert_eq!(read_plugin(&path).unwrap().notes, plain().notes);
}

#[test]
fn misfits_are_refused_with_their_reason() {
    let dir = tempfile::tempdir().unwrap();
    let (good, note) = library();
    let changed = |changes: &[(usize, u8)]| {
        let mut bytes = good.clone();
        changes.iter().for_each(|&(at, value)| bytes[at] = value);
        bytes
    };
    let (machine, id) = (std::env::consts::ARCH, &plain().notes[0].id);
    for (bytes, expected) in [
        (vec![], "x.so is no plugin: an empty file".to_owned()),
        (b"#!/bin/sh\n".to_vec(), "x.so is no plugin: not an ELF file".to_owned()),
        (good[..40].to_vec(), "x.so is damaged: Invalid ELF header size or alignment".to_owned()),
        (
            good[..good.len() / 2].to_vec(),
            format!("x.so is damaged: it ends after {} bytes, before its segments do", good.len() / 2),
        ),
        (
            changed(&[(4, 1)]),
            format!("x.so is built for a 32-bit or big-endian machine, this host runs on {machine}"),
        ),
        (changed(&[(18, 243), (19, 0)]), format!("x.so is built for riscv64, this host runs on {machine}")),
        (changed(&[(16, 2)]), "x.so is no plugin: an ELF file, but no shared library".to_owned()),
        (changed(&[(note + 20, 9)]), format!("x.so: '{id}' is built for ABI 9, this host speaks ABI 1")),
        (changed(&[(note + 22, 9)]), format!("x.so: '{id}' needs ABI 1.9, this host speaks 1.0")),
        (changed(&[(note + 26, 7)]), "x.so is damaged: a note of unknown kind 7".to_owned()),
        (
            changed(&[(note + 28, b'/')]),
            "x.so is damaged: a note whose id is not made of letters, digits and -_.+".to_owned(),
        ),
        (changed(&[(note + 4, 68)]), "x.so is damaged: a note of 68 bytes instead of 72".to_owned()),
    ] {
        assert_eq!(read(dir.path(), &bytes).unwrap_err(), expected);
    }
}

#[test]
fn a_library_without_notes_is_no_plugin() {
    let dir = tempfile::tempdir().unwrap();
    let (source, path) = (dir.path().join("empty.c"), dir.path().join("empty.so"));
    std::fs::write(&source, "int answer(void) { return 42; }\n").unwrap();
    assert!(
        Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .arg(&path)
            .arg(&source)
            .status()
            .unwrap()
            .success()
    );
    assert!(matches!(read_plugin(&path), Err(PluginFileError::NoNote { .. })));
}

/// Every prefix and many single-byte changes: a plugin or an error, never a panic.
#[test]
fn damaged_libraries_are_read_without_panic() {
    let dir = tempfile::tempdir().unwrap();
    let (good, note) = library();
    let mut bytes = good.clone();
    for at in (0..512).chain(note..note + 184) {
        for value in [0, 0xff] {
            let before = std::mem::replace(&mut bytes[at], value);
            let _ = read(dir.path(), &bytes);
            bytes[at] = before;
        }
    }
    for len in (1..good.len()).step_by(61) {
        let _ = read(dir.path(), &good[..len]);
    }
}

#[test]
fn a_plugin_is_found_by_id_or_path() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one.so"), dir.path().join("two.so"));
    std::fs::copy(&plain().path, &one).unwrap();
    std::fs::write(dir.path().join("readme.so"), "no plugin").unwrap();
    let dirs = [PathBuf::from("/no/such/folder"), dir.path().to_owned()];
    assert_eq!(find_plugin("step", Kind::Attack, &dirs).unwrap().path, one);
    assert_eq!(find_plugin(&one.to_string_lossy(), Kind::Victim, &[]).unwrap().path, one);
    let error = find_plugin("stepp", Kind::Attack, &dirs).unwrap_err().to_string();
    assert!(error.starts_with("no attack 'stepp' in ") && error.ends_with("did you mean 'step'?"), "{error}");
    assert!(find_plugin("slope", Kind::Attack, &dirs).is_err(), "a victim is no attack");
    let scanned: Vec<_> = scan(&dirs).into_iter().map(|found| found.is_ok()).collect();
    assert_eq!(scanned, [true, false]);
    std::fs::copy(&one, two).unwrap();
    let error = find_plugin("step", Kind::Attack, &dirs).unwrap_err().to_string();
    assert!(error.contains("is in both"), "{error}");
}
