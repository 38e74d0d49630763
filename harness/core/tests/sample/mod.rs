//! A cell, with every kind of value in it.
#![allow(dead_code)]

use seraph_core::cell::{AttackId, CellSpec, CorpusId, VictimId};
use seraph_core::journal::{ItemStatus, JournalEnd, JournalHeader, JournalItem, Pcm16Item, SCHEMA, Sizes};
use seraph_core::plan::{ParamValue, Params};
use seraph_core::record::{self, *};
use seraph_core::{Access, Goal, Labels, Norm, Number, TargetRule, Threat};
use std::collections::BTreeMap;

pub fn cell() -> CellSpec {
    CellSpec {
        attack: AttackId {
            name: "pgd-strong".into(),
            id: "pgd".into(),
            version: "1.0.0".into(),
            sha256: "a".repeat(64),
            preset: Some("strong".into()),
            params: Params::from([
                ("loss".into(), ParamValue::Text("ce".into())),
                ("random_start".into(), ParamValue::Bool(true)),
                ("step".into(), ParamValue::Float(Number(0.25))),
                ("steps".into(), ParamValue::Int(20)),
            ]),
        },
        victim: VictimId {
            id: "emo18-emodb".into(),
            sha256: "b".repeat(64),
            arch: Some("Emo18".into()),
            plugin: "victim-onnx".into(),
            plugin_sha256: "c".repeat(64),
            params: Params::new(),
        },
        source: None,
        corpus: CorpusId {
            id: "emodb".into(),
            split: Some("test".into()),
            limit: 3,
            manifest_sha256: "d".repeat(64),
        },
        threat: Threat {
            access: Access::WhiteBox,
            norm: Norm::Linf,
            eps: Number(0.001),
            goal: Goal::Targeted,
            target: Some(TargetRule::Random),
            labels: Labels::True,
            queries: 1000,
            gradient_queries: 1000,
            source: None,
        },
        seed: 1,
    }
}

pub fn header() -> JournalHeader {
    JournalHeader {
        schema: SCHEMA.into(),
        id: cell().id(),
        cell: cell(),
        classes: vec!["anger".into(), "fear".into()],
        n_items: 3,
        run: run(),
        isolation: isolation(),
        environment: environment(),
    }
}

pub fn item(index: u64) -> JournalItem {
    JournalItem {
        item: format!("item-{index}"),
        index,
        speaker: "03".into(),
        gender: Some("male".into()),
        language: None,
        label: "anger".into(),
        reference: Some("anger".into()),
        target: Some("fear".into()),
        clean_pred: Some("anger".into()),
        adv_pred: Some("fear".into()),
        status: ItemStatus::Ok,
        reason: None,
        fault: None,
        success: true,
        clean_logits: vec![Number(1.5), Number(-0.1)],
        adv_logits: vec![Number(0.25), Number(f64::NEG_INFINITY)],
        sizes: Sizes { linf: Some(Number(0.001)), snr_db: Some(Number(f64::INFINITY)), ..Sizes::default() },
        pcm16: Some(Pcm16Item {
            adv_pred: Some("fear".into()),
            valid: true,
            success: true,
            linf_lsb: Some(33),
            l0: Some(48000),
            snr_db: Some(Number(31.0)),
        }),
        forward_queries: 21,
        gradient_queries: 20,
        success_forward_queries: Some(5),
        success_gradient_queries: None,
        zero_gradients: 0,
        seconds: Some(Number(0.125)),
        adv_sha256: Some("e".repeat(64)),
    }
}

pub fn end() -> JournalEnd {
    JournalEnd { status: Status::Ok, reason: None, flags: vec![flag()] }
}

pub fn record() -> Record {
    let metric = |value| Metric::with_interval(value, (value - 0.1, value + 0.1));
    let n = Counts { total: 3, clean_correct: 2, attacked: 2, succeeded: 1, invalid: 0, failed: 1 };
    let metrics = BTreeMap::from([
        ("asr".to_string(), metric(0.5)),
        ("snr_db".to_string(), Metric::point(Some(f64::INFINITY))),
        ("clean_uar".to_string(), Metric::point(None)),
    ]);
    let group = Group { n, metrics: BTreeMap::from([("asr".to_string(), metric(0.5))]) };
    Record {
        schema: record::SCHEMA.into(),
        id: cell().id(),
        key: cell().key(),
        cell: cell(),
        run: run(),
        status: Status::Ok,
        reason: None,
        n,
        metrics,
        groups: BTreeMap::from([("by_emotion".to_string(), BTreeMap::from([("anger".to_string(), group)]))]),
        confusion: Some(Confusion {
            classes: vec!["anger".into(), "fear".into()],
            clean: vec![vec![2, 0], vec![1, 0]],
            adversarial: vec![vec![1, 1], vec![1, 0]],
            flow: vec![vec![1, 1], vec![0, 0]],
        }),
        curves: BTreeMap::from([(
            "success_by_queries".to_string(),
            vec![Point { x: Number(1.0), y: Number(0.0) }],
        )]),
        outcomes: Outcomes {
            fates: "wsf".into(),
            distances: vec![None, Some(Number(0.001)), None],
            queries: vec![None, Some(5), None],
        },
        flags: vec![flag()],
        isolation: isolation(),
        environment: environment(),
    }
}

fn run() -> RunSettings {
    RunSettings {
        batch: 8,
        bootstrap: 10_000,
        min_tier: 3,
        ranked: true,
        wall_s_per_item: Number(60.0),
        memory_mb: 2048,
    }
}

fn flag() -> Flag {
    Flag { name: "zero-gradient".into(), detail: "2 of 40 gradients were zero".into(), unreliable: false }
}

fn isolation() -> Isolation {
    Isolation { tier: Some(3), mechanisms: vec!["landlock".into(), "seccomp".into()], in_process: false }
}

fn environment() -> Environment {
    Environment {
        harness: "0.1.0".into(),
        runtime: Some("onnxruntime 1.24.1".into()),
        device: "cpu".into(),
        cpu: "some processor".into(),
    }
}
