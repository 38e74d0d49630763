//! The plugin's side of the ABI: a library that is loaded, its tables called, its arguments checked. The same code
//! runs in a worker and, for debugging, in the host's own process.

mod attack;
mod context;
mod copy;
mod library;
mod local;
mod oracle;
mod victim;

pub(crate) use attack::{Attack, task_message};
pub(crate) use context::{Context, LogSink};
pub(crate) use copy::description;
pub(crate) use library::Library;
pub(crate) use local::{LocalAttack, LocalVictim, describe_here};
pub(crate) use oracle::Oracle;
pub(crate) use victim::Victim;

use seraph_sys::*;
use seraph_wire::{Ended, Up};
use std::ffi::c_void;

/// Why there is no instance.
pub(crate) enum NotCreated {
    /// The library breaks its contract.
    Unusable(Ended),
    /// The library says no.
    Refused(Ended),
}

impl From<NotCreated> for Up {
    fn from(why: NotCreated) -> Self {
        match why {
            NotCreated::Unusable(ended) => Self::NotLoaded(ended),
            NotCreated::Refused(ended) => Self::Created(ended),
        }
    }
}

/// What an instance is created with, as the plugin reads it, and the memory that it points to.
pub(crate) struct Configuration {
    params: Vec<seraph_param>,
    // Mapped files stay as long as the instance.
    _blobs: Vec<library::MappedFile>,
}

impl Configuration {
    /// Maps the blobs: `fd` gives the descriptor that a blob's number stands for.
    pub fn new(config: &seraph_wire::Config) -> std::io::Result<Self> {
        let mut blobs = Vec::new();
        let mut params = Vec::with_capacity(config.values.len());
        for (id, value) in &config.values {
            params.push(parameter(*id, value, &mut blobs)?);
        }
        Ok(Self { params, _blobs: blobs })
    }

    /// The table; valid as long as `self`.
    pub fn raw(&self) -> seraph_config {
        seraph_config {
            struct_size: size_of::<seraph_config>() as u32,
            n_params: self.params.len() as u32,
            params: self.params.as_ptr(),
        }
    }
}

fn parameter(
    id: u32,
    value: &seraph_wire::Value,
    blobs: &mut Vec<library::MappedFile>,
) -> std::io::Result<seraph_param> {
    use seraph_wire::Value;
    let mut param =
        seraph_param { id, kind: SERAPH_PARAM_I64, f64: 0.0, i64: 0, data: std::ptr::null(), data_len: 0 };
    match value {
        Value::F64(real) => (param.kind, param.f64) = (SERAPH_PARAM_F64, *real),
        Value::I64(whole) => (param.kind, param.i64) = (SERAPH_PARAM_I64, *whole),
        Value::Bool(truth) => (param.kind, param.i64) = (SERAPH_PARAM_BOOL, i64::from(*truth)),
        Value::Choice(index) => (param.kind, param.i64) = (SERAPH_PARAM_ENUM, i64::from(*index)),
        Value::Blob(blob) if blob.len == 0 => param.kind = SERAPH_PARAM_BLOB,
        Value::Blob(blob) => {
            let mapped = library::MappedFile::open(blob.fd, blob.len as usize)?;
            param.kind = SERAPH_PARAM_BLOB;
            param.data = mapped.as_ptr().cast::<c_void>();
            param.data_len = blob.len;
            blobs.push(mapped);
        }
    }
    Ok(param)
}

/// A row-major float32 tensor over borrowed memory.
fn tensor(data: *mut f32, shape: &[usize], flags: u32) -> seraph_tensor {
    let mut raw = seraph_tensor {
        data: data.cast(),
        byte_len: 4 * shape.iter().product::<usize>() as u64,
        byte_offset: 0,
        device_type: SERAPH_DEVICE_CPU,
        device_id: 0,
        dtype_code: SERAPH_DTYPE_FLOAT,
        dtype_bits: 32,
        dtype_lanes: 1,
        flags,
        rank: shape.len() as i32,
        reserved0: 0,
        shape: [0; SERAPH_MAX_RANK],
        stride: [0; SERAPH_MAX_RANK],
        reserved: [0; 2],
    };
    let mut stride = 1;
    for axis in (0..shape.len()).rev() {
        raw.shape[axis] = shape[axis] as i64;
        raw.stride[axis] = stride;
        stride *= shape[axis] as i64;
    }
    raw
}
