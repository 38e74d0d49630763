//! A plugin's file, known by its notes: read before, and without, running any of its code.

use crate::sealed::{SealedFile, hex};
use object::elf;
use object::endian::LittleEndian as Little;
use object::read::elf::{FileHeader, ProgramHeader};
use seraph_sys::{SERAPH_ABI_MAJOR, SERAPH_ABI_MINOR, SERAPH_KIND_ATTACK, SERAPH_KIND_VICTIM};
use seraph_sys::{SERAPH_NOTE_DESC_SIZE, SERAPH_NOTE_TYPE};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The owner of the notes.
const NOTE_OWNER: &[u8] = b"SERAPH";
/// A file larger than this is no plugin.
const MAX_FILE_BYTES: u64 = 1 << 30;

#[cfg(target_arch = "x86_64")]
const MACHINE: elf::Machine = elf::EM_X86_64;
#[cfg(target_arch = "aarch64")]
const MACHINE: elf::Machine = elf::EM_AARCH64;

/// A plugin's file: where it lies, what its bytes hash to, what it says it holds.
#[derive(Clone, Debug)]
pub struct PluginFile {
    /// Where it was found.
    pub path: PathBuf,
    /// Of its bytes, in hexadecimal.
    pub sha256: String,
    /// One per attack or victim, in the order of the file.
    pub notes: Vec<Note>,
    /// The bytes that were read, and that every worker loads.
    pub(crate) image: Arc<SealedFile>,
}

/// Whether a note is of an attack or of a victim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `SERAPH_KIND_ATTACK`
    Attack,
    /// `SERAPH_KIND_VICTIM`
    Victim,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Attack => "attack",
            Self::Victim => "victim",
        })
    }
}

/// What one note says. Mirrors `seraph_note`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Attack or victim.
    pub kind: Kind,
    /// The name in a plan.
    pub id: String,
    /// Of the implementation.
    pub version: String,
    /// Of the ABI.
    pub abi_major: u16,
    /// The oldest host minor that it can live with.
    pub abi_minor_min: u16,
    /// The minor that it was built for.
    pub abi_minor_built: u16,
}

/// Why a file is no plugin for this host.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PluginFileError {
    /// The file could not be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not a shared library.
    #[error("{} is no plugin: {what}", path.display())]
    NotALibrary {
        /// Which.
        path: PathBuf,
        /// What it is instead.
        what: String,
    },
    /// A library for another kind of machine.
    #[error("{} is built for {found}, this host runs on {}", path.display(), std::env::consts::ARCH)]
    WrongMachine {
        /// Which.
        path: PathBuf,
        /// Its machine.
        found: String,
    },
    /// A library without notes.
    #[error("{} is no SERAPH plugin: it has no {} note (SERAPH_PLUGIN_NOTE)", path.display(), seraph_sys::SERAPH_NOTE_SECTION)]
    NoNote {
        /// Which.
        path: PathBuf,
    },
    /// Its notes or headers are damaged.
    #[error("{} is damaged: {what}", path.display())]
    Corrupt {
        /// Which.
        path: PathBuf,
        /// What.
        what: String,
    },
    /// Built for another major version of the ABI.
    #[error("{}: '{id}' is built for ABI {found}, this host speaks ABI {SERAPH_ABI_MAJOR}", path.display())]
    WrongMajor {
        /// Which.
        path: PathBuf,
        /// The attack or victim.
        id: String,
        /// Its major.
        found: u16,
    },
    /// Needs a newer host.
    #[error(
        "{}: '{id}' needs ABI {SERAPH_ABI_MAJOR}.{needed}, this host speaks {SERAPH_ABI_MAJOR}.{SERAPH_ABI_MINOR}",
        path.display()
    )]
    TooNewMinor {
        /// Which.
        path: PathBuf,
        /// The attack or victim.
        id: String,
        /// The minor that it needs.
        needed: u16,
    },
}

/// Reads a plugin's file: its bytes are sealed and hashed, its notes checked. None of its code runs.
pub fn read_plugin(path: &Path) -> Result<PluginFile, PluginFileError> {
    let bytes = read(path)?;
    let notes = parse(path, &bytes)?;
    let image = SealedFile::from_bytes(&bytes).map_err(|source| io_error(path, source))?;
    Ok(PluginFile { path: path.to_owned(), sha256: image.sha256().to_owned(), notes, image: Arc::new(image) })
}

/// The notes of a plugin's file and the hash of its bytes, without keeping them.
pub(crate) fn read_notes(path: &Path) -> Result<(Vec<Note>, String), PluginFileError> {
    let bytes = read(path)?;
    Ok((parse(path, &bytes)?, hex(&Sha256::digest(&bytes))))
}

impl PluginFile {
    /// The note of this kind and id.
    pub fn note(&self, kind: Kind, id: &str) -> Option<&Note> {
        self.notes.iter().find(|note| note.kind == kind && note.id == id)
    }
}

fn io_error(path: &Path, source: std::io::Error) -> PluginFileError {
    PluginFileError::Io { path: path.to_owned(), source }
}

fn read(path: &Path) -> Result<Vec<u8>, PluginFileError> {
    let about = std::fs::metadata(path).map_err(|source| io_error(path, source))?;
    let what = match about.len() {
        _ if !about.is_file() => "not a file",
        0 => "an empty file",
        len if len > MAX_FILE_BYTES => "a file larger than 1 GiB",
        _ => return std::fs::read(path).map_err(|source| io_error(path, source)),
    };
    Err(PluginFileError::NotALibrary { path: path.to_owned(), what: what.to_owned() })
}

/// The notes in the bytes of a library.
fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<Note>, PluginFileError> {
    let not_a_library =
        |what: &str| PluginFileError::NotALibrary { path: path.to_owned(), what: what.to_owned() };
    let corrupt = |what: String| PluginFileError::Corrupt { path: path.to_owned(), what };
    if !bytes.starts_with(&elf::ELFMAG) {
        return Err(not_a_library("not an ELF file"));
    }
    if bytes.get(4..6) != Some(&[elf::ELFCLASS64.0, elf::ELFDATA2LSB.0]) {
        return Err(PluginFileError::WrongMachine {
            path: path.to_owned(),
            found: "a 32-bit or big-endian machine".to_owned(),
        });
    }
    let header = elf::FileHeader64::<Little>::parse(bytes).map_err(|error| corrupt(error.to_string()))?;
    if header.e_machine(Little) != MACHINE {
        let found = machine_name(header.e_machine(Little));
        return Err(PluginFileError::WrongMachine { path: path.to_owned(), found });
    }
    if header.e_type(Little) != elf::ET_DYN {
        return Err(not_a_library("an ELF file, but no shared library"));
    }
    let segments = header.program_headers(Little, bytes).map_err(|error| corrupt(error.to_string()))?;
    // A segment that is mapped but not there kills the worker that touches it.
    let end = |s: &elf::ProgramHeader64<Little>| s.p_offset(Little).checked_add(s.p_filesz(Little));
    if segments.iter().any(|segment| end(segment).is_none_or(|end| end > bytes.len() as u64)) {
        return Err(corrupt(format!("it ends after {} bytes, before its segments do", bytes.len())));
    }
    let mut notes = Vec::new();
    for segment in segments {
        collect_notes(path, bytes, segment, &mut notes)?;
    }
    if notes.is_empty() {
        return Err(PluginFileError::NoNote { path: path.to_owned() });
    }
    Ok(notes)
}

fn collect_notes(
    path: &Path,
    bytes: &[u8],
    segment: &elf::ProgramHeader64<Little>,
    notes: &mut Vec<Note>,
) -> Result<(), PluginFileError> {
    let corrupt = |what: String| PluginFileError::Corrupt { path: path.to_owned(), what };
    let Some(mut found) = segment.notes(Little, bytes).map_err(|error| corrupt(error.to_string()))? else {
        return Ok(());
    };
    while let Some(note) = found.next().map_err(|error| corrupt(error.to_string()))? {
        if note.name() == NOTE_OWNER && note.n_type(Little).0 == SERAPH_NOTE_TYPE {
            let note = decode_note(note.desc()).map_err(corrupt)?;
            check_version(path, &note)?;
            if notes.iter().any(|other| other.kind == note.kind && other.id == note.id) {
                return Err(corrupt(format!("two notes of {} '{}'", note.kind, note.id)));
            }
            notes.push(note);
        }
    }
    Ok(())
}

/// The 72 bytes behind the owner's name: four u16, `id[48]`, `version[16]`.
fn decode_note(desc: &[u8]) -> Result<Note, String> {
    if desc.len() != SERAPH_NOTE_DESC_SIZE as usize {
        return Err(format!("a note of {} bytes instead of {SERAPH_NOTE_DESC_SIZE}", desc.len()));
    }
    let u16_at = |at: usize| u16::from_le_bytes([desc[at], desc[at + 1]]);
    let kind = match u16_at(6) {
        SERAPH_KIND_ATTACK => Kind::Attack,
        SERAPH_KIND_VICTIM => Kind::Victim,
        other => return Err(format!("a note of unknown kind {other}")),
    };
    Ok(Note {
        kind,
        id: text(&desc[8..56], "id")?,
        version: text(&desc[56..72], "version")?,
        abi_major: u16_at(0),
        abi_minor_min: u16_at(2),
        abi_minor_built: u16_at(4),
    })
}

/// Printable ASCII, at least one character, NUL-padded. Ids become file names and table cells.
fn text(field: &[u8], what: &str) -> Result<String, String> {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    let (text, padding) = field.split_at(end);
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.+".contains(byte);
    if text.is_empty() || !text.iter().all(plain) || padding.iter().any(|&byte| byte != 0) {
        return Err(format!("a note whose {what} is not made of letters, digits and -_.+"));
    }
    Ok(text.iter().map(|&byte| char::from(byte)).collect())
}

fn check_version(path: &Path, note: &Note) -> Result<(), PluginFileError> {
    let (path, id) = (path.to_owned(), note.id.clone());
    if note.abi_major != SERAPH_ABI_MAJOR {
        return Err(PluginFileError::WrongMajor { path, id, found: note.abi_major });
    }
    if note.abi_minor_min > SERAPH_ABI_MINOR {
        return Err(PluginFileError::TooNewMinor { path, id, needed: note.abi_minor_min });
    }
    Ok(())
}

fn machine_name(machine: elf::Machine) -> String {
    match machine {
        elf::EM_X86_64 => "x86_64".to_owned(),
        elf::EM_AARCH64 => "aarch64".to_owned(),
        elf::EM_RISCV => "riscv64".to_owned(),
        elf::EM_386 => "x86".to_owned(),
        elf::EM_ARM => "arm".to_owned(),
        other => format!("machine {}", other.0),
    }
}
