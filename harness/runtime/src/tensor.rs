//! Tensors as they cross the interface: borrowed on the way in, owned on the way out.

use std::fmt;

/// The element types that sessions take and give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementType {
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 64-bit signed integer.
    I64,
    /// 32-bit signed integer.
    I32,
    /// Boolean.
    Bool,
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ElementType::F32 => "float32",
            ElementType::F64 => "float64",
            ElementType::I64 => "int64",
            ElementType::I32 => "int32",
            ElementType::Bool => "bool",
        })
    }
}

/// A borrowed tensor: dimensions and row-major data, read by ONNX Runtime in place.
#[derive(Debug, Clone, Copy)]
pub struct TensorView<'a> {
    /// Dimensions, outermost first.
    pub dims: &'a [usize],
    /// Elements, row-major.
    pub data: DataView<'a>,
}

/// The elements of a [`TensorView`].
#[derive(Debug, Clone, Copy)]
pub enum DataView<'a> {
    /// 32-bit floats.
    F32(&'a [f32]),
    /// 64-bit floats.
    F64(&'a [f64]),
    /// 64-bit signed integers.
    I64(&'a [i64]),
    /// 32-bit signed integers.
    I32(&'a [i32]),
    /// Booleans.
    Bool(&'a [bool]),
}

macro_rules! view {
    ($name:ident, $type:ty, $variant:ident, $doc:literal) => {
        #[doc = $doc]
        pub fn $name(dims: &'a [usize], data: &'a [$type]) -> TensorView<'a> {
            TensorView { dims, data: DataView::$variant(data) }
        }
    };
}

impl<'a> TensorView<'a> {
    view!(f32, f32, F32, "A float32 tensor.");
    view!(f64, f64, F64, "A float64 tensor.");
    view!(i64, i64, I64, "An int64 tensor.");
    view!(i32, i32, I32, "An int32 tensor.");
    view!(bool, bool, Bool, "A boolean tensor.");

    /// The type of the elements.
    pub fn element_type(&self) -> ElementType {
        match self.data {
            DataView::F32(_) => ElementType::F32,
            DataView::F64(_) => ElementType::F64,
            DataView::I64(_) => ElementType::I64,
            DataView::I32(_) => ElementType::I32,
            DataView::Bool(_) => ElementType::Bool,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self.data {
            DataView::F32(data) => data.len(),
            DataView::F64(data) => data.len(),
            DataView::I64(data) => data.len(),
            DataView::I32(data) => data.len(),
            DataView::Bool(data) => data.len(),
        }
    }
}

/// An owned tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Dimensions, outermost first.
    pub dims: Vec<usize>,
    /// Elements, row-major.
    pub data: TensorData,
}

/// The elements of a [`Tensor`].
#[derive(Debug, Clone, PartialEq)]
pub enum TensorData {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
    /// 64-bit signed integers.
    I64(Vec<i64>),
    /// 32-bit signed integers.
    I32(Vec<i32>),
    /// Booleans.
    Bool(Vec<bool>),
}

impl Tensor {
    /// The elements, when they are float32.
    pub fn as_f32(&self) -> Option<&[f32]> {
        match &self.data {
            TensorData::F32(data) => Some(data),
            _ => None,
        }
    }

    /// The elements, when they are int64.
    pub fn as_i64(&self) -> Option<&[i64]> {
        match &self.data {
            TensorData::I64(data) => Some(data),
            _ => None,
        }
    }

    /// This tensor, borrowed.
    pub fn view(&self) -> TensorView<'_> {
        let data = match &self.data {
            TensorData::F32(data) => DataView::F32(data),
            TensorData::F64(data) => DataView::F64(data),
            TensorData::I64(data) => DataView::I64(data),
            TensorData::I32(data) => DataView::I32(data),
            TensorData::Bool(data) => DataView::Bool(data),
        };
        TensorView { dims: &self.dims, data }
    }
}
