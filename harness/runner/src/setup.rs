//! What the cells of a run share: the corpus, the plugins with their parameters, the victims as they describe
//! themselves, and how workers of them are started.

use crate::classes::ClassSource;
use crate::environment::{HARNESS_VERSION, cores, cpu_model};
use crate::error::RunError;
use crate::manifest::FileEntry;
use crate::options::{Device, Install, RunOptions};
use crate::plan_file::PlanFile;
use crate::progress::Event;
use crate::resolve::{find, hash_model};
use crate::stop::Stop;
use crate::watch::Watch;
use seraph_core::record::{Environment, Isolation, RunSettings};
use seraph_core::{AttackFacts, CorpusId, Number, PlannedCell, VictimFacts};
use seraph_data::{Corpus, Item};
use seraph_host::{
    AttackWorker, Fault, IsolationReport, Kind, LayerState, Limits, Param, PluginFile, VictimDesc,
    VictimWorker, WorkerOptions,
};

/// An attack, ready to be started.
pub(crate) struct Attack {
    pub facts: AttackFacts,
    pub plugin: PluginFile,
    pub params: Vec<Param>,
    /// Items that it takes per task; `None`: any number.
    pub max_items: Option<usize>,
}

/// A victim, ready to be started.
pub(crate) struct Victim {
    pub facts: VictimFacts,
    pub plugin: PluginFile,
    pub params: Vec<Param>,
    pub desc: VictimDesc,
    pub class_source: ClassSource,
    pub isolation: IsolationReport,
    pub sample_rate_hz: u32,
    /// Input length; `None`: any, so that each item keeps its own.
    pub n_samples: Option<usize>,
    /// The class of each item's label.
    pub labels: Vec<usize>,
}

/// How workers of a run are started.
#[derive(Clone, Debug)]
pub(crate) struct WorkerSettings {
    pub install: Install,
    pub device: Device,
    pub in_process: bool,
    pub jobs: usize,
    pub stop: Stop,
}

/// What the cells of a run share.
pub(crate) struct Setup {
    pub plan: PlanFile,
    pub workers: WorkerSettings,
    pub corpus: Corpus,
    /// Items taken of the split, 0 = all: the smaller of the plan's limit and the caller's.
    pub limit: usize,
    /// Whether the caller cut the corpus short.
    pub limited: bool,
    /// SHA-256 of the corpus's audio.
    pub data_sha256: String,
    pub attacks: Vec<Attack>,
    pub victims: Vec<Victim>,
}

impl Setup {
    /// All cells of the plan.
    pub fn cells(&self) -> Vec<PlannedCell> {
        let attacks: Vec<AttackFacts> = self.attacks.iter().map(|attack| attack.facts.clone()).collect();
        let victims: Vec<VictimFacts> = self.victims.iter().map(|victim| victim.facts.clone()).collect();
        let mut cells = seraph_core::expand(&self.plan.plan, &attacks, &victims, &self.corpus_id());
        for cell in &mut cells {
            cell.skipped = cell.skipped.take().or_else(|| self.why_shapes_differ(cell));
        }
        cells
    }

    /// Audio made for the source of a transfer must be audio for the victim.
    fn why_shapes_differ(&self, cell: &PlannedCell) -> Option<String> {
        let (source, victim) =
            (self.victim(&cell.spec.source.as_ref()?.id), self.victim(&cell.spec.victim.id));
        let shape = |v: &Victim| match v.n_samples {
            Some(n_samples) => format!("{n_samples} samples at {} Hz", v.sample_rate_hz),
            None => format!("any number of samples at {} Hz", v.sample_rate_hz),
        };
        let names = (&source.facts.identity.id, &victim.facts.identity.id);
        (shape(source) != shape(victim)).then(|| {
            format!("source {} takes {}, victim {} takes {}", names.0, shape(source), names.1, shape(victim))
        })
    }

    /// The files that the results depend on.
    pub fn files(&self) -> Vec<FileEntry> {
        let attacks = self
            .attacks
            .iter()
            .map(|attack| entry("plugin of attack", &attack.facts.identity.name, &attack.plugin.sha256));
        let victims = self.victims.iter().flat_map(|victim| {
            let identity = &victim.facts.identity;
            [
                entry("plugin of victim", &identity.id, &identity.plugin_sha256),
                entry("model of victim", &identity.id, &identity.sha256),
            ]
        });
        attacks.chain(victims).collect()
    }

    /// Tells what a user should know about what was loaded.
    pub fn tell_notes(&self, watch: Watch<'_>) {
        for note in &self.corpus.notes {
            watch.tell(Event::Note(note));
        }
        for victim in self.victims.iter().filter(|victim| victim.class_source == ClassSource::Assumed) {
            let (name, classes) = (&victim.facts.identity.id, victim.facts.classes.join(", "));
            watch.warn(&format!(
                "nothing says what the logits of {name} are; taken as {classes}, in that order"
            ));
        }
        for victim in &self.victims {
            if let Some(note) = &victim.facts.gradient_note {
                watch.warn(&format!("victim {} has no gradients: {note}", victim.facts.identity.id));
            }
        }
    }

    /// The corpus to the bit.
    pub fn corpus_id(&self) -> CorpusId {
        CorpusId {
            id: self.corpus.id.clone(),
            split: self.corpus.split.clone(),
            limit: self.limit,
            manifest_sha256: self.corpus.manifest_sha256.clone(),
        }
    }

    /// The attack of that name in the plan.
    pub fn attack(&self, name: &str) -> &Attack {
        let found = self.attacks.iter().find(|attack| attack.facts.identity.name == name);
        found.expect("cells are expanded from these attacks")
    }

    /// The victim of that name in the plan.
    pub fn victim(&self, name: &str) -> &Victim {
        let found = self.victims.iter().find(|victim| victim.facts.identity.id == name);
        found.expect("cells are expanded from these victims")
    }

    /// The audio of an item as a victim takes it.
    pub fn read(&self, victim: &Victim, item: &Item) -> Result<Vec<f32>, RunError> {
        Ok(self.corpus.read(item, victim.sample_rate_hz, victim.n_samples)?)
    }

    /// A new worker of a victim.
    pub fn start_victim(&self, victim: &Victim) -> Result<VictimWorker, Fault> {
        let options = self.workers.victim_options(&self.plan);
        VictimWorker::start(&victim.plugin, &victim.facts.identity.plugin, &victim.params, &options)
    }

    /// A new worker of an attack, for a task of `n_items`.
    pub fn start_attack(&self, attack: &Attack, n_items: usize) -> Result<AttackWorker, Fault> {
        let options = self.workers.attack_options(&self.plan, n_items);
        AttackWorker::start(&attack.plugin, &attack.facts.identity.id, &attack.params, &options)
    }

    /// What ran it, as far as that can move a cell's numbers.
    pub fn environment(&self, victim: &Victim) -> Environment {
        Environment {
            harness: HARNESS_VERSION.to_owned(),
            runtime: Some(victim.desc.runtime.clone()).filter(|runtime| !runtime.is_empty()),
            device: victim.desc.device.clone(),
            cpu: cpu_model(),
        }
    }

    /// How plugins are confined.
    pub fn isolation(&self, victim: &Victim) -> Isolation {
        let layers = victim.isolation.layers.iter();
        let enforced = layers.filter(|layer| layer.state == LayerState::Enforced);
        Isolation {
            tier: Some(victim.isolation.tier),
            mechanisms: enforced.map(|layer| layer.name.clone()).collect(),
            in_process: self.workers.in_process,
        }
    }

    /// How cells are run.
    pub fn run_settings(&self) -> RunSettings {
        let run = &self.plan.plan.run;
        RunSettings {
            batch: run.batch as u64,
            bootstrap: run.bootstrap as u64,
            min_tier: run.min_tier,
            ranked: run.ranked,
            wall_s_per_item: Number(run.wall_s_per_item),
            memory_mb: run.memory_mb,
        }
    }
}

/// The same list for a plan of which nothing was loaded yet.
pub(crate) fn files_of_plan(plan: &PlanFile, install: &Install) -> Result<Vec<FileEntry>, RunError> {
    let mut files = Vec::new();
    for attack in &plan.plan.attacks {
        let name = attack.name();
        let plugin = find(plan, ("attack", Kind::Attack), (&name, &attack.plugin), install)?;
        files.push(entry("plugin of attack", &name, &plugin.sha256));
    }
    for victim in &plan.plan.victims {
        let name = victim.name();
        let plugin = find(plan, ("victim", Kind::Victim), (&name, &victim.plugin), install)?;
        let model = victim.model.as_deref().map(|model| hash_model(&name, &plan.path(model))).transpose()?;
        files.push(entry("plugin of victim", &name, &plugin.sha256));
        files.push(entry("model of victim", &name, model.as_ref().unwrap_or(&plugin.sha256)));
    }
    Ok(files)
}

fn entry(what: &str, name: &str, sha256: &str) -> FileEntry {
    FileEntry { what: format!("{what} {name}"), sha256: sha256.to_owned() }
}

impl WorkerSettings {
    /// Of a run.
    pub fn of(options: &RunOptions, stop: &Stop) -> WorkerSettings {
        WorkerSettings {
            install: options.install.clone(),
            device: options.device,
            in_process: options.in_process,
            jobs: options.jobs.max(1),
            stop: stop.clone(),
        }
    }

    /// How a plugin is asked what it is.
    pub fn describe_options(&self, plan: &PlanFile) -> WorkerOptions {
        self.options(plan, 1)
    }

    /// How a victim is started.
    pub fn victim_options(&self, plan: &PlanFile) -> WorkerOptions {
        let mut options = self.options(plan, plan.plan.run.batch);
        let Some(library) = &self.install.onnx_runtime else { return options };
        let library = library.canonicalize().unwrap_or_else(|_| library.clone());
        options.read_paths.extend(library.parent().map(ToOwned::to_owned));
        options.env.push(("ORT_DYLIB_PATH".into(), library.to_string_lossy().into_owned()));
        options
    }

    /// How an attack is started for a task of `n_items`.
    pub fn attack_options(&self, plan: &PlanFile, n_items: usize) -> WorkerOptions {
        self.options(plan, n_items)
    }

    /// Threads that one victim may compute with, so that all jobs together fill the machine.
    pub fn threads_per_victim(&self) -> usize {
        (cores() / self.jobs.max(1)).max(1)
    }

    fn options(&self, plan: &PlanFile, n_items: usize) -> WorkerOptions {
        let run = &plan.plan.run;
        let seconds = run.wall_s_per_item * n_items as f64;
        let limits = Limits {
            memory_bytes: run.memory_mb << 20,
            // A plugin may use all cores; the wall clock is what bounds it.
            cpu_s: seconds * cores() as f64,
            wall_s: seconds,
            ..Limits::default()
        };
        WorkerOptions {
            in_process: self.in_process,
            limits,
            required_tier: if run.ranked && !self.in_process { run.min_tier } else { 0 },
            cancel: Some(self.stop.flag()),
            ..WorkerOptions::default()
        }
    }
}
