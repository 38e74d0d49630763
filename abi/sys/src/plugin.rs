//! How a library says that it is a plugin. Mirrors `seraph/plugin.h`.
#![allow(non_camel_case_types)] // the names of the headers

use crate::*;

use core::ffi::{c_char, c_void};
pub const SERAPH_ENTRY_SYMBOL: &str = "seraph_plugin_entry_v1";
pub const SERAPH_KIND_ATTACK: u16 = 1;
pub const SERAPH_KIND_VICTIM: u16 = 2;
pub const SERAPH_NOTE_SECTION: &str = ".note.seraph";
pub const SERAPH_NOTE_TYPE: u32 = 0x53525048;
pub const SERAPH_NOTE_DESC_SIZE: u32 = 72;

pub type seraph_plugin_entry_fn = unsafe extern "C" fn(host: *const seraph_host) -> *const seraph_plugin;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct seraph_plugin {
    pub struct_size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub get_factory: unsafe extern "C" fn(factory_id: *const c_char) -> *const c_void,
    pub shutdown: unsafe extern "C" fn(),
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct seraph_note {
    pub namesz: u32,
    pub descsz: u32,
    pub note_type: u32,
    pub name: [c_char; 8],
    pub abi_major: u16,
    pub abi_minor_min: u16,
    pub abi_minor_built: u16,
    pub kind: u16,
    pub id: [c_char; 48],
    pub version: [c_char; 16],
}
