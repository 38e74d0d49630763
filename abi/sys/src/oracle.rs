//! What an attack may ask the victim. Mirrors `seraph/oracle.h`.
#![allow(non_camel_case_types)] // the names of the headers

use crate::*;

pub const SERAPH_ACCESS_DECISION: u32 = 1;
pub const SERAPH_ACCESS_LOGITS: u32 = 2;
pub const SERAPH_ACCESS_GRADIENT: u32 = 4;
pub const SERAPH_LOSS_CE: i32 = 0;
pub const SERAPH_LOSS_MARGIN: i32 = 1;
pub const SERAPH_LOSS_DLR: i32 = 2;
pub const SERAPH_LOSS_DLR_TARGETED: i32 = 3;
pub const SERAPH_LOSS_VJP: i32 = 4;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct seraph_loss {
    pub struct_size: u32,
    pub kind: i32,
    pub kappa: f32,
    pub reserved: u32,
    pub classes: *const i32,
    pub targets: *const i32,
    pub cotangent: *const f32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct seraph_budget {
    pub struct_size: u32,
    pub reserved: u32,
    pub forward_left: u64,
    pub forward_used: u64,
    pub gradient_left: u64,
    pub gradient_used: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct seraph_oracle {
    pub struct_size: u32,
    pub access: u32,
    pub n_classes: u32,
    pub sample_rate_hz: u32,
    pub max_rows: u32,
    pub reserved: u32,
    pub decision: unsafe extern "C" fn(
        ctx: *mut seraph_ctx,
        x: *const seraph_tensor,
        items: *const u32,
        n: u32,
        out_class: *mut i32,
    ) -> seraph_status,
    pub logits: unsafe extern "C" fn(
        ctx: *mut seraph_ctx,
        x: *const seraph_tensor,
        items: *const u32,
        n: u32,
        out_logits: *mut seraph_tensor,
    ) -> seraph_status,
    pub loss_grad: unsafe extern "C" fn(
        ctx: *mut seraph_ctx,
        x: *const seraph_tensor,
        items: *const u32,
        n: u32,
        loss: *const seraph_loss,
        out_loss: *mut f32,
        out_grad: *mut seraph_tensor,
        out_logits: *mut seraph_tensor,
    ) -> seraph_status,
    pub budget:
        unsafe extern "C" fn(ctx: *mut seraph_ctx, item: u32, out: *mut seraph_budget) -> seraph_status,
    pub commit:
        unsafe extern "C" fn(ctx: *mut seraph_ctx, item: u32, x: *const seraph_tensor) -> seraph_status,
}
