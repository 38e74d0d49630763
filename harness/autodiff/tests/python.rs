//! The Python of the README, run as it stands there: third parties need nothing but ONNX Runtime.
#![allow(clippy::unwrap_used)]

mod common;

use std::process::Command;

use common::case::{case, values};
use seraph_autodiff::{DataType, Options, Tensor, differentiate};

#[test]
fn the_readmes_python_runs_a_gradient() {
    let python = std::env::var("SERAPH_PYTHON").unwrap_or_else(|_| "python3".into());
    let has_runtime = Command::new(&python).args(["-c", "import onnxruntime"]).output();
    if !has_runtime.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {python} cannot import onnxruntime (SERAPH_PYTHON names another Python)");
        return;
    }
    let readme = include_str!("../README.md");
    let program = readme.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let data = values(12, 3).into_iter().map(|v| f64::from(v as f32)).collect();
    let model = case("MatMul").x(&[2, 4]).constant(Tensor::floats(DataType::F32, &[4, 3], data)).model(true);
    let gradient = differentiate(&model, &Options::default()).unwrap();
    let folder = std::env::temp_dir().join(format!("seraph-python-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("gradient.onnx"), gradient.to_bytes()).unwrap();
    let output = Command::new(&python).args(["-c", program]).current_dir(&folder).output().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("(2, 4)"));
}
