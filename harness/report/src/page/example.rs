//! Examples: an utterance before and after, to look at and to listen to.

use crate::estimate::decimals;
use crate::example::{Example, Sound};
use crate::plot::spectrogram::MelPower;
use crate::plot::waveform::{peak, waveform};
use crate::report::Report;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

/// A difference at its limit everywhere is a band, not a full box.
const DIFFERENCE_HEADROOM: f32 = 1.6;

/// All examples.
pub fn section(report: &Report) -> Markup {
    html! {
        h2 { "Examples" }
        p.lead { "Audio as it was judged, 16-bit. Spectrograms share one scale of 80 dB; the waveform of the difference is enlarged as written." }
        div.examples { @for example in &report.examples { (article(example)) } }
    }
}

fn article(example: &Example) -> Markup {
    let difference = example.difference();
    let full = example
        .clean
        .as_ref()
        .map_or(0.0, |clean| peak(&clean.samples))
        .max(peak(&example.adversarial.samples));
    let power = |samples: &[f32]| MelPower::of(samples, example.adversarial.sample_rate_hz);
    let adversarial = power(&example.adversarial.samples);
    let brightest = adversarial.as_ref().map_or(1.0, MelPower::peak);
    html! {
        article.example {
            h3 { (example.item) ": " (example.clean_pred) " " span.arrow aria-label="becomes" { "→" } " " (example.adv_pred) }
            p.lead { (caption(example)) }
            div.panels {
                @if let Some(clean) = &example.clean {
                    (panel("Clean", &example.clean_pred, &clean.samples, full, power(&clean.samples), brightest, Some(clean)))
                }
                (panel("Adversarial", &example.adv_pred, &example.adversarial.samples, full, adversarial, brightest, Some(&example.adversarial)))
                @if let Some(difference) = &difference {
                    @let scale = DIFFERENCE_HEADROOM * peak(difference);
                    (panel("Difference", &enlargement(full, scale), difference, scale, power(difference), brightest, None))
                }
            }
            @if example.clean.is_none() { p.lead { "The clean audio was not kept, so there is no difference to show." } }
        }
    }
}

fn caption(example: &Example) -> String {
    let snr = example.snr_db.map(|snr| format!(", SNR {} dB", decimals(snr, 1))).unwrap_or_default();
    let gender = example.gender.as_ref().map(|gender| format!(", {gender}")).unwrap_or_default();
    let sound = &example.adversarial;
    let (rate_hz, n_samples) = (f64::from(sound.sample_rate_hz), sound.samples.len() as f64);
    format!(
        "{} on {}, {}; label {}, speaker {}{gender}{snr}; {} s, mel scale from 0 to {} kHz",
        example.attack,
        example.victim,
        example.threat,
        example.label,
        example.speaker,
        decimals(n_samples / rate_hz, 2),
        rate_hz / 2000.0
    )
}

/// How much taller than the others the difference is drawn.
fn enlargement(full: f32, scale: f32) -> String {
    if scale > 0.0 { format!("×{}", decimals(f64::from(full / scale), 0)) } else { "none".into() }
}

fn panel(
    title: &str,
    note: &str,
    samples: &[f32],
    full_scale: f32,
    power: Option<MelPower>,
    brightest: f32,
    sound: Option<&Sound>,
) -> Markup {
    html! {
        div.panel.difference[sound.is_none()] {
            h4 { (title) span { (note) } }
            (waveform(samples, full_scale, &format!("{title} waveform")))
            @if let Some(power) = power {
                img src=(power.data_uri(brightest)) alt={ (title) " mel spectrogram" } loading="lazy";
            }
            @if let Some(sound) = sound { audio controls preload="none" src=(source(sound)) aria-label={ (title) " audio" } {} }
        }
    }
}

/// Short audio travels inside the page; longer audio is played from the folder beside it.
fn source(sound: &Sound) -> String {
    match &sound.link {
        Some(link) => link.clone(),
        None => format!("data:audio/wav;base64,{}", STANDARD.encode(&sound.wav)),
    }
}
