//! A factory of victims. Mirrors `seraph/victim.h`.
#![allow(non_camel_case_types)] // the names of the headers

use crate::*;

use core::ffi::c_char;
pub const SERAPH_FACTORY_VICTIM: &str = "seraph.victim/1";

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct seraph_victim_info {
    pub struct_size: u32,
    pub reserved: u32,
    pub id: seraph_str,
    pub name: seraph_str,
    pub version: seraph_str,
    pub author: seraph_str,
    pub license: seraph_str,
    pub doc: seraph_str,
    pub params: *const *const seraph_param_info,
    pub n_params: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct seraph_victim_desc {
    pub struct_size: u32,
    pub access: u32,
    pub n_classes: u32,
    pub sample_rate_hz: u32,
    pub n_samples: u64,
    pub max_rows: u32,
    pub domain: i32,
    pub arch: seraph_str,
    pub classes: *const seraph_str,
    pub gradient_note: seraph_str,
    pub device: seraph_str,
    pub runtime: seraph_str,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct seraph_victim_factory {
    pub struct_size: u32,
    pub count: u32,
    pub info: unsafe extern "C" fn(index: u32) -> *const seraph_victim_info,
    pub create: unsafe extern "C" fn(
        host: *const seraph_host,
        ctx: *mut seraph_ctx,
        id: *const c_char,
        config: *const seraph_config,
        out: *mut *mut seraph_self,
    ) -> seraph_status,
    pub describe: unsafe extern "C" fn(
        this: *mut seraph_self,
        ctx: *mut seraph_ctx,
        out: *mut seraph_victim_desc,
    ) -> seraph_status,
    pub logits: unsafe extern "C" fn(
        this: *mut seraph_self,
        ctx: *mut seraph_ctx,
        x: *const seraph_tensor,
        out_logits: *mut seraph_tensor,
    ) -> seraph_status,
    pub loss_grad: unsafe extern "C" fn(
        this: *mut seraph_self,
        ctx: *mut seraph_ctx,
        x: *const seraph_tensor,
        loss: *const seraph_loss,
        out_loss: *mut f32,
        out_grad: *mut seraph_tensor,
        out_logits: *mut seraph_tensor,
    ) -> seraph_status,
    pub destroy: unsafe extern "C" fn(this: *mut seraph_self),
}
