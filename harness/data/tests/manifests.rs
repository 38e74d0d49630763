//! The CSV manifest of `folder`: what it gives, and one clear line for everything that can be wrong with it.
#![allow(clippy::unwrap_used)]

mod support;

use proptest::prelude::*;
use seraph_data::{ALL_ITEMS, Emotion, Gender, corpora, load};
use support::plain_wav;
use tempfile::TempDir;

const HEADER: &str = "path,speaker,gender,language,emotion";

/// A folder with `a.wav`, `b.wav`, `sub/a.wav` and this manifest.
fn folder(manifest: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    for name in ["a.wav", "b.wav", "sub/a.wav"] {
        std::fs::write(folder.path().join(name), plain_wav(&[100, 200, 300])).unwrap();
    }
    std::fs::write(folder.path().join("manifest.csv"), manifest).unwrap();
    folder
}

#[test]
fn rows_become_items() {
    let rows = "\u{feff}emotion,path,speaker,language,gender,text_id,split,duration_s,mood\n\
                fear,b.wav,s1,en,female,t1,train,0.5,x\n sadness , a.wav , s2 ,,,,test,,y\n";
    let root = folder(rows.as_bytes());
    let corpus = load("folder", Some(root.path()), None, 0).unwrap();
    assert_eq!(corpus.classes, [Emotion::Fear, Emotion::Sadness]);
    assert_eq!(corpus.notes, ["manifest column 'mood' is not used"]);
    let [a, b] = &corpus.items[..] else { panic!("{:?}", corpus.items) };
    assert_eq!((a.id.as_str(), a.speaker.as_str(), a.gender, a.language.as_deref()), ("a", "s2", None, None));
    assert_eq!((b.id.as_str(), b.gender, b.text_id.as_deref()), ("b", Some(Gender::Female), Some("t1")));
    assert_eq!(corpus.read(b, 16_000, Some(4)).unwrap()[3], 100.0 / 32_768.0);
    let test = load("folder", Some(&root.path().join("manifest.csv")), Some("test"), 0).unwrap();
    assert_eq!((test.items.len(), test.classes.len()), (1, 2));
}

#[test]
fn ids_are_unique_file_names() {
    let rows = format!("{HEADER}\na.wav,s,,,fear\nsub/a.wav,s,,,fear\nsub_a.wav,s,,,anger\n");
    let root = folder(rows.as_bytes());
    std::fs::write(root.path().join("sub_a.wav"), plain_wav(&[1])).unwrap();
    let corpus = load("folder", Some(root.path()), None, 0).unwrap();
    let ids: Vec<_> = corpus.items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(ids, ["a.wav", "sub_a.wav", "sub_a.wav_2"]);
}

#[test]
fn the_hash_follows_the_content_not_the_order_of_rows() {
    let hash = |rows: &str| {
        let root = folder(format!("{HEADER}\n{rows}").as_bytes());
        load("folder", Some(root.path()), None, 0).unwrap().manifest_sha256
    };
    let base = hash("a.wav,s,,,fear\nb.wav,s,,,anger\n");
    assert_eq!(base.len(), 64);
    assert_eq!(base, hash("b.wav,s,,,anger\na.wav,s,,,fear\n"));
    for other in
        ["a.wav,s,,,anger\nb.wav,s,,,anger\n", "a.wav,t,,,fear\nb.wav,s,,,anger\n", "a.wav,s,,,fear\n"]
    {
        assert_ne!(base, hash(other), "{other}");
    }
}

#[test]
fn content_hash_sees_what_the_manifest_does_not() {
    let root = folder(format!("{HEADER}\na.wav,s,,,fear\n").as_bytes());
    let load = || load("folder", Some(root.path()), None, 0).unwrap();
    let before = (load().manifest_sha256, load().content_sha256().unwrap());
    std::fs::write(root.path().join("a.wav"), plain_wav(&[100, 200, 301])).unwrap();
    assert_eq!(before.0, load().manifest_sha256);
    assert_ne!(before.1, load().content_sha256().unwrap());
}

#[test]
fn speakers_in_several_splits_are_pointed_out() {
    let root = folder(format!("{HEADER},split\na.wav,s,,,fear,train\nb.wav,s,,,fear,test\n").as_bytes());
    let notes = load("folder", Some(root.path()), None, 0).unwrap().notes;
    assert!(notes[0].contains("('s' first): not speaker-independent"), "{notes:?}");
}

#[test]
fn everything_wrong_names_the_manifest_and_the_line() {
    let good = "a.wav,s,female,en,fear";
    for (manifest, expected) in [
        (String::new(), "line 1: no column 'path'"),
        (format!("{HEADER}\n"), "has no rows"),
        (
            format!("path,speaker,gender,language,emotions\n{good}\n"),
            "line 1: no column 'emotion' (is 'emotions' meant?)",
        ),
        (format!("{HEADER},speaker\n{good},t\n"), "line 1: column 'speaker' is there twice"),
        (
            format!("{HEADER}\n{good}\nb.wav,s,,,hapiness\n"),
            "line 3: unknown emotion 'hapiness', did you mean 'happiness'?",
        ),
        (
            format!("{HEADER}\nb.wav,s,f,,fear\n"),
            "line 2: unknown gender 'f', use female, male, other or leave it empty",
        ),
        (format!("{HEADER}\n{good}\n{good}\n"), "line 3: 'a.wav' is already in line 2"),
        (format!("{HEADER}\n{good}\n./{good}\n"), "line 3: './a.wav' is already in line 2"),
        (
            format!("{HEADER}\n{good}\nx.wav,s,,,fear\ny.wav,s,,,fear\n"),
            "line 3: file 'x.wav' does not exist (1 more do not exist either)",
        ),
        (format!("{HEADER}\nsub,s,,,fear\n"), "line 2: file 'sub' does not exist"),
        (format!("{HEADER}\na.wav,,,,fear\n"), "line 2: 'speaker' is empty"),
        (
            format!("{HEADER},duration_s\n{good},-1\n"),
            "line 2: duration_s '-1' is not a positive number of seconds",
        ),
        (
            format!("{HEADER}\na.wav,s\n"),
            "line 2: has 2 values, the header has 5; check its commas and quotes",
        ),
    ] {
        let root = folder(manifest.as_bytes());
        let message = load("folder", Some(root.path()), None, 0).unwrap_err().to_string();
        assert!(message.contains(expected), "{manifest:?}: {message}");
        assert!(message.contains("manifest.csv"), "{message}");
    }
}

#[test]
fn a_split_that_is_not_there_is_answered_with_those_that_are() {
    let root = folder(format!("{HEADER}\na.wav,s,,,fear\n").as_bytes());
    let message = load("folder", Some(root.path()), Some("test"), 0).unwrap_err().to_string();
    assert_eq!(
        message,
        "corpus 'folder' has no split 'test'; it has no splits, leave the split out or take 'all'"
    );
}

#[test]
fn all_is_every_item_of_every_corpus_unless_a_manifest_names_a_split_so() {
    let ids = |root: &TempDir, split: Option<&str>| -> (Vec<String>, Option<String>) {
        let corpus = load("folder", Some(root.path()), split, 0).unwrap();
        (corpus.items.into_iter().map(|item| item.id).collect(), corpus.split)
    };
    for (columns, a, b) in [("", "", ""), (",split", ",train", ",test")] {
        let root = folder(format!("{HEADER}{columns}\na.wav,s,,,fear{a}\nb.wav,t,,,anger{b}\n").as_bytes());
        assert_eq!(ids(&root, Some(ALL_ITEMS)), ids(&root, None));
        assert_eq!(ids(&root, None), (vec!["a".to_owned(), "b".to_owned()], None));
    }
    let own = folder(format!("{HEADER},split\na.wav,s,,,fear,all\nb.wav,t,,,anger,test\n").as_bytes());
    assert_eq!(ids(&own, Some(ALL_ITEMS)), (vec!["a".to_owned()], Some("all".to_owned())));
    assert_eq!(load("synthetic", None, Some(ALL_ITEMS), 0).unwrap().items.len(), {
        let of = |split| load("synthetic", None, Some(split), 0).unwrap().items.len();
        of("train") + of("val") + of("test")
    });
    assert!(corpora().iter().all(|info| info.splits.contains(&ALL_ITEMS)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_manifest_panics(with_header in any::<bool>(), rest in prop::collection::vec(any::<u8>(), 0..200)) {
        let header = if with_header { format!("{HEADER}\n") } else { String::new() };
        let bytes: Vec<u8> = header.into_bytes().into_iter().chain(rest).collect();
        let root = folder(&bytes);
        let _ = load("folder", Some(root.path()), None, 0);
    }
}

#[test]
fn audio_comes_at_the_rate_of_the_model_within_full_scale() {
    let square: Vec<i16> = (0..4_800).map(|n| if n / 120 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
    let data = support::pcm16(&square);
    let root = folder(format!("{HEADER}\na.wav,s,,,fear\n").as_bytes());
    let loud = support::wav(1, 1, 48_000, 16, &data, data.len() as u32);
    std::fs::write(root.path().join("a.wav"), loud).unwrap();
    let corpus = load("folder", Some(root.path()), None, 0).unwrap();
    let once = corpus.read(&corpus.items[0], 16_000, None).unwrap();
    assert_eq!(once.len(), 1_600);
    // A band-limited square wave overshoots its own height (Gibbs), full scale ends it.
    assert_eq!(once.iter().fold(0.0f32, |peak, x| peak.max(x.abs())), 1.0);
    let tiled = corpus.read(&corpus.items[0], 16_000, Some(4_000)).unwrap();
    assert_eq!(
        (&tiled[..1_600], &tiled[1_600..3_200], &tiled[3_200..]),
        (&once[..], &once[..], &once[..800])
    );
}
