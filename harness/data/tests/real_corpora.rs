//! The real EmoDB and RAVDESS, where they lie beside the project; skipped with a line where they do not.
#![allow(clippy::unwrap_used)]

use seraph_data::{Source, load};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn corpus_folder(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora").join(name);
    if !path.is_dir() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

#[test]
fn published_counts_and_splits() {
    for (id, n_items, splits) in [("emodb", 535, [284, 127, 124]), ("ravdess", 1440, [960, 240, 240])] {
        let Some(path) = corpus_folder(id) else { continue };
        let corpus = load(id, Some(&path), None, 0).unwrap();
        assert_eq!((corpus.items.len(), corpus.notes.len()), (n_items, 0), "{id}: {:?}", corpus.notes);
        let mut found: Vec<_> = Vec::new();
        for split in ["train", "val", "test"] {
            found.push(load(id, Some(&path), Some(split), 0).unwrap().items.len());
        }
        assert_eq!(found, splits, "{id}");
    }
}

#[test]
fn names_say_what_the_independent_manifest_says() {
    for id in ["emodb", "ravdess"] {
        let Some(path) = corpus_folder(id) else { continue };
        let by_name = load(id, Some(&path), None, 0).unwrap();
        let by_manifest = load("folder", Some(&path), None, 0).unwrap();
        let manifest: BTreeMap<_, _> = by_manifest.items.iter().map(|item| (&item.id, item)).collect();
        assert_eq!(manifest.len(), by_name.items.len());
        assert_eq!(by_name.classes, by_manifest.classes);
        for item in &by_name.items {
            let other = manifest[&item.id];
            assert_eq!(
                (&item.speaker, item.gender, item.emotion, &item.language, &item.text_id),
                (&other.speaker, other.gender, other.emotion, &other.language, &other.text_id),
                "{}",
                item.id
            );
        }
    }
}

#[test]
fn audio_decodes_to_the_length_that_the_manifest_gives() {
    for id in ["emodb", "ravdess"] {
        let Some(path) = corpus_folder(id) else { continue };
        let durations = durations(&path.join("manifest.csv"));
        let corpus = load(id, Some(&path), None, 40).unwrap();
        for item in &corpus.items {
            let Source::File(file) = &item.source else { panic!("{id} is made of files") };
            let samples = corpus.read(item, 16_000, None).unwrap();
            let name = file.strip_prefix(&path).unwrap().to_string_lossy().into_owned();
            assert!((samples.len() as f64 / 16_000.0 - durations[&name]).abs() < 1e-4, "{name}");
        }
    }
}

fn durations(manifest: &Path) -> BTreeMap<String, f64> {
    let mut reader = csv::Reader::from_path(manifest).unwrap();
    let header = reader.headers().unwrap().clone();
    let at = |name: &str| header.iter().position(|column| column == name).unwrap();
    let (path, seconds) = (at("path"), at("duration_s"));
    reader
        .records()
        .map(|row| row.unwrap())
        .map(|row| (row[path].to_owned(), row[seconds].parse().unwrap()))
        .collect()
}
