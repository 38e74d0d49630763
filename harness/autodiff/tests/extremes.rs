//! Extreme numbers where a model has sizes, positions and counts: an error or a model, never a panic, never a hang.
#![allow(clippy::unwrap_used)]

mod common;

use common::case::{Case, case};
use prost::Message;
use seraph_autodiff::proto::ModelProto;
use seraph_autodiff::{Loss, Model, Options, Tensor, differentiate};

const EXTREMES: [i64; 9] = [i64::MAX, i64::MIN, i64::MIN + 1, 1 << 62, 1 << 40, 1 << 31, -(1 << 40), -1, 0];

fn cases() -> Vec<Case> {
    let scalar = |n: i64| Tensor::i64(&[], vec![n]);
    vec![
        case("Conv")
            .x(&[1, 2, 9])
            .x(&[4, 1, 3])
            .int("group", 2)
            .ints("pads", &[1, 1])
            .ints("strides", &[2])
            .ints("dilations", &[1]),
        case("ConvTranspose")
            .x(&[1, 2, 4])
            .x(&[2, 3, 3])
            .ints("strides", &[2])
            .ints("pads", &[1, 1])
            .ints("output_padding", &[1]),
        case("MaxPool").ints("kernel_shape", &[3]).ints("strides", &[2]).ints("pads", &[1, 1]).x(&[1, 2, 9]),
        case("AveragePool")
            .ints("kernel_shape", &[3])
            .ints("strides", &[2])
            .ints("pads", &[1, 1])
            .x(&[1, 2, 9]),
        case("LpPool").ints("kernel_shape", &[3]).int("p", 2).x(&[1, 2, 7]),
        case("Pad").text("mode", "reflect").x(&[2, 5]).list(&[0, 2, 0, 3]),
        case("Pad").x(&[2, 5]).list(&[0, 2, 0, 3]),
        case("Slice").x(&[5, 7]).list(&[5]).list(&[0]).list(&[1]).list(&[-2]),
        case("Reshape").x(&[2, 3, 4]).list(&[0, -1]),
        case("Expand").x(&[2, 1, 3]).list(&[4, 2, 5, 3]),
        case("Tile").x(&[2, 3]).list(&[2, 3]),
        case("Unsqueeze").x(&[2, 3]).list(&[0, -1]),
        case("Squeeze").x(&[2, 1]).list(&[1]),
        case("Transpose").ints("perm", &[1, 0]).x(&[2, 3]),
        case("Split").int("axis", 1).x(&[2, 5]).list(&[2, 3]).outputs(2),
        case("Gather").int("axis", 1).x(&[2, 4]).list(&[0, 3]),
        case("GatherND").x(&[3, 4]).constant(Tensor::i64(&[1, 2], vec![0, 1])),
        case("GatherElements").int("axis", 1).x(&[2, 4]).constant(Tensor::i64(&[2, 1], vec![0, 1])),
        case("TopK").int("axis", 1).x(&[2, 5]).list(&[2]).outputs(2),
        case("ReduceSum").x(&[2, 3]).list(&[1]),
        case("ReduceProd").x(&[2, 3]).list(&[1]),
        case("CumSum").x(&[2, 4]).constant(scalar(1)),
        case("Softmax").int("axis", 1).x(&[2, 3]),
        case("LayerNormalization").int("axis", 1).x(&[2, 3]).x(&[3]),
        case("GroupNormalization").int("num_groups", 2).x(&[2, 4, 3]).x(&[2]).x(&[2]),
        case("DepthToSpace").int("blocksize", 2).x(&[1, 8, 2, 3]),
        case("SpaceToDepth").int("blocksize", 2).x(&[1, 2, 4, 6]),
        case("Resize").text("mode", "linear").x(&[1, 2, 4]).absent().absent().list(&[1, 2, 8]),
        case("STFT").x(&[2, 16, 1]).constant(scalar(4)).x(&[8]).constant(scalar(8)),
        case("DFT").opset(17).int("axis", 1).x(&[2, 6, 1]).constant(scalar(6)),
        case("OneHot").constant(scalar(1)).constant(scalar(3)).x(&[2]),
        case("LSTM").int("hidden_size", 2).x(&[4, 2, 3]).x(&[1, 8, 3]).x(&[1, 8, 2]).outputs(3),
        case("Attention")
            .opset(23)
            .int("q_num_heads", 2)
            .int("kv_num_heads", 2)
            .x(&[2, 3, 8])
            .x(&[2, 5, 8])
            .x(&[2, 5, 6]),
        case("Trilu").x(&[3, 4]).constant(scalar(1)),
        case("Cast").int("to", 1).x(&[2]),
    ]
}

fn attempt(proto: &ModelProto) {
    if let Ok(model) = Model::from_bytes(&proto.encode_to_vec()) {
        let _ = differentiate(&model, &Options { loss: Loss::Vjp, params: true, ..Options::default() });
    }
}

#[test]
fn extreme_attributes_never_panic() {
    for case in cases() {
        let plain = ModelProto::decode(&case.model(true).to_bytes()[..]).unwrap();
        let attributes = plain.graph.as_ref().unwrap().node[0].attribute.len();
        for (attribute, extreme) in (0..attributes).flat_map(|a| EXTREMES.map(|extreme| (a, extreme))) {
            let mut proto = plain.clone();
            let attribute = &mut proto.graph.as_mut().unwrap().node[0].attribute[attribute];
            attribute.i = attribute.i.map(|_| extreme);
            attribute.ints.iter_mut().for_each(|i| *i = extreme);
            attempt(&proto);
        }
    }
}

#[test]
fn extreme_constants_never_panic() {
    for case in cases() {
        let plain = ModelProto::decode(&case.model(true).to_bytes()[..]).unwrap();
        for (constant, extreme) in (0..plain.graph.as_ref().unwrap().initializer.len())
            .flat_map(|c| EXTREMES.map(|extreme| (c, extreme)))
        {
            let mut proto = plain.clone();
            let tensor = &mut proto.graph.as_mut().unwrap().initializer[constant];
            if tensor.data_type == Some(7) {
                let count = tensor.raw_data.as_ref().unwrap().len() / 8;
                tensor.raw_data = Some(extreme.to_le_bytes().repeat(count).into());
                attempt(&proto);
            }
        }
    }
}

#[test]
fn extreme_input_sizes_never_panic() {
    for case in cases() {
        let plain = ModelProto::decode(&case.model(true).to_bytes()[..]).unwrap();
        for extreme in EXTREMES {
            let mut proto = plain.clone();
            for input in &mut proto.graph.as_mut().unwrap().input {
                let tensor = input.r#type.as_mut().unwrap().tensor_type.as_mut().unwrap();
                if let Some(last) = tensor.shape.as_mut().unwrap().dim.last_mut() {
                    last.dim_value = Some(extreme);
                }
            }
            attempt(&proto);
        }
    }
}
