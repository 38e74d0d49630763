//! From a plan to what its cells share: plugins found and described, victims loaded once, the corpus read.

use crate::card::Card;
use crate::classes::{Unnamed, name_classes};
use crate::error::RunError;
use crate::options::Install;
use crate::plan_file::PlanFile;
use crate::setup::{Attack, Setup, Victim, WorkerSettings};
use seraph_core::cell::{AttackId, VictimId};
use seraph_core::plan::{self, AttackPlan, VictimPlan};
use seraph_core::{AttackFacts, Goal, Grants, Norm, Number, VictimFacts, digest};
use seraph_data::Corpus;
use seraph_host::{
    Description, Kind, Param, ParamInfo, ParamInput, ParamKind, ParamValue, PluginFile, Victim as _,
    VictimDesc, VictimWorker, describe, find_plugin, resolve_params,
};
use std::collections::BTreeMap;
use std::path::Path;

/// Sample rate taken where neither the model nor its card says one: what speech models are trained at.
const USUAL_SAMPLE_RATE_HZ: u32 = 16_000;

/// Finds, describes and loads everything that a plan names.
pub(crate) fn resolve(
    plan: &PlanFile,
    limit: Option<usize>,
    workers: WorkerSettings,
) -> Result<Setup, RunError> {
    let (corpus, taken) = load_corpus(plan, limit)?;
    let attacks = plan.plan.attacks.iter().map(|attack| resolve_attack(plan, attack, &workers));
    let attacks = attacks.collect::<Result<Vec<_>, _>>()?;
    let victims = plan.plan.victims.iter().map(|victim| resolve_victim(plan, victim, &corpus, &workers));
    let victims = victims.collect::<Result<Vec<_>, _>>()?;
    Ok(Setup {
        plan: plan.clone(),
        data_sha256: corpus.content_sha256()?,
        limit: taken,
        limited: limit.is_some_and(|limit| limit == taken && plan.plan.corpus.limit != taken),
        corpus,
        attacks,
        victims,
        workers,
    })
}

/// The corpus of a plan and the limit that holds, 0 = none.
pub(crate) fn load_corpus(plan: &PlanFile, limit: Option<usize>) -> Result<(Corpus, usize), RunError> {
    let wanted = &plan.plan.corpus;
    let path = wanted.path.as_deref().map(|path| plan.path(path));
    let limits = [wanted.limit, limit.unwrap_or(0)];
    let taken = limits.into_iter().filter(|&limit| limit > 0).min().unwrap_or(0);
    let corpus = seraph_data::load(&wanted.id, path.as_deref(), wanted.split.as_deref(), taken)?;
    if corpus.items.is_empty() {
        return Err(RunError::NoItems { id: corpus.id });
    }
    Ok((corpus, taken))
}

/// The library that a plan names, as a name or a path.
pub(crate) fn find(
    plan: &PlanFile,
    (role, kind): (&'static str, Kind),
    (name, written): (&str, &str),
    install: &Install,
) -> Result<PluginFile, RunError> {
    find_plugin(&plan.plugin(written), kind, &install.plugin_dirs).map_err(|source| RunError::Plugin {
        role,
        name: name.to_owned(),
        source,
    })
}

fn resolve_attack(
    plan: &PlanFile,
    written: &AttackPlan,
    workers: &WorkerSettings,
) -> Result<Attack, RunError> {
    let (role, name) = ("attack", written.name());
    let plugin = find(plan, (role, Kind::Attack), (&name, &written.plugin), &workers.install)?;
    let description = describe_plugin(plan, role, &name, &plugin, workers)?;
    let held: Vec<&str> = description.attacks.iter().map(|info| info.id.as_str()).collect();
    let wanted = written.id.as_deref();
    let place = place_of(wanted, &written.plugin, &held);
    let info = &description.attacks[place.ok_or_else(|| not_inside(role, &name, &plugin, wanted, &held))?];
    let overrides = overrides(plan, &written.params, &info.params);
    let params = resolve_params(&info.params, &info.presets, written.preset.as_deref(), &overrides)
        .map_err(|source| RunError::Param { role, name: name.clone(), source })?;
    let identity = AttackId {
        name,
        id: info.id.clone(),
        version: info.version.clone(),
        sha256: plugin.sha256.clone(),
        preset: written.preset.clone(),
        params: recorded_params(&info.params, &params, &[]),
    };
    let facts = AttackFacts {
        identity,
        needs: Grants(info.access_required),
        norms: norms(info.norms),
        goals: goals(info.goals),
    };
    let max_items = Some(info.max_items as usize).filter(|&n| n > 0);
    Ok(Attack { facts, plugin, params, max_items })
}

fn resolve_victim(
    plan: &PlanFile,
    written: &VictimPlan,
    corpus: &Corpus,
    workers: &WorkerSettings,
) -> Result<Victim, RunError> {
    let (role, name) = ("victim", written.name());
    let plugin = find(plan, (role, Kind::Victim), (&name, &written.plugin), &workers.install)?;
    let model = written.model.as_deref().map(|model| plan.path(model));
    let model_sha256 = model.as_deref().map(|model| hash_model(&name, model)).transpose()?;
    let card = model.as_deref().map(Card::beside).transpose()?.flatten();
    let description = describe_plugin(plan, role, &name, &plugin, workers)?;
    let held: Vec<&str> = description.victims.iter().map(|info| info.id.as_str()).collect();
    let wanted = written.id.as_deref();
    let place = place_of(wanted, &written.plugin, &held);
    let info = &description.victims[place.ok_or_else(|| not_inside(role, &name, &plugin, wanted, &held))?];
    let overrides = victim_overrides(plan, written, model.as_deref(), &info.params, workers);
    let params = resolve_params(&info.params, &[], None, &overrides).map_err(|source| RunError::Param {
        role,
        name: name.clone(),
        source,
    })?;
    let worker = VictimWorker::start(&plugin, &info.id, &params, &workers.victim_options(plan));
    let file = model.clone();
    let worker = worker.map_err(|fault| RunError::Worker {
        role,
        name: name.clone(),
        file,
        fault: Box::new(fault),
    })?;
    let desc = worker.desc().clone();
    let shape = Shape::of(&name, &desc, card.as_ref())?;
    let (classes, labels) = classes(&name, &desc, card.as_ref(), model.as_deref(), corpus)?;
    let identity = VictimId {
        id: name,
        sha256: model_sha256.unwrap_or_else(|| plugin.sha256.clone()),
        arch: arch(&desc, card.as_ref()),
        plugin: info.id.clone(),
        plugin_sha256: plugin.sha256.clone(),
        params: recorded_params(&info.params, &params, &["model", "device", "threads"]),
    };
    let facts = VictimFacts {
        identity,
        classes: classes.names,
        gives: Grants(desc.access),
        gradient_note: Some(desc.gradient_note.clone()).filter(|note| !note.is_empty()),
    };
    Ok(Victim {
        facts,
        isolation: worker.isolation().clone(),
        plugin,
        params,
        desc,
        class_source: classes.source,
        sample_rate_hz: shape.sample_rate_hz,
        n_samples: shape.n_samples,
        labels,
    })
}

/// A victim of its own, outside any run: to be examined.
pub struct OpenVictim {
    /// The worker.
    pub worker: VictimWorker,
    /// The emotion of each logit.
    pub classes: Vec<String>,
    /// The class of each item's label.
    pub labels: Vec<usize>,
    /// Sample rate that it takes.
    pub sample_rate_hz: u32,
    /// Input length; `None`: any.
    pub n_samples: Option<usize>,
}

/// Loads an ONNX model as a victim for the items of a corpus.
pub fn open_victim(model: &Path, corpus: &Corpus, install: Install) -> Result<OpenVictim, RunError> {
    let written = VictimPlan {
        plugin: "victim-onnx".to_owned(),
        id: None,
        model: Some(model.to_owned()),
        given_name: None,
        params: plan::Params::new(),
    };
    let plan = PlanFile::of_victim(&written);
    let stop = crate::stop::Stop::new();
    let device = crate::options::Device::Cpu;
    let workers = WorkerSettings { install, device, in_process: false, jobs: 1, stop };
    let victim = resolve_victim(&plan, &written, corpus, &workers)?;
    let worker = VictimWorker::start(
        &victim.plugin,
        &victim.facts.identity.plugin,
        &victim.params,
        &workers.victim_options(&plan),
    );
    let worker = worker.map_err(|fault| RunError::Worker {
        role: "victim",
        name: victim.facts.identity.id.clone(),
        file: Some(model.to_owned()),
        fault: Box::new(fault),
    })?;
    Ok(OpenVictim {
        worker,
        classes: victim.facts.classes,
        labels: victim.labels,
        sample_rate_hz: victim.sample_rate_hz,
        n_samples: victim.n_samples,
    })
}

/// What a model takes.
struct Shape {
    sample_rate_hz: u32,
    n_samples: Option<usize>,
}

impl Shape {
    fn of(name: &str, desc: &VictimDesc, card: Option<&Card>) -> Result<Shape, RunError> {
        let victim = |problem: String| RunError::Victim { name: name.to_owned(), problem };
        let from_model = Some(desc.sample_rate_hz).filter(|&rate| rate > 0);
        let from_card = card.and_then(|card| card.sample_rate);
        if let (Some(model), Some(card)) = (from_model, from_card)
            && model != card
        {
            return Err(victim(format!(
                "the model says {model} Hz and its card {card} Hz; correct the card"
            )));
        }
        let sample_rate_hz = from_model.or(from_card).unwrap_or(USUAL_SAMPLE_RATE_HZ);
        if !(seraph_audio::MIN_RATE_HZ..=seraph_audio::MAX_RATE_HZ).contains(&sample_rate_hz) {
            return Err(victim(format!("its sample rate of {sample_rate_hz} Hz is not one of speech")));
        }
        let fixed = usize::try_from(desc.n_samples).ok().filter(|&n| n > 0);
        Ok(Shape { sample_rate_hz, n_samples: fixed.or(card.and_then(|card| card.n_samples)) })
    }
}

fn classes(
    name: &str,
    desc: &VictimDesc,
    card: Option<&Card>,
    model: Option<&Path>,
    corpus: &Corpus,
) -> Result<(crate::classes::Classes, Vec<usize>), RunError> {
    let names = |emotions: &mut dyn Iterator<Item = seraph_data::Emotion>| {
        emotions.map(|emotion| emotion.name().to_owned()).collect::<Vec<_>>()
    };
    let vocabulary = names(&mut corpus.classes.iter().copied());
    let present: std::collections::BTreeSet<_> = corpus.items.iter().map(|item| item.emotion).collect();
    let present = names(&mut present.into_iter());
    let described = desc.classes.as_deref().unwrap_or_default();
    let unnamed = Unnamed { victim: name, n_classes: desc.n_classes as usize, described, card, model };
    let classes = name_classes(unnamed, &vocabulary, &present)?;
    let place =
        |item: &seraph_data::Item| classes.names.iter().position(|class| class == item.emotion.name());
    let labels =
        corpus.items.iter().map(|item| place(item).expect("each present emotion has a logit")).collect();
    Ok((classes, labels))
}

/// The architecture in a few words: models and cards go on about layers after a colon.
fn arch(desc: &VictimDesc, card: Option<&Card>) -> Option<String> {
    let from_card = card.and_then(|card| card.arch.as_deref()).unwrap_or_default();
    let said = if desc.arch.is_empty() { from_card } else { &desc.arch };
    let short = said.split(':').next().unwrap_or_default().trim();
    Some(short.to_owned()).filter(|arch| !arch.is_empty())
}

fn describe_plugin(
    plan: &PlanFile,
    role: &'static str,
    name: &str,
    plugin: &PluginFile,
    workers: &WorkerSettings,
) -> Result<Description, RunError> {
    describe(plugin, &workers.describe_options(plan)).map_err(|fault| RunError::Worker {
        role,
        name: name.to_owned(),
        file: Some(plugin.path.clone()),
        fault: Box::new(fault),
    })
}

/// Which of the plugins that a library holds is meant: the one whose id the plan gives, the one that it names, or
/// the only one of a library named by path.
fn place_of(id: Option<&str>, plugin: &str, held: &[&str]) -> Option<usize> {
    let named = held.iter().position(|&held| held == id.unwrap_or(plugin));
    named.or_else(|| (id.is_none() && held.len() == 1).then_some(0))
}

fn not_inside(
    role: &'static str,
    name: &str,
    plugin: &PluginFile,
    wanted: Option<&str>,
    held: &[&str],
) -> RunError {
    RunError::NotInside {
        role,
        name: name.to_owned(),
        library: plugin.path.clone(),
        wanted: wanted.map(ToOwned::to_owned),
        held: held.iter().map(ToString::to_string).collect(),
    }
}

pub(crate) fn hash_model(name: &str, path: &Path) -> Result<String, RunError> {
    let unreadable =
        |source| RunError::File { what: "victim", name: name.to_owned(), path: path.to_owned(), source };
    let bytes = std::fs::read(path).map_err(unreadable)?;
    Ok(digest::sha256_hex(&bytes))
}

/// The plan's parameters, as the host takes them; files are found beside the plan.
fn overrides(plan: &PlanFile, params: &plan::Params, infos: &[ParamInfo]) -> BTreeMap<String, ParamInput> {
    let is_file = |name: &String| infos.iter().any(|info| info.name == *name && info.kind == ParamKind::Blob);
    let input = |(name, value): (&String, &plan::ParamValue)| match value {
        plan::ParamValue::Bool(value) => ParamInput::Bool(*value),
        plan::ParamValue::Int(value) => ParamInput::Int(*value),
        plan::ParamValue::Float(value) => ParamInput::Float(value.0),
        plan::ParamValue::Text(path) if is_file(name) => ParamInput::Text(text(&plan.path(Path::new(path)))),
        plan::ParamValue::Text(value) => ParamInput::Text(value.clone()),
    };
    params.iter().map(|param| (param.0.clone(), input(param))).collect()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The same for a victim, with what the runner decides: its model, its device, its threads.
fn victim_overrides(
    plan: &PlanFile,
    written: &VictimPlan,
    model: Option<&Path>,
    infos: &[ParamInfo],
    workers: &WorkerSettings,
) -> BTreeMap<String, ParamInput> {
    let mut given = overrides(plan, &written.params, infos);
    given.extend(model.map(|model| ("model".to_owned(), ParamInput::Text(text(model)))));
    let decided = [
        ("device", ParamInput::Text(workers.device.as_str().to_owned())),
        ("threads", ParamInput::Int(workers.threads_per_victim() as i64)),
    ];
    for (name, value) in decided {
        if infos.iter().any(|info| info.name == name) {
            given.entry(name.to_owned()).or_insert(value);
        }
    }
    given
}

/// Parameters as a record states them: by name, choices by their names, files by their hashes.
fn recorded_params(infos: &[ParamInfo], params: &[Param], without: &[&str]) -> plan::Params {
    let kept = infos.iter().zip(params).filter(|(info, _)| !without.contains(&info.name.as_str()));
    kept.map(|(info, param)| (info.name.clone(), recorded_value(info, &param.value))).collect()
}

fn recorded_value(info: &ParamInfo, value: &ParamValue) -> plan::ParamValue {
    match value {
        ParamValue::F64(value) => plan::ParamValue::Float(Number(*value)),
        ParamValue::I64(value) => plan::ParamValue::Int(*value),
        ParamValue::Bool(value) => plan::ParamValue::Bool(*value),
        ParamValue::Choice(index) => plan::ParamValue::Text(
            info.choices.get(*index as usize).cloned().unwrap_or_else(|| index.to_string()),
        ),
        ParamValue::Blob(file) => plan::ParamValue::Text(format!("sha256:{}", file.sha256())),
    }
}

fn norms(bits: u32) -> Vec<Norm> {
    let known = [(1, Norm::Linf), (2, Norm::L2), (4, Norm::L1), (8, Norm::L0)];
    known.into_iter().filter(|(bit, _)| bits & bit != 0).map(|(_, norm)| norm).collect()
}

fn goals(bits: u32) -> Vec<Goal> {
    let known = [(1, Goal::Untargeted), (2, Goal::Targeted)];
    known.into_iter().filter(|(bit, _)| bits & bit != 0).map(|(_, goal)| goal).collect()
}
