//! A run: the plan resolved, its cells attacked and recorded, the leaderboards rendered.

use crate::board;
use crate::cell::CellJob;
use crate::clean::{CleanPass, clean_pass};
use crate::error::RunError;
use crate::folder::Folder;
use crate::manifest::Manifest;
use crate::options::{Install, RunOptions};
use crate::plan_file::PlanFile;
use crate::progress::{Event, Progress};
use crate::resolve::{load_corpus, resolve};
use crate::schedule;
use crate::setup::{Setup, Victim, WorkerSettings};
use crate::stop::Stop;
use crate::summary::RunSummary;
use crate::task::Attacker;
use crate::watch::Watch;
use seraph_core::PlannedCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

/// Runs a plan into a folder, or goes on with it, until its end or until `stop` is asked for.
///
/// Bad input is found before anything is written. Nothing that was judged is ever lost: a run that died or was
/// stopped goes on with `resume`, and ends with the same records to the byte.
pub fn run(
    plan: &PlanFile,
    options: &RunOptions,
    progress: &dyn Progress,
    stop: &Stop,
) -> Result<RunSummary, RunError> {
    let watch = Watch { progress, stop };
    let folder = Folder::at(&options.out);
    let before = claim(&folder, plan, options)?;
    if let Some(manifest) = &before
        && is_finished(&folder, manifest, plan, options)?
    {
        let _held = folder.lock_and_sweep()?;
        return summarise(&folder, manifest, watch);
    }
    let settings = WorkerSettings::of(options, stop);
    let setup = resolve(plan, options.limit, settings)?;
    let cells = setup.cells();
    let manifest = Manifest::of(&setup, options.limit, &cells);
    if let Some(what) = before.as_ref().and_then(|before| before.differs(&manifest)) {
        return Err(occupied(&folder, &what));
    }
    let _held = folder.lock_and_sweep()?;
    manifest.write(&folder)?;
    setup.tell_notes(watch);
    let open: Vec<&PlannedCell> = cells.iter().filter(|cell| !folder.record(&cell.id).exists()).collect();
    run_cells(&setup, &folder, &open, watch)?;
    summarise(&folder, &manifest, watch)
}

/// Runs one cell of a manifest, in the manifest's folder.
pub fn run_one(
    manifest_path: &Path,
    index: usize,
    install: Install,
    progress: &dyn Progress,
    stop: &Stop,
) -> Result<RunSummary, RunError> {
    let watch = Watch { progress, stop };
    let manifest = Manifest::read_file(manifest_path)?;
    let Some(entry) = manifest.cells.get(index) else {
        return Err(RunError::NoSuchCell {
            path: manifest_path.to_owned(),
            cells: manifest.cells.len(),
            index,
        });
    };
    let folder = Folder::at(manifest_path.parent().unwrap_or(Path::new(".")));
    if !folder.record(&entry.id).exists() {
        let settings = WorkerSettings {
            install,
            device: manifest.device,
            in_process: manifest.in_process,
            jobs: 1,
            stop: stop.clone(),
        };
        let setup = resolve(&manifest.plan_file(), manifest.limit, settings)?;
        let cells = setup.cells();
        if let Some(what) = manifest.differs(&Manifest::of(&setup, manifest.limit, &cells)) {
            return Err(occupied(&folder, &what));
        }
        let _held = folder.lock(true)?;
        run_cells(&setup, &folder, &[&cells[index]], watch)?;
    }
    let mut summary = RunSummary::of(&folder, std::iter::once(entry.id.as_str()))?;
    summary.interrupted = summary.done == 0;
    Ok(summary)
}

/// Whether the output folder may be used, and what was run there before.
pub(crate) fn claim(
    folder: &Folder,
    plan: &PlanFile,
    options: &RunOptions,
) -> Result<Option<Manifest>, RunError> {
    let Some(manifest) = Manifest::read(folder)? else {
        let foreign = std::fs::read_dir(folder.root()).into_iter().flatten().flatten();
        let foreign = foreign.map(|entry| entry.file_name()).find(|name| name != ".lock");
        return match foreign {
            None => Ok(None),
            Some(name) => Err(RunError::Occupied {
                path: folder.root().to_owned(),
                problem: format!(
                    "is not empty (it holds {}) and holds no run; give another --out",
                    name.display()
                ),
            }),
        };
    };
    if let Some(what) = manifest.differs_from(plan, options) {
        return Err(occupied(folder, &what));
    }
    if !options.resume {
        return Err(RunError::Occupied {
            path: folder.root().to_owned(),
            problem: "already holds this run; add --resume to go on with it, or give another --out".into(),
        });
    }
    Ok(Some(manifest))
}

pub(crate) fn occupied(folder: &Folder, what: &str) -> RunError {
    RunError::Occupied {
        path: folder.root().to_owned(),
        problem: format!("holds {what}; give another --out"),
    }
}

/// Whether nothing is left to do, found without starting a worker or reading audio.
fn is_finished(
    folder: &Folder,
    manifest: &Manifest,
    plan: &PlanFile,
    options: &RunOptions,
) -> Result<bool, RunError> {
    if manifest.cells.iter().any(|cell| !folder.record(&cell.id).exists()) {
        return Ok(false);
    }
    let (corpus, _) = load_corpus(plan, options.limit)?;
    let same_files = crate::setup::files_of_plan(plan, &options.install)? == manifest.files;
    Ok(same_files && corpus.manifest_sha256 == manifest.corpus.manifest_sha256)
}

/// The clean passes of the victims that the cells need, then the cells.
fn run_cells(
    setup: &Setup,
    folder: &Folder,
    cells: &[&PlannedCell],
    watch: Watch<'_>,
) -> Result<(), RunError> {
    let passes = clean_passes(setup, folder, cells, watch)?;
    if watch.stop.asked() {
        return Ok(());
    }
    watch.tell(Event::Phase { name: "attacks", items: cells.len() * setup.corpus.items.len() });
    let pass = |name: &String| passes.get(name);
    schedule::each(setup.workers.jobs, cells, watch.stop, |cell| {
        let victim = &cell.spec.victim.id;
        let oracle = cell.spec.source.as_ref().map_or(victim, |source| &source.id);
        let job = CellJob { setup, folder, cell, clean: pass(victim), oracle_clean: pass(oracle), watch };
        job.run(&mut Attacker::new(setup, &cell.spec))
    })
}

pub(crate) fn clean_passes(
    setup: &Setup,
    folder: &Folder,
    cells: &[&PlannedCell],
    watch: Watch<'_>,
) -> Result<BTreeMap<String, CleanPass>, RunError> {
    let victims = needed_victims(setup, cells);
    watch.tell(Event::Phase { name: "clean pass", items: victims.len() * setup.corpus.items.len() });
    let passes = Mutex::new(BTreeMap::new());
    schedule::each(setup.workers.jobs, &victims, watch.stop, |victim| {
        if let Some(pass) = clean_pass(setup, victim, folder, watch)? {
            let name = victim.facts.identity.id.clone();
            if let Some(failure) = &pass.failure {
                watch.warn(&format!("victim {name} failed: {failure}"));
            }
            passes.lock().expect("no thread panics while it holds the lock").insert(name, pass);
        }
        Ok::<_, RunError>(())
    })?;
    let passes = passes.into_inner().expect("no thread panics while it holds the lock");
    let failures: Vec<&String> = passes.values().filter_map(|pass| pass.failure.as_ref()).collect();
    match failures.first() {
        Some(first) if failures.len() == victims.len() => Err(RunError::NoVictim { first: (*first).clone() }),
        _ => Ok(passes),
    }
}

fn needed_victims<'a>(setup: &'a Setup, cells: &[&PlannedCell]) -> Vec<&'a Victim> {
    let running = || cells.iter().filter(|cell| cell.skipped.is_none());
    let is_needed = |victim: &&Victim| {
        let name = &victim.facts.identity.id;
        running().any(|cell| {
            cell.spec.victim.id == *name || cell.spec.source.as_ref().is_some_and(|s| s.id == *name)
        })
    };
    setup.victims.iter().filter(is_needed).collect()
}

pub(crate) fn summarise(
    folder: &Folder,
    manifest: &Manifest,
    watch: Watch<'_>,
) -> Result<RunSummary, RunError> {
    let mut summary = RunSummary::of(folder, manifest.cells.iter().map(|cell| cell.id.as_str()))?;
    summary.interrupted = summary.done < summary.cells;
    if !summary.interrupted {
        summary.page = board::render(folder, &manifest.plan.name)?;
    }
    watch.tell(Event::Done);
    Ok(summary)
}
