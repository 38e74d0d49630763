//! Einsum as transposes, reshapes and one MatMul per pair of terms.

use crate::opset::Spec;
use crate::var::Var;

/// A value with a letter for each axis.
#[derive(Clone)]
struct Term<'g> {
    value: Var<'g>,
    axes: Vec<char>,
}

pub(super) fn einsum<'g>(spec: &Spec<'g>) -> Result<Vec<Var<'g>>, String> {
    let equation: String =
        spec.attributes.text_or("equation", "").chars().filter(|c| !c.is_whitespace()).collect();
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left.to_owned(), Some(right.to_owned())),
        None => (equation.clone(), None),
    };
    let values: Vec<Var<'g>> = spec.inputs.iter().flatten().copied().collect();
    let texts: Vec<&str> = left.split(',').collect();
    if texts.len() != values.len() {
        return Err(format!("equation `{equation}` has {} terms for {} inputs", texts.len(), values.len()));
    }
    let terms: Vec<Term<'g>> = texts
        .iter()
        .zip(values)
        .map(|(text, value)| Ok(Term { axes: letters(text, value.rank()?)?, value }))
        .collect::<Result<_, String>>()?;
    let output = match right {
        Some(right) => {
            let longest = terms.iter().map(|term| ellipsis(&term.axes).len()).max().unwrap_or(0);
            letters(
                &right,
                right.chars().filter(char::is_ascii_alphabetic).count()
                    + if right.contains("...") { longest } else { 0 },
            )?
        }
        None => implicit_output(&terms),
    };
    let mut rest = terms.into_iter();
    let mut total = rest.next().ok_or("has no inputs")?;
    let mut rest: Vec<Term<'g>> = rest.collect();
    while !rest.is_empty() {
        let next = rest.remove(0);
        let needed = |c: &char| output.contains(c) || rest.iter().any(|term| term.axes.contains(c));
        total = product(total, next, &needed);
    }
    let total = summed(total, &|c| output.contains(c));
    Ok(vec![arranged(&total, &output)?.value])
}

/// Letters for the axes of a term; those of an ellipsis are private letters, counted from the back.
fn letters(text: &str, rank: usize) -> Result<Vec<char>, String> {
    let named = text.chars().filter(char::is_ascii_alphabetic).count();
    let hidden =
        rank.checked_sub(named).ok_or_else(|| format!("term `{text}` has more letters than {rank} axes"))?;
    if !text.contains("...") && hidden > 0 {
        return Err(format!("term `{text}` has fewer letters than {rank} axes"));
    }
    let private: Vec<char> = (0..hidden).rev().filter_map(|i| char::from_u32(0xE000 + i as u32)).collect();
    let (front, back) = text.split_once("...").unwrap_or((text, ""));
    let axes: Vec<char> = front.chars().chain(private).chain(back.chars()).collect();
    let repeated = axes.iter().enumerate().any(|(i, c)| axes[..i].contains(c));
    if repeated { Err(format!("term `{text}` takes a diagonal, which has no rule")) } else { Ok(axes) }
}

fn ellipsis(axes: &[char]) -> Vec<char> {
    axes.iter().copied().filter(|c| !c.is_ascii_alphabetic()).collect()
}

/// Without an arrow: the ellipsis, then the letters that occur once, in order.
fn implicit_output(terms: &[Term<'_>]) -> Vec<char> {
    let all: Vec<char> = terms.iter().flat_map(|term| term.axes.iter().copied()).collect();
    let mut hidden: Vec<char> = all.iter().copied().filter(|c| !c.is_ascii_alphabetic()).collect();
    hidden.sort_unstable_by(|a, b| b.cmp(a));
    hidden.dedup();
    let mut once: Vec<char> = all
        .iter()
        .copied()
        .filter(|c| c.is_ascii_alphabetic() && all.iter().filter(|other| *other == c).count() == 1)
        .collect();
    once.sort_unstable();
    [hidden, once].concat()
}

/// Sums over the axes that nothing needs.
fn summed<'g>(term: Term<'g>, needed: &dyn Fn(&char) -> bool) -> Term<'g> {
    let axes: Vec<i64> = (0..term.axes.len()).filter(|&i| !needed(&term.axes[i])).map(|i| i as i64).collect();
    if axes.is_empty() {
        return term;
    }
    let kept = term.axes.iter().copied().filter(|c| needed(c)).collect();
    Term { value: term.value.sum(&axes, false), axes: kept }
}

/// The term with its axes in another order.
fn arranged<'g>(term: &Term<'g>, order: &[char]) -> Result<Term<'g>, String> {
    let perm: Option<Vec<i64>> =
        order.iter().map(|c| term.axes.iter().position(|a| a == c).map(|i| i as i64)).collect();
    let perm =
        perm.filter(|perm| perm.len() == term.axes.len()).ok_or("has an output letter that no input has")?;
    Ok(Term { value: term.value.transpose(&perm), axes: order.to_vec() })
}

/// Sizes of some axes of a term, as a list.
fn sizes<'g>(term: &Term<'g>, axes: &[char]) -> Vec<Var<'g>> {
    let place = |c: &char| term.axes.iter().position(|a| a == c);
    axes.iter().filter_map(place).map(|i| term.value.shape_part(i, i + 1)).collect()
}

/// Two terms in one matrix product: shared axes that stay are its batch, shared axes that go are its inner one.
fn product<'g>(a: Term<'g>, b: Term<'g>, needed: &dyn Fn(&char) -> bool) -> Term<'g> {
    let a = summed(a, &|c| needed(c) || b.axes.contains(c));
    let b = summed(b, &|c| needed(c) || a.axes.contains(c));
    let shared = |c: &&char| b.axes.contains(c);
    let batch: Vec<char> = a.axes.iter().filter(shared).filter(|c| needed(c)).copied().collect();
    let inner: Vec<char> = a.axes.iter().filter(shared).filter(|c| !needed(c)).copied().collect();
    let only = |axes: &[char], other: &[char]| {
        axes.iter().filter(|c| !other.contains(c)).copied().collect::<Vec<char>>()
    };
    let (rows, columns) = (only(&a.axes, &b.axes), only(&b.axes, &a.axes));
    let g = a.value.g;
    let grouped = |term: &Term<'g>, first: &[char], second: &[char]| {
        let order = [&batch[..], first, second].concat();
        let moved = match arranged(term, &order) {
            Ok(moved) => moved,
            Err(message) => return g.fail(message),
        };
        let merged = |axes: &[char]| match sizes(&moved, axes)[..] {
            [] => g.ints(&[1]),
            [one] => one,
            ref many => g.op("ReduceProd", &[g.concat(many, 0)], crate::attribute::Attributes::new()),
        };
        let mut shape = sizes(&moved, &batch);
        shape.extend([merged(first), merged(second)]);
        moved.value.reshape(g.concat(&shape, 0))
    };
    let value = grouped(&a, &rows, &inner).matmul(grouped(&b, &inner, &columns));
    let mut shape = sizes(&a, &batch);
    shape.extend(sizes(&a, &rows));
    shape.extend(sizes(&b, &columns));
    let shape = if shape.is_empty() { g.ints(&[]) } else { g.concat(&shape, 0) };
    Term { value: value.reshape(shape), axes: [batch.clone(), rows, columns].concat() }
}
