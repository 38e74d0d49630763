//! The output folder of a run: where each file lies, and how one is written so that it is whole or absent.

use seraph_core::file_name_of;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Why the output folder could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file could not be created, written, synced or renamed.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said, eg "no space left on device".
        source: io::Error,
    },
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process holds the lock.
    #[error("{} is in use by another run; wait until it ends, or give another --out", path.display())]
    InUse {
        /// The locked file or folder.
        path: PathBuf,
    },
}

impl FolderError {
    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> FolderError + '_ {
        move |source| FolderError::Write { path: path.to_owned(), source }
    }

    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> FolderError + '_ {
        move |source| FolderError::Read { path: path.to_owned(), source }
    }
}

/// The layout of an output folder.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder at `root`, which need not exist yet.
    pub fn at(root: impl Into<PathBuf>) -> Folder {
        Folder { root: root.into() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What is run here: the plan, its fingerprint and its cells.
    pub fn manifest(&self) -> PathBuf {
        self.root.join("run.json")
    }

    /// The journals, one per cell.
    pub fn journals(&self) -> PathBuf {
        self.root.join("journal")
    }

    /// The journal of a cell.
    pub fn journal(&self, cell: &str) -> PathBuf {
        self.journals().join(format!("{cell}.jsonl"))
    }

    /// The clean pass of a victim, kept so that no cell repeats it.
    pub fn clean(&self, victim: &str) -> PathBuf {
        self.root.join("clean").join(format!("{victim}.json"))
    }

    /// The records, one per cell.
    pub fn records(&self) -> PathBuf {
        self.root.join("records")
    }

    /// The record of a cell.
    pub fn record(&self, cell: &str) -> PathBuf {
        self.records().join(format!("{cell}.json"))
    }

    /// The measured times of a cell.
    pub fn timing(&self, cell: &str) -> PathBuf {
        self.root.join("timings").join(format!("{cell}.json"))
    }

    /// The adversarial audio of an item of a cell.
    pub fn audio(&self, cell: &str, item: &str) -> PathBuf {
        self.root.join("audio").join(cell).join(format!("{}.wav", file_name_of(item)))
    }

    /// As [`Folder::lock`], for a folder that must be there already.
    pub(crate) fn lock_existing(&self) -> Result<File, FolderError> {
        fs::metadata(&self.root).map_err(FolderError::read(&self.root))?;
        self.lock(false)
    }

    /// As [`Folder::lock`] for a whole run, which nobody else may write into: what a killed one left half written is
    /// removed.
    pub(crate) fn lock_and_sweep(&self) -> Result<File, FolderError> {
        let held = self.lock(false)?;
        sweep(&self.root, 0)?;
        for below in ["journal", "clean", "records", "timings", "audio"] {
            sweep(&self.root.join(below), 3)?;
        }
        Ok(held)
    }

    /// The clean audio of an item as a victim was given it.
    pub fn clean_audio(&self, victim: &str, item: &str) -> PathBuf {
        self.root.join("audio/clean").join(victim).join(format!("{}.wav", file_name_of(item)))
    }

    /// Locks the folder against another run until the value is dropped. `shared` lets several single cells
    /// work in it at once.
    pub fn lock(&self, shared: bool) -> Result<File, FolderError> {
        let path = self.root.join(".lock");
        create_parent(&path)?;
        let file =
            OpenOptions::new().create(true).append(true).open(&path).map_err(FolderError::write(&path))?;
        lock(&file, &self.root, shared)?;
        Ok(file)
    }
}

/// Takes the lock on `file` or says that `shown` is in use. File systems without locks are let through: the
/// lock guards against a mistake, nothing rests on it.
pub(crate) fn lock(file: &File, shown: &Path, shared: bool) -> Result<(), FolderError> {
    let taken = if shared { file.try_lock_shared() } else { file.try_lock() };
    match taken {
        Err(TryLockError::WouldBlock) => Err(FolderError::InUse { path: shown.to_owned() }),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// Makes the folder that `path` is to lie in.
pub(crate) fn create_parent(path: &Path) -> Result<(), FolderError> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(FolderError::write(parent))
}

/// Writes `bytes` to `path` so that a reader, or a run killed at any moment, sees the old file or the new one:
/// temporary file beside it, sync, rename, sync of the folder.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    create_parent(path)?;
    write_beside(path, |file| file.write_all(bytes).and_then(|()| file.sync_all()))?;
    sync_parent(path)
}

/// As [`write_atomically`] without the syncs: whole or absent after the death of the process, not after a power
/// cut. For what can be made again.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    write_beside(path, |file| file.write_all(bytes))
}

fn write_beside(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), FolderError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Several threads, or the single cells of several processes, may write the same file at once.
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let (process, write_number) = (std::process::id(), WRITES.fetch_add(1, Ordering::Relaxed));
    let temporary = path.with_file_name(format!(".{name}.{process}-{write_number}.tmp"));
    let written = File::create(&temporary).and_then(|mut file| write(&mut file));
    written.and_then(|()| fs::rename(&temporary, path)).map_err(|source| {
        // The leftover is of no use to anyone; that it cannot be removed either changes nothing.
        let _ = fs::remove_file(&temporary);
        FolderError::Write { path: path.to_owned(), source }
    })
}

/// Whether [`write_beside`] gives such names: `.<name>.<process>-<number>.tmp`.
fn is_temporary(name: &str) -> bool {
    let numbers = name.strip_prefix('.').and_then(|name| name.strip_suffix(".tmp")?.rsplit_once('.'));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers
        .and_then(|(_, numbers)| numbers.split_once('-'))
        .is_some_and(|(a, b)| is_number(a) && is_number(b))
}

/// Removes the temporary files in `dir` and so many levels of folders below it.
fn sweep(dir: &Path, levels: usize) -> Result<(), FolderError> {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().map_err(FolderError::read(dir))?);
        if kind.is_dir() && levels > 0 {
            sweep(&path, levels - 1)?;
        } else if kind.is_file() && is_temporary(&entry.file_name().to_string_lossy()) {
            fs::remove_file(&path).map_err(FolderError::write(&path))?;
        }
    }
    Ok(())
}

fn sync_parent(path: &Path) -> Result<(), FolderError> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|folder| folder.sync_all()).map_err(FolderError::write(parent))
}

/// The bytes of `path`, or `None` where there is no such file.
pub(crate) fn read_if_present(path: &Path) -> Result<Option<Vec<u8>>, FolderError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FolderError::Read { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_atomic_write_replaces_the_file_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("records/a.json");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_write_that_fails_names_the_file_and_leaves_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let blocked = dir.path().join("records");
        fs::write(&blocked, b"a file where a folder should be").unwrap();
        let error = write_atomically(&blocked.join("a.json"), b"x").unwrap_err();
        assert!(error.to_string().contains("records"), "{error}");
        assert_eq!(fs::read(&blocked).unwrap(), b"a file where a folder should be");
    }

    #[test]
    fn a_second_run_in_the_same_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path().join("out"));
        let held = folder.lock(false).unwrap();
        assert!(matches!(folder.lock(false), Err(FolderError::InUse { .. })));
        drop(held);
        let _first = folder.lock(true).unwrap();
        let _second = folder.lock(true).unwrap();
    }

    #[test]
    fn what_a_killed_run_left_half_written_is_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path());
        let kept =
            ["records/a.json", "audio/c/x.wav", "records/.hidden", "records/.a.tmp", "own/.a.json.1-2.tmp"];
        let left = [".run.json.7-0.tmp", "records/.a.json.13363-118.tmp", "audio/clean/v/.x.wav.1-2.tmp"];
        for name in kept.iter().chain(&left) {
            create_parent(&dir.path().join(name)).unwrap();
            fs::write(dir.path().join(name), "x").unwrap();
        }
        let _held = folder.lock_and_sweep().unwrap();
        assert!(kept.iter().all(|name| dir.path().join(name).exists()));
        assert!(left.iter().all(|name| !dir.path().join(name).exists()));
    }

    #[test]
    fn no_name_leaves_its_folder() {
        for (name, expected) in
            [("a/b", "a-b"), ("..", "_.."), ("../x", "_..-x"), ("03a01Fa", "03a01Fa"), ("é", "-")]
        {
            assert_eq!(file_name_of(name), expected);
        }
    }
}
