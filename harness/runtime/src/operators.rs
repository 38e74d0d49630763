//! Custom operators of domain `ai.seraph`: what differentiated models spend most of their time in, done at once.
//! `seraph_autodiff::for_runtime` puts them into a model; the arithmetic is `seraph_kernels::graph`.

use ort::operator::{
    BoxedKernel, ComputeContext, KernelContext, Operator, OperatorDomain, OperatorInput, OperatorOutput,
};
use ort::value::TensorElementType::Float32;
use seraph_kernels::graph::max_pool_conv_grad::{MaxPoolConv, max_pool_conv_grad};
use seraph_kernels::graph::max_pool_grad::{MaxPool, max_pool_grad};

/// All of them; one for each session, because a domain stays on the thread that made it.
pub fn domain() -> ort::Result<OperatorDomain> {
    OperatorDomain::new("ai.seraph")?.add(MaxPoolGrad)?.add(MaxPoolConvGrad)
}

/// `MaxPoolGrad(x, dy) -> dx`; attribute `kernel_shape`.
struct MaxPoolGrad;

impl Operator for MaxPoolGrad {
    type Kernel<'attr> = BoxedKernel<'attr>;

    fn name(&self) -> &str {
        "MaxPoolGrad"
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        [OperatorInput::required(Float32), OperatorInput::required(Float32)]
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [OperatorOutput::required(Float32)]
    }

    fn create_kernel<'attr>(&self, node: &KernelContext<'attr>) -> ort::Result<Self::Kernel<'attr>> {
        let window = sizes(node, "kernel_shape")?;
        Ok(Box::new(move |context: &ComputeContext| {
            let (x, dy) = (input(context, 0)?, input(context, 1)?);
            let (x_dims, x) = x.try_extract_tensor::<f32>()?;
            let (_, dy) = dy.try_extract_tensor::<f32>()?;
            let pool = planes(x_dims, &window)?;
            let mut out = output(context, x_dims)?;
            let (_, dx) = out.try_extract_tensor_mut::<f32>()?;
            max_pool_grad(&pool, x, dy, dx, &|n, task| spread(context, n, task));
            Ok(())
        }))
    }
}

/// `MaxPoolConvGrad(x, dy, w) -> conv(unpooled dy, w)`; attributes `kernel_shape` (the window) and `pads`.
struct MaxPoolConvGrad;

impl Operator for MaxPoolConvGrad {
    type Kernel<'attr> = BoxedKernel<'attr>;

    fn name(&self) -> &str {
        "MaxPoolConvGrad"
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        [const { OperatorInput::required(Float32) }; 3]
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [OperatorOutput::required(Float32)]
    }

    fn create_kernel<'attr>(&self, node: &KernelContext<'attr>) -> ort::Result<Self::Kernel<'attr>> {
        let (window, pads) = (sizes(node, "kernel_shape")?, sizes(node, "pads")?);
        Ok(Box::new(move |context: &ComputeContext| {
            let (x, dy, w) = (input(context, 0)?, input(context, 1)?, input(context, 2)?);
            let (x_dims, x) = x.try_extract_tensor::<f32>()?;
            let (_, dy) = dy.try_extract_tensor::<f32>()?;
            let (w_dims, w) = w.try_extract_tensor::<f32>()?;
            let shape = pooled_convolution(x_dims, w_dims, &window, &pads)?;
            let dims = [shape.n_rows, shape.n_outputs, shape.output_length()].map(|dim| dim as i64);
            let mut out = output(context, &dims)?;
            let (_, out) = out.try_extract_tensor_mut::<f32>()?;
            max_pool_conv_grad(&shape, x, dy, w, out, &|n, task| spread(context, n, task));
            Ok(())
        }))
    }
}

/// On ONNX Runtime's own threads.
fn spread(context: &ComputeContext, n_tasks: usize, task: &(dyn Fn(usize) + Sync + Send)) {
    if n_tasks < 2 || context.par_for(n_tasks, 0, task).is_err() {
        seraph_kernels::graph::in_order(n_tasks, task);
    }
}

fn planes(dims: &[i64], window: &[usize]) -> ort::Result<MaxPool> {
    let size = |dim: &i64| *dim as usize;
    match (dims, window) {
        ([n, c, width], [window_width]) => Ok(MaxPool {
            n_planes: size(n) * size(c),
            height: 1,
            width: size(width),
            window_height: 1,
            window_width: *window_width,
        }),
        ([n, c, height, width], [window_height, window_width]) => Ok(MaxPool {
            n_planes: size(n) * size(c),
            height: size(height),
            width: size(width),
            window_height: *window_height,
            window_width: *window_width,
        }),
        _ => Err(ort::Error::new(format!("MaxPoolGrad of shape {dims:?} by windows {window:?}"))),
    }
}

fn pooled_convolution(
    x_dims: &[i64],
    w_dims: &[i64],
    window: &[usize],
    pads: &[usize],
) -> ort::Result<MaxPoolConv> {
    let size = |dim: i64| dim as usize;
    // Weights [n_outputs, n_channels] are those of a matrix product: one tap.
    let w_dims = if let [outputs, channels] = *w_dims { &[outputs, channels, 1] } else { w_dims };
    match (x_dims, w_dims, window, pads) {
        (&[n, c, length], &[outputs, channels, taps], &[window], &[pad_before, pad_after])
            if c == channels =>
        {
            Ok(MaxPoolConv {
                n_rows: size(n),
                n_channels: size(c),
                length: size(length),
                window,
                n_outputs: size(outputs),
                n_taps: size(taps),
                pad_before,
                pad_after,
            })
        }
        _ => Err(ort::Error::new(format!("MaxPoolConvGrad of shapes {x_dims:?} and {w_dims:?}"))),
    }
}

fn sizes(node: &KernelContext<'_>, attribute: &str) -> ort::Result<Vec<usize>> {
    let missing = || ort::Error::new(format!("attribute {attribute} is missing"));
    let values: Vec<i64> = node.get(attribute).ok_or_else(missing)?;
    Ok(values.into_iter().map(|value| value as usize).collect())
}

fn input<'c>(context: &'c ComputeContext, index: usize) -> ort::Result<ort::value::ValueRef<'c>> {
    context.input(index)?.ok_or_else(|| ort::Error::new(format!("input {index} is missing")))
}

fn output<'c>(context: &'c ComputeContext, dims: &[i64]) -> ort::Result<ort::value::ValueRefMut<'c>> {
    context.output(0, dims.to_vec())?.ok_or_else(|| ort::Error::new("the output is not wanted"))
}
