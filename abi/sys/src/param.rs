//! Self-describing parameters and presets. Mirrors `seraph/param.h`.
#![allow(non_camel_case_types)] // the names of the headers

use crate::*;

use core::ffi::c_void;

pub const SERAPH_PARAM_F64: i32 = 1;
pub const SERAPH_PARAM_I64: i32 = 2;
pub const SERAPH_PARAM_BOOL: i32 = 3;
pub const SERAPH_PARAM_ENUM: i32 = 4;
pub const SERAPH_PARAM_BLOB: i32 = 5;
pub const SERAPH_PARAM_LOG_SCALE: u32 = 1;
pub const SERAPH_PARAM_AFFECTS_BUDGET: u32 = 2;
pub const SERAPH_PARAM_REQUIRED: u32 = 4;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct seraph_param_info {
    pub struct_size: u32,
    pub id: u32,
    pub kind: i32,
    pub flags: u32,
    pub name: seraph_str,
    pub unit: seraph_str,
    pub doc: seraph_str,
    pub min_value: f64,
    pub max_value: f64,
    pub default_value: f64,
    pub choices: *const seraph_str,
    pub n_choices: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct seraph_param {
    pub id: u32,
    pub kind: i32,
    pub f64: f64,
    pub i64: i64,
    pub data: *const c_void,
    pub data_len: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct seraph_preset {
    pub struct_size: u32,
    pub n_params: u32,
    pub name: seraph_str,
    pub doc: seraph_str,
    pub params: *const seraph_param,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct seraph_config {
    pub struct_size: u32,
    pub n_params: u32,
    pub params: *const seraph_param,
}
