//! Refuses plans that parse but cannot be run, each with one line that says what to do.

use super::{Plan, PlanError, RunPlan, ThreatPlan};
use crate::threat::{Access, Goal, Grants, Norm};
use std::collections::BTreeSet;

pub(super) fn check(plan: &Plan) -> Result<(), PlanError> {
    demand(!plan.name.trim().is_empty(), "name", || "is empty; give the plan a name".into())?;
    demand(!plan.corpus.id.is_empty(), "[corpus]", || {
        "id is empty; `seraph list corpora` names them".into()
    })?;
    let unique: BTreeSet<_> = plan.seeds.iter().collect();
    demand(unique.len() == plan.seeds.len(), "seeds", || {
        "has a seed twice; each seed is a run of its own".into()
    })?;
    check_names("victim", plan.victims.iter().map(|v| (v.name(), v.plugin.is_empty())))?;
    check_names("attack", plan.attacks.iter().map(|a| (a.name(), a.plugin.is_empty())))?;
    demand(!plan.threats.is_empty(), "[[threat]]", || "there is none; a plan needs at least one".into())?;
    for (i, threat) in plan.threats.iter().enumerate() {
        let at = format!("[[threat]] {}", i + 1);
        check_eps(&at, threat)?;
        check_access(&at, threat)?;
        check_source(&at, threat, plan)?;
        let earlier = plan.threats[..i].iter().position(|t| t == threat);
        demand(earlier.is_none(), &at, || "is the same as an earlier threat; remove one".into())?;
    }
    check_run(&plan.run)
}

fn demand(holds: bool, at: &str, problem: impl FnOnce() -> String) -> Result<(), PlanError> {
    if holds { Ok(()) } else { Err(PlanError::Impossible { at: at.into(), problem: problem() }) }
}

fn check_names(table: &str, entries: impl Iterator<Item = (String, bool)>) -> Result<(), PlanError> {
    let mut seen = BTreeSet::new();
    for (i, (name, no_plugin)) in entries.enumerate() {
        let at = format!("[[{table}]] {}", i + 1);
        demand(!no_plugin, &at, || {
            format!("plugin is empty; `seraph list {table}s` names the built-in ones")
        })?;
        demand(is_a_name(&name), &at, || {
            format!(
                "'{name}' cannot be a name; give it one of letters, digits, '.', '_' and '-' with name = \"...\""
            )
        })?;
        demand(seen.insert(name.clone()), &at, || {
            format!("two {table}s are called '{name}'; tell them apart with name = \"...\"")
        })?;
    }
    demand(!seen.is_empty(), &format!("[[{table}]]"), || "there is none; a plan needs at least one".into())
}

// Names become parts of file names.
fn is_a_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    (1..=64).contains(&name.len()) && name.chars().all(plain) && !name.starts_with(['.', '-'])
}

fn check_eps(at: &str, threat: &ThreatPlan) -> Result<(), PlanError> {
    demand(!threat.eps.is_empty(), at, || "eps is an empty list; give at least one budget".into())?;
    for (i, eps) in threat.eps.iter().enumerate() {
        let value = eps.0;
        demand(value.is_finite() && value > 0.0, at, || {
            format!("eps = {eps}; a budget is a number above 0")
        })?;
        demand(!threat.eps[..i].contains(eps), at, || format!("eps = {eps} is listed twice"))?;
        match threat.norm {
            Norm::Linf => demand(value <= 2.0, at, || {
                format!("eps = {eps} under linf; samples lie in [-1, 1], so no change exceeds 2")
            })?,
            Norm::L0 => demand(value < 1.0 || value.fract() == 0.0, at, || {
                format!("eps = {eps} under l0; give a whole number of samples, or a share of them below 1")
            })?,
            Norm::Snr => {
                demand(value <= 200.0, at, || format!("eps = {eps} dB; an SNR above 200 dB is silence"))?
            }
            Norm::L2 | Norm::L1 => {}
        }
    }
    Ok(())
}

fn check_access(at: &str, threat: &ThreatPlan) -> Result<(), PlanError> {
    let targeted = threat.goal == Goal::Targeted;
    demand(!targeted || threat.target.is_some(), at, || {
        "a targeted goal needs target = \"random\", \"next\" or a class".into()
    })?;
    demand(targeted || threat.target.is_none(), at, || {
        "target is given, but the goal is untargeted; set goal = \"targeted\"".into()
    })?;
    demand(threat.queries != Some(0), at, || "queries = 0; leave it out, or allow at least one".into())?;
    let gradients = threat.access.grants().contains(Grants::GRADIENT);
    demand(gradients || matches!(threat.gradient_queries, None | Some(0)), at, || {
        format!("gradient_queries under access = \"{}\", which grants no gradients", threat.access.as_str())
    })
}

fn check_source(at: &str, threat: &ThreatPlan, plan: &Plan) -> Result<(), PlanError> {
    let Some(source) = &threat.source else {
        return demand(threat.access != Access::Transfer, at, || {
            "a transfer threat needs source = the name of the victim that the attack may query".into()
        });
    };
    demand(threat.access == Access::Transfer, at, || {
        format!("source is given, but access is \"{}\"; only a transfer has one", threat.access.as_str())
    })?;
    demand(plan.victim(source).is_some(), at, || {
        let names: Vec<_> = plan.victims.iter().map(super::VictimPlan::name).collect();
        format!("no victim is called '{source}'; there are {}", names.join(", "))
    })
}

fn check_run(run: &RunPlan) -> Result<(), PlanError> {
    demand(run.batch >= 1, "[run]", || "batch = 0; a task needs at least one item".into())?;
    demand(run.wall_s_per_item.is_finite() && run.wall_s_per_item > 0.0, "[run]", || {
        format!("wall_s_per_item = {}; give seconds above 0", run.wall_s_per_item)
    })?;
    demand(run.memory_mb >= 64, "[run]", || {
        format!("memory_mb = {}; a worker needs at least 64", run.memory_mb)
    })?;
    demand(run.bootstrap >= 100, "[run]", || {
        format!("bootstrap = {}; an interval needs at least 100 resamples", run.bootstrap)
    })
}
