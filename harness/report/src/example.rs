//! Chooses utterances to look at and listen to, and reads their audio.
//!
//! Adversarial audio lies in `audio/<cell>/<item>.wav`; the clean audio that the victim was given, at its own rate and length,
//! in `audio/clean/<victim>/<item>.wav`. An example without clean audio shows the adversarial alone.

use crate::table::{Board, Row, Table, norm_name};
use crate::{Options, ReportError, folder};
use seraph_core::{JournalItem, file_name_of};
use std::fs;
use std::path::{Component, Path};

/// An utterance before and after an attack.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The item's id.
    pub item: String,
    /// Its speaker.
    pub speaker: String,
    /// The speaker's gender.
    pub gender: Option<String>,
    /// Its emotion.
    pub label: String,
    /// The victim's prediction without perturbation.
    pub clean_pred: String,
    /// The victim's prediction on the adversarial audio as it lies in the file.
    pub adv_pred: String,
    /// The attack.
    pub attack: String,
    /// The victim.
    pub victim: String,
    /// The threat, for people.
    pub threat: String,
    /// SNR by energy, dB.
    pub snr_db: Option<f64>,
    /// The clean audio, where it was kept.
    pub clean: Option<Sound>,
    /// The adversarial audio.
    pub adversarial: Sound,
}

/// Audio of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Samples, full scale 1.0.
    pub samples: Vec<f32>,
    /// Their rate.
    pub sample_rate_hz: u32,
    /// The file's bytes.
    pub wav: Vec<u8>,
    /// Where the page finds it, if it does not carry it.
    pub link: Option<String>,
}

/// Files up to this size travel inside the page.
const MAX_INLINE_BYTES: usize = 256 * 1024;

impl Example {
    /// Adversarial minus clean, where both are known and line up.
    pub fn difference(&self) -> Option<Vec<f32>> {
        let (clean, adversarial) = (self.clean.as_ref()?, &self.adversarial);
        let line_up = clean.samples.len() == adversarial.samples.len()
            && clean.sample_rate_hz == adversarial.sample_rate_hz;
        line_up.then(|| adversarial.samples.iter().zip(&clean.samples).map(|(a, c)| a - c).collect())
    }
}

/// At most `options.max_examples` successes: for each victim in turn, the strongest attack at the smallest perturbation that
/// succeeds, so that what is shown is the least audible.
pub fn choose(dir: &Path, table: &Table, options: &Options) -> Result<Vec<Example>, ReportError> {
    let mut queues = Vec::new();
    for victim in victims(table) {
        queues.push(of_victim(dir, table, &victim, options.max_examples)?);
    }
    let mut chosen = Vec::new();
    let longest = queues.iter().map(Vec::len).max().unwrap_or(0);
    for i in 0..longest {
        chosen.extend(queues.iter().filter_map(|queue| queue.get(i)).cloned());
    }
    chosen.truncate(options.max_examples);
    Ok(chosen)
}

fn victims(table: &Table) -> std::collections::BTreeSet<String> {
    table.rows().map(|(_, row)| row.victim.clone()).collect()
}

fn of_victim(dir: &Path, table: &Table, victim: &str, most: usize) -> Result<Vec<Example>, ReportError> {
    let mut found: Vec<Example> = Vec::new();
    let rows = table.rows().filter(|(_, row)| row.victim == victim && row.has_results() && !row.is_control);
    for (board, row) in rows {
        let audio = dir.join("audio").join(&row.record.id);
        if found.len() >= most || !audio.is_dir() {
            continue;
        }
        for item in successes(dir, row)? {
            let is_new = found.iter().all(|example| example.label != item.label);
            if let Some(example) = is_new.then(|| read_example(dir, board, row, &item)).flatten() {
                found.push(example);
            }
        }
    }
    Ok(found)
}

/// Items whose 16-bit audio succeeds, in the order of the corpus.
fn successes(dir: &Path, row: &Row) -> Result<Vec<JournalItem>, ReportError> {
    let mut items = folder::read_journal(dir, &row.record.id)?.unwrap_or_default();
    items.retain(|item| item.pcm16.as_ref().is_some_and(|pcm16| pcm16.success));
    Ok(items)
}

fn read_example(dir: &Path, board: &Board, row: &Row, item: &JournalItem) -> Option<Example> {
    let file = format!("{}.wav", file_name_of(&item.item));
    let pcm16 = item.pcm16.as_ref()?;
    let key = &board.key;
    Some(Example {
        item: item.item.clone(),
        speaker: item.speaker.clone(),
        gender: item.gender.clone(),
        label: item.label.clone(),
        clean_pred: item.clean_pred.clone()?,
        adv_pred: pcm16.adv_pred.clone()?,
        attack: row.attack.clone(),
        victim: row.victim.clone(),
        threat: format!("{}, {} {}", key.family.access.as_str(), norm_name(key.family.norm), key.eps),
        snr_db: pcm16.snr_db.map(f64::from),
        clean: read_sound(dir, &Path::new("audio/clean").join(&row.victim).join(&file)),
        adversarial: read_sound(dir, &Path::new("audio").join(&row.record.id).join(&file))?,
    })
}

/// Reads mono 16-bit audio. A file that is absent or no such audio is not shown: examples illustrate, they decide nothing.
fn read_sound(dir: &Path, relative: &Path) -> Option<Sound> {
    let stays_inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
    if !stays_inside {
        return None;
    }
    let wav = fs::read(dir.join(relative)).ok()?;
    let mut reader = hound::WavReader::new(wav.as_slice()).ok()?;
    let spec = reader.spec();
    if (spec.channels, spec.bits_per_sample, spec.sample_format) != (1, 16, hound::SampleFormat::Int) {
        return None;
    }
    let samples: Result<Vec<f32>, _> =
        reader.samples::<i16>().map(|s| s.map(|s| f32::from(s) / 32768.0)).collect();
    let samples = samples.ok()?;
    let link = (wav.len() > MAX_INLINE_BYTES).then(|| url_path(relative));
    Some(Sound { samples, sample_rate_hz: spec.sample_rate, wav, link })
}

/// A relative URL; what is not plain is percent-encoded.
fn url_path(relative: &Path) -> String {
    let mut url = String::new();
    for &byte in relative.to_string_lossy().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'/' => url.push(byte.into()),
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}
