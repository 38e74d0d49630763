//! Each loader on a miniature of its corpus: tiny files with the published names, in the published folders.
#![allow(clippy::unwrap_used)]

mod support;

use seraph_data::{Corpus, Emotion, Gender, corpora, load};
use std::collections::BTreeSet;
use std::path::Path;
use support::{flac, plain_wav, stereo_wav};
use tempfile::TempDir;

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    folder
}

/// What is to be known of an item: id, speaker, gender, emotion, text, split.
type Expected = (&'static str, &'static str, Gender, Emotion, Option<&'static str>, &'static str);

fn check(corpus: &Corpus, expected: &[Expected]) {
    let found: Vec<_> = corpus
        .items
        .iter()
        .map(|i| {
            let split = i.split.as_deref().unwrap();
            (i.id.as_str(), i.speaker.as_str(), i.gender.unwrap(), i.emotion, i.text_id.as_deref(), split)
        })
        .collect();
    assert_eq!(found, expected);
    for item in &corpus.items {
        assert_eq!(corpus.read(item, 16_000, Some(50)).unwrap().len(), 50, "{}", item.id);
    }
}

const F: Gender = Gender::Female;
const M: Gender = Gender::Male;

#[test]
fn emodb() {
    let (wav, copy) = (plain_wav(&[1, 2, 3]), flac(&[1; 20], 16_000, 20, [0; 16]));
    let root = folder(&[
        ("wav/03a01Fa.wav", &wav),
        ("wav/16b10Wb.flac", &copy),
        ("wav/11a05Td.wav", &wav),
        ("wav/._03a01Fa.wav", b"macOS companion"),
        ("wav/99a01Fa.wav", &wav),
        ("erkennung.txt", b"not audio"),
    ]);
    let corpus = load("emodb", Some(root.path()), None, 0).unwrap();
    check(
        &corpus,
        &[
            ("03a01Fa", "03", M, Emotion::Happiness, Some("a01"), "train"),
            ("11a05Td", "11", M, Emotion::Sadness, Some("a05"), "test"),
            ("16b10Wb", "16", F, Emotion::Anger, Some("b10"), "val"),
        ],
    );
    assert_eq!(corpus.items[0].language.as_deref(), Some("de"));
    assert_eq!(corpus.classes.len(), 7);
    assert_eq!(
        corpus.notes,
        [
            "left out: 1 audio files with names that are not those of the corpus",
            "3 items found, the complete corpus has 535"
        ]
    );
    let test = load("emodb", Some(root.path()), Some("test"), 0).unwrap();
    assert_eq!((test.items.len(), test.classes.len()), (1, 7));
    assert_ne!(test.manifest_sha256, corpus.manifest_sha256);
}

#[test]
fn ravdess_with_its_equal_stereo_files_and_without_its_songs() {
    let (mono, twins) = (plain_wav(&[1, 2, 3]), stereo_wav(&[[1, 1], [2, 2]]));
    let root = folder(&[
        ("Actor_01/03-01-01-01-01-01-01.wav", &mono),
        ("Actor_18/03-01-08-02-02-01-18.wav", &twins),
        ("Actor_23/03-01-05-01-02-02-23.wav", &mono),
        ("Actor_01/03-02-05-01-02-02-01.wav", &mono),
        ("copy/Actor_01/03-01-01-01-01-01-01.wav", &mono),
    ]);
    let corpus = load("ravdess", Some(root.path()), None, 0).unwrap();
    check(
        &corpus,
        &[
            ("03-01-01-01-01-01-01", "01", M, Emotion::Neutral, Some("01"), "train"),
            ("03-01-05-01-02-02-23", "23", M, Emotion::Anger, Some("02"), "test"),
            ("03-01-08-02-02-01-18", "18", F, Emotion::Surprise, Some("02"), "val"),
        ],
    );
    assert!(
        corpus.notes.iter().any(|note| note.starts_with("left out: 1 files with the name of another one"))
    );
    let unequal = folder(&[("03-01-01-01-01-01-01.wav", &stereo_wav(&[[1, 2]]))]);
    let corpus = load("ravdess", Some(unequal.path()), None, 0).unwrap();
    let message = corpus.read(&corpus.items[0], 16_000, None).unwrap_err().to_string();
    assert!(message.contains("channels differ at sample 0"), "{message}");
}

#[test]
fn emovo_takes_the_left_microphone() {
    let root = folder(&[
        ("EMOVO/f1/dis-f1-b1.wav", &stereo_wav(&[[16_384, -1], [8_192, -2]])),
        ("EMOVO/m2/sor-m2-l4.wav", &stereo_wav(&[[1, 0]])),
        ("EMOVO/f3/gio-f3-n5.wav", &stereo_wav(&[[1, 0]])),
    ]);
    let corpus = load("emovo", Some(root.path()), None, 0).unwrap();
    check(
        &corpus,
        &[
            ("dis-f1-b1", "f1", F, Emotion::Disgust, Some("b1"), "train"),
            ("gio-f3-n5", "f3", F, Emotion::Happiness, Some("n5"), "test"),
            ("sor-m2-l4", "m2", M, Emotion::Surprise, Some("l4"), "val"),
        ],
    );
    assert_eq!(corpus.read(&corpus.items[0], 16_000, None).unwrap(), [0.5, 0.25]);
}

#[test]
fn crema_d() {
    let wav = plain_wav(&[1]);
    let root = folder(&[
        ("AudioWAV/1001_DFA_ANG_XX.wav", &wav),
        ("AudioWAV/1091_IEO_SAD_HI.wav", &wav),
        ("AudioWAV/1080_TIE_NEU_XX.wav", &wav),
        ("AudioWAV/1092_TIE_NEU_XX.wav", &wav),
    ]);
    check(
        &load("crema-d", Some(root.path()), None, 0).unwrap(),
        &[
            ("1001_DFA_ANG_XX", "1001", M, Emotion::Anger, Some("DFA"), "train"),
            ("1080_TIE_NEU_XX", "1080", M, Emotion::Neutral, Some("TIE"), "val"),
            ("1091_IEO_SAD_HI", "1091", F, Emotion::Sadness, Some("IEO"), "test"),
        ],
    );
}

const EVALUATION: &[u8] = b"% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n\
[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]\n\
C-E2:\tNeutral;\t()\n\
[10.0100 - 11.3925]\tSes01F_impro01_M001\texc\t[2.5000, 2.5000, 2.5000]\n\
[12.0100 - 13.3925]\tSes01F_impro01_M002\tfru\t[2.5000, 2.5000, 2.5000]\n";

#[test]
fn iemocap_merges_excitement_and_drops_other_labels() {
    let wav = plain_wav(&[1]);
    let audio = |session: u8, name: &str| {
        format!("Session{session}/sentences/wav/{}/{name}.wav", &name[..name.len() - 5])
    };
    let names = [
        audio(1, "Ses01F_impro01_F000"),
        audio(1, "Ses01F_impro01_M001"),
        audio(1, "Ses01F_impro01_M002"),
        audio(3, "Ses03M_script01_1_F005"),
        audio(4, "Ses04M_impro02_M010"),
    ];
    let mut files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &wav[..])).collect();
    files.extend([
        ("Session1/dialog/EmoEvaluation/Ses01F_impro01.txt", EVALUATION),
        ("Session3/dialog/EmoEvaluation/a.txt", b"[1 - 2]\tSes03M_script01_1_F005\tang\t[1, 1, 1]\r\n"),
        ("Session4/dialog/EmoEvaluation/b.txt", b"[1 - 2]\tSes04M_impro02_M010\thap\t[1, 1, 1]\n"),
        // An annotator's own opinion, which is not the label.
        ("Session4/dialog/EmoEvaluation/Self-evaluation/b.txt", b"[1 - 2]\tSes04M_impro02_M010\tsad\t[1]\n"),
        ("Session1/dialog/wav/Ses01F_impro01.wav", &wav),
    ]);
    let root = folder(&files);
    let corpus = load("iemocap", Some(root.path()), None, 0).unwrap();
    check(
        &corpus,
        &[
            ("Ses01F_impro01_F000", "Ses01F", F, Emotion::Neutral, Some("impro01"), "train"),
            ("Ses01F_impro01_M001", "Ses01M", M, Emotion::Happiness, Some("impro01"), "train"),
            ("Ses03M_script01_1_F005", "Ses03F", F, Emotion::Anger, Some("script01_1"), "test"),
            ("Ses04M_impro02_M010", "Ses04M", M, Emotion::Happiness, Some("impro02"), "val"),
        ],
    );
    let bare = folder(&[("Session1/sentences/wav/x/Ses01F_impro01_F000.wav", &wav)]);
    let message = load("iemocap", Some(bare.path()), None, 0).unwrap_err().to_string();
    assert!(message.contains("Session*/dialog/EmoEvaluation/*.txt"), "{message}");
}

/// 23 women and 45 men, as published, one file each, and a neutral one that is left out.
fn demos_miniature() -> TempDir {
    let wav = plain_wav(&[1]);
    let women = (1..=23).map(|n| format!("wav_DEMoS/PR_f_{n:02}_rab01a.wav"));
    let men = (24..=68).map(|n| format!("wav_DEMoS/NP_m_{n:02}_col02b.wav"));
    let names: Vec<String> = women.chain(men).chain(["NEU/PR_f_01_neu01a.wav".to_owned()]).collect();
    folder(&names.iter().map(|name| (name.as_str(), &wav[..])).collect::<Vec<_>>())
}

#[test]
fn demos_divides_its_68_speakers_24_22_22() {
    let root = demos_miniature();
    let load = |split| load("demos", Some(root.path()), split, 0).unwrap();
    let all = load(None);
    assert_eq!(all.items.len(), 68);
    assert_eq!((all.items[0].emotion, all.items[67].emotion), (Emotion::Guilt, Emotion::Anger));
    let speakers = |split| -> BTreeSet<String> {
        load(Some(split)).items.iter().map(|item| item.speaker.clone()).collect()
    };
    let (train, val, test) = (speakers("train"), speakers("val"), speakers("test"));
    assert_eq!([train.len(), val.len(), test.len()], [24, 22, 22]);
    assert!(train.is_disjoint(&val) && train.is_disjoint(&test) && val.is_disjoint(&test));
    assert!(all.notes.iter().any(|note| note.starts_with("left out: 1 files with labels that are not used")));
}

#[test]
fn splits_csv_replaces_the_built_in_division() {
    let root = demos_miniature();
    std::fs::write(root.path().join("splits.csv"), "speaker,split\nf01,test\nm30,test\n").unwrap();
    let corpus = load("demos", Some(root.path()), Some("test"), 0).unwrap();
    assert!(["f01", "m30"].iter().all(|s| corpus.items.iter().any(|item| item.speaker == *s)));
    for (rows, expected) in [
        ("speaker,split\nf99,test\n", "no item has speaker 'f99'"),
        ("speaker,split\nf01,test\nf01,val\n", "speaker 'f01' is in two rows"),
        ("speaker\nf01\n", "the columns are speaker,split"),
    ] {
        std::fs::write(root.path().join("splits.csv"), rows).unwrap();
        let message = load("demos", Some(root.path()), None, 0).unwrap_err().to_string();
        assert!(message.contains("splits.csv") && message.contains(expected), "{message}");
    }
}

#[test]
fn a_limit_keeps_emotions_and_speakers_and_says_so() {
    let whole = load("synthetic", None, Some("test"), 0).unwrap();
    let some = load("synthetic", None, Some("test"), 16).unwrap();
    assert_eq!(
        some.notes,
        [format!("limit: 16 of {} items, spread over 4 emotions and 4 speakers", whole.items.len())]
    );
    for emotion in &some.classes {
        let of_emotion: Vec<_> = some.items.iter().filter(|item| item.emotion == *emotion).collect();
        let speakers: BTreeSet<_> = of_emotion.iter().map(|item| &item.speaker).collect();
        assert_eq!((of_emotion.len(), speakers.len()), (4, 4));
    }
    let four = load("synthetic", None, Some("test"), 4).unwrap();
    let speakers: BTreeSet<_> = four.items.iter().map(|item| &item.speaker).collect();
    assert_eq!(speakers.len(), 4, "a small limit meets as many speakers as it can");
    assert_eq!(load("synthetic", None, Some("test"), 10_000).unwrap().items, whole.items);
}

#[test]
fn what_cannot_be_loaded_is_said_clearly() {
    let nothing = tempfile::tempdir().unwrap();
    let nowhere = Path::new("no/such/folder");
    for (id, path, split, expected) in [
        (
            "emodv",
            None,
            None,
            "unknown corpus 'emodv', did you mean 'emodb'? there are: crema-d, demos, emodb",
        ),
        ("emodb", None, None, "corpus 'emodb' needs a path: a folder with the files of wav/"),
        ("synthetic", Some(nowhere), None, "corpus 'synthetic' is generated and takes no path"),
        (
            "synthetic",
            None,
            Some("dev"),
            "corpus 'synthetic' has no split 'dev'; it has: test, train, val, all",
        ),
        ("ravdess", Some(nowhere), None, "cannot list no/such/folder"),
        ("ravdess", Some(nothing.path()), None, "holds no audio of corpus 'ravdess': a folder with Actor_01"),
        ("folder", Some(nothing.path()), None, "manifest.csv: no such file; a folder with manifest.csv"),
    ] {
        let message = load(id, path, split, 0).unwrap_err().to_string();
        assert!(message.contains(expected), "{id}: {message}");
    }
}

#[test]
fn the_registry_is_in_order_and_complete() {
    let ids: Vec<_> = corpora().iter().map(|info| info.id).collect();
    assert_eq!(ids, ["crema-d", "demos", "emodb", "emovo", "folder", "iemocap", "ravdess", "synthetic"]);
    for info in corpora() {
        assert!(info.classes.is_sorted(), "{}", info.id);
        assert!(serde_json::to_string(info).unwrap().contains(info.id));
    }
}
