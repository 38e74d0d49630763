//! Where the smallest success is known: the median attack is within 1.05 of it.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Ratio, kinked, linear, sphere};
use seraph_minimum_norm::{Cw, Ddn, DeepFool, Fab, Fmn, Jsma, SigmaZero, SparseFool};
use seraph_plugin::prelude::*;

#[test]
fn deepfool_is_at_the_optimum() {
    for norm in [Norm::Linf, Norm::L2] {
        linear::<DeepFool>(norm, "strong", Ratio::FIELD);
    }
    sphere::<DeepFool>("strong", Ratio::FIELD);
}

#[test]
fn ddn_is_at_the_optimum() {
    linear::<Ddn>(Norm::L2, "strong", Ratio::FIELD);
    sphere::<Ddn>("strong", Ratio::FIELD);
}

#[test]
fn fab_is_at_the_optimum() {
    for norm in [Norm::Linf, Norm::L2, Norm::L1] {
        linear::<Fab>(norm, "paper-default", Ratio::FIELD);
    }
    sphere::<Fab>("paper-default", Ratio::FIELD);
}

#[test]
fn fmn_is_at_the_optimum() {
    for norm in [Norm::Linf, Norm::L2, Norm::L1, Norm::L0] {
        linear::<Fmn>(norm, "strong", Ratio::FIELD);
    }
    sphere::<Fmn>("strong", Ratio::FIELD);
}

#[test]
fn cw_is_at_the_optimum() {
    for norm in [Norm::L2, Norm::Linf] {
        linear::<Cw>(norm, "strong", Ratio::FIELD);
    }
    sphere::<Cw>("strong", Ratio::FIELD);
}

#[test]
fn jsma_is_at_the_optimum() {
    linear::<Jsma>(Norm::L0, "strong", Ratio::FIELD);
}

#[test]
fn sparsefool_is_at_the_optimum() {
    linear::<SparseFool>(Norm::L0, "strong", Ratio::FIELD);
}

#[test]
fn sigma_zero_is_at_the_optimum() {
    linear::<SigmaZero>(Norm::L0, "strong", Ratio::FIELD);
}

#[test]
fn kinks_do_not_hide_the_optimum() {
    for norm in [Norm::Linf, Norm::L2] {
        kinked::<DeepFool>(norm, "strong", Ratio::FIELD);
        kinked::<Cw>(norm, "strong", Ratio::FIELD);
        kinked::<Fab>(norm, "paper-default", Ratio::FIELD);
        kinked::<Fmn>(norm, "strong", Ratio::FIELD);
    }
    kinked::<Ddn>(Norm::L2, "strong", Ratio::FIELD);
    kinked::<Fab>(Norm::L1, "paper-default", Ratio::FIELD);
    kinked::<Fmn>(Norm::L1, "strong", Ratio::FIELD);
    kinked::<Fmn>(Norm::L0, "strong", Ratio::FIELD);
    kinked::<Jsma>(Norm::L0, "strong", Ratio::FIELD);
    kinked::<SparseFool>(Norm::L0, "strong", Ratio::FIELD);
    kinked::<SigmaZero>(Norm::L0, "strong", Ratio::FIELD);
}
