//! The page of operators is what the registry says, and every differentiable operator has a case.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use seraph_autodiff::documentation::{differentiable, operators_page};

#[test]
fn the_page_of_operators_is_the_registry() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("OPERATORS.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, operators_page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(
        written == operators_page(),
        "{} has drifted: run this test with UPDATE_GOLDEN=1",
        path.display()
    );
}

#[test]
fn every_differentiable_operator_has_a_case() {
    let cases = include_str!("rules.rs");
    let untested: Vec<&str> =
        differentiable().into_iter().filter(|op| !cases.contains(&format!("\"{op}\""))).collect();
    assert!(untested.is_empty(), "no case in tests/rules.rs for {untested:?}");
}
