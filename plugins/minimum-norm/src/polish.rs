//! Shortens the nearest success of each item along one line, by bisection on the victim's answer.
//!
//! For Linf, L2 and L1 the line leads straight back to the clean audio. For L0 it undoes changed samples one by one,
//! those first that did the least for the goal at the last gradient.

use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::Batch;

use crate::search::Search;

/// Halves the uncertainty about the nearest success of each item `halvings` times; each costs a forward query, and
/// for L0 the order of the samples a gradient query.
pub fn polish(search: &mut Search, halvings: usize, oracle: &mut Oracle) -> Result<(), Error> {
    if halvings == 0 {
        return Ok(());
    }
    match search.task().norm() {
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
    let mut orders = vec![Vec::new(); search.task().n_items()];
    for row in 0..batch.len() {
        let (item, x) = (batch.item(row), batch.utterance(row));
        let clean = search.task().utterance(item);
        orders[item] = most_useful_first(search.ascent(row, x.len()), x, clean);
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
