#![allow(clippy::unwrap_used)]
use super::*;
use std::collections::BTreeSet;

const PLAN: &str = r#"
name = "first-light"
seed = 1

[corpus]
id = "emodb"
path = "corpora/emodb"
split = "test"
limit = 0

[[victim]]
plugin = "victim-onnx"
model = "victims/emo18-emodb.onnx"

[[attack]]
plugin = "pgd"
preset = "paper-default"
params = { steps = 20, alpha = 0.1, normalise = true, loss = "ce" }

[[threat]]
access = "white-box"
norm = "linf"
eps = [0.0005, 0.001, 0.002]
goal = "untargeted"
labels = "true"
queries = 1000
"#;

/// `PLAN` with `from` replaced by `to`.
fn with(from: &str, to: &str) -> Result<Plan, String> {
    assert!(PLAN.contains(from), "the case must change the plan: {from}");
    Plan::from_toml(&PLAN.replace(from, to)).map_err(|e| e.to_string())
}

#[test]
fn the_published_example_parses() {
    let plan = Plan::from_toml(PLAN).unwrap();
    assert_eq!(plan.seeds(), [1]);
    assert_eq!(plan.attacks[0].params["steps"], ParamValue::Int(20));
    assert_eq!(plan.attacks[0].params["alpha"], ParamValue::Float(Number(0.1)));
    assert_eq!(plan.attacks[0].params["normalise"], ParamValue::Bool(true));
    assert_eq!(plan.attacks[0].params["loss"], ParamValue::Text("ce".into()));
    assert_eq!(plan.run, RunPlan::default());
    let threats = plan.threats[0].at_each_eps();
    assert_eq!(threats.len(), 3);
    assert_eq!((threats[2].eps.0, threats[2].queries, threats[2].gradient_queries), (0.002, 1000, 1000));
}

#[test]
fn every_key_of_a_plan_is_known_to_the_key_check() {
    let full = Plan {
        name: "full".into(),
        seed: 1,
        seeds: vec![1, 2],
        corpus: CorpusPlan { id: "c".into(), path: Some("p".into()), split: Some("s".into()), limit: 1 },
        victims: vec![VictimPlan {
            plugin: "v".into(),
            id: Some("i".into()),
            model: Some("m".into()),
            given_name: Some("n".into()),
            params: Params::from([("k".into(), ParamValue::Int(1))]),
        }],
        attacks: vec![AttackPlan {
            plugin: "a".into(),
            id: Some("i".into()),
            preset: Some("p".into()),
            params: Params::from([("k".into(), ParamValue::Int(1))]),
            given_name: Some("n".into()),
        }],
        threats: vec![ThreatPlan {
            access: Access::Transfer,
            norm: Norm::Linf,
            eps: vec![Number(0.1)],
            goal: Goal::Targeted,
            target: Some(TargetRule::Next),
            labels: Labels::Predicted,
            queries: Some(1),
            gradient_queries: Some(1),
            source: Some("n".into()),
        }],
        run: RunPlan::default(),
    };
    let json = serde_json::to_value(&full).unwrap();
    for (path, table) in &keys::TABLES {
        let node = if path.is_empty() { &json } else { &json[path] };
        let node = node.get(0).unwrap_or(node);
        let written: BTreeSet<&str> = node.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(written, table.keys.iter().copied().collect(), "{}", table.name);
    }
    assert_eq!(Plan::from_toml(&toml::to_string(&full).unwrap()).unwrap(), full);
}

#[test]
fn an_unknown_key_is_named_with_its_line_table_and_nearest_key() {
    for (from, to, expected) in [
        ("preset =", "presett =", "line 17: unknown key 'presett' in [[attack]]; did you mean 'preset'?"),
        ("[corpus]", "[corpsu]", "line 5: unknown key 'corpsu' in the plan; did you mean 'corpus'?"),
        (
            "queries =",
            "query_budget =",
            "line 26: unknown key 'query_budget' in [[threat]]; it may have access,",
        ),
        ("eps =", "epsilon =", "line 23: unknown key 'epsilon' in [[threat]]; did you mean 'eps'?"),
        ("limit = 0", "[run]\nbacth = 4", "line 10: unknown key 'bacth' in [run]; did you mean 'batch'?"),
    ] {
        let error = with(from, to).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn an_unknown_value_is_named_with_its_key_and_the_nearest() {
    for (from, to, expected) in [
        (
            "\"linf\"",
            "\"lnif\"",
            "line 22: 'lnif' is no norm in [[threat]]; did you mean 'linf'? There are linf, l2",
        ),
        (
            "\"white-box\"",
            "\"whitebox\"",
            "line 21: 'whitebox' is no access in [[threat]]; did you mean 'white-box'?",
        ),
        (
            "\"untargeted\"",
            "\"untargted\"",
            "line 24: 'untargted' is no goal in [[threat]]; did you mean 'untargeted'?",
        ),
        ("\"true\"", "\"tru\"", "line 25: 'tru' is no labels in [[threat]]; did you mean 'true'?"),
        (
            "limit = 0",
            "limit = 0\n[run]\naudio = \"al\"",
            "line 11: 'al' is no audio in [run]; did you mean 'all'?",
        ),
        (
            "\"white-box\"",
            "\"black\"",
            "line 21: 'black' is no access in [[threat]]; there are white-box, score",
        ),
    ] {
        let error = with(from, to).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }
    assert!(with("queries = 1000", "queries = -1").unwrap_err().contains("a whole number, 0 or more"));
}

#[test]
fn every_value_that_the_check_knows_is_one_and_there_are_no_others() {
    let words = |key: &str| keys::VALUES.iter().find(|value| value.1 == key).unwrap().2.to_vec();
    assert_eq!(words("access"), Access::ALL.map(Access::as_str));
    assert_eq!(words("norm"), Norm::ALL.map(Norm::as_str));
    fn read<T: de::DeserializeOwned>(words: Vec<&str>) -> Vec<T> {
        words.iter().map(|word| serde_json::from_value(serde_json::json!(word)).unwrap()).collect()
    }
    assert_eq!(read::<Goal>(words("goal")), [Goal::Untargeted, Goal::Targeted]);
    assert_eq!(read::<Labels>(words("labels")), [Labels::True, Labels::Predicted]);
    assert_eq!(read::<KeepAudio>(words("audio")), [KeepAudio::None, KeepAudio::Examples, KeepAudio::All]);
}

#[test]
fn a_plugin_of_a_library_is_called_by_its_id() {
    let plan = with("plugin = \"pgd\"", "plugin = \"x/libattacks.so\"\nid = \"fgsm\"").unwrap();
    assert_eq!((plan.attacks[0].name(), plan.attacks[0].id.as_deref()), ("fgsm".into(), Some("fgsm")));
}

#[test]
fn impossible_plans_get_one_line_each() {
    let first = "[0.0005, 0.001, 0.002]";
    for (from, to, expected) in [
        ("name = \"first-light\"", "name = \" \"", "name: is empty"),
        ("seed = 1", "seeds = [3, 3]", "seeds: has a seed twice"),
        ("seed = 1", "seed = -1", "line 3: invalid value"),
        ("name =", "= ", "line 2:"),
        (first, "[]", "eps is an empty list"),
        (first, "0", "eps = 0; a budget is a number above 0"),
        (first, "-0.1", "eps = -0.1; a budget"),
        (first, "[nan]", "eps = nan; a budget"),
        (first, "[0.1, 0.1]", "eps = 0.1 is listed twice"),
        (first, "\"small\"", "a number or a list of numbers"),
        (first, "2.5", "no change exceeds 2"),
        (
            "norm = \"linf\"\neps = [0.0005, 0.001, 0.002]",
            "norm = \"l0\"\neps = 1.5",
            "whole number of samples",
        ),
        ("norm = \"linf\"", "norm = \"l7\"", "'l7' is no norm in [[threat]]; did you mean 'l2'?"),
        ("goal = \"untargeted\"", "goal = \"targeted\"", "needs target"),
        ("goal = \"untargeted\"", "target = \"next\"", "the goal is untargeted"),
        ("access = \"white-box\"", "access = \"transfer\"", "a transfer threat needs source"),
        (
            "access = \"white-box\"",
            "access = \"transfer\"\nsource = \"other\"",
            "no victim is called 'other'",
        ),
        ("labels = \"true\"", "source = \"emo18-emodb\"", "only a transfer has one"),
        ("access = \"white-box\"", "access = \"score\"\ngradient_queries = 5", "grants no gradients"),
        ("queries = 1000", "queries = 0", "queries = 0"),
        ("[[threat]]", "[[attack]]\nplugin = \"x/pgd.so\"\n[[threat]]", "two attacks are called 'pgd'"),
        ("plugin = \"pgd\"", "plugin = \"p gd\"", "'p gd' cannot be a name"),
        ("limit = 0", "limit = 0\n[run]\nbatch = 0", "batch = 0"),
        ("limit = 0", "limit = 0\n[run]\nbootstrap = 1", "bootstrap = 1"),
        ("limit = 0", "limit = 0\n[run]\nwall_s_per_item = inf", "wall_s_per_item = inf"),
    ] {
        let error = with(from, to).expect_err(to);
        assert!(error.contains(expected) && !error.contains('\n'), "{to}: {error}");
    }
    let no_threat = PLAN.split("[[threat]]").next().unwrap();
    assert!(Plan::from_toml(no_threat).unwrap_err().to_string().contains("missing field `threat`"));
}

#[test]
fn a_single_eps_needs_no_list_and_an_snr_is_a_whole_number_of_db() {
    let plan = with("norm = \"linf\"\neps = [0.0005, 0.001, 0.002]", "norm = \"snr\"\neps = 30").unwrap();
    assert_eq!(plan.threats[0].eps, [Number(30.0)]);
}

#[test]
fn layout_and_comments_do_not_change_the_fingerprint() {
    let plan = Plan::from_toml(PLAN).unwrap();
    let same = with("seed = 1", "# one\nseed   = 1").unwrap();
    assert_eq!(plan.fingerprint(), same.fingerprint());
    assert_ne!(plan.fingerprint(), with("seed = 1", "seed = 2").unwrap().fingerprint());
}

proptest::proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in "(\\PC|\n){0,200}") {
        let _ = Plan::from_toml(&text);
    }
}
