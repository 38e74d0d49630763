//! Dense tensors for constant folding and for the reference interpreter: every float is held as f64, every
//! integer as i64, beside the element type that the model gives it.

use half::{bf16, f16};
use prost::bytes::Bytes;

use crate::dtype::DataType;
use crate::error::Error;
use crate::proto::TensorProto;

/// A dense tensor, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// The element type in the model.
    pub dtype: DataType,
    /// Sizes of the axes, outermost first.
    pub shape: Vec<usize>,
    /// The elements.
    pub data: Data,
}

/// Elements of a [`Tensor`].
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Floats of any width.
    Float(Vec<f64>),
    /// Integers of any width.
    Int(Vec<i64>),
    /// Booleans.
    Bool(Vec<bool>),
}

impl Tensor {
    /// A float tensor of type `dtype`.
    pub fn floats(dtype: DataType, shape: &[usize], data: Vec<f64>) -> Tensor {
        Tensor { dtype, shape: shape.to_vec(), data: Data::Float(data) }
    }

    /// A float32 tensor.
    pub fn f32(shape: &[usize], data: impl IntoIterator<Item = f32>) -> Tensor {
        Tensor::floats(DataType::F32, shape, data.into_iter().map(f64::from).collect())
    }

    /// An int64 tensor.
    pub fn i64(shape: &[usize], data: Vec<i64>) -> Tensor {
        Tensor { dtype: DataType::I64, shape: shape.to_vec(), data: Data::Int(data) }
    }

    /// A boolean tensor.
    pub fn bools(shape: &[usize], data: Vec<bool>) -> Tensor {
        Tensor { dtype: DataType::Bool, shape: shape.to_vec(), data: Data::Bool(data) }
    }

    /// A tensor of one repeated number, in whatever class of element `dtype` is.
    pub fn full(dtype: DataType, shape: &[usize], value: f64) -> Tensor {
        let n = numel(shape);
        let data = match dtype {
            DataType::Bool => Data::Bool(vec![value != 0.0; n]),
            t if t.is_float() => Data::Float(vec![value; n]),
            _ => Data::Int(vec![value as i64; n]),
        };
        Tensor { dtype, shape: shape.to_vec(), data }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match &self.data {
            Data::Float(data) => data.len(),
            Data::Int(data) => data.len(),
            Data::Bool(data) => data.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements as floats; integers and booleans are converted.
    pub fn to_floats(&self) -> Vec<f64> {
        match &self.data {
            Data::Float(data) => data.clone(),
            Data::Int(data) => data.iter().map(|&v| v as f64).collect(),
            Data::Bool(data) => data.iter().map(|&v| f64::from(u8::from(v))).collect(),
        }
    }

    /// The elements as integers; floats are cut towards zero.
    pub fn to_ints(&self) -> Vec<i64> {
        match &self.data {
            Data::Float(data) => data.iter().map(|&v| v as i64).collect(),
            Data::Int(data) => data.clone(),
            Data::Bool(data) => data.iter().map(|&v| i64::from(v)).collect(),
        }
    }

    /// The elements as booleans; numbers are true unless zero.
    pub fn to_bools(&self) -> Vec<bool> {
        match &self.data {
            Data::Float(data) => data.iter().map(|&v| v != 0.0).collect(),
            Data::Int(data) => data.iter().map(|&v| v != 0).collect(),
            Data::Bool(data) => data.clone(),
        }
    }

    /// The same elements under another shape of the same size.
    pub fn reshaped(&self, shape: &[usize]) -> Tensor {
        Tensor { dtype: self.dtype, shape: shape.to_vec(), data: self.data.clone() }
    }

    /// A tensor whose element `i` is this one's element `index[i]`; `None` gives `fill`.
    pub fn pick(&self, shape: &[usize], index: &[Option<usize>], fill: f64) -> Tensor {
        let data = match &self.data {
            Data::Float(data) => Data::Float(index.iter().map(|i| i.map_or(fill, |i| data[i])).collect()),
            Data::Int(data) => Data::Int(index.iter().map(|i| i.map_or(fill as i64, |i| data[i])).collect()),
            Data::Bool(data) => {
                Data::Bool(index.iter().map(|i| i.map_or(fill != 0.0, |i| data[i])).collect())
            }
        };
        Tensor { dtype: self.dtype, shape: shape.to_vec(), data }
    }

    /// The elements converted to `dtype`, as ONNX's Cast does.
    pub fn cast(&self, dtype: DataType) -> Tensor {
        let data = match dtype {
            DataType::Bool => Data::Bool(self.to_bools()),
            t if t.is_float() => Data::Float(self.to_floats()),
            _ => Data::Int(self.to_ints()),
        };
        Tensor { dtype, shape: self.shape.clone(), data }
    }

    /// The elements rounded to what `dtype` can hold.
    pub fn rounded(mut self) -> Tensor {
        if let Data::Float(data) = &mut self.data {
            let round: fn(f64) -> f64 = match self.dtype {
                DataType::F32 => |v| f64::from(v as f32),
                DataType::F16 => |v| f16::from_f64(v).to_f64(),
                DataType::Bf16 => |v| bf16::from_f64(v).to_f64(),
                _ => |v| v,
            };
            data.iter_mut().for_each(|v| *v = round(*v));
        }
        self
    }

    /// Reads a tensor out of a model.
    ///
    /// # Errors
    /// When the data is external, missing, of another length than the shape says, or of an unsupported type.
    pub fn from_proto(proto: &TensorProto) -> Result<Tensor, Error> {
        let dtype = DataType::from_code(proto.data_type.unwrap_or(0));
        let shape = proto_shape(proto)?;
        let data = match &proto.raw_data {
            Some(raw) if !raw.is_empty() => from_raw(dtype, raw),
            _ => from_fields(dtype, proto),
        };
        let name = || proto.name.as_deref().unwrap_or("");
        let Some(data) = data else {
            return Err(Error::malformed(format!("tensor `{}` has the unsupported type {dtype}", name())));
        };
        let tensor = Tensor { dtype, shape, data };
        if tensor.len() != numel(&tensor.shape) {
            return Err(Error::malformed(format!(
                "tensor `{}` has {} elements for shape {:?}",
                name(),
                tensor.len(),
                tensor.shape
            )));
        }
        Ok(tensor)
    }

    /// Writes the tensor as raw data under `name`.
    pub fn to_proto(&self, name: &str) -> TensorProto {
        let mut raw = Vec::with_capacity(self.len() * self.dtype.size());
        match &self.data {
            Data::Float(data) => data.iter().for_each(|&v| push_float(&mut raw, self.dtype, v)),
            Data::Int(data) => {
                data.iter().for_each(|v| raw.extend_from_slice(&v.to_le_bytes()[..self.dtype.size()]));
            }
            Data::Bool(data) => raw.extend(data.iter().map(|&v| u8::from(v))),
        }
        TensorProto {
            dims: self.shape.iter().map(|&n| n as i64).collect(),
            data_type: Some(self.dtype.code()),
            name: Some(name.to_owned()),
            raw_data: Some(Bytes::from(raw)),
            ..TensorProto::default()
        }
    }
}

/// The checked shape of a tensor in a model; also refuses external data.
pub(crate) fn proto_shape(proto: &TensorProto) -> Result<Vec<usize>, Error> {
    let name = proto.name.clone().unwrap_or_default();
    if proto.data_location == Some(1) || !proto.external_data.is_empty() {
        let location = proto.external_data.iter().find(|entry| entry.key.as_deref() == Some("location"));
        let location = location.and_then(|entry| entry.value.clone()).unwrap_or_default();
        return Err(Error::ExternalData { name, location });
    }
    let shape: Option<Vec<usize>> = proto.dims.iter().map(|&dim| usize::try_from(dim).ok()).collect();
    let checked = shape.filter(|s| s.iter().try_fold(1usize, |n, &dim| n.checked_mul(dim)).is_some());
    checked.ok_or_else(|| Error::malformed(format!("tensor `{name}` has the shape {:?}", proto.dims)))
}

fn from_raw(dtype: DataType, raw: &[u8]) -> Option<Data> {
    fn each<const N: usize, T>(raw: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
        raw.chunks_exact(N).map(|chunk| read(chunk.try_into().expect("chunks of N bytes"))).collect()
    }
    Some(match dtype {
        DataType::F32 => Data::Float(each(raw, |b| f64::from(f32::from_le_bytes(b)))),
        DataType::F64 => Data::Float(each(raw, f64::from_le_bytes)),
        DataType::F16 => Data::Float(each(raw, |b| f16::from_le_bytes(b).to_f64())),
        DataType::Bf16 => Data::Float(each(raw, |b| bf16::from_le_bytes(b).to_f64())),
        DataType::I64 | DataType::U64 => Data::Int(each(raw, i64::from_le_bytes)),
        DataType::I32 => Data::Int(each(raw, |b| i64::from(i32::from_le_bytes(b)))),
        DataType::U32 => Data::Int(each(raw, |b| i64::from(u32::from_le_bytes(b)))),
        DataType::I16 => Data::Int(each(raw, |b| i64::from(i16::from_le_bytes(b)))),
        DataType::U16 => Data::Int(each(raw, |b| i64::from(u16::from_le_bytes(b)))),
        DataType::I8 => Data::Int(each(raw, |[b]: [u8; 1]| i64::from(b as i8))),
        DataType::U8 => Data::Int(each(raw, |[b]: [u8; 1]| i64::from(b))),
        DataType::Bool => Data::Bool(raw.iter().map(|&b| b != 0).collect()),
        DataType::Text | DataType::Other(_) => return None,
    })
}

fn from_fields(dtype: DataType, proto: &TensorProto) -> Option<Data> {
    let ints = || proto.int32_data.iter();
    Some(match dtype {
        DataType::F32 => Data::Float(proto.float_data.iter().map(|&v| f64::from(v)).collect()),
        DataType::F64 => Data::Float(proto.double_data.clone()),
        DataType::F16 => Data::Float(ints().map(|&v| f16::from_bits(v as u16).to_f64()).collect()),
        DataType::Bf16 => Data::Float(ints().map(|&v| bf16::from_bits(v as u16).to_f64()).collect()),
        DataType::I64 => Data::Int(proto.int64_data.clone()),
        DataType::U64 | DataType::U32 => Data::Int(proto.uint64_data.iter().map(|&v| v as i64).collect()),
        DataType::Bool => Data::Bool(ints().map(|&v| v != 0).collect()),
        DataType::Text | DataType::Other(_) => return None,
        _ => Data::Int(ints().map(|&v| i64::from(v)).collect()),
    })
}

fn push_float(raw: &mut Vec<u8>, dtype: DataType, value: f64) {
    match dtype {
        DataType::F64 => raw.extend_from_slice(&value.to_le_bytes()),
        DataType::F16 => raw.extend_from_slice(&f16::from_f64(value).to_le_bytes()),
        DataType::Bf16 => raw.extend_from_slice(&bf16::from_f64(value).to_le_bytes()),
        _ => raw.extend_from_slice(&(value as f32).to_le_bytes()),
    }
}

/// Number of elements of a shape.
pub(crate) fn numel(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Row-major strides of a shape.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// Coordinates of every element of a shape, in row-major order.
pub(crate) fn coordinates(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> + use<> {
    let shape = shape.to_vec();
    (0..numel(&shape)).map(move |flat| unflatten(flat, &shape))
}

/// Coordinates of the element at `flat`.
pub(crate) fn unflatten(mut flat: usize, shape: &[usize]) -> Vec<usize> {
    let mut at = vec![0; shape.len()];
    for axis in (0..shape.len()).rev() {
        at[axis] = flat % shape[axis];
        flat /= shape[axis];
    }
    at
}

/// Row-major position of coordinates.
pub(crate) fn flatten(at: &[usize], shape: &[usize]) -> usize {
    at.iter().zip(shape).fold(0, |flat, (&i, &n)| flat * n + i)
}

/// The shape that two shapes broadcast to.
pub(crate) fn broadcast_shapes(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let size = |shape: &[usize], axis: usize| match (axis + shape.len()).checked_sub(rank) {
        Some(i) => shape[i],
        None => 1,
    };
    (0..rank)
        .map(|axis| match (size(a, axis), size(b, axis)) {
            (x, y) if x == y => Some(x),
            (1, n) | (n, 1) => Some(n),
            _ => None,
        })
        .collect()
}

/// For every element of `to`, the position of the element of `from` that broadcasting puts there.
pub(crate) fn broadcast_index(from: &[usize], to: &[usize]) -> Vec<usize> {
    let skip = to.len() - from.len();
    let strides = strides(from);
    let position = |at: Vec<usize>| {
        (0..from.len()).map(|axis| if from[axis] == 1 { 0 } else { at[axis + skip] * strides[axis] }).sum()
    };
    coordinates(to).map(position).collect()
}
