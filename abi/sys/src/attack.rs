//! A factory of attacks, and the task that an attack runs. Mirrors `seraph/attack.h`.
#![allow(non_camel_case_types)] // the names of the headers

use crate::*;

use core::ffi::c_char;
pub const SERAPH_NORM_LINF: u32 = 1;
pub const SERAPH_NORM_L2: u32 = 2;
pub const SERAPH_NORM_L1: u32 = 4;
pub const SERAPH_NORM_L0: u32 = 8;
pub const SERAPH_GOAL_UNTARGETED: u32 = 1;
pub const SERAPH_GOAL_TARGETED: u32 = 2;
pub const SERAPH_DOMAIN_WAVEFORM: i32 = 1;
pub const SERAPH_DOMAIN_FEATURES: i32 = 2;
pub const SERAPH_FACTORY_ATTACK: &str = "seraph.attack/1";

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct seraph_task {
    pub struct_size: u32,
    pub n_items: u32,
    pub audio: seraph_tensor,
    pub lengths: *const u32,
    pub reference: *const i32,
    pub target: *const i32,
    pub norm: u32,
    pub domain: i32,
    pub radius: *const f32,
    pub eps: f32,
    pub clip_lo: f32,
    pub clip_hi: f32,
    pub reserved: u32,
    pub seed: [u8; 32],
    pub oracle: *const seraph_oracle,
    pub streams: *const u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct seraph_attack_info {
    pub struct_size: u32,
    pub access_required: u32,
    pub access_optional: u32,
    pub norms: u32,
    pub goals: u32,
    pub max_items: u32,
    pub id: seraph_str,
    pub name: seraph_str,
    pub version: seraph_str,
    pub author: seraph_str,
    pub citation: seraph_str,
    pub license: seraph_str,
    pub doc: seraph_str,
    pub params: *const *const seraph_param_info,
    pub n_params: u64,
    pub presets: *const *const seraph_preset,
    pub n_presets: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct seraph_attack_factory {
    pub struct_size: u32,
    pub count: u32,
    pub info: unsafe extern "C" fn(index: u32) -> *const seraph_attack_info,
    pub create: unsafe extern "C" fn(
        host: *const seraph_host,
        ctx: *mut seraph_ctx,
        id: *const c_char,
        config: *const seraph_config,
        out: *mut *mut seraph_self,
    ) -> seraph_status,
    pub run: unsafe extern "C" fn(
        this: *mut seraph_self,
        ctx: *mut seraph_ctx,
        task: *const seraph_task,
    ) -> seraph_status,
    pub destroy: unsafe extern "C" fn(this: *mut seraph_self),
}
