//! Records: the published schema holds for what is written, and refuses what is not a record.
#![allow(clippy::unwrap_used)]

mod sample;

use seraph_core::record::Record;
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../../../bench-results/schema/record-1.json");

fn validator() -> jsonschema::Validator {
    jsonschema::draft202012::new(&serde_json::from_str(SCHEMA).unwrap()).unwrap()
}

fn as_value(record: &Record) -> Value {
    serde_json::from_str(&record.to_json()).unwrap()
}

#[test]
fn a_record_reads_back_and_keeps_its_bytes() {
    let record = sample::record();
    let back = Record::from_json(&record.to_json()).unwrap();
    assert_eq!(back, record);
    assert_eq!(back.to_json(), record.to_json());
    assert_eq!(back.value("snr_db"), Some(f64::INFINITY));
    assert_eq!(back.value("clean_uar"), None);
}

#[test]
fn the_published_schema_holds_for_a_record() {
    let value = as_value(&sample::record());
    let errors: Vec<String> =
        validator().iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn the_published_schema_demands_and_allows_exactly_the_fields_of_a_record() {
    let value = as_value(&sample::record());
    let mut paths = Vec::new();
    object_paths(&value, String::new(), &mut paths);
    assert!(paths.len() > 60, "{}", paths.len());
    for path in paths {
        let (parent, key) = path.rsplit_once('/').unwrap();
        let is_map =
            ["/metrics", "/params", "/groups", "/curves", "/by_emotion"].iter().any(|m| parent.ends_with(m));
        if is_map {
            continue;
        }
        let mut without = value.clone();
        without.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
        assert!(!validator().is_valid(&without), "{path} is not demanded");
        let mut beside = value.clone();
        beside.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert("unheard_of".into(), json!(1));
        assert!(!validator().is_valid(&beside), "{parent} allows other fields");
    }
}

fn object_paths(value: &Value, at: String, paths: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, below) in object {
                let path = format!("{at}/{key}");
                paths.push(path.clone());
                object_paths(below, path, paths);
            }
        }
        Value::Array(array) => {
            for (i, below) in array.iter().enumerate() {
                object_paths(below, format!("{at}/{i}"), paths);
            }
        }
        _ => {}
    }
}

#[test]
fn the_published_schema_refuses_wrong_values() {
    for (pointer, wrong) in [
        ("/schema", json!("seraph-record/2")),
        ("/status", json!("fine")),
        ("/key", json!("abc")),
        ("/n/total", json!(-1)),
        ("/n/total", json!("3")),
        ("/metrics/asr/value", json!("0.5")),
        ("/metrics/asr/value", json!("infinity")),
        ("/outcomes/fates", json!("wsx")),
        ("/cell/threat/eps", json!(0)),
        ("/cell/threat/access", json!("grey-box")),
        ("/isolation/tier", json!("3")),
    ] {
        let mut value = as_value(&sample::record());
        *value.pointer_mut(pointer).unwrap() = wrong.clone();
        assert!(!validator().is_valid(&value), "{pointer} = {wrong}");
    }
}

#[test]
fn what_is_not_a_whole_record_of_this_schema_is_refused() {
    let good = sample::record();
    let change = |pointer: &str, to: Value| {
        let mut value = as_value(&good);
        *value.pointer_mut(pointer).unwrap() = to;
        value.to_string()
    };
    for (text, expected) in [
        (good.to_json()[..200].to_string(), "not a whole record"),
        ("{}".into(), "schema 'none' is not"),
        (change("/schema", json!("seraph-record/2")), "schema 'seraph-record/2' is not 'seraph-record/1'"),
        (change("/cell/seed", json!(2)), "are not those of its cell"),
        (change("/outcomes/fates", json!("wsx")), "unknown fate 'x'"),
        (change("/outcomes/queries", json!([])), "another number of distances or queries"),
        (change("/n/total", json!(4)), "n.total is 4, but there are 3 fates"),
    ] {
        let error = Record::from_json(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
