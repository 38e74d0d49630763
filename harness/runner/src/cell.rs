//! One cell: its items in batches to whoever makes the audio, each judged and journalled, then the record.

use crate::audio_files::{MAX_EXAMPLES, write_wav};
use crate::clean::{CleanPass, predict};
use crate::error::RunError;
use crate::folder::Folder;
use crate::journal_file::JournalFile;
use crate::judging::{Bench, Judged, Scorer};
use crate::maker::{Maker, Trouble};
use crate::progress::Event;
use crate::record::finish;
use crate::roster::{Assignment, Place, RosterInput, roster};
use crate::setup::{Setup, Victim};
use crate::task::Batch;
use crate::watch::Watch;
use seraph_core::journal::{self, JournalEnd, JournalLine};
use seraph_core::plan::KeepAudio;
use seraph_core::{Flag, Journal, JournalHeader, PlannedCell, Status};
use seraph_host::{Fault, VictimWorker};
use seraph_judge::{Clean, pcm16};
use std::collections::BTreeSet;

/// The judge's victim: a worker that no attack has ever spoken to, a fresh one for each cell.
#[derive(Default)]
struct JudgeSeat(Option<VictimWorker>);

impl JudgeSeat {
    fn take(&mut self, setup: &Setup, victim: &Victim) -> Result<&mut VictimWorker, Fault> {
        match &mut self.0 {
            Some(worker) => Ok(worker),
            none => Ok(none.insert(setup.start_victim(victim)?)),
        }
    }
}

impl Scorer for VictimWorker {
    type Error = Fault;

    fn score(&mut self, row: &[f32]) -> Result<Vec<f32>, Fault> {
        predict(self, row).map(|answer| answer.logits)
    }
}

/// A cell and what it is run with.
#[derive(Clone, Copy)]
pub(crate) struct CellJob<'a> {
    pub setup: &'a Setup,
    pub folder: &'a Folder,
    pub cell: &'a PlannedCell,
    /// The judged victim's clean pass; `None` for a cell that is skipped.
    pub clean: Option<&'a CleanPass>,
    /// The clean pass of the victim that the oracle answers from.
    pub oracle_clean: Option<&'a CleanPass>,
    pub watch: Watch<'a>,
}

/// How far a cell came.
enum Came {
    ToItsEnd(JournalEnd),
    Interrupted,
}

impl<'a> CellJob<'a> {
    /// Runs the cell from where its journal ends, and writes its record unless it is interrupted.
    pub fn run(&self, maker: &mut dyn Maker) -> Result<(), RunError> {
        self.watch.tell(Event::Cell { id: &self.cell.id });
        let path = self.folder.journal(&self.cell.id);
        let (mut file, done) = JournalFile::open(&path, &self.header())?;
        self.watch.tell(Event::Resumed { items: done.items.len() });
        if done.end.is_none() {
            match self.attack(&mut file, &done, maker)? {
                Came::Interrupted => return Ok(()),
                Came::ToItsEnd(end) => file.append(&JournalLine::End(end))?,
            }
        }
        finish(self.folder, &file.read()?)
    }

    fn header(&self) -> JournalHeader {
        let runs = self.cell.skipped.is_none();
        let victim = self.victim();
        JournalHeader {
            schema: journal::SCHEMA.to_owned(),
            id: self.cell.id.clone(),
            cell: self.cell.spec.clone(),
            classes: self.cell.classes.clone(),
            n_items: self.setup.corpus.items.len() as u64,
            run: self.setup.run_settings(),
            isolation: if runs { self.setup.isolation(victim) } else { Default::default() },
            environment: self.setup.environment(victim),
        }
    }

    fn attack(
        &self,
        file: &mut JournalFile,
        done: &Journal,
        maker: &mut dyn Maker,
    ) -> Result<Came, RunError> {
        if let Some(reason) = &self.cell.skipped {
            return Ok(Came::ToItsEnd(end(Status::Skipped, Some(reason.clone()), vec![])));
        }
        let passes =
            [self.clean, self.oracle_clean].map(|pass| pass.expect("cells that run have their clean passes"));
        if let Some(failure) = passes.iter().find_map(|pass| pass.failure.clone()) {
            return Ok(Came::ToItsEnd(end(Status::Failed, Some(failure), vec![])));
        }
        let places = self.roster(passes);
        let done: BTreeSet<usize> = done.items.iter().map(|item| item.index as usize).collect();
        self.leave_alone(file, &places, &done)?;
        self.attack_batches(file, &places, &done, maker)
    }

    fn roster(&self, [clean, oracle]: [&CleanPass; 2]) -> Vec<Place> {
        let ids: Vec<String> = self.setup.corpus.items.iter().map(|item| item.id.clone()).collect();
        roster(&RosterInput {
            ids: &ids,
            labels: &self.victim().labels,
            clean,
            oracle,
            classes: &self.cell.classes,
            threat: &self.cell.spec.threat,
            seed: self.cell.spec.seed,
        })
    }

    /// Journals the items that the attack is not given.
    fn leave_alone(
        &self,
        file: &mut JournalFile,
        places: &[Place],
        done: &BTreeSet<usize>,
    ) -> Result<(), RunError> {
        for (index, place) in places.iter().enumerate() {
            if matches!(place, Place::Attacked(_)) || done.contains(&index) {
                continue;
            }
            let answer = &self.clean_pass().items[index];
            let line = self.bench().left_alone(&self.setup.corpus.items[index], index, *place, answer);
            file.append(&JournalLine::Item(Box::new(line)))?;
            self.watch.tell(Event::Item);
        }
        Ok(())
    }

    /// Attacks the rest. Batches are cut by place in the cell, whatever was done before, so that an item always
    /// meets the same company.
    fn attack_batches(
        &self,
        file: &mut JournalFile,
        places: &[Place],
        done: &BTreeSet<usize>,
        maker: &mut dyn Maker,
    ) -> Result<Came, RunError> {
        let attacked: Vec<Assignment> = places
            .iter()
            .filter_map(
                |place| if let Place::Attacked(assignment) = place { Some(*assignment) } else { None },
            )
            .collect();
        let examples = self.examples(&attacked);
        let mut seat = JudgeSeat::default();
        for assignments in attacked.chunks(maker.batch_items()) {
            if assignments.iter().all(|assignment| done.contains(&assignment.index)) {
                continue;
            }
            if self.watch.stop.asked() {
                return Ok(Came::Interrupted);
            }
            match self.attack_batch(assignments, maker, &mut seat) {
                Err(Trouble::Run(error)) => return Err(error),
                Err(Trouble::Stopped) => return Ok(Came::Interrupted),
                Err(Trouble::Victim(fault)) => {
                    let reason = format!("victim {}: {fault}", self.victim().facts.identity.id);
                    return Ok(Came::ToItsEnd(end(Status::Failed, Some(reason), vec![])));
                }
                Ok((batch, judged)) => {
                    for (row, judged) in judged.into_iter().enumerate() {
                        if !done.contains(&(judged.line.index as usize)) {
                            self.keep_audio(batch.row(row), &judged, &examples)?;
                            file.append(&JournalLine::Item(Box::new(judged.line)))?;
                            self.watch.tell(Event::Item);
                        }
                    }
                }
            }
        }
        Ok(Came::ToItsEnd(self.verdict()))
    }

    fn attack_batch(
        &self,
        assignments: &[Assignment],
        maker: &mut dyn Maker,
        seat: &mut JudgeSeat,
    ) -> Result<(Batch, Vec<Judged>), Trouble> {
        let batch = Batch::read(self.setup, self.oracle_victim(), assignments)?;
        let lefts = maker.make(&batch)?;
        if self.watch.stop.asked() {
            // What was running when the signal came may have been cut short: it is made anew when the run goes on.
            return Err(Trouble::Stopped);
        }
        let judge = seat.take(self.setup, self.victim()).map_err(Trouble::Victim)?;
        let rows = assignments.iter().zip(lefts).enumerate();
        let judged = rows.map(|(row, (assignment, left))| {
            let clean = Clean {
                row: batch.row(row),
                length: batch.lengths[row] as usize,
                sample_rate_hz: self.victim().sample_rate_hz,
            };
            let answer = &self.clean_pass().items[assignment.index];
            let item = &self.setup.corpus.items[assignment.index];
            self.bench().judged(item, assignment, (&clean, answer), left, judge)
        });
        let judged = judged.collect::<Result<_, Fault>>().map_err(Trouble::Victim)?;
        Ok((batch, judged))
    }

    /// How a cell ends that was attacked to its last item.
    fn verdict(&self) -> JournalEnd {
        let run = &self.setup.plan.plan.run;
        let isolation = &self.victim().isolation;
        let mut flags = Vec::new();
        if self.setup.limited {
            let detail =
                format!("--limit {}: the corpus was cut short to try the plan out", self.setup.limit);
            flags.push(Flag { name: "limited".into(), detail, unreliable: true });
        }
        if self.victim().class_source == crate::classes::ClassSource::Assumed {
            let detail =
                "neither the model nor a card names its classes; alphabetical order was assumed".to_owned();
            flags.push(Flag { name: "assumed-classes".into(), detail, unreliable: false });
        }
        if run.ranked && self.setup.workers.in_process {
            return end(Status::Invalid, Some("plugins ran inside the host (--in-process)".into()), flags);
        }
        if run.ranked && isolation.tier < run.min_tier {
            let reason =
                format!("isolation tier {} was reached, the plan demands {}", isolation.tier, run.min_tier);
            return end(Status::Invalid, Some(reason), flags);
        }
        end(Status::Ok, None, flags)
    }

    /// The items whose audio is kept.
    fn examples(&self, attacked: &[Assignment]) -> BTreeSet<usize> {
        let mut emotions = BTreeSet::new();
        let emotion = |assignment: &Assignment| self.setup.corpus.items[assignment.index].emotion;
        match self.setup.plan.plan.run.audio {
            KeepAudio::None => BTreeSet::new(),
            KeepAudio::All => attacked.iter().map(|assignment| assignment.index).collect(),
            KeepAudio::Examples => {
                let first_of_each = attacked.iter().filter(|assignment| emotions.insert(emotion(assignment)));
                first_of_each.map(|assignment| assignment.index).take(MAX_EXAMPLES).collect()
            }
        }
    }

    fn keep_audio(&self, clean: &[f32], judged: &Judged, examples: &BTreeSet<usize>) -> Result<(), RunError> {
        let Some(codes) = judged.codes.as_ref().filter(|_| examples.contains(&(judged.line.index as usize)))
        else {
            return Ok(());
        };
        let rate = self.victim().sample_rate_hz;
        write_wav(&self.folder.audio(&self.cell.id, &judged.line.item), codes, rate)?;
        let beside = self.folder.clean_audio(&self.victim().facts.identity.id, &judged.line.item);
        if !beside.exists() {
            let codes: Vec<i16> = clean.iter().map(|&sample| pcm16::encode(sample)).collect();
            write_wav(&beside, &codes, rate)?;
        }
        Ok(())
    }

    fn victim(&self) -> &'a Victim {
        self.setup.victim(&self.cell.spec.victim.id)
    }

    fn oracle_victim(&self) -> &'a Victim {
        let source = self.cell.spec.source.as_ref();
        source.map_or_else(|| self.victim(), |source| self.setup.victim(&source.id))
    }

    fn clean_pass(&self) -> &'a CleanPass {
        self.clean.expect("cells that run have their clean passes")
    }

    fn bench(&self) -> Bench<'a> {
        Bench { classes: &self.cell.classes, threat: &self.cell.spec.threat }
    }
}

fn end(status: Status, reason: Option<String>, flags: Vec<Flag>) -> JournalEnd {
    JournalEnd { status, reason, flags }
}
