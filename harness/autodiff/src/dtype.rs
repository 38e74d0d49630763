//! Element types of tensors.

/// Element type of a tensor, by ONNX's numbering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names say it
pub enum DataType {
    F32,
    U8,
    I8,
    U16,
    I16,
    I32,
    I64,
    Text,
    Bool,
    F16,
    F64,
    U32,
    U64,
    Bf16,
    /// A type that no rule handles: complex, 8-bit floats, 4-bit integers.
    Other(i32),
}

const CODES: [(DataType, i32, usize, &str); 14] = [
    (DataType::F32, 1, 4, "float32"),
    (DataType::U8, 2, 1, "uint8"),
    (DataType::I8, 3, 1, "int8"),
    (DataType::U16, 4, 2, "uint16"),
    (DataType::I16, 5, 2, "int16"),
    (DataType::I32, 6, 4, "int32"),
    (DataType::I64, 7, 8, "int64"),
    (DataType::Text, 8, 0, "string"),
    (DataType::Bool, 9, 1, "bool"),
    (DataType::F16, 10, 2, "float16"),
    (DataType::F64, 11, 8, "float64"),
    (DataType::U32, 12, 4, "uint32"),
    (DataType::U64, 13, 8, "uint64"),
    (DataType::Bf16, 16, 2, "bfloat16"),
];

impl DataType {
    /// The type with ONNX's number `code`.
    pub fn from_code(code: i32) -> DataType {
        CODES.iter().find(|row| row.1 == code).map_or(DataType::Other(code), |row| row.0)
    }

    /// ONNX's number.
    pub fn code(self) -> i32 {
        match self {
            DataType::Other(code) => code,
            known => CODES.iter().find(|row| row.0 == known).map_or(0, |row| row.1),
        }
    }

    /// Bytes of one element in raw data; 0 where there is no fixed size.
    pub fn size(self) -> usize {
        CODES.iter().find(|row| row.0 == self).map_or(0, |row| row.2)
    }

    /// Whether gradients can flow through values of this type.
    pub fn is_float(self) -> bool {
        matches!(self, DataType::F32 | DataType::F16 | DataType::F64 | DataType::Bf16)
    }
}

impl std::fmt::Display for DataType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match CODES.iter().find(|row| row.0 == *self) {
            Some(row) => f.write_str(row.3),
            None => write!(f, "type {}", self.code()),
        }
    }
}
