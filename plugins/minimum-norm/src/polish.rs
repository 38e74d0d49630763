//! Shortens the nearest success of each item along one line, by bisection on the victim's answer.
//!
//! For Linf, L2 and L1 the line leads straight back to the clean audio. For L0 it undoes changed samples one by one,
//! those first that did the least for the goal at the last gradient; before that, it tries the fewest samples that
//! cross the boundary linearised there.

use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::Batch;

use crate::hyperplane::{Solver, sum};
use crate::search::Search;

/// Part of the gap by which a crossing goes beyond it, for the rounding of what it is computed from.
const MARGIN: f64 = 1e-3;

/// Halves the uncertainty about the nearest success of each item `halvings` times; each costs a forward query, and
/// for L0 the order of the samples a gradient query.
pub fn polish(search: &mut Search, halvings: usize, oracle: &mut Oracle) -> Result<(), Error> {
    if halvings == 0 {
        return Ok(());
    }
    match search.measure() {
        Norm::L0 => thin(search, halvings, oracle),
        _ => shorten(search, halvings, oracle),
    }
}

fn successes(search: &Search) -> Batch {
    Batch::of(search.task(), search.task().items().filter(|item| search.has_success(*item)))
}

/// Scales the change down.
fn shorten(search: &mut Search, halvings: usize, oracle: &mut Oracle) -> Result<(), Error> {
    let mut batch = successes(search);
    let ends: Vec<Vec<f32>> = search.task().items().map(|item| search.nearest(item).to_vec()).collect();
    let mut share = vec![(0.0_f32, 1.0_f32); ends.len()];
    for _ in 0..halvings {
        let task = search.task();
        batch.for_each(|item, _, x| {
            let middle = 0.5 * (share[item].0 + share[item].1);
            for ((x, clean), end) in x.iter_mut().zip(task.utterance(item)).zip(&ends[item]) {
                *x = clean + middle * (end - clean);
            }
        });
        search.look(&mut batch, oracle)?;
        for row in 0..batch.len() {
            let share = &mut share[batch.item(row)];
            let middle = 0.5 * (share.0 + share.1);
            *share = if search.is_reached(row) { (share.0, middle) } else { (middle, share.1) };
        }
    }
    Ok(())
}

/// Undoes changed samples.
fn thin(search: &mut Search, halvings: usize, oracle: &mut Oracle) -> Result<(), Error> {
    let mut batch = successes(search);
    batch.for_each(|item, _, x| x.copy_from_slice(search.nearest(item)));
    search.gradient(&mut batch, oracle)?;
    let mut slopes = vec![Vec::new(); search.task().n_items()];
    (0..batch.len()).for_each(|row| {
        let length = batch.utterance(row).len();
        slopes[batch.item(row)] = search.ascent(row, length).to_vec();
    });
    let mut fewest = batch.clone();
    fewest.for_each(|item, row, x| cross_from_clean(search, row, item, &slopes[item], x));
    search.look(&mut fewest, oracle)?;
    let mut orders = vec![Vec::new(); search.task().n_items()];
    for item in batch.items().iter().map(|item| *item as usize) {
        let clean = search.task().utterance(item);
        orders[item] = most_useful_first(&slopes[item], search.nearest(item), clean);
    }
    let ends: Vec<Vec<f32>> = search.task().items().map(|item| search.nearest(item).to_vec()).collect();
    let mut count: Vec<(usize, usize)> = orders.iter().map(|order| (0, order.len())).collect();
    for _ in 0..halvings {
        batch.retain(|item| count[item].0 + 1 < count[item].1);
        let task = search.task();
        batch.for_each(|item, _, x| {
            x.copy_from_slice(task.utterance(item));
            let middle = count[item].0.midpoint(count[item].1);
            orders[item][..middle].iter().for_each(|i| x[*i as usize] = ends[item][*i as usize]);
        });
        search.look(&mut batch, oracle)?;
        for row in 0..batch.len() {
            let count = &mut count[batch.item(row)];
            let middle = count.0.midpoint(count.1);
            *count = if search.is_reached(row) { (count.0, middle) } else { (middle, count.1) };
        }
    }
    Ok(())
}

/// The fewest samples that cross, from the clean audio, the boundary as it is linearised at the success `x`.
fn cross_from_clean(search: &Search, row: usize, item: usize, w: &[f32], x: &mut [f32]) {
    let (clean, clip) = (search.task().utterance(item), search.task().clip());
    let beyond = f64::from(search.margin(row)) + f64::from(search.depth(item));
    let gained = sum(x.len(), |i| f64::from(w[i]) * (f64::from(x[i]) - f64::from(clean[i])));
    let ball = search.ball(item);
    let far = if ball.norm() == Norm::Linf { ball.radius() } else { f32::INFINITY };
    let bounds = |i: usize| ((clean[i] - far).max(clip.0), (clean[i] + far).min(clip.1));
    let crossing = Solver::default().cross(Norm::L0, w, (gained + beyond) * (1.0 + MARGIN), clean, bounds);
    x.copy_from_slice(clean);
    crossing.apply(w, 1.0, x, bounds);
    if ball.norm() == Norm::Linf {
        ball.project(x);
    }
}

/// The changed samples, by descending gain towards the goal.
fn most_useful_first(w: &[f32], x: &[f32], clean: &[f32]) -> Vec<u32> {
    let gain = |i: u32| {
        let i = i as usize;
        f64::from(w[i]) * (f64::from(x[i]) - f64::from(clean[i]))
    };
    let mut order: Vec<u32> = (0..x.len() as u32).filter(|i| x[*i as usize] != clean[*i as usize]).collect();
    order.sort_unstable_by(|a, b| gain(*b).total_cmp(&gain(*a)).then(a.cmp(b)));
    order
}
