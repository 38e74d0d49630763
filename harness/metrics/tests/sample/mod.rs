//! Cells and items to aggregate.
#![allow(dead_code)]

use seraph_core::cell::{AttackId, CellSpec, CorpusId, VictimId};
use seraph_core::journal::{
    ItemStatus, Journal, JournalEnd, JournalHeader, JournalItem, Pcm16Item, SCHEMA, Sizes,
};
use seraph_core::plan::Params;
use seraph_core::record::{Environment, Isolation, RunSettings, Status};
use seraph_core::{Access, Goal, Labels, Norm, Number, Threat};

pub fn journal(items: Vec<JournalItem>) -> Journal {
    let end = Some(JournalEnd { status: Status::Ok, reason: None, flags: Vec::new() });
    Journal { header: Some(header(items.len() as u64)), items, end, ..Journal::default() }
}

pub fn header(n_items: u64) -> JournalHeader {
    let cell = CellSpec {
        attack: AttackId {
            name: "pgd".into(),
            id: "pgd".into(),
            version: "1.0.0".into(),
            sha256: "a".repeat(64),
            preset: None,
            params: Params::new(),
        },
        victim: VictimId {
            id: "v".into(),
            sha256: "b".repeat(64),
            arch: None,
            plugin: "victim-linear".into(),
            plugin_sha256: "c".repeat(64),
            params: Params::new(),
        },
        source: None,
        corpus: CorpusId { id: "synthetic".into(), split: None, limit: 0, manifest_sha256: "d".repeat(64) },
        threat: Threat {
            access: Access::WhiteBox,
            norm: Norm::Linf,
            eps: Number(0.001),
            goal: Goal::Untargeted,
            target: None,
            labels: Labels::True,
            queries: 1000,
            gradient_queries: 1000,
            source: None,
        },
        seed: 1,
    };
    JournalHeader {
        schema: SCHEMA.into(),
        id: cell.id(),
        cell,
        classes: vec!["a".into(), "b".into()],
        n_items,
        run: RunSettings {
            batch: 8,
            bootstrap: 1000,
            min_tier: 0,
            ranked: false,
            wall_s_per_item: Number(1.0),
            memory_mb: 64,
        },
        isolation: Isolation::default(),
        environment: Environment::default(),
    }
}

/// An item whose committed audio is valid if there is an `adv`; else the attack was not given the item.
pub fn item(index: u64, speaker: &str, label: &str, clean: &str, adv: Option<&str>) -> JournalItem {
    let success = adv.is_some_and(|adv| adv != clean);
    let pcm16 = adv.map(|adv| Pcm16Item {
        adv_pred: Some(adv.into()),
        valid: true,
        success,
        linf_lsb: Some(33),
        l0: Some(9),
        snr_db: None,
    });
    let queries = if adv.is_some() { 20 } else { 0 };
    JournalItem {
        item: format!("i{index}"),
        index,
        speaker: speaker.into(),
        gender: Some(if speaker == "s1" { "female" } else { "male" }.into()),
        language: None,
        label: label.into(),
        reference: adv.map(|_| clean.into()),
        target: None,
        clean_pred: Some(clean.into()),
        adv_pred: adv.map(Into::into),
        status: if adv.is_some() { ItemStatus::Ok } else { ItemStatus::CleanWrong },
        reason: None,
        fault: None,
        success,
        clean_logits: vec![Number(2.0), Number(-1.0)],
        adv_logits: Vec::new(),
        sizes: adv.map_or(Sizes::default(), |_| Sizes {
            linf: Some(Number(0.001 / (1.0 + index as f64))),
            snr_db: Some(Number(30.0 + index as f64)),
            ..Sizes::default()
        }),
        pcm16,
        forward_queries: queries,
        gradient_queries: queries,
        success_forward_queries: None,
        success_gradient_queries: None,
        zero_gradients: 0,
        seconds: Some(Number(0.5)),
        adv_sha256: None,
    }
}
