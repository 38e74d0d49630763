//! A loaded library: its one symbol, its table, its factories.

use super::context::host_table;
use seraph_sys::*;
use std::ffi::{CString, c_void};
use std::os::fd::BorrowedFd;
use std::path::Path;

/// Tables larger than this are damaged; smaller than their first version, too.
const MAX_TABLE_BYTES: u32 = 4096;

/// A library that stays loaded: thread-local destructors of Rust and C++ make unloading unsound, and the worker's
/// end unloads it anyway.
pub(crate) struct Library {
    plugin: &'static seraph_plugin,
}

impl Library {
    /// Loads a library, which runs its constructors, and calls its entry.
    pub fn open(path: &Path) -> Result<Self, String> {
        let flags = libloading::os::unix::RTLD_NOW | libloading::os::unix::RTLD_LOCAL;
        // SAFETY: runs foreign code, which is what this process is for.
        let library = unsafe { libloading::os::unix::Library::open(Some(path), flags) }.map_err(plain)?;
        // SAFETY: a symbol of this name has this type, by the contract that the library's notes claim.
        let entry = unsafe { library.get::<seraph_plugin_entry_fn>(SERAPH_ENTRY_SYMBOL.as_bytes()) }
            .map_err(plain)?;
        // SAFETY: the contract of `seraph_plugin_entry_fn`; the table lives as long as the process.
        let plugin = unsafe { entry(host_table()) };
        std::mem::forget(library);
        let plugin = table(plugin.cast(), "its plugin table", size_of::<seraph_plugin>(), 8)?;
        // SAFETY: `table` checked that it is there, aligned, large enough and without empty slots.
        let plugin = unsafe { &*plugin.cast::<seraph_plugin>() };
        if plugin.abi_major != SERAPH_ABI_MAJOR {
            return Err(format!(
                "its entry speaks ABI {}, its note said {SERAPH_ABI_MAJOR}",
                plugin.abi_major
            ));
        }
        Ok(Self { plugin })
    }

    /// The factory of attacks, if it has one.
    pub fn attacks(&self) -> Result<Option<&'static seraph_attack_factory>, String> {
        let size = size_of::<seraph_attack_factory>();
        let found = self.factory(SERAPH_FACTORY_ATTACK, "its factory of attacks", size)?;
        // SAFETY: as in `open`.
        Ok(found.map(|found| unsafe { &*found.cast::<seraph_attack_factory>() }))
    }

    /// The factory of victims, if it has one.
    pub fn victims(&self) -> Result<Option<&'static seraph_victim_factory>, String> {
        let size = size_of::<seraph_victim_factory>();
        let found = self.factory(SERAPH_FACTORY_VICTIM, "its factory of victims", size)?;
        // SAFETY: as in `open`.
        Ok(found.map(|found| unsafe { &*found.cast::<seraph_victim_factory>() }))
    }

    /// Tells the library that the worker ends.
    pub fn shut_down(&self) {
        // SAFETY: checked slot; called once, last.
        unsafe { (self.plugin.shutdown)() }
    }

    fn factory(&self, id: &str, what: &str, size: usize) -> Result<Option<*const c_void>, String> {
        let id = CString::new(id).expect("ids of factories have no NUL");
        // SAFETY: checked slot; the id lives through the call.
        let found = unsafe { (self.plugin.get_factory)(id.as_ptr()) };
        if found.is_null() { Ok(None) } else { table(found, what, size, 8).map(Some) }
    }
}

/// A table of the plugin's: there, aligned, at least as large as its first version, no slot empty.
fn table(found: *const c_void, what: &str, size: usize, first_slot: usize) -> Result<*const c_void, String> {
    if found.is_null() {
        return Err(format!("{what} is NULL"));
    }
    if !found.cast::<u64>().is_aligned() {
        return Err(format!("{what} is not aligned"));
    }
    // SAFETY: every table begins with its size; it is there and aligned (above).
    let struct_size = unsafe { *found.cast::<u32>() };
    if (struct_size as usize) < size || struct_size > MAX_TABLE_BYTES {
        return Err(format!("{what} says it has {struct_size} bytes, version 1 has {size}"));
    }
    // SAFETY: the first version's bytes are there (above); slots are pointers from `first_slot` to its end.
    let slots = unsafe {
        std::slice::from_raw_parts(found.byte_add(first_slot).cast::<usize>(), (size - first_slot) / 8)
    };
    match slots.iter().position(|&slot| slot == 0) {
        Some(empty) => Err(format!("slot {empty} of {what} is NULL")),
        None => Ok(found),
    }
}

/// The loader's own words, without the path of the memory file.
fn plain(error: libloading::Error) -> String {
    use std::error::Error;
    let mut text = error.to_string();
    if let Some(source) = error.source() {
        text = format!("{text}: {source}");
    }
    text.replace("/proc/self/fd/7: ", "")
}

/// A memory file, mapped for reading.
pub(crate) struct MappedFile {
    start: *mut c_void,
    len: usize,
}

// SAFETY: read-only memory that belongs to this value alone.
unsafe impl Send for MappedFile {}

impl MappedFile {
    /// Maps `len` bytes of a descriptor of this process.
    pub fn open(fd: i32, len: usize) -> std::io::Result<Self> {
        use rustix::mm::{MapFlags, ProtFlags, mmap};
        if len == 0 {
            return Ok(Self { start: std::ptr::null_mut(), len });
        }
        // SAFETY: the descriptor stays open through the call: the host made it for this, or owns it.
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        // SAFETY: a new mapping at an address of the kernel's choice; the file is sealed, so it cannot change.
        let start = unsafe { mmap(std::ptr::null_mut(), len, ProtFlags::READ, MapFlags::PRIVATE, fd, 0)? };
        Ok(Self { start, len })
    }

    /// Of the first byte; null if there is none.
    pub fn as_ptr(&self) -> *const u8 {
        self.start.cast()
    }
}

impl Drop for MappedFile {
    fn drop(&mut self) {
        if self.len > 0 {
            // SAFETY: mapped by `open`; the instance that read it is gone.
            let _ = unsafe { rustix::mm::munmap(self.start, self.len) };
        }
    }
}
