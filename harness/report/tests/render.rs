//! Renders whole folders and looks at what comes out.

#![allow(clippy::unwrap_used)]

mod support;

use seraph_core::record::Status;
use seraph_report::{Options, render};
use serde_json::Value;
use std::fs;
use std::path::Path;
use support::{FGSM, NOISE, NULL, PGD, SampleAttack, empty_record, record, spec, write_record};
use tempfile::TempDir;

fn rendered(dir: &Path, name: &str) -> String {
    render(dir, dir, &Options::default()).unwrap();
    fs::read_to_string(dir.join(name)).unwrap()
}

fn json(dir: &Path) -> Value {
    serde_json::from_str(&rendered(dir, "leaderboard.json")).unwrap()
}

/// Two attacks on one victim, and everything that can go wrong.
fn small_run() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for attack in [NULL, FGSM, PGD] {
        let record = record(attack, "emo18", 0.001, 20);
        write_record(dir.path(), &record);
        support::write_timings(dir.path(), &record, 0.25);
    }
    support::write_audio(dir.path(), PGD, "emo18", 0.001, 20);
    support::write_troubles(dir.path());
    write_record(dir.path(), &support::hostile_record());
    dir
}

#[test]
fn a_sample_run_renders_to_all_formats() {
    // Kept under target/tmp, so that the page can be opened and looked at.
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report-sample");
    let _ = fs::remove_dir_all(&dir);
    support::sample_run(&dir);
    let rendered = render(&dir, &dir, &Options::default()).unwrap();
    let names: Vec<_> = rendered.files.iter().map(|f| f.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["html", "md", "csv", "json", "tex"].map(|e| format!("leaderboard.{e}")));
    let eps: Vec<f64> = rendered.table.boards.iter().map(|board| board.key.eps).collect();
    assert_eq!(eps, [0.0005, 0.001, 0.002]);
    assert!(rendered.table.to_string().contains("zhao19-wide"));
}

#[test]
fn golden_files() {
    let dir = small_run();
    render(dir.path(), dir.path(), &Options::default()).unwrap();
    for extension in ["md", "csv", "json", "tex"] {
        let name = format!("leaderboard.{extension}");
        let found = fs::read_to_string(dir.path().join(&name)).unwrap();
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(&name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &found).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap();
        assert!(
            found == expected,
            "{name} differs from its golden file; UPDATE_GOLDEN=1 rewrites it\n{found}"
        );
    }
}

#[test]
fn the_same_records_give_the_same_bytes_wherever_they_are_written() {
    let (first, second, elsewhere) = (small_run(), small_run(), tempfile::tempdir().unwrap());
    render(first.path(), first.path(), &Options::default()).unwrap();
    render(second.path(), elsewhere.path(), &Options::default()).unwrap();
    for extension in ["html", "md", "csv", "json", "tex"] {
        let name = format!("leaderboard.{extension}");
        let bytes = |dir: &TempDir| fs::read(dir.path().join(&name)).unwrap();
        assert!(bytes(&first) == bytes(&elsewhere), "{name}");
    }
}

/// Spoils a folder and expects a message with all of `parts`.
fn check_error(spoil: impl Fn(&Path), parts: &[&str]) {
    let dir = small_run();
    spoil(dir.path());
    let error = render(dir.path(), dir.path(), &Options::default()).unwrap_err().to_string();
    for part in parts {
        assert!(error.contains(part), "'{part}' is not in: {error}");
    }
    assert!(!error.contains('\n'), "{error}");
    assert!(!dir.path().join("leaderboard.html").exists(), "nothing is written");
}

fn rewrite(dir: &Path, change: impl Fn(String) -> String) {
    let path = dir.join("records").join(format!("{}.json", record(PGD, "emo18", 0.001, 20).id));
    fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
}

#[test]
fn what_cannot_be_rendered_is_named() {
    let pgd = "pgd--emo18";
    check_error(
        |dir| rewrite(dir, |text| text.replace("seraph-record/1", "seraph-record/9")),
        &[pgd, "seraph-record/9", "seraph-record/1"],
    );
    check_error(
        |dir| rewrite(dir, |text| text[..text.len() / 2].into()),
        &[pgd, "not a whole record", "recompute"],
    );
    check_error(|dir| rewrite(dir, |_| String::new()), &[pgd, "not a whole record"]);
    check_error(
        |dir| rewrite(dir, |text| text.replace("\"total\": 20", "\"total\": 21")),
        &[pgd, "contradicts"],
    );
    check_error(
        |dir| {
            let path = dir.join("records").join(format!("{}.json", record(PGD, "emo18", 0.001, 20).id));
            fs::copy(path, dir.join("records/copy.json")).unwrap();
        },
        &[pgd, "copy.json", "one cell"],
    );
    check_error(
        |dir| {
            fs::remove_dir_all(dir.join("records")).unwrap();
            fs::create_dir(dir.join("records")).unwrap();
        },
        &["records", "no record"],
    );
    check_error(
        |dir| fs::remove_dir_all(dir.join("records")).unwrap(),
        &["no 'records' folder", "seraph run"],
    );
    check_error(
        |dir| {
            let path = dir.join("journal").join(format!("{}.jsonl", record(PGD, "emo18", 0.001, 20).id));
            fs::write(&path, fs::read_to_string(&path).unwrap().replacen("happiness", "happyness", 3))
                .unwrap();
        },
        &["jsonl", "damaged"],
    );
    check_error(
        |dir| {
            let path = dir.join("timings").join(format!("{}.json", record(PGD, "emo18", 0.001, 20).id));
            fs::write(path, "{").unwrap();
        },
        &["timings", pgd],
    );
}

#[test]
fn what_a_dying_run_left_half_written_is_passed_over() {
    let dir = small_run();
    let before = rendered(dir.path(), "leaderboard.csv");
    fs::write(dir.path().join("records/.pgd.json.tmp"), "{").unwrap();
    assert_eq!(rendered(dir.path(), "leaderboard.csv"), before);
}

#[test]
fn missing_is_missing_and_never_zero() {
    let dir = tempfile::tempdir().unwrap();
    write_record(dir.path(), &empty_record(spec(PGD, "emo18", 0.001), Status::Failed, Some("crash")));
    let table = json(dir.path());
    let row = &table["boards"][0]["rows"][0];
    for key in ["rank", "robust_accuracy", "asr", "snr_db", "n", "n_invalid", "seconds_per_item", "flags"] {
        assert!(row[key].is_null(), "{key}: {}", row[key]);
    }
    let csv = rendered(dir.path(), "leaderboard.csv");
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let heads = reader.headers().unwrap().clone();
    let line = reader.records().next().unwrap().unwrap();
    let field = |key: &str| line[heads.iter().position(|head| head == key).unwrap()].to_owned();
    assert_eq!([field("robust_accuracy"), field("asr_ci_low"), field("n")], ["", "", ""]);
    assert_eq!([field("status"), field("unranked")], ["failed", "crash"]);
    let html = rendered(dir.path(), "leaderboard.html");
    assert!(html.contains("No model has a ranked result") && html.contains("failed: crash"));
}

#[test]
fn processors_and_gpus_are_never_on_one_board() {
    let dir = tempfile::tempdir().unwrap();
    write_record(dir.path(), &record(FGSM, "emo18", 0.001, 20));
    let mut on_gpu = record(PGD, "emo18", 0.001, 20);
    on_gpu.environment.device = "cuda:0".into();
    write_record(dir.path(), &on_gpu);
    let table = json(dir.path());
    let boards: Vec<(&Value, usize)> = table["boards"]
        .as_array()
        .unwrap()
        .iter()
        .map(|board| (&board["device"], board["rows"].as_array().unwrap().len()))
        .collect();
    assert_eq!(boards, [(&Value::from("cpu"), 1), (&Value::from("cuda"), 1)]);
}

#[test]
fn only_what_may_be_ranked_has_a_rank() {
    let dir = tempfile::tempdir().unwrap();
    support::write_troubles(dir.path());
    write_record(dir.path(), &record(PGD, "emo18", 0.001, 80));
    write_record(dir.path(), &record(FGSM, "emo18", 0.001, 80));
    let mut limited = record(SampleAttack { name: "pgd-limit", ..PGD }, "emo18", 0.001, 10);
    limited.cell.corpus.limit = 10;
    (limited.id, limited.key) = (limited.cell.id(), limited.cell.key());
    write_record(dir.path(), &limited);
    let table = json(dir.path());
    let rows = table["boards"].as_array().unwrap().iter().flat_map(|board| board["rows"].as_array().unwrap());
    let mut found: Vec<(String, Option<u64>, String)> = rows
        .map(|row| {
            let why = row["unranked"].as_str().unwrap_or_default().to_owned();
            (row["attack"].as_str().unwrap().to_owned(), row["rank"].as_u64(), why)
        })
        .collect();
    found.sort();
    let of = |name: &str| found.iter().find(|row| row.0 == name).map(|row| (row.1, row.2.as_str())).unwrap();
    assert_eq!(of("pgd"), (Some(1), ""));
    assert_eq!(of("fgsm"), (Some(2), ""));
    assert_eq!(of("pgd-debug"), (None, "plugins ran inside the host (--in-process)"));
    assert_eq!(of("pgd-tier1"), (None, "isolation tier 1, tier 3 is demanded"));
    assert_eq!(of("pgd-limit"), (None, "only 10 items, spread over emotions and speakers (--limit)"));
    assert_eq!(of("cw").0, None);
    assert!(of("square").1.contains("needs logits"));
}

#[test]
fn a_page_of_a_limited_run_says_why_nothing_is_ranked() {
    let dir = tempfile::tempdir().unwrap();
    let mut limited = record(PGD, "emo18", 0.001, 8);
    limited.cell.corpus.limit = 8;
    (limited.id, limited.key) = (limited.cell.id(), limited.cell.key());
    write_record(dir.path(), &limited);
    let html = rendered(dir.path(), "leaderboard.html");
    let why = "only 8 items, spread over emotions and speakers (--limit)";
    for section in ["Not drawn, because no row of this model is ranked", "so none is the strongest"] {
        assert!(html.contains(&format!("{section}: {why}.")), "{section}");
    }
    assert!(!html.contains("first 8 items"));
}

#[test]
fn what_cannot_be_written_leaves_nothing_half_written() {
    let (dir, out) = (small_run(), tempfile::tempdir().unwrap());
    // A folder in the place of the file: the rename fails.
    fs::create_dir_all(out.path().join("leaderboard.html/in-the-way")).unwrap();
    let error = render(dir.path(), out.path(), &Options::default()).unwrap_err().to_string();
    assert!(error.contains("leaderboard.html"), "{error}");
    let left: Vec<_> = fs::read_dir(out.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["leaderboard.html"]);
}

#[test]
fn attacks_that_break_different_halves_break_everything_together() {
    let dir = tempfile::tempdir().unwrap();
    for (name, fates) in [("left", "ssssrrrrww"), ("right", "rrrrsssrww")] {
        let mut record = record(SampleAttack { name, ..PGD }, "emo18", 0.001, 10);
        record.outcomes.fates = fates.into();
        write_record(dir.path(), &record);
    }
    let worst = &json(dir.path())["boards"][0]["worst_case"][0];
    assert_eq!(worst["robust_accuracy"]["value"], 0.1, "one item of ten withstands both");
}

#[test]
fn namesakes_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    write_record(dir.path(), &record(PGD, "emo18", 0.001, 20));
    let mut other = record(PGD, "emo18", 0.001, 20);
    other.cell.attack.sha256 = "e".repeat(64);
    (other.id, other.key) = (other.cell.id(), other.cell.key());
    write_record(dir.path(), &other);
    let table = json(dir.path());
    let names: Vec<&str> = table["boards"][0]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["attack"].as_str().unwrap())
        .collect();
    assert!(names.iter().all(|name| name.starts_with("pgd #")) && names[0] != names[1], "{names:?}");
}

#[test]
fn foreign_strings_cannot_act_in_any_format() {
    let dir = small_run();
    let html = rendered(dir.path(), "leaderboard.html");
    assert_eq!(html.matches("<script").count(), 1, "ours alone");
    assert!(!html.contains("<img src=x") && !html.contains("<b>"));
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    let markdown = rendered(dir.path(), "leaderboard.md");
    assert!(!markdown.contains("<script") && markdown.contains("&lt;script&gt;"));
    let tex = rendered(dir.path(), "leaderboard.tex");
    assert!(!tex.contains(r"\input{/etc") && tex.contains(r"\textbackslash{}input\{/etc"));
    let csv = rendered(dir.path(), "leaderboard.csv");
    let rows: Vec<csv::StringRecord> =
        csv::Reader::from_reader(csv.as_bytes()).records().map(Result::unwrap).collect();
    assert!(rows.iter().any(|row| row.iter().any(|field| field.contains(support::HOSTILE))));
}

#[test]
fn the_page_loads_nothing_from_elsewhere_and_is_small() {
    let dir = tempfile::tempdir().unwrap();
    support::sample_run(dir.path());
    let html = rendered(dir.path(), "leaderboard.html");
    assert!(
        !html.contains("http:")
            && !html.contains("https:")
            && !html.contains("@import")
            && !html.contains("url(")
    );
    assert!(!html.contains(" style=") && !html.contains(" onclick="), "the policy would block it");
    assert_eq!(html.matches("src=\"data:image/png;base64,").count(), 3 * Options::default().max_examples);
    let audio: usize = html.split("data:audio/wav;base64,").skip(1).map(|rest| rest.find('"').unwrap()).sum();
    assert!(html.len() - audio < 2_000_000, "{} bytes without audio", html.len() - audio);
}

#[test]
fn long_audio_is_linked_and_travels_with_the_page() {
    let (dir, out) = (small_run(), tempfile::tempdir().unwrap());
    let audio = dir.path().join("audio").join(record(PGD, "emo18", 0.001, 20).id);
    for wav in fs::read_dir(audio).unwrap().map(|entry| entry.unwrap().path()) {
        let spec = hound::WavReader::open(&wav).unwrap().spec();
        let mut writer = hound::WavWriter::create(&wav, spec).unwrap();
        (0..200_000).for_each(|n| writer.write_sample((n % 97) as i16).unwrap());
        writer.finalize().unwrap();
    }
    let rendered = render(dir.path(), out.path(), &Options::default()).unwrap();
    let copied: Vec<_> = rendered.files.iter().filter(|file| file.extension().unwrap() == "wav").collect();
    assert!(!copied.is_empty());
    let html = fs::read_to_string(out.path().join("leaderboard.html")).unwrap();
    for file in copied {
        let link = file.strip_prefix(out.path()).unwrap();
        assert!(html.contains(&format!("src=\"{}\"", link.display())), "{link:?}");
        assert!(fs::read(file).unwrap() == fs::read(dir.path().join(link)).unwrap());
    }
    assert!(!html.contains("Difference"), "the clean audio does not line up any more");
}

#[test]
fn controls_say_that_they_are() {
    let dir = tempfile::tempdir().unwrap();
    [NULL, NOISE, PGD]
        .into_iter()
        .for_each(|attack| write_record(dir.path(), &record(attack, "emo18", 0.001, 20)));
    let table = json(dir.path());
    let rows = table["boards"][0]["rows"].as_array().unwrap();
    let controls: Vec<(&str, bool)> =
        rows.iter().map(|row| (row["attack"].as_str().unwrap(), row["control"].as_bool().unwrap())).collect();
    assert_eq!(controls, [("pgd", false), ("noise", true), ("null", true)]);
}

#[test]
fn a_page_of_many_cells_stays_small_and_says_what_it_leaves_out() {
    let dir = tempfile::tempdir().unwrap();
    for (i, eps) in (1..=100).map(|i| (i, 0.0001 * f64::from(i))) {
        for attack in [NULL, NOISE, FGSM, PGD] {
            for victim in ["a", "bb", "ccc"] {
                let mut record = record(attack, victim, eps, 8);
                record.flags =
                    (0..i % 3).map(|n| support::flag("zero-gradient", &format!("{n} items"), true)).collect();
                write_record(dir.path(), &record);
            }
        }
    }
    let html = rendered(dir.path(), "leaderboard.html");
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
    assert!(html.contains("6 more rows") && html.contains("1000 more cells"));
    let csv = rendered(dir.path(), "leaderboard.csv");
    assert_eq!(csv.lines().count(), 1 + 1200);
}
