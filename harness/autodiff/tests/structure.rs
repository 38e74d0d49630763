//! Models of unusual structure, and hostile ones.
#![allow(clippy::unwrap_used)]

mod common;

use common::case::{info, untyped, values, wrap};
use prost::Message;
use seraph_autodiff::proto::{
    AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, attribute_type,
};
use seraph_autodiff::{DataType, Error, Loss, Model, Options, Tensor, differentiate, reference};

fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto {
        op_type: Some(op.into()),
        name: Some(format!("{op}/{}", outputs.join("+"))),
        input: inputs.iter().map(|&name| name.into()).collect(),
        output: outputs.iter().map(|&name| name.into()).collect(),
        ..Default::default()
    }
}

fn tensor(shape: &[usize], salt: usize) -> Tensor {
    Tensor::floats(DataType::F32, shape, values(shape.iter().product(), salt))
}

fn graph(
    nodes: Vec<NodeProto>,
    initializers: &[(&str, &Tensor)],
    inputs: &[(&str, &Tensor)],
    outputs: &[&str],
) -> GraphProto {
    GraphProto {
        node: nodes,
        name: Some("g".into()),
        initializer: initializers.iter().map(|(name, t)| t.to_proto(name)).collect(),
        input: inputs.iter().map(|(name, t)| info(name, t, true)).collect(),
        output: outputs.iter().map(|&name| untyped(name)).collect(),
        ..Default::default()
    }
}

/// d(sum of `output`)/dx by the emitted model and by central differences, both in float64; and in ONNX Runtime.
fn check_single(model: &Model, x: &Tensor, output: &str) {
    check(model, x, output, 1e-4);
}

/// `tolerance` is ONNX Runtime's; infinity leaves it out (it has no CPU kernels for bfloat16).
fn check(model: &Model, x: &Tensor, output: &str, tolerance: f64) {
    let options = Options { loss: Loss::Vjp, output: Some(output.into()), ..Options::default() };
    let gradient = differentiate(model, &options).unwrap();
    let y = reference::run(model, &[("x", x.clone())]).unwrap()[output].clone();
    let ones = Tensor::full(y.dtype, &y.shape, 1.0);
    let seed = format!("d_{output}");
    let found =
        reference::run_canonical(&gradient, &[("x", x.clone()), (&seed, ones.clone())]).unwrap()["d_x"]
            .to_floats();
    for (at, found) in found.iter().enumerate() {
        let total = |by: f64| {
            let mut data = x.to_floats();
            data[at] += by;
            let moved = Tensor::floats(x.dtype, &x.shape, data);
            reference::run(model, &[("x", moved)]).unwrap()[output].to_floats().iter().sum::<f64>()
        };
        let truth = (total(1e-5) - total(-1e-5)) / 2e-5;
        assert!((found - truth).abs() < 1e-6 * truth.abs().max(1.0), "element {at}: {found} is not {truth}");
    }
    if tolerance.is_finite() && common::has_runtime() {
        let run = common::run(&gradient, &[("x", x), (&seed, &ones)]);
        let single = run["d_x"].to_floats();
        assert!(single.iter().zip(&found).all(|(a, b)| (a - b).abs() < tolerance * b.abs().max(1.0)));
    }
}

#[test]
fn weights_that_are_shared_and_values_read_twice_add_up() {
    let w = tensor(&[3, 3], 1);
    let nodes = vec![
        node("MatMul", &["x", "w"], &["a"]),
        node("Tanh", &["a"], &["b"]),
        node("MatMul", &["b", "w"], &["c"]),
        node("Mul", &["c", "b"], &["d"]),
        node("Add", &["d", "x"], &["y"]),
    ];
    check_single(
        &wrap(graph(nodes, &[("w", &w)], &[("x", &tensor(&[2, 3], 0))], &["y"]), 18),
        &tensor(&[2, 3], 0),
        "y",
    );
}

#[test]
fn the_gradient_of_a_shared_weight_is_the_sum_of_its_uses() {
    let (w, x) = (tensor(&[2, 2], 1), tensor(&[3, 2], 0));
    let nodes = vec![node("MatMul", &["x", "w"], &["a"]), node("MatMul", &["a", "w"], &["y"])];
    let model = wrap(graph(nodes.clone(), &[("w", &w)], &[("x", &x)], &["y"]), 18);
    let options = Options { loss: Loss::Vjp, params: true, ..Options::default() };
    let gradient = differentiate(&model, &options).unwrap();
    let seed = Tensor::full(DataType::F32, &[3, 2], 1.0);
    let found =
        reference::run_canonical(&gradient, &[("x", x.clone()), ("d_y", seed)]).unwrap()["d_w"].to_floats();
    let fed = wrap(graph(nodes, &[], &[("x", &x), ("w", &w)], &["y"]), 18);
    for (at, found) in found.iter().enumerate() {
        let total = |by: f64| {
            let mut data = w.to_floats();
            data[at] += by;
            let w = Tensor::floats(DataType::F32, &[2, 2], data);
            reference::run(&fed, &[("x", x.clone()), ("w", w)]).unwrap()["y"].to_floats().iter().sum::<f64>()
        };
        let truth = (total(1e-5) - total(-1e-5)) / 2e-5;
        assert!((found - truth).abs() < 1e-6, "{found} is not {truth}");
    }
}

#[test]
fn several_outputs_unused_nodes_and_outputs_without_names() {
    let x = tensor(&[2, 4], 0);
    let nodes = vec![
        node("Sigmoid", &["x"], &["a"]),
        node("Exp", &["x"], &["unused"]),
        node("TopK", &["a", "k"], &["top", ""]),
        node("Identity", &["a"], &["same"]),
        node("ReduceSum", &["a", "axis"], &["y"]),
    ];
    let (k, axis) = (Tensor::i64(&[1], vec![2]), Tensor::i64(&[1], vec![1]));
    let model =
        wrap(graph(nodes, &[("k", &k), ("axis", &axis)], &[("x", &x)], &["top", "same", "y", "a"]), 18);
    for output in ["top", "same", "y", "a"] {
        check_single(&model, &x, output);
    }
    let gradient = differentiate(&model, &Options { loss: Loss::Vjp, ..Options::default() }).unwrap();
    let names: Vec<String> = gradient.outputs().into_iter().map(|info| info.name).collect();
    assert_eq!(names, ["top", "same", "y", "a", "d_x"]);
    assert!(!gradient.operators().any(|op| op == "Exp"), "what no output needs is not written");
}

#[test]
fn initialisers_that_are_listed_as_inputs_are_constants() {
    let (w, x) = (tensor(&[3, 2], 1), tensor(&[2, 3], 0));
    let mut graph = graph(vec![node("MatMul", &["x", "w"], &["y"])], &[("w", &w)], &[("x", &x)], &["y"]);
    graph.input.push(info("w", &w, true));
    let model = wrap(graph, 18);
    assert_eq!(model.inputs().len(), 1);
    check_single(&model, &x, "y");
}

#[test]
fn values_named_like_the_new_outputs_are_renamed() {
    let x = tensor(&[2, 3], 0);
    let nodes = vec![
        node("Tanh", &["x"], &["d_x"]),
        node("Mul", &["d_x", "x"], &["loss"]),
        node("Neg", &["loss"], &["y"]),
    ];
    let model = wrap(graph(nodes, &[], &[("x", &x)], &["y"]), 18);
    check_single(&model, &x, "y");
    let gradient = differentiate(&model, &Options::default()).unwrap();
    assert!(gradient.outputs().iter().any(|info| info.name == "loss"));
}

#[test]
fn an_interface_name_that_is_taken_is_refused() {
    let (x, labels) = (tensor(&[2, 3], 0), tensor(&[2, 3], 1));
    let nodes = vec![node("Mul", &["x", "labels"], &["y"])];
    let model = wrap(graph(nodes, &[], &[("x", &x), ("labels", &labels)], &["y"]), 18);
    assert!(matches!(differentiate(&model, &Options::default()), Err(Error::Malformed { .. })));
}

fn attribute(name: &str, g: GraphProto) -> AttributeProto {
    AttributeProto {
        name: Some(name.into()),
        r#type: Some(attribute_type::GRAPH),
        g: Some(g),
        ..Default::default()
    }
}

/// float16 weights that are cast up and float16 arithmetic in between: d_x is float32, as x is.
#[test]
fn half_precision_weights_and_values_are_differentiated() {
    let x = tensor(&[2, 3], 0);
    let w = tensor(&[3, 4], 1);
    for (dtype, tolerance) in [(DataType::F16, 3e-3), (DataType::Bf16, 3e-2)] {
        let cast = |input: &str, output: &str, to: DataType| {
            let mut node = node("Cast", &[input], &[output]);
            let kind = Some(attribute_type::INT);
            node.attribute = vec![AttributeProto {
                name: Some("to".into()),
                i: Some(to.code().into()),
                r#type: kind,
                ..Default::default()
            }];
            node
        };
        let half = w.cast(dtype).rounded();
        let nodes = vec![
            cast("w", "w32", DataType::F32),
            node("MatMul", &["x", "w32"], &["a"]),
            cast("a", "h", dtype),
            node("Tanh", &["h"], &["t"]),
            cast("t", "y", DataType::F32),
        ];
        let model = wrap(graph(nodes, &[("w", &half)], &[("x", &x)], &["y"]), 18);
        check(&model, &x, "y", if dtype == DataType::F16 { tolerance } else { f64::INFINITY });
        let gradient = differentiate(&model, &Options { loss: Loss::Vjp, ..Options::default() }).unwrap();
        assert_eq!(gradient.outputs().iter().find(|info| info.name == "d_x").unwrap().dtype, DataType::F32);
    }
}

#[test]
fn a_constant_branch_is_taken() {
    let x = tensor(&[2, 3], 0);
    let branch = |op: &str| attribute("", graph(vec![node(op, &["x"], &["r"])], &[], &[], &["r"]));
    let mut choice = node("If", &["c"], &["y"]);
    choice.attribute = vec![
        AttributeProto { name: Some("then_branch".into()), ..branch("Tanh") },
        AttributeProto { name: Some("else_branch".into()), ..branch("Exp") },
    ];
    let c = Tensor::bools(&[], vec![true]);
    let model = wrap(graph(vec![choice], &[("c", &c)], &[("x", &x)], &["y"]), 18);
    check_single(&model, &x, "y");
    let gradient = differentiate(&model, &Options { loss: Loss::Vjp, ..Options::default() }).unwrap();
    assert!(!gradient.operators().any(|op| op == "If" || op == "Exp"));
}

#[test]
fn loops_with_a_known_count_and_scans_are_written_out() {
    let x = tensor(&[3, 2], 0);
    let one = Tensor::i64(&[], vec![1]);
    let body = GraphProto {
        input: vec![info("i", &one, true), info("c", &Tensor::bools(&[], vec![true]), true), untyped("s")],
        ..graph(
            vec![
                node("Identity", &["c"], &["c2"]),
                node("Sin", &["s"], &["s2"]),
                node("Mul", &["s2", "x"], &["s3"]),
            ],
            &[],
            &[],
            &["c2", "s3", "s2"],
        )
    };
    let mut looped = node("Loop", &["n", "", "x"], &["last", "all"]);
    looped.attribute = vec![attribute("body", body)];
    let n = Tensor::i64(&[], vec![3]);
    let model = wrap(graph(vec![looped], &[("n", &n)], &[("x", &x)], &["last", "all"]), 18);
    check_single(&model, &x, "last");
    check_single(&model, &x, "all");

    let body = GraphProto {
        input: vec![untyped("s"), untyped("r")],
        ..graph(vec![node("Mul", &["s", "r"], &["p"]), node("Tanh", &["p"], &["t"])], &[], &[], &["t", "p"])
    };
    let mut scan = node("Scan", &["start", "x"], &["end", "rows"]);
    scan.attribute = vec![
        attribute("body", body),
        AttributeProto {
            name: Some("num_scan_inputs".into()),
            i: Some(1),
            r#type: Some(attribute_type::INT),
            ..Default::default()
        },
    ];
    let start = tensor(&[2], 5);
    let model = wrap(graph(vec![scan], &[("start", &start)], &[("x", &x)], &["end", "rows"]), 18);
    check_single(&model, &x, "end");
    check_single(&model, &x, "rows");
}

#[test]
fn functions_of_the_model_are_inlined_with_their_attributes() {
    let x = tensor(&[2, 3], 0);
    let mut inner = node("LeakyRelu", &["a"], &["b"]);
    inner.attribute = vec![AttributeProto {
        name: Some("alpha".into()),
        ref_attr_name: Some("slope".into()),
        r#type: Some(attribute_type::FLOAT),
        ..Default::default()
    }];
    let opset =
        |domain: &str, version| OperatorSetIdProto { domain: Some(domain.into()), version: Some(version) };
    let function = FunctionProto {
        name: Some("Leak".into()),
        domain: Some("mine".into()),
        input: vec!["a".into(), "absent".into()],
        output: vec!["c".into()],
        attribute: vec!["slope".into()],
        node: vec![inner, node("Exp", &["b"], &["c"])],
        opset_import: vec![opset("", 18)],
        ..Default::default()
    };
    let mut call = node("Leak", &["x"], &["y"]);
    call.domain = Some("mine".into());
    call.attribute = vec![AttributeProto {
        name: Some("slope".into()),
        f: Some(0.3),
        r#type: Some(attribute_type::FLOAT),
        ..Default::default()
    }];
    let proto = ModelProto {
        ir_version: Some(8),
        graph: Some(graph(vec![call], &[], &[("x", &x)], &["y"])),
        opset_import: vec![opset("", 18), opset("mine", 1)],
        functions: vec![function.clone()],
        ..Default::default()
    };
    check_single(&Model::from_bytes(&proto.encode_to_vec()).unwrap(), &x, "y");

    let mut endless = function;
    endless.node = vec![NodeProto { domain: Some("mine".into()), ..node("Leak", &["a"], &["c"]) }];
    let proto = ModelProto { functions: vec![endless], ..proto };
    let refusal = differentiate(
        &Model::from_bytes(&proto.encode_to_vec()).unwrap(),
        &Options { loss: Loss::Vjp, ..Options::default() },
    );
    assert!(refusal.unwrap_err().to_string().contains("nest deeper"));
}

#[test]
fn shapes_are_pinned_or_refused_by_name() {
    let x = tensor(&[2, 3], 0);
    let mut graph = graph(vec![node("Softmax", &["x"], &["y"])], &[], &[], &["y"]);
    graph.input = vec![info("x", &x, false)];
    let model = wrap(graph, 18);
    let pin = |input: &str, shape: &[Option<usize>]| {
        let shapes = [(input.to_owned(), shape.to_vec())].into();
        differentiate(&model, &Options { loss: Loss::Vjp, shapes, ..Options::default() })
    };
    let pinned = pin("x", &[Some(2), None]).unwrap();
    use seraph_autodiff::Axis::{Dynamic, Fixed};
    assert_eq!(pinned.inputs()[0].axes.clone().unwrap(), [Fixed(2), Dynamic(Some("x_1".into()))]);
    assert!(matches!(pin("z", &[None]), Err(Error::Shape { input, .. }) if input == "z"));
    assert!(pin("x", &[None]).unwrap_err().to_string().contains("1 axes given, the model has 2"));
}

#[test]
fn what_cannot_be_differentiated_is_refused_by_operator_and_node() {
    let x = tensor(&[2, 3], 0);
    let refusal = |nodes: Vec<NodeProto>| {
        let model = wrap(graph(nodes, &[], &[("x", &x)], &["y"]), 18);
        differentiate(&model, &Options { loss: Loss::Vjp, ..Options::default() }).unwrap_err().to_string()
    };
    assert_eq!(
        refusal(vec![node("Det", &["x"], &["y"])]),
        "no rule for operator `Det` (opset 18), needed by node `Det/y`"
    );
    let foreign =
        NodeProto { domain: Some("com.microsoft".into()), ..node("FusedMatMul", &["x", "x"], &["y"]) };
    assert!(refusal(vec![foreign]).contains("`com.microsoft`"));
    assert!(refusal(vec![node("MatMul", &["x", "x"], &["y"])]).contains("do not fit"));
    assert!(refusal(vec![node("Relu", &["nothing"], &["y"])]).contains("`nothing`"));
    assert!(
        refusal(vec![node("Relu", &["x"], &["y"]), node("Exp", &["x"], &["y"])]).contains("defined twice")
    );
}

#[test]
fn external_data_is_refused_with_the_file_named() {
    let x = tensor(&[2, 3], 0);
    let mut graph = graph(vec![node("Mul", &["x", "w"], &["y"])], &[("w", &x)], &[("x", &x)], &["y"]);
    let weight = &mut graph.initializer[0];
    weight.raw_data = None;
    weight.data_location = Some(1);
    weight.external_data =
        vec![StringStringEntryProto { key: Some("location".into()), value: Some("weights.bin".into()) }];
    let refusal =
        differentiate(&wrap(graph, 18), &Options { loss: Loss::Vjp, ..Options::default() }).unwrap_err();
    assert_eq!(refusal, Error::ExternalData { name: "w".into(), location: "weights.bin".into() });
}

#[test]
fn hostile_bytes_are_errors() {
    assert!(matches!(Model::from_bytes(b"\xff\xff\xff"), Err(Error::Decode { .. })));
    assert!(matches!(Model::from_bytes(b""), Err(Error::Decode { .. })));
    let x = tensor(&[2, 3], 0);
    let plain = |dims: &[i64]| {
        let mut graph = graph(vec![node("Mul", &["x", "w"], &["y"])], &[("w", &x)], &[("x", &x)], &["y"]);
        graph.initializer[0].dims = dims.to_vec();
        differentiate(&wrap(graph, 18), &Options { loss: Loss::Vjp, ..Options::default() }).unwrap_err()
    };
    for dims in [&[-1][..], &[i64::MAX, i64::MAX], &[5], &[1 << 40, 1 << 10]] {
        assert!(matches!(plain(dims), Error::Malformed { .. }), "{dims:?}");
    }
    let old = ModelProto {
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(6) }],
        graph: Some(GraphProto::default()),
        ..Default::default()
    };
    assert!(matches!(Model::from_bytes(&old.encode_to_vec()), Err(Error::Opset { found: 6, .. })));
}

/// Every prefix and many single-byte changes of a real model: an error or a model, never a panic.
#[test]
fn damaged_models_never_panic() {
    let (w, x) = (tensor(&[2, 1, 3], 1), tensor(&[1, 1, 8], 0));
    let nodes = vec![
        node("Conv", &["x", "w"], &["a"]),
        node("Relu", &["a"], &["b"]),
        node("Flatten", &["b"], &["y"]),
    ];
    let bytes = wrap(graph(nodes, &[("w", &w)], &[("x", &x)], &["y"]), 18).to_bytes();
    let attempt = |bytes: &[u8]| {
        if let Ok(model) = Model::from_bytes(bytes) {
            let _ = differentiate(&model, &Options::default());
        }
    };
    (0..bytes.len()).for_each(|end| attempt(&bytes[..end]));
    for at in 0..bytes.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= change;
            attempt(&damaged);
        }
    }
}
