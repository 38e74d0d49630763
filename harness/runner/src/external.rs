//! Adversarial audio that was made elsewhere: read, verified and scored like an attack's, with no foreign code run.

use crate::cell::CellJob;
use crate::error::RunError;
use crate::folder::Folder;
use crate::judging::Left;
use crate::maker::{Maker, Trouble};
use crate::manifest::{FileEntry, Manifest};
use crate::options::RunOptions;
use crate::plan_file::PlanFile;
use crate::progress::{Event, Progress};
use crate::resolve::resolve;
use crate::run::{claim, clean_passes, occupied, summarise};
use crate::setup::{Setup, Victim, WorkerSettings};
use crate::stop::Stop;
use crate::summary::RunSummary;
use crate::task::Batch;
use crate::watch::Watch;
use seraph_core::cell::AttackId;
use seraph_core::plan::Params;
use seraph_core::{CellSpec, PlannedCell, digest};
use seraph_data::Item;
use seraph_judge::pcm16;
use std::fs;
use std::path::{Path, PathBuf};

/// The endings of audio files, in the order in which they are looked for.
const ENDINGS: [&str; 2] = ["wav", "flac"];

/// Judges the audio of `audio_dir` under every threat and victim of a plan, whose attacks are left aside.
///
/// The audio of an item is `audio_dir/<victim>/<item>.wav`, else `audio_dir/<item>.wav` (or `.flac`), at the
/// victim's sample rate and as long as its input or as the item itself. What is missing or does not fit is a failed
/// attack. Audio of 16 bit is held to the constraint in whole quantisation steps, as rounding to them is not its
/// maker's doing.
pub fn judge_external(
    audio_dir: &Path,
    plan: &PlanFile,
    options: &RunOptions,
    progress: &dyn Progress,
    stop: &Stop,
) -> Result<RunSummary, RunError> {
    let watch = Watch { progress, stop };
    let folder = Folder::at(&options.out);
    let mut plan = plan.clone();
    plan.plan.attacks.clear();
    let before = claim(&folder, &plan, options)?;
    let setup = resolve(&plan, options.limit, WorkerSettings::of(options, stop))?;
    let audio = AudioDir::open(audio_dir, &setup)?;
    let cells = cells(&setup, &audio);
    let mut manifest = Manifest::of(&setup, options.limit, &cells);
    manifest.files.push(FileEntry { what: "audio".to_owned(), sha256: audio.sha256.clone() });
    if let Some(what) = before.as_ref().and_then(|before| before.differs(&manifest)) {
        return Err(occupied(&folder, &what));
    }
    let _held = folder.lock_and_sweep()?;
    manifest.write(&folder)?;
    setup.tell_notes(watch);
    let open: Vec<&PlannedCell> = cells.iter().filter(|cell| !folder.record(&cell.id).exists()).collect();
    let passes = clean_passes(&setup, &folder, &open, watch)?;
    watch.tell(Event::Phase { name: "judging", items: open.len() * setup.corpus.items.len() });
    for cell in open.into_iter().take_while(|_| !stop.asked()) {
        let clean = passes.get(&cell.spec.victim.id);
        let job = CellJob { setup: &setup, folder: &folder, cell, clean, oracle_clean: clean, watch };
        job.run(&mut audio.maker(&setup, &cell.spec))?;
    }
    summarise(&folder, &manifest, watch)
}

/// One cell per victim, threat and eps. A transfer is a matter of how the audio was made, which nobody sees here.
fn cells(setup: &Setup, audio: &AudioDir) -> Vec<PlannedCell> {
    let threats = setup.plan.plan.threats.iter().flat_map(|threat| threat.at_each_eps());
    let threats: Vec<_> = threats.map(|threat| seraph_core::Threat { source: None, ..threat }).collect();
    let cell = |victim: &Victim, threat: &seraph_core::Threat| {
        let spec = CellSpec {
            attack: audio.identity(),
            victim: victim.facts.identity.clone(),
            source: None,
            corpus: setup.corpus_id(),
            threat: threat.clone(),
            seed: setup.plan.plan.seeds()[0],
        };
        PlannedCell { id: spec.id(), spec, classes: victim.facts.classes.clone(), skipped: None }
    };
    setup.victims.iter().flat_map(|victim| threats.iter().map(move |threat| cell(victim, threat))).collect()
}

/// A folder of audio made elsewhere.
struct AudioDir {
    path: PathBuf,
    /// Over the names and bytes of the files that belong to items.
    sha256: String,
}

impl AudioDir {
    fn open(path: &Path, setup: &Setup) -> Result<AudioDir, RunError> {
        let mut hashes = Vec::new();
        for victim in &setup.victims {
            let name = &victim.facts.identity.id;
            for item in &setup.corpus.items {
                if let Some(file) = find(path, name, item) {
                    let unreadable = |source| RunError::File {
                        what: "audio of item",
                        name: item.id.clone(),
                        path: file.clone(),
                        source,
                    };
                    let bytes = fs::read(&file).map_err(unreadable)?;
                    hashes.push((name.clone(), item.id.clone(), digest::sha256_hex(&bytes)));
                }
            }
        }
        if hashes.is_empty() {
            return Err(RunError::Occupied {
                path: path.to_owned(),
                problem: format!(
                    "holds no audio of an item of the corpus; name the files <item>.wav, eg {}.wav",
                    setup.corpus.items[0].id
                ),
            });
        }
        Ok(AudioDir { path: path.to_owned(), sha256: digest::sha256_of_json(&hashes) })
    }

    fn identity(&self) -> AttackId {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        AttackId {
            name: seraph_core::file_name_of(if name.is_empty() { "external" } else { &name }),
            id: "external".to_owned(),
            version: String::new(),
            sha256: self.sha256.clone(),
            preset: None,
            params: Params::new(),
        }
    }

    fn maker<'a>(&'a self, setup: &'a Setup, cell: &CellSpec) -> FromFiles<'a> {
        FromFiles { dir: &self.path, setup, victim: setup.victim(&cell.victim.id) }
    }
}

fn find(dir: &Path, victim: &str, item: &Item) -> Option<PathBuf> {
    let folders = [dir.join(victim), dir.to_owned()];
    let files =
        folders.iter().flat_map(|folder| ENDINGS.map(|ending| folder.join(format!("{}.{ending}", item.id))));
    files.into_iter().find(|file| file.is_file())
}

/// Offers the files of a folder.
struct FromFiles<'a> {
    dir: &'a Path,
    setup: &'a Setup,
    victim: &'a Victim,
}

impl Maker for FromFiles<'_> {
    fn batch_items(&self) -> usize {
        1
    }

    fn make(&mut self, batch: &Batch) -> Result<Vec<Left>, Trouble> {
        let items = batch.assignments.iter().map(|assignment| &self.setup.corpus.items[assignment.index]);
        items.enumerate().map(|(row, item)| Ok(self.offer(item, batch.row(row).len())?)).collect()
    }
}

impl FromFiles<'_> {
    fn offer(&self, item: &Item, row_samples: usize) -> Result<Left, RunError> {
        let name = &self.victim.facts.identity.id;
        let failed = |name, sentence| Left { fault: Some((name, sentence)), ..Left::default() };
        let Some(file) = find(self.dir, name, item) else {
            return Ok(failed("no-commit", format!("there is no audio of it in {}", self.dir.display())));
        };
        let audio = match seraph_data::read_audio(&file) {
            Ok(audio) => audio,
            Err(error) => return Ok(failed("unreadable", error.to_string())),
        };
        if audio.sample_rate_hz != self.victim.sample_rate_hz {
            let sentence =
                format!("is at {} Hz, {name} takes {} Hz", audio.sample_rate_hz, self.victim.sample_rate_hz);
            return Ok(failed("sample-rate", sentence));
        }
        let as_recorded = self.setup.corpus.read(item, self.victim.sample_rate_hz, None)?.len();
        let samples = if audio.samples.len() == as_recorded && as_recorded != row_samples {
            seraph_audio::tile_to_length(&audio.samples, row_samples)
        } else {
            audio.samples
        };
        let stored = samples.iter().all(|&sample| pcm16::decode(pcm16::encode(sample)) == sample);
        Ok(Left { committed: Some(samples), stored, ..Left::default() })
    }
}
