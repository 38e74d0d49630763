//! Version, status codes, strings and tensor views. Mirrors `seraph/base.h`.
#![allow(non_camel_case_types)] // the names of the headers

use core::ffi::{c_char, c_void};
pub const SERAPH_ABI_MAJOR: u16 = 1;
pub const SERAPH_ABI_MINOR: u16 = 0;
pub const SERAPH_OK: seraph_status = 0;
pub const SERAPH_E_FAIL: seraph_status = -1;
pub const SERAPH_E_ARG: seraph_status = -2;
pub const SERAPH_E_NOMEM: seraph_status = -3;
pub const SERAPH_E_UNSUPPORTED: seraph_status = -4;
pub const SERAPH_E_DENIED: seraph_status = -5;
pub const SERAPH_E_BUDGET: seraph_status = -6;
pub const SERAPH_E_CANCELLED: seraph_status = -7;
pub const SERAPH_E_NONFINITE: seraph_status = -8;
pub const SERAPH_E_STATE: seraph_status = -9;
pub const SERAPH_E_VERSION: seraph_status = -10;
pub const SERAPH_E_MODEL: seraph_status = -11;
pub const SERAPH_MAX_RANK: usize = 6;
pub const SERAPH_DEVICE_CPU: i32 = 1;
pub const SERAPH_DEVICE_CUDA: i32 = 2;
pub const SERAPH_DTYPE_INT: u8 = 0;
pub const SERAPH_DTYPE_UINT: u8 = 1;
pub const SERAPH_DTYPE_FLOAT: u8 = 2;
pub const SERAPH_DTYPE_BFLOAT: u8 = 4;
pub const SERAPH_TENSOR_READONLY: u32 = 1;

pub type seraph_status = i32;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct seraph_str {
    pub ptr: *const c_char,
    pub len: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct seraph_tensor {
    pub data: *mut c_void,
    pub byte_len: u64,
    pub byte_offset: u64,
    pub device_type: i32,
    pub device_id: i32,
    pub dtype_code: u8,
    pub dtype_bits: u8,
    pub dtype_lanes: u16,
    pub flags: u32,
    pub rank: i32,
    pub reserved0: u32,
    pub shape: [i64; SERAPH_MAX_RANK],
    pub stride: [i64; SERAPH_MAX_RANK],
    pub reserved: [u64; 2],
}
