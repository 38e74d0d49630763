//! Journals: what a crash at any byte leaves behind, and what damage is refused.
#![allow(clippy::unwrap_used)]

mod sample;

use proptest::prelude::*;
use seraph_core::journal::{Journal, JournalError, JournalLine, SCHEMA};

fn lines() -> Vec<JournalLine> {
    let mut lines = vec![JournalLine::Header(Box::new(sample::header()))];
    lines.extend((0..3).map(|i| JournalLine::Item(Box::new(sample::item(i)))));
    lines.push(JournalLine::End(sample::end()));
    lines
}

fn text() -> String {
    lines().iter().map(JournalLine::encode).collect()
}

#[test]
fn a_journal_reads_back_what_was_written() {
    let journal = Journal::decode(text().as_bytes()).unwrap();
    assert_eq!(journal.header, Some(sample::header()));
    assert_eq!(journal.items, (0..3).map(sample::item).collect::<Vec<_>>());
    assert_eq!(journal.end, Some(sample::end()));
    assert_eq!((journal.valid_bytes, journal.dropped), (text().len(), None));
}

#[test]
fn a_line_is_one_json_object_with_the_published_names() {
    let line = JournalLine::Item(Box::new(sample::item(0))).encode();
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    for name in [
        "crc",
        "item",
        "speaker",
        "gender",
        "language",
        "label",
        "clean_pred",
        "adv_pred",
        "status",
        "success",
        "linf",
        "l2",
        "l1",
        "l0",
        "snr_db",
        "snr_seg_db",
        "si_sdr_db",
        "peak_snr_db",
        "forward_queries",
        "gradient_queries",
        "seconds",
        "adv_sha256",
        "pcm16",
        "fault",
    ] {
        assert!(json.get(name).is_some(), "{name}");
    }
    assert_eq!(json["snr_db"], "inf");
    assert_eq!(json["language"], serde_json::Value::Null);
}

#[test]
fn a_run_killed_at_any_byte_keeps_its_whole_lines() {
    let text = text();
    for cut in 0..=text.len() {
        let journal = Journal::decode(&text.as_bytes()[..cut]).unwrap();
        let whole = text[..cut].matches('\n').count();
        let kept =
            usize::from(journal.header.is_some()) + journal.items.len() + usize::from(journal.end.is_some());
        assert_eq!(kept, whole, "cut at {cut}");
        assert_eq!(journal.valid_bytes, text[..cut].rfind('\n').map_or(0, |i| i + 1));
        assert_eq!(journal.dropped.is_some(), journal.valid_bytes < cut);
    }
}

#[test]
fn a_damaged_byte_is_found_wherever_it_is() {
    let text = text();
    let last_line = text.trim_end().rfind('\n').unwrap() + 1;
    for at in (0..text.len()).step_by(7) {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 0x01;
        match Journal::decode(&bytes) {
            Ok(journal) => {
                assert!(at >= last_line, "byte {at} was damaged unseen");
                assert!(journal.dropped.is_some() && journal.end.is_none());
            }
            Err(JournalError::Damaged { line, .. }) => assert_eq!(line, text[..at].matches('\n').count() + 1),
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn nothing_is_counted_twice_and_order_is_held() {
    let encoded: Vec<String> = lines().iter().map(JournalLine::encode).collect();
    let mut foreign = sample::header();
    foreign.schema = "seraph-journal/9".into();
    let foreign = JournalLine::Header(Box::new(foreign)).encode();
    for (order, expected) in [
        (vec![&encoded[0], &encoded[1], &encoded[1]], "line 3: item 0 ('item-0') is there twice".to_string()),
        (vec![&encoded[1]], "line 1: there is no header before it".into()),
        (vec![&encoded[0], &encoded[0]], "line 2: is a second header".into()),
        (vec![&encoded[0], &encoded[4], &encoded[1]], "line 3: stands after the end of the cell".into()),
        (vec![&foreign], format!("line 1: schema 'seraph-journal/9' is not '{SCHEMA}'")),
    ] {
        let text: String = order.into_iter().cloned().collect();
        assert_eq!(Journal::decode(text.as_bytes()).unwrap_err().to_string(), expected);
    }
}

#[test]
fn the_order_of_the_corpus_is_restored() {
    let header = lines()[0].encode();
    let items: String = [2, 0, 1].map(|i| JournalLine::Item(Box::new(sample::item(i))).encode()).concat();
    let journal = Journal::decode(format!("{header}{items}").as_bytes()).unwrap();
    assert_eq!(journal.items_in_order(), (0..3).map(sample::item).collect::<Vec<_>>());
}

#[test]
fn every_part_of_the_header_is_in_its_fingerprint() {
    let header = sample::header();
    let mut other = header.clone();
    other.environment.runtime = None;
    assert_ne!(header.fingerprint(), other.fingerprint());
    let mut other = header.clone();
    other.cell.seed += 1;
    assert_ne!(header.fingerprint(), other.fingerprint());
}

proptest! {
    #[test]
    fn any_bytes_are_a_journal_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Journal::decode(&bytes);
    }

    #[test]
    fn any_cut_and_splice_is_a_journal_or_an_error(a in 0usize..4000, b in 0usize..4000) {
        let text = text();
        let bytes = text.as_bytes();
        let spliced = [&bytes[..a.min(bytes.len())], &bytes[b.min(bytes.len())..]].concat();
        let _ = Journal::decode(&spliced);
    }
}
