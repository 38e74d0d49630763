//! What the host offers a plugin at any time. Mirrors `seraph/host.h`.
#![allow(non_camel_case_types)] // the names of the headers

use crate::*;

use core::ffi::{c_char, c_void};
use core::marker::PhantomData;
pub const SERAPH_LOG_DEBUG: i32 = 0;
pub const SERAPH_LOG_INFO: i32 = 1;
pub const SERAPH_LOG_WARN: i32 = 2;
pub const SERAPH_LOG_ERROR: i32 = 3;
pub const SERAPH_LOG_HOST_MISBEHAVING: i32 = 4;

#[repr(C)]
pub struct seraph_ctx {
    _opaque: [u8; 0],
    _not_send: PhantomData<*mut u8>,
}

#[repr(C)]
pub struct seraph_self {
    _opaque: [u8; 0],
    _not_send: PhantomData<*mut u8>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct seraph_host {
    pub struct_size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub name: seraph_str,
    pub version: seraph_str,
    pub get_extension: unsafe extern "C" fn(host: *const seraph_host, id: *const c_char) -> *const c_void,
    pub log: unsafe extern "C" fn(ctx: *mut seraph_ctx, level: i32, utf8: *const c_char, len: u64),
    pub set_error:
        unsafe extern "C" fn(ctx: *mut seraph_ctx, status: seraph_status, utf8: *const c_char, len: u64),
    pub progress: unsafe extern "C" fn(ctx: *mut seraph_ctx, item: u32, step: u64, steps: u64, loss: f64),
    pub cancelled: unsafe extern "C" fn(ctx: *mut seraph_ctx) -> i32,
    pub alloc: unsafe extern "C" fn(ctx: *mut seraph_ctx, bytes: u64, align: u64) -> *mut c_void,
}
