//! A small run whose numbers can be checked by hand: each item breaks at a known perturbation, each attack reaches a known
//! share of its budget.

#![allow(clippy::unwrap_used, dead_code)]

use seraph_core::cell::{AttackId, VictimId};
use seraph_core::journal::{self, JournalEnd, JournalHeader, JournalLine, Pcm16Item, Sizes};
use seraph_core::plan::Params;
use seraph_core::record::{
    self, Confusion, Environment, Fate, Isolation, Outcomes, Record, RunSettings, Status,
};
use seraph_core::{
    Access, CellSpec, CorpusId, Counts, Flag, Goal, Group, ItemStatus, JournalItem, Labels, Metric, Norm,
    Number, Threat,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

pub const CLASSES: [&str; 4] = ["anger", "happiness", "neutral", "sadness"];
pub const RATE_HZ: u32 = 16_000;

/// An attack of the sample, and the share of its budget that it makes use of.
#[derive(Clone, Copy)]
pub struct SampleAttack {
    pub name: &'static str,
    pub reach: f64,
    pub gradients: f64,
}

pub const NULL: SampleAttack = SampleAttack { name: "null", reach: 0.0, gradients: 0.0 };
pub const NOISE: SampleAttack = SampleAttack { name: "noise", reach: 0.07, gradients: 0.0 };
pub const FGSM: SampleAttack = SampleAttack { name: "fgsm", reach: 0.55, gradients: 1.0 };
pub const PGD: SampleAttack = SampleAttack { name: "pgd", reach: 1.0, gradients: 20.0 };

/// A cell before anything has gone wrong with it.
pub fn spec(attack: SampleAttack, victim: &str, eps: f64) -> CellSpec {
    CellSpec {
        attack: AttackId {
            name: attack.name.into(),
            id: attack.name.into(),
            version: "1.0.0".into(),
            sha256: seraph_core::digest::sha256_hex(attack.name.as_bytes()),
            preset: (attack.name == "pgd").then(|| "paper-default".into()),
            params: Params::new(),
        },
        victim: VictimId {
            id: victim.into(),
            sha256: seraph_core::digest::sha256_hex(victim.as_bytes()),
            arch: Some("emo18".into()),
            plugin: "victim-onnx".into(),
            plugin_sha256: "c".repeat(64),
            params: Params::new(),
        },
        source: None,
        corpus: CorpusId {
            id: "emodb".into(),
            split: Some("test".into()),
            limit: 0,
            manifest_sha256: "d".repeat(64),
        },
        threat: Threat {
            access: Access::WhiteBox,
            norm: Norm::Linf,
            eps: Number(eps),
            goal: Goal::Untargeted,
            target: None,
            labels: Labels::True,
            queries: 1000,
            gradient_queries: 1000,
            source: None,
        },
        seed: 1,
    }
}

fn run_settings() -> RunSettings {
    RunSettings {
        batch: 8,
        bootstrap: 10_000,
        min_tier: 3,
        ranked: true,
        wall_s_per_item: Number(60.0),
        memory_mb: 2048,
    }
}

fn isolation() -> Isolation {
    Isolation { tier: Some(3), mechanisms: vec!["landlock".into(), "seccomp".into()], in_process: false }
}

fn environment() -> Environment {
    Environment {
        harness: "0.1.0".into(),
        runtime: Some("onnxruntime 1.24.1".into()),
        device: "cpu".into(),
        cpu: "Some CPU".into(),
    }
}

/// A record without results.
pub fn empty_record(cell: CellSpec, status: Status, reason: Option<&str>) -> Record {
    Record {
        schema: record::SCHEMA.into(),
        id: cell.id(),
        key: cell.key(),
        cell,
        run: run_settings(),
        status,
        reason: reason.map(Into::into),
        n: Counts::default(),
        metrics: BTreeMap::new(),
        groups: BTreeMap::new(),
        confusion: None,
        curves: BTreeMap::new(),
        outcomes: Outcomes::default(),
        flags: Vec::new(),
        isolation: isolation(),
        environment: environment(),
    }
}

/// One utterance of the sample corpus: what is true of it whatever the attack.
struct Utterance {
    label: usize,
    speaker: usize,
    /// Perturbation that breaks it; `None`: its clean prediction is wrong.
    breaks_at: Option<f64>,
}

fn utterances(victim: &str, n: usize) -> Vec<Utterance> {
    let strength = 0.0006 * (1 + victim.len() % 4) as f64;
    (0..n)
        .map(|i| Utterance {
            label: i % CLASSES.len(),
            speaker: i % 5,
            breaks_at: (i * 7 % 10 >= 2).then(|| strength * (1 + i * 13 % 17) as f64 / 8.0),
        })
        .collect()
}

fn fate(utterance: &Utterance, attack: SampleAttack, eps: f64) -> Fate {
    match utterance.breaks_at {
        None => Fate::CleanWrong,
        Some(limit) if attack.reach * eps > limit => Fate::Success,
        Some(_) => Fate::Robust,
    }
}

/// Wilson 1927, for intervals that look like intervals.
fn share(hits: usize, n: usize) -> Metric {
    if n == 0 {
        return Metric::point(None);
    }
    let (n, p, z) = (n as f64, hits as f64 / n as f64, 1.96f64);
    let centre = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    Metric::with_interval(p, ((centre - half).max(0.0), (centre + half).min(1.0)))
}

fn counts<'a>(fates: impl Iterator<Item = &'a Fate>) -> Counts {
    let mut n = Counts::default();
    for fate in fates {
        n.total += 1;
        n.clean_correct += u64::from(*fate != Fate::CleanWrong);
        n.attacked += u64::from(*fate != Fate::CleanWrong);
        n.succeeded += u64::from(*fate == Fate::Success);
    }
    n
}

fn shares(n: &Counts) -> BTreeMap<String, Metric> {
    let (total, right) = (n.total as usize, n.clean_correct as usize);
    let robust = right - n.succeeded as usize;
    let all = [
        ("clean_accuracy", share(right, total)),
        ("clean_uar", share(right, total)),
        ("robust_accuracy", share(robust, total)),
        ("robust_uar", share(robust, total)),
        ("asr", share(n.succeeded as usize, right)),
        ("flip_rate", share(n.succeeded as usize, right)),
    ];
    all.into_iter().map(|(name, metric)| (name.to_owned(), metric)).collect()
}

/// A record with results over `n` utterances.
pub fn record(attack: SampleAttack, victim: &str, eps: f64, n: usize) -> Record {
    let items = utterances(victim, n);
    let fates: Vec<Fate> = items.iter().map(|item| fate(item, attack, eps)).collect();
    let n = counts(fates.iter());
    let mut metrics = shares(&n);
    let snr = if attack.reach == 0.0 { f64::INFINITY } else { -20.0 * (eps * 8.0).log10() };
    metrics.insert("snr_db".into(), Metric::with_interval(snr, (snr - 1.5, snr + 1.5)));
    metrics.insert("forward_queries".into(), Metric::point(Some(attack.gradients)));
    metrics.insert("gradient_queries".into(), Metric::point(Some(attack.gradients)));
    let group = |of: &dyn Fn(&Utterance) -> String| {
        let mut groups: BTreeMap<String, Vec<&Fate>> = BTreeMap::new();
        items.iter().zip(&fates).for_each(|(item, fate)| groups.entry(of(item)).or_default().push(fate));
        let group = |fates: Vec<&Fate>| {
            let n = counts(fates.into_iter());
            Group { n, metrics: shares(&n) }
        };
        groups.into_iter().map(|(name, fates)| (name, group(fates))).collect::<BTreeMap<_, _>>()
    };
    let groups = BTreeMap::from([
        ("by_emotion".to_owned(), group(&|item| CLASSES[item.label].into())),
        ("by_gender".to_owned(), group(&|item| gender(item).into())),
        ("by_speaker".to_owned(), group(&|item| format!("{:02}", item.speaker + 3))),
    ]);
    Record {
        n,
        metrics,
        groups,
        confusion: Some(confusion(&items, &fates)),
        outcomes: Outcomes {
            fates: fates.iter().map(|fate| fate.letter()).collect(),
            distances: fates.iter().map(|fate| (*fate == Fate::Success).then_some(Number(eps))).collect(),
            queries: vec![None; fates.len()],
        },
        ..empty_record(spec(attack, victim, eps), Status::Ok, None)
    }
}

fn gender(item: &Utterance) -> &'static str {
    if item.speaker.is_multiple_of(2) { "female" } else { "male" }
}

fn clean_pred(item: &Utterance) -> usize {
    if item.breaks_at.is_some() { item.label } else { (item.label + 1) % CLASSES.len() }
}

fn adv_pred(item: &Utterance, fate: Fate) -> usize {
    if fate == Fate::Success { (item.label + 2) % CLASSES.len() } else { clean_pred(item) }
}

fn confusion(items: &[Utterance], fates: &[Fate]) -> Confusion {
    let zeros = || vec![vec![0; CLASSES.len()]; CLASSES.len()];
    let (mut clean, mut adversarial, mut flow) = (zeros(), zeros(), zeros());
    for (item, fate) in items.iter().zip(fates) {
        clean[item.label][clean_pred(item)] += 1;
        adversarial[item.label][adv_pred(item, *fate)] += 1;
        if *fate != Fate::CleanWrong {
            flow[clean_pred(item)][adv_pred(item, *fate)] += 1;
        }
    }
    Confusion { classes: CLASSES.map(String::from).to_vec(), clean, adversarial, flow }
}

/// Writes `records/<cell>.json`.
pub fn write_record(dir: &Path, record: &Record) {
    let path = dir.join("records").join(format!("{}.json", record.id));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, record.to_json()).unwrap();
}

/// Writes `timings/<cell>.json`.
pub fn write_timings(dir: &Path, record: &Record, seconds_per_item: f64) {
    let path = dir.join("timings").join(format!("{}.json", record.id));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("{{\"seconds_per_item\": {{\"median\": {seconds_per_item}}}}}")).unwrap();
}

/// Writes the journal and audio of the cell of [`record`] with the same arguments.
pub fn write_audio(dir: &Path, attack: SampleAttack, victim: &str, eps: f64, n: usize) {
    let record = record(attack, victim, eps, n);
    let header = JournalLine::Header(Box::new(JournalHeader {
        schema: journal::SCHEMA.into(),
        id: record.id.clone(),
        cell: record.cell.clone(),
        classes: CLASSES.map(String::from).to_vec(),
        n_items: n as u64,
        run: record.run.clone(),
        isolation: record.isolation.clone(),
        environment: record.environment.clone(),
    }));
    let mut text = header.encode();
    for (index, item) in utterances(victim, n).iter().enumerate() {
        let line = journal_item(index, item, fate(item, attack, eps));
        if line.success && index < 24 {
            write_pair(dir, &record.id, victim, &line.item, index, eps);
        }
        text.push_str(&JournalLine::Item(Box::new(line)).encode());
    }
    text.push_str(&JournalLine::End(JournalEnd { status: Status::Ok, reason: None, flags: vec![] }).encode());
    let path = dir.join("journal").join(format!("{}.jsonl", record.id));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn journal_item(index: usize, item: &Utterance, fate: Fate) -> JournalItem {
    let (clean, adv) = (CLASSES[clean_pred(item)].to_owned(), CLASSES[adv_pred(item, fate)].to_owned());
    let success = fate == Fate::Success;
    JournalItem {
        item: format!("{:02}a{index:02}Fa", item.speaker + 3),
        index: index as u64,
        speaker: format!("{:02}", item.speaker + 3),
        gender: Some(gender(item).into()),
        language: Some("de".into()),
        label: CLASSES[item.label].into(),
        reference: Some(clean.clone()),
        target: None,
        clean_pred: Some(clean),
        adv_pred: Some(adv.clone()),
        status: if fate == Fate::CleanWrong { ItemStatus::CleanWrong } else { ItemStatus::Ok },
        reason: None,
        fault: None,
        success,
        clean_logits: vec![],
        adv_logits: vec![],
        sizes: Sizes::default(),
        pcm16: Some(Pcm16Item {
            adv_pred: Some(adv),
            valid: true,
            success,
            linf_lsb: None,
            l0: None,
            snr_db: Some(Number(41.25)),
        }),
        forward_queries: 20,
        gradient_queries: 20,
        success_forward_queries: None,
        success_gradient_queries: None,
        zero_gradients: 0,
        seconds: None,
        adv_sha256: None,
    }
}

/// Half a second of a vowel-like tone, clean and with a small square wave on top.
fn write_pair(dir: &Path, cell: &str, victim: &str, item: &str, index: usize, eps: f64) {
    let pitch_hz = 110.0 + 9.0 * index as f64;
    let sample = |n: u32, perturbed: bool| {
        let t = f64::from(n) / f64::from(RATE_HZ);
        let envelope = (std::f64::consts::PI * t * 2.0).sin().max(0.0) * (0.6 + 0.4 * (t * 23.0).sin());
        let harmonics = (1..14).map(|k| {
            let k = f64::from(k);
            let formant = 1.0 / (1.0 + ((k * pitch_hz - 600.0 - 500.0 * t) / 220.0).powi(2));
            (formant + 0.08 / k) * (std::f64::consts::TAU * k * pitch_hz * (1.0 + 0.1 * t) * t).sin()
        });
        let clean = 0.3 * envelope * harmonics.sum::<f64>();
        let sign = if (n / 3 + n / 7).is_multiple_of(2) { 1.0 } else { -1.0 };
        ((clean + if perturbed { eps * sign } else { 0.0 }) * 32768.0).round() as i16
    };
    let write = |path: &Path, perturbed: bool| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: RATE_HZ,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(path, spec).unwrap();
        (0..RATE_HZ / 2).for_each(|n| writer.write_sample(sample(n, perturbed)).unwrap());
        writer.finalize().unwrap();
    };
    write(&dir.join(format!("audio/{cell}/{item}.wav")), true);
    write(&dir.join(format!("audio/clean/{victim}/{item}.wav")), false);
}

/// Three victims, four attacks, three perturbations, and one row of everything that can go wrong.
pub fn sample_run(dir: &Path) {
    for victim in ["emo18", "zhao19-wide", "cnn4-log-mel"] {
        for eps in [0.0005, 0.001, 0.002] {
            for (i, attack) in [NULL, NOISE, FGSM, PGD].into_iter().enumerate() {
                let mut record = record(attack, victim, eps, 80);
                if attack.name == "fgsm" && victim == "zhao19-wide" {
                    record.flags.push(flag("zero-gradient", "12 of 80 items had an all-zero gradient", true));
                    record.flags.push(flag("softmax-output", "the outputs sum to one", false));
                }
                write_record(dir, &record);
                write_timings(dir, &record, 0.031 * (1 + i * i * i) as f64);
            }
            write_audio(dir, PGD, victim, eps, 80);
        }
    }
    write_troubles(dir);
}

/// Rows that have no result, or none to rank.
pub fn write_troubles(dir: &Path) {
    let attack = |name| SampleAttack { name, ..PGD };
    let eps = 0.001;
    let reason = "attack square needs logits, which decision access does not grant";
    write_record(dir, &empty_record(spec(attack("square"), "emo18", eps), Status::Skipped, Some(reason)));
    let reason = "attack cw: the worker crashed on every item (signal 11)";
    write_record(dir, &empty_record(spec(attack("cw"), "emo18", eps), Status::Failed, Some(reason)));
    let mut open = record(attack("pgd-debug"), "emo18", eps, 80);
    open.isolation = Isolation { tier: Some(0), mechanisms: vec![], in_process: true };
    write_record(dir, &open);
    let mut weak = record(attack("pgd-tier1"), "emo18", eps, 80);
    weak.isolation.tier = Some(1);
    weak.metrics.remove("snr_db");
    write_record(dir, &weak);
}

pub fn flag(name: &str, detail: &str, unreliable: bool) -> Flag {
    Flag { name: name.into(), detail: detail.into(), unreliable }
}

/// What a plugin might call itself.
pub const HOSTILE: &str =
    "<script>alert(1)</script>|\"'<img src=x onerror=alert(1)>\\input{/etc/passwd}%&$#_^~";

/// A record in which every foreign string is hostile.
pub fn hostile_record() -> Record {
    let mut record = record(PGD, "emo18", 0.001, 20);
    let cell = &mut record.cell;
    cell.attack.name = "hostile".into();
    cell.attack.id = HOSTILE.into();
    cell.attack.version = HOSTILE.into();
    cell.attack.preset = Some(HOSTILE.into());
    cell.attack.params.insert(HOSTILE.into(), seraph_core::plan::ParamValue::Text(HOSTILE.into()));
    cell.victim.arch = Some(HOSTILE.into());
    cell.victim.plugin = HOSTILE.into();
    cell.corpus.split = Some(HOSTILE.into());
    (record.id, record.key) = (record.cell.id(), record.cell.key());
    record.status = Status::Invalid;
    record.reason = Some(HOSTILE.into());
    record.flags.push(flag(HOSTILE, HOSTILE, true));
    record.environment.runtime = Some(HOSTILE.into());
    for groups in record.groups.values_mut() {
        let group = groups.values().next().unwrap().clone();
        groups.insert(HOSTILE.into(), group);
    }
    record.confusion.as_mut().unwrap().classes[0] = HOSTILE.into();
    record
}
