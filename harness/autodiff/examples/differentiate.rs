//! Differentiates a model file: `differentiate MODEL.onnx GRADIENT.onnx [BATCH [AXIS...]]`; further numbers pin all axes of
//! the first input.

use seraph_autodiff::{Model, Options, differentiate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [source, target, sizes @ ..] = &arguments[..] else {
        return Err("usage: differentiate MODEL.onnx GRADIENT.onnx [SIZE...]".into());
    };
    let model = Model::from_bytes(&std::fs::read(source)?)?;
    let mut options = Options::default();
    if !sizes.is_empty() {
        let sizes = sizes.iter().map(|size| size.parse().map(Some)).collect::<Result<_, _>>()?;
        options.shapes.insert(model.inputs()[0].name.clone(), sizes);
    }
    std::fs::write(target, differentiate(&model, &options)?.to_bytes())?;
    Ok(())
}
