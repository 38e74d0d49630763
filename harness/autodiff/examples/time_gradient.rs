//! Median wall and mean processor milliseconds of a forward pass, of loss and gradient in standard operators, and of loss and gradient as
//! this project runs it.
//!
//! `cargo run --release --package seraph-autodiff --example time_gradient -- MODEL.onnx BATCH SAMPLES THREADS`
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Instant;

use seraph_autodiff::{Model, Options, differentiate, for_runtime};
use seraph_runtime::{Session, SessionConfig, TensorView};

const RUNS: usize = 15;

/// Of all threads of this process, in steps of 10 ms: robust where other programs run too.
fn processor_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(") ").next().ok_or("no stat")?.split(' ').collect();
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [path, batch, samples, threads] = &args[..] else {
        return Err("usage: time_gradient MODEL.onnx BATCH SAMPLES THREADS".into());
    };
    let (batch, samples, threads) = (batch.parse()?, samples.parse()?, threads.parse()?);
    let model = Model::from_bytes(&std::fs::read(path)?)?;
    let input = model.inputs().first().ok_or("the model has no input")?.name.clone();
    let shapes = BTreeMap::from([(input.clone(), vec![None, Some(samples)])]);
    let standard = differentiate(&model, &Options { shapes, ..Options::default() })?;
    let fused = for_runtime(&standard);
    let config = SessionConfig { intra_threads: threads, ..SessionConfig::default() };
    let audio: Vec<f32> =
        (0..batch * samples).map(|i| ((i * 7919 % 2003) as f32 / 1001.5 - 1.0) * 0.1).collect();
    let (labels, dims, label_dims) = (vec![0i64; batch], [batch, samples], [batch]);
    for (name, model) in [("forward", &model), ("gradient", &standard), ("gradient, fused", &fused)] {
        let mut session = Session::from_bytes(&model.to_bytes(), &config)?;
        let mut feed = vec![(input.as_str(), TensorView::f32(&dims, &audio))];
        if name != "forward" {
            feed.push(("labels", TensorView::i64(&label_dims, &labels)));
        }
        session.run(&feed)?;
        let (mut times, cpu) = (Vec::new(), processor_seconds()?);
        for _ in 0..RUNS {
            let start = Instant::now();
            session.run(&feed)?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        let cpu = (processor_seconds()? - cpu) * 1e3 / RUNS as f64;
        #[allow(clippy::print_stdout)] // what it is for
        {
            println!("{name:16} {:8.1} ms (min {:.1}), processor {cpu:.1} ms", times[RUNS / 2], times[0]);
        }
    }
    Ok(())
}
