//! LSTM, GRU and simple RNN.
//!
//! The forward node stays as it is. For the gradient, its output gives all hidden states, so that one matrix product
//! recomputes the gates of all time steps; what is left for the reversed Scan is one small product and a few
//! element-wise operations per step. Weights' and inputs' gradients are single matrix products over all steps.

use super::row::rule;
use crate::attribute::Attributes;
use crate::body::Body;
use crate::dim::Dim;
use crate::graph::Type;
use crate::registry::{Call, Gradient, Infer, Operator};
use crate::tensor::Tensor;
use crate::var::{Builder, Var};
use crate::vjp::Vjp;

pub(super) const OPERATORS: &[Operator] = &[
    rule("LSTM", |infer| shape(infer, 3), |call| forward(call, Cell::Lstm), Gradient::Rule(lstm)),
    rule("GRU", |infer| shape(infer, 2), |call| forward(call, Cell::Gru), Gradient::Rule(gru)),
    rule("RNN", |infer| shape(infer, 2), |call| forward(call, Cell::Rnn), Gradient::Rule(rnn)),
];

#[derive(Clone, Copy, PartialEq)]
enum Cell {
    Lstm,
    Gru,
    Rnn,
}

impl Cell {
    fn gates(self) -> usize {
        match self {
            Cell::Lstm => 4,
            Cell::Gru => 3,
            Cell::Rnn => 1,
        }
    }
}

/// Refuses by name what no exporter of the field writes.
fn check(attributes: &Attributes, cell: Cell, peepholes: bool) -> Result<Vec<String>, String> {
    if peepholes {
        return Err("peephole connections (input P) have no rule".into());
    }
    if attributes.has("clip") {
        return Err("the attribute `clip` has no rule".into());
    }
    if attributes.int_or("input_forget", 0) != 0 {
        return Err("coupled input and forget gates (`input_forget`) have no rule".into());
    }
    let usual: &[&str] = match cell {
        Cell::Lstm => &["Sigmoid", "Tanh", "Tanh"],
        Cell::Gru => &["Sigmoid", "Tanh"],
        Cell::Rnn => &["Tanh"],
    };
    let given: Vec<String> = attributes.texts("activations").map(<[String]>::to_vec).unwrap_or_default();
    for (i, name) in given.iter().enumerate() {
        let usual = usual[i % usual.len()];
        let fits =
            name.eq_ignore_ascii_case(usual) || (cell == Cell::Rnn && name.eq_ignore_ascii_case("Relu"));
        if !fits {
            return Err(format!("activation {name} in place of {usual} has no rule"));
        }
    }
    Ok(given)
}

fn directions(attributes: &Attributes) -> Vec<bool> {
    match attributes.text_or("direction", "forward") {
        "bidirectional" => vec![false, true],
        "reverse" => vec![true],
        _ => vec![false],
    }
}

fn shape(infer: &mut Infer<'_>, outputs: usize) -> Result<Vec<Type>, String> {
    let (dtype, x, r) = (infer.dtype(0)?, infer.dims(0)?, infer.dims(2)?);
    let [time, batch, _] = x[..] else {
        return Err(format!("needs input [time, batch, features], not {x:?}"));
    };
    let hidden = *r.get(2).ok_or("has recurrent weights without a hidden axis")?;
    let n = Dim::Known(directions(infer.attributes).len() as i64);
    let state = Type::new(dtype, vec![n, batch, hidden]);
    let mut types = vec![Type::new(dtype, vec![time, n, batch, hidden])];
    types.extend(std::iter::repeat_n(state, outputs - 1));
    Ok(types)
}

/// The reference: one step after another, as ONNX's text defines the cells.
fn forward(call: &Call<'_>, cell: Cell) -> Result<Vec<Tensor>, String> {
    let activations = check(call.attributes, cell, call.optional(7).is_some())?;
    let x = call.input(0)?;
    let [time, batch, features] = x.shape[..] else { return Err("needs three axes".into()) };
    let directions = directions(call.attributes);
    let (xs, w, r) = (x.to_floats(), call.input(1)?.to_floats(), call.input(2)?.to_floats());
    let hidden = call.input(2)?.shape[2];
    let n = directions.len();
    let rows = cell.gates() * hidden;
    let bias = call.optional(3).map_or_else(|| vec![0.0; n * 2 * rows], Tensor::to_floats);
    let lens = call.optional(4).map_or_else(|| vec![time as i64; batch], Tensor::to_ints);
    let state = |i: usize| call.optional(i).map_or_else(|| vec![0.0; n * batch * hidden], Tensor::to_floats);
    let (mut h, mut c) = (state(5), state(6));
    let mut y = vec![0.0; time * n * batch * hidden];
    let step = Step {
        cell,
        hidden,
        relu: activations.iter().any(|a| a.eq_ignore_ascii_case("Relu")),
        after: call.attributes.int_or("linear_before_reset", 0) != 0,
    };
    for (d, &reverse) in directions.iter().enumerate() {
        let (w, r) = (&w[d * rows * features..][..rows * features], &r[d * rows * hidden..][..rows * hidden]);
        let bias = &bias[d * 2 * rows..][..2 * rows];
        for t in 0..time {
            let t = if reverse { time - 1 - t } else { t };
            for b in 0..batch {
                if t as i64 >= lens[b] {
                    continue;
                }
                let at = (d * batch + b) * hidden;
                let input = &xs[(t * batch + b) * features..][..features];
                step.run(input, w, r, bias, &mut h[at..at + hidden], &mut c[at..at + hidden]);
                y[((t * n + d) * batch + b) * hidden..][..hidden].copy_from_slice(&h[at..at + hidden]);
            }
        }
    }
    let states = [n, batch, hidden];
    let mut outputs =
        vec![Tensor::floats(x.dtype, &[time, n, batch, hidden], y), Tensor::floats(x.dtype, &states, h)];
    if cell == Cell::Lstm {
        outputs.push(Tensor::floats(x.dtype, &states, c));
    }
    Ok(outputs)
}

struct Step {
    cell: Cell,
    hidden: usize,
    relu: bool,
    after: bool,
}

impl Step {
    fn run(&self, x: &[f64], w: &[f64], r: &[f64], bias: &[f64], h: &mut [f64], c: &mut [f64]) {
        let rows = self.cell.gates() * self.hidden;
        let dot = |m: &[f64], row: usize, v: &[f64]| -> f64 {
            m[row * v.len()..(row + 1) * v.len()].iter().zip(v).map(|(a, b)| a * b).sum()
        };
        let sigmoid = |v: f64| 1.0 / (1.0 + (-v).exp());
        let from_x: Vec<f64> = (0..rows).map(|row| dot(w, row, x) + bias[row]).collect();
        let from_h: Vec<f64> = (0..rows).map(|row| dot(r, row, h) + bias[rows + row]).collect();
        let n = self.hidden;
        let gate = |k: usize, j: usize| from_x[k * n + j] + from_h[k * n + j];
        match self.cell {
            Cell::Lstm => {
                for j in 0..n {
                    c[j] = sigmoid(gate(2, j)) * c[j] + sigmoid(gate(0, j)) * gate(3, j).tanh();
                    h[j] = sigmoid(gate(1, j)) * c[j].tanh();
                }
            }
            Cell::Rnn => {
                (0..n).for_each(|j| h[j] = if self.relu { gate(0, j).max(0.0) } else { gate(0, j).tanh() })
            }
            Cell::Gru => {
                let reset: Vec<f64> = (0..n).map(|j| sigmoid(gate(1, j))).collect();
                let gated: Vec<f64> = reset.iter().zip(&*h).map(|(r, h)| r * h).collect();
                let old = h.to_vec();
                for j in 0..n {
                    let row = 2 * n + j;
                    let recurrent = if self.after {
                        reset[j] * from_h[row]
                    } else {
                        dot(r, row, &gated) + bias[rows + row]
                    };
                    let update = sigmoid(gate(0, j));
                    h[j] = (1.0 - update) * (from_x[row] + recurrent).tanh() + update * old[j];
                }
            }
        }
    }
}

/// One direction of a recurrent node in the reverse sweep: its weights, states and sequences, direction axis gone.
struct Pass<'g> {
    g: &'g Builder,
    reverse: bool,
    x: Var<'g>,
    w: Var<'g>,
    r: Var<'g>,
    /// Input and recurrent bias, when there is one.
    bias: Option<(Var<'g>, Var<'g>)>,
    /// Hidden states before each step.
    before: Var<'g>,
    /// Gradient of each step's hidden state from outside.
    dy: Var<'g>,
    lengths: Option<Lengths<'g>>,
    hidden: i64,
}

/// Where sequences have lengths of their own.
#[derive(Clone, Copy)]
struct Lengths<'g> {
    /// `[time, batch, 1]`: whether a step is inside its sequence.
    inside: Var<'g>,
    /// `[time, batch, 1]`: whether it is the last one.
    last: Var<'g>,
}

impl<'g> Pass<'g> {
    fn new(v: &Vjp<'g>, d: usize, reverse: bool) -> Result<Pass<'g>, String> {
        let g = v.g;
        let hidden = v.x(2).known(2).ok_or("has a hidden size that only a run knows")?;
        let (x, y) = (v.x(0), direction(v.y(0), 1, d));
        let lengths = v.optional(4).map(|lens| Lengths::new(x, lens));
        let h0 = v.optional(5).map_or_else(|| step_zeros(y), |h| direction(h, 0, d));
        let bias = v.optional(3).map(|bias| {
            let bias = direction(bias, 0, d);
            let half = bias.known(0).unwrap_or(0) / 2;
            (bias.slice(0, 0, half), bias.slice(0, half, 2 * half))
        });
        let before = before(y, h0, reverse, lengths);
        let dy = upstream(v, d, reverse, lengths);
        Ok(Pass {
            g,
            reverse,
            x,
            w: direction(v.x(1), 0, d),
            r: direction(v.x(2), 0, d),
            bias,
            before,
            dy,
            lengths,
            hidden,
        })
    }

    /// Gate `k` of a sequence of stacked gates.
    fn gate(&self, stacked: Var<'g>, k: i64) -> Var<'g> {
        stacked.slice(-1, k * self.hidden, (k + 1) * self.hidden)
    }

    /// Rows `from..to` of the recurrent weights, in gates.
    fn rows(&self, from: i64, to: i64) -> Var<'g> {
        self.r.slice(0, from * self.hidden, to * self.hidden)
    }

    /// `x` inside the sequences, `outside` elsewhere.
    fn inside(&self, x: Var<'g>, outside: f64) -> Var<'g> {
        match self.lengths {
            Some(lengths) => self.g.select(lengths.inside, x, x.scalar(outside)),
            None => x,
        }
    }

    /// Type of one step of a sequence: its time axis gone.
    fn step_type(&self, like: Var<'g>) -> Result<Type, String> {
        let dims = like.dims()?;
        Ok(Type::new(like.dtype(), dims[1..].to_vec()))
    }
}

impl<'g> Lengths<'g> {
    fn new(x: Var<'g>, lens: Var<'g>) -> Lengths<'g> {
        let g = x.g;
        let scalar = |n: i64| g.constant(Tensor::i64(&[], vec![n]));
        let time = x.shape_part(0, 1).squeeze(&[0]);
        let steps = g.op("Range", &[scalar(0), time, scalar(1)], Attributes::new()).reshape_to(&[-1, 1, 1]);
        let lens = lens.cast(crate::dtype::DataType::I64).reshape_to(&[1, -1, 1]);
        Lengths { inside: steps.less(lens), last: steps.equal(lens - scalar(1)) }
    }
}

fn direction<'g>(t: Var<'g>, axis: i64, d: usize) -> Var<'g> {
    t.slice(axis, d as i64, d as i64 + 1).squeeze(&[axis])
}

/// Zeros of one step of a sequence: `[batch, width]`.
fn step_zeros(sequence: Var<'_>) -> Var<'_> {
    sequence.filled(sequence.shape_part(1, 3), 0.0)
}

/// The states before each step: `first`, then the states shifted by one step.
fn before<'g>(states: Var<'g>, first: Var<'g>, reverse: bool, lengths: Option<Lengths<'g>>) -> Var<'g> {
    let g = states.g;
    let first = first.unsqueeze(&[0]);
    if !reverse {
        return g.concat(&[first, states.slice(0, 0, -1)], 0);
    }
    let shifted = g.concat(&[states.slice(0, 1, i64::MAX), first], 0);
    match lengths {
        Some(lengths) => g.select(lengths.last, first, shifted),
        None => shifted,
    }
}

/// Gradients of Y and Y_h together, one per step.
fn upstream<'g>(v: &Vjp<'g>, d: usize, reverse: bool, lengths: Option<Lengths<'g>>) -> Var<'g> {
    let sequence = v.dy_or_none(0).map(|dy| direction(dy, 1, d));
    let sequence = match (sequence, lengths) {
        (Some(dy), Some(lengths)) => Some(dy.only_where(lengths.inside)),
        (dy, _) => dy,
    };
    let last = v.dy_or_none(1).map(|dy| at_last_step(v, direction(dy, 0, d), reverse, lengths));
    match (sequence, last) {
        (Some(a), Some(b)) => a + b,
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => direction(v.y(0), 1, d).zeros(),
    }
}

/// A final state's gradient, at the step that made it, zeros at all others.
fn at_last_step<'g>(v: &Vjp<'g>, state: Var<'g>, reverse: bool, lengths: Option<Lengths<'g>>) -> Var<'g> {
    let g = v.g;
    let state = state.unsqueeze(&[0]);
    match lengths {
        Some(lengths) if !reverse => state.only_where(lengths.last),
        _ => {
            let rest = state
                .filled(g.concat(&[v.x(0).shape_part(0, 1) - g.ints(&[1]), state.shape_part(1, 3)], 0), 0.0);
            if reverse { g.concat(&[state, rest], 0) } else { g.concat(&[rest, state], 0) }
        }
    }
}

/// Gradients of all directions, collected into those of the node's inputs.
#[derive(Default)]
struct Sums<'g> {
    x: Vec<Var<'g>>,
    w: Vec<Var<'g>>,
    r: Vec<Var<'g>>,
    bias: Vec<Var<'g>>,
    h0: Vec<Var<'g>>,
    c0: Vec<Var<'g>>,
}

impl<'g> Sums<'g> {
    /// From the gradients of the gates: `from_x` as seen by the input, `from_h` as seen by the hidden state.
    fn add(&mut self, v: &Vjp<'g>, pass: &Pass<'g>, from_x: Var<'g>, from_h: Var<'g>) -> Result<(), String> {
        let flat = |t: Var<'g>| t.reshape(t.g.concat(&[t.g.ints(&[-1]), t.shape_part(2, 3)], 0));
        if v.wants(0) {
            self.x.push(from_x.matmul(pass.w));
        }
        if v.wants(1) {
            self.w.push(flat(from_x).transposed().matmul(flat(pass.x)).unsqueeze(&[0]));
        }
        if v.wants(2) {
            self.r.push(flat(from_h).transposed().matmul(flat(pass.before)).unsqueeze(&[0]));
        }
        if v.wants(3) {
            let parts = [from_x.sum(&[0, 1], false), from_h.sum(&[0, 1], false)];
            self.bias.push(v.g.concat(&parts, 0).unsqueeze(&[0]));
        }
        Ok(())
    }

    fn give(self, v: &Vjp<'g>) {
        if let Some(dx) = v.g.total(&self.x) {
            v.give(0, dx);
        }
        for (i, parts) in [(1, self.w), (2, self.r), (3, self.bias), (5, self.h0), (6, self.c0)] {
            if !parts.is_empty() && v.wants(i) {
                v.give(i, v.g.concat(&parts, 0));
            }
        }
    }
}

fn each_direction<'g>(
    v: &Vjp<'g>,
    cell: Cell,
    backward: impl Fn(&Vjp<'g>, &Pass<'g>, usize, &mut Sums<'g>) -> Result<(), String>,
) -> Result<(), String> {
    check(v.attributes(), cell, v.has(7))?;
    let mut sums = Sums::default();
    for (d, reverse) in directions(v.attributes()).into_iter().enumerate() {
        backward(v, &Pass::new(v, d, reverse)?, d, &mut sums)?;
    }
    sums.give(v);
    Ok(())
}

fn lstm(v: &Vjp<'_>) -> Result<(), String> {
    each_direction(v, Cell::Lstm, lstm_direction)
}

/// With k = [dc, dh, dc, dc] for the gates i, o, f, g, the gates' gradients are k * A, where A holds everything
/// that does not depend on dh and dc; dc = dh * a + dc_next * f_next, and dh = dy + dgates_next R.
fn lstm_direction<'g>(v: &Vjp<'g>, pass: &Pass<'g>, d: usize, sums: &mut Sums<'g>) -> Result<(), String> {
    let g = pass.g;
    let mut gates = pass.x.matmul(pass.w.transposed()) + pass.before.matmul(pass.r.transposed());
    if let Some((from_x, from_h)) = pass.bias {
        gates = gates + (from_x + from_h);
    }
    let squashed = gates.slice(-1, 0, 3 * pass.hidden).sigmoid();
    let (i, o, f) = (pass.gate(squashed, 0), pass.gate(squashed, 1), pass.gate(squashed, 2));
    let n = pass.gate(gates, 3).tanh();
    let slopes = squashed * (1.0 - squashed);
    let c0 = v.optional(6).map_or_else(|| step_zeros(n), |c| direction(c, 0, d));
    let forget = pass.inside(f, 1.0);
    let cells = cell_states(pass, c0, forget, pass.inside(i * n, 0.0))?;
    let cells_before = before(cells, c0, pass.reverse, None);
    let squashed_cell = cells.tanh();
    let to_cell = pass.inside(o * (1.0 - squashed_cell.square()), 0.0);
    let coefficients = [
        pass.gate(slopes, 0) * n,
        pass.gate(slopes, 1) * squashed_cell,
        pass.gate(slopes, 2) * cells_before,
        (1.0 - n.square()) * i,
    ];
    let coefficients = pass.inside(g.concat(&coefficients, -1), 0.0);
    let dc = v.dy_or_none(2).map(|dc| at_last_step(v, direction(dc, 0, d), pass.reverse, pass.lengths));
    let swept = lstm_sweep(pass, coefficients, to_cell, forget, dc)?;
    sums.add(v, pass, swept[2], swept[2])?;
    if v.wants(5) {
        sums.h0.push(swept[0].matmul(pass.r).unsqueeze(&[0]));
    }
    if v.wants(6) {
        sums.c0.push(swept[1].unsqueeze(&[0]));
    }
    Ok(())
}

/// c_t = f_t c_(t-1) + (i n)_t: the only part of the forward pass that needs a second walk through time.
fn cell_states<'g>(pass: &Pass<'g>, c0: Var<'g>, f: Var<'g>, input: Var<'g>) -> Result<Var<'g>, String> {
    let step = pass.step_type(f)?;
    let mut body = Body::new("cell_states", &[("cell.c", &step), ("cell.f", &step), ("cell.in", &step)]);
    body.node("Mul", &["cell.c", "cell.f"], "cell.kept", Attributes::new())
        .node("Add", &["cell.kept", "cell.in"], "cell.next", Attributes::new())
        .node("Identity", &["cell.next"], "cell.out", Attributes::new());
    let body = body.outputs(&[("cell.next", &step), ("cell.out", &step)]);
    let types = vec![step.clone(), f.ty()];
    Ok(pass.g.scan(&[c0], &[f, input], pass.reverse, body, &[], types)[1])
}

/// The reversed walk; gives the gates' gradient at the first step, c0's gradient, and the gates' gradients.
fn lstm_sweep<'g>(
    pass: &Pass<'g>,
    coefficients: Var<'g>,
    to_cell: Var<'g>,
    forget: Var<'g>,
    dc: Option<Var<'g>>,
) -> Result<Vec<Var<'g>>, String> {
    let (gates, step) = (pass.step_type(coefficients)?, pass.step_type(to_cell)?);
    let weights = pass.r.name();
    let mut inputs = vec![
        ("sweep.gates", &gates),
        ("sweep.dc", &step),
        ("sweep.dy", &step),
        ("sweep.A", &gates),
        ("sweep.a", &step),
        ("sweep.f", &step),
    ];
    let mut sequences = vec![pass.dy, coefficients, to_cell, forget];
    let keep = pass.lengths.map(|lengths| lengths.inside.not().mask(pass.x.dtype()));
    let keep_type = keep.map(|keep| pass.step_type(keep)).transpose()?;
    if let (Some(keep), Some(ty)) = (keep, &keep_type) {
        inputs.push(("sweep.keep", ty));
        sequences.push(keep);
    }
    if let Some(dc) = dc {
        inputs.push(("sweep.dy_c", &step));
        sequences.push(dc);
    }
    let none = Attributes::new;
    let mut body = Body::new("lstm_sweep", &inputs);
    body.node("Gemm", &["sweep.gates", &weights, "sweep.dy"], "sweep.dh", none())
        .node("Mul", &["sweep.dh", "sweep.a"], "sweep.dh_a", none())
        .node("Add", &["sweep.dh_a", "sweep.dc"], "sweep.dc_0", none());
    let total = if dc.is_some() { "sweep.dc_1" } else { "sweep.dc_0" };
    if dc.is_some() {
        body.node("Add", &["sweep.dc_0", "sweep.dy_c"], total, none());
    }
    body.node("Concat", &[total, "sweep.dh", total, total], "sweep.k", none().with("axis", 1))
        .node("Mul", &["sweep.k", "sweep.A"], "sweep.new", none())
        .node("Mul", &[total, "sweep.f"], "sweep.dc_next", none())
        .node("Identity", &["sweep.new"], "sweep.out", none());
    let next = if keep.is_some() { "sweep.held" } else { "sweep.new" };
    if keep.is_some() {
        body.node("Mul", &["sweep.gates", "sweep.keep"], "sweep.old", none()).node(
            "Add",
            &["sweep.new", "sweep.old"],
            next,
            none(),
        );
    }
    let body = body.outputs(&[(next, &gates), ("sweep.dc_next", &step), ("sweep.out", &gates)]);
    let states = [step_zeros(coefficients), step_zeros(to_cell)];
    let types = vec![gates.clone(), step.clone(), coefficients.ty()];
    Ok(pass.g.scan(&states, &sequences, !pass.reverse, body, &[pass.r], types))
}

fn gru(v: &Vjp<'_>) -> Result<(), String> {
    if v.attributes().int_or("linear_before_reset", 0) == 0 {
        return each_direction(v, Cell::Gru, gru_reset_before);
    }
    each_direction(v, Cell::Gru, gru_reset_after)
}

struct GruGates<'g> {
    update: Var<'g>,
    reset: Var<'g>,
    new: Var<'g>,
    /// What the reset gate multiplies in the new state's product, when it comes after the product.
    product: Var<'g>,
}

/// Gates z, r, n of all steps. `after`: the reset gate multiplies the product; else the state before it.
fn gru_gates<'g>(pass: &Pass<'g>, after: bool) -> GruGates<'g> {
    let mut from_x = pass.x.matmul(pass.w.transposed());
    let mut from_h = pass.before.matmul(pass.r.transposed());
    if let Some((bias_x, bias_h)) = pass.bias {
        (from_x, from_h) = (from_x + bias_x, from_h + bias_h);
    }
    let gate = |k: i64| pass.gate(from_x, k) + pass.gate(from_h, k);
    let (update, reset) = (gate(0).sigmoid(), gate(1).sigmoid());
    let product = if after {
        pass.gate(from_h, 2)
    } else {
        let plain = (reset * pass.before).matmul(pass.rows(2, 3).transposed());
        pass.bias.map_or(plain, |(_, bias)| plain + pass.gate(bias, 2))
    };
    let recurrent = if after { reset * product } else { product };
    GruGates { update, reset, new: (pass.gate(from_x, 2) + recurrent).tanh(), product }
}

/// Reset after the product (PyTorch's form): all three gates' gradients are dh times something known beforehand.
fn gru_reset_after<'g>(v: &Vjp<'g>, pass: &Pass<'g>, _: usize, sums: &mut Sums<'g>) -> Result<(), String> {
    let g = pass.g;
    let gates = gru_gates(pass, true);
    let (z, r, n) = (gates.update, gates.reset, gates.new);
    let to_new = (1.0 - z) * (1.0 - n.square());
    let to_update = (pass.before - n) * (z * (1.0 - z));
    let to_reset = to_new * gates.product * (r * (1.0 - r));
    let from_h = pass.inside(g.concat(&[to_update, to_reset, to_new * r], -1), 0.0);
    let held = pass.inside(z, 1.0);
    let swept = linear_sweep(pass, from_h, Some(held), 3)?;
    let dh = swept[swept.len() - 1];
    let from_x = dh_times(pass, dh, &[to_update, to_reset, to_new]);
    let from_h = dh_times(pass, dh, &[to_update, to_reset, to_new * r]);
    sums.add(v, pass, from_x, from_h)?;
    if v.wants(5) {
        sums.h0.push((swept[0].matmul(pass.r) + swept[1]).unsqueeze(&[0]));
    }
    Ok(())
}

fn dh_times<'g>(pass: &Pass<'g>, dh: Var<'g>, factors: &[Var<'g>]) -> Var<'g> {
    let products: Vec<Var<'g>> = factors.iter().map(|&factor| pass.inside(dh * factor, 0.0)).collect();
    pass.g.concat(&products, -1)
}

/// The reversed walk where gates' gradients are dh * A and dh_prev = (dh * A) R + dh * held. Gives the gates'
/// gradient and the held part after the last step, then dh of every step.
fn linear_sweep<'g>(
    pass: &Pass<'g>,
    a: Var<'g>,
    held: Option<Var<'g>>,
    gates: usize,
) -> Result<Vec<Var<'g>>, String> {
    let (wide, step) = (pass.step_type(a)?, pass.step_type(pass.dy)?);
    let weights = pass.r.name();
    let none = Attributes::new;
    let mut inputs = vec![("walk.gates", &wide), ("walk.held", &step), ("walk.dy", &step), ("walk.A", &wide)];
    let mut sequences = vec![pass.dy, a];
    if let Some(held) = held {
        inputs.push(("walk.z", &step));
        sequences.push(held);
    }
    let mut body = Body::new("linear_sweep", &inputs);
    body.node("Gemm", &["walk.gates", &weights, "walk.dy"], "walk.through", none()).node(
        "Add",
        &["walk.through", "walk.held"],
        "walk.dh",
        none(),
    );
    let repeated = vec!["walk.dh"; gates];
    body.node("Concat", &repeated, "walk.k", none().with("axis", 1)).node(
        "Mul",
        &["walk.k", "walk.A"],
        "walk.new",
        none(),
    );
    match held {
        Some(_) => body.node("Mul", &["walk.dh", "walk.z"], "walk.next", none()),
        None => body.node("Sub", &["walk.held", "walk.held"], "walk.next", none()),
    };
    body.node("Identity", &["walk.dh"], "walk.out", none());
    let body = body.outputs(&[("walk.new", &wide), ("walk.next", &step), ("walk.out", &step)]);
    let states = [step_zeros(a), step_zeros(pass.dy)];
    let types = vec![wide.clone(), step.clone(), pass.dy.ty()];
    Ok(pass.g.scan(&states, &sequences, !pass.reverse, body, &[pass.r], types))
}

/// Reset before the product (ONNX's default): the gradient of r h goes through the product within each step.
fn gru_reset_before<'g>(v: &Vjp<'g>, pass: &Pass<'g>, _: usize, sums: &mut Sums<'g>) -> Result<(), String> {
    let g = pass.g;
    let gates = gru_gates(pass, false);
    let (z, r, n) = (gates.update, gates.reset, gates.new);
    let to_new = pass.inside((1.0 - z) * (1.0 - n.square()), 0.0);
    let to_update = pass.inside((pass.before - n) * (z * (1.0 - z)), 0.0);
    let to_reset = pass.inside(pass.before * (r * (1.0 - r)), 0.0);
    let (reset, held) = (pass.inside(r, 0.0), pass.inside(z, 1.0));
    let (first, second) = (pass.rows(0, 2), pass.rows(2, 3));
    let (step, pair) =
        (pass.step_type(z)?, Type::new(z.dtype(), vec![z.dims()?[1], Dim::Known(2 * pass.hidden)]));
    let names = ["zr.dh", "zr.dy", "zr.n", "zr.z", "zr.r", "zr.reset", "zr.held"];
    let inputs: Vec<(&str, &Type)> = names.iter().map(|&name| (name, &step)).collect();
    let none = Attributes::new;
    let mut body = Body::new("reset_before_sweep", &inputs);
    body.node("Add", &["zr.dy", "zr.dh"], "zr.total", none())
        .node("Mul", &["zr.total", "zr.n"], "zr.dn", none())
        .node("MatMul", &["zr.dn", &second.name()], "zr.drh", none())
        .node("Mul", &["zr.total", "zr.z"], "zr.dz", none())
        .node("Mul", &["zr.drh", "zr.r"], "zr.dr", none())
        .node("Concat", &["zr.dz", "zr.dr"], "zr.pair", none().with("axis", 1))
        .node("MatMul", &["zr.pair", &first.name()], "zr.back", none())
        .node("Mul", &["zr.drh", "zr.reset"], "zr.through", none())
        .node("Mul", &["zr.total", "zr.held"], "zr.kept", none())
        .node("Sum", &["zr.back", "zr.through", "zr.kept"], "zr.next", none())
        .node("Identity", &["zr.pair"], "zr.out_pair", none());
    let body = body.outputs(&[("zr.next", &step), ("zr.out_pair", &pair), ("zr.dn", &step)]);
    let dims = z.dims()?;
    let types =
        vec![step.clone(), Type::new(z.dtype(), vec![dims[0], dims[1], Dim::Known(2 * pass.hidden)]), z.ty()];
    let sequences = [pass.dy, to_new, to_update, to_reset, reset, held];
    let swept = g.scan(&[step_zeros(z)], &sequences, !pass.reverse, body, &[first, second], types);
    let (pair, dn) = (swept[1], swept[2]);
    let all = g.concat(&[pair, dn], -1);
    sums.add(v, pass, all, all)?;
    if v.wants(2) {
        // The new state's rows met r h, not h.
        let flat = |t: Var<'g>| t.reshape(g.concat(&[g.ints(&[-1]), t.shape_part(2, 3)], 0));
        let top = flat(pair).transposed().matmul(flat(pass.before));
        let bottom = flat(dn).transposed().matmul(flat(r * pass.before));
        sums.r.pop();
        sums.r.push(g.concat(&[top, bottom], 0).unsqueeze(&[0]));
    }
    if v.wants(5) {
        sums.h0.push(swept[0].unsqueeze(&[0]));
    }
    Ok(())
}

fn rnn(v: &Vjp<'_>) -> Result<(), String> {
    each_direction(v, Cell::Rnn, |v, pass, d, sums| {
        let y = direction(v.y(0), 1, d);
        let relu = v.attributes().texts("activations").is_some_and(|a| a[0].eq_ignore_ascii_case("Relu"));
        let slope = if relu { y.greater(y.scalar(0.0)).mask(y.dtype()) } else { 1.0 - y.square() };
        let slope = pass.inside(slope, 0.0);
        let held = pass.lengths.map(|lengths| lengths.inside.not().mask(y.dtype()) + slope.zeros());
        let swept = linear_sweep(pass, slope, held, 1)?;
        let gates = swept[2] * slope;
        sums.add(v, pass, gates, gates)?;
        if v.wants(5) {
            let through = swept[0].matmul(pass.r);
            sums.h0.push(if held.is_some() { through + swept[1] } else { through }.unsqueeze(&[0]));
        }
        Ok(())
    })
}
