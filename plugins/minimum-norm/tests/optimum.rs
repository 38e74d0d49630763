//! Where the smallest success is known: the median attack is within 1.05 of it.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Ratio, linear, sphere};
use seraph_minimum_norm::DeepFool;
use seraph_plugin::prelude::*;

#[test]
fn deepfool_is_at_the_optimum() {
    for norm in [Norm::Linf, Norm::L2] {
        linear::<DeepFool>(norm, "strong", Ratio::FIELD);
    }
    sphere::<DeepFool>("strong", Ratio::FIELD);
}
