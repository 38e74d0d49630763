//! From a list of types to a plugin: one ELF note per attack and victim, and the library's single symbol.

use std::ffi::{CStr, c_char, c_void};

use seraph_sys as sys;

use crate::attack::AttackEntry;
use crate::guard::guard_or;
use crate::victim::VictimEntry;
use crate::{Error, Host, attack, victim};

pub use crate::attack::attack_entry;
pub use crate::victim::victim_entry;

/// What a shared library holds; [`export_plugin!`](crate::export_plugin) implements it.
pub trait Library: Sized + 'static {
    /// Its attacks.
    const ATTACKS: &'static [AttackEntry];
    /// Its victims.
    const VICTIMS: &'static [VictimEntry];
    /// What its entry function returns.
    const PLUGIN: &'static sys::seraph_plugin = &sys::seraph_plugin {
        struct_size: size_of::<sys::seraph_plugin>() as u32,
        abi_major: sys::SERAPH_ABI_MAJOR,
        abi_minor: sys::SERAPH_ABI_MINOR,
        get_factory: get_factory::<Self>,
        shutdown,
    };
}

/// Exports attacks and victims from this crate, which must be a `cdylib`: the notes that the host reads before
/// any code runs, and the one symbol. A crate that is also an `rlib` can be linked beside no other plugin.
#[macro_export]
macro_rules! export_plugin {
    (attacks: [$($attack:ty),* $(,)?], victims: [$($victim:ty),* $(,)?] $(,)?) => {
        #[allow(unsafe_code)] // the attributes that place a note and name the symbol
        const _: () = {
            struct ThisLibrary;

            impl $crate::export::Library for ThisLibrary {
                const ATTACKS: &'static [$crate::export::AttackEntryAlias] =
                    &[$($crate::export::attack_entry::<$attack>()),*];
                const VICTIMS: &'static [$crate::export::VictimEntryAlias] =
                    &[$($crate::export::victim_entry::<$victim>()),*];
            }

            $(const _: () = {
                #[used]
                #[unsafe(link_section = ".note.seraph")]
                static NOTE: $crate::export::Note =
                    $crate::export::Note::attack(&<$attack as $crate::Attack>::INFO);
            };)*
            $(const _: () = {
                #[used]
                #[unsafe(link_section = ".note.seraph")]
                static NOTE: $crate::export::Note =
                    $crate::export::Note::victim(&<$victim as $crate::Victim>::INFO);
            };)*

            /// The library's entry point.
            ///
            /// # Safety
            /// `host` follows `seraph/host.h` and lives as long as the library.
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn seraph_plugin_entry_v1(
                host: *const $crate::export::RawHost,
            ) -> *const $crate::export::RawPlugin {
                // SAFETY: the caller's promise, passed on.
                unsafe { $crate::export::entry::<ThisLibrary>(host) }
            }
        };
    };
}

#[doc(hidden)]
pub type AttackEntryAlias = AttackEntry;
#[doc(hidden)]
pub type VictimEntryAlias = VictimEntry;
#[doc(hidden)]
pub type RawHost = sys::seraph_host;
#[doc(hidden)]
pub type RawPlugin = sys::seraph_plugin;

/// The body of the one symbol.
///
/// # Safety
/// `host` follows `seraph/host.h` and lives as long as the library.
pub unsafe fn entry<L: Library>(host: *const sys::seraph_host) -> *const sys::seraph_plugin {
    // SAFETY: the caller's promise, passed on.
    if unsafe { check_host(host) }.is_ok() { L::PLUGIN } else { std::ptr::null() }
}

/// A host that this SDK can talk to: not null, of this major, with every slot of minor 0.
///
/// # Safety
/// `host` is null or points to at least its `struct_size` bytes.
pub(crate) unsafe fn check_host(host: *const sys::seraph_host) -> Result<(), Error> {
    if host.is_null() {
        return Err(Error::argument("host is null"));
    }
    // SAFETY: the first eight bytes of a host never change their meaning.
    let (size, major) = unsafe { ((*host).struct_size as usize, (*host).abi_major) };
    if size < size_of::<sys::seraph_host>() || major != sys::SERAPH_ABI_MAJOR {
        return Err(crate::Status::Version.into());
    }
    Ok(())
}

/// The start of every `create`: the host checked, the id as text.
///
/// # Safety
/// The arguments are those of a factory's `create`.
pub(crate) unsafe fn open_create<'a>(
    host: *const sys::seraph_host,
    ctx: *mut sys::seraph_ctx,
    id: *const c_char,
) -> Result<(Host<'a>, &'a str), sys::seraph_status> {
    // SAFETY: the caller's promise, passed on.
    unsafe { check_host(host) }.map_err(|error| error.status().code())?;
    // SAFETY: checked above; the ctx belongs to this call.
    let host = unsafe { Host::new(host, ctx) };
    if id.is_null() {
        return Err(sys::SERAPH_E_ARG);
    }
    // SAFETY: non-null, and NUL-terminated by the header's contract.
    let id = unsafe { CStr::from_ptr(id) };
    Ok((host, id.to_str().map_err(|_| sys::SERAPH_E_ARG)?))
}

unsafe extern "C" fn get_factory<L: Library>(factory_id: *const c_char) -> *const c_void {
    guard_or(std::ptr::null(), || {
        if factory_id.is_null() {
            return std::ptr::null();
        }
        // SAFETY: non-null, and NUL-terminated by the header's contract.
        let id = unsafe { CStr::from_ptr(factory_id) }.to_bytes();
        if id == sys::SERAPH_FACTORY_ATTACK.as_bytes() && !L::ATTACKS.is_empty() {
            std::ptr::from_ref(attack::Factory::<L>::TABLE).cast()
        } else if id == sys::SERAPH_FACTORY_VICTIM.as_bytes() && !L::VICTIMS.is_empty() {
            std::ptr::from_ref(victim::Factory::<L>::TABLE).cast()
        } else {
            std::ptr::null()
        }
    })
}

unsafe extern "C" fn shutdown() {}

/// The static identity of an attack or victim, as an ELF note.
#[repr(transparent)]
pub struct Note(#[allow(dead_code)] sys::seraph_note); // read from the file, by the host

impl Note {
    /// The note of an attack.
    pub const fn attack(info: &crate::AttackInfo) -> Note {
        Note::new(sys::SERAPH_KIND_ATTACK, info.id, info.version)
    }

    /// The note of a victim.
    pub const fn victim(info: &crate::VictimInfo) -> Note {
        Note::new(sys::SERAPH_KIND_VICTIM, info.id, info.version)
    }

    const fn new(kind: u16, id: &str, version: &str) -> Note {
        assert!(is_id(id), "an id is lower case letters, digits and hyphens");
        Note(sys::seraph_note {
            namesz: 7,
            descsz: sys::SERAPH_NOTE_DESC_SIZE,
            note_type: sys::SERAPH_NOTE_TYPE,
            name: padded("SERAPH"),
            abi_major: sys::SERAPH_ABI_MAJOR,
            abi_minor_min: 0,
            abi_minor_built: sys::SERAPH_ABI_MINOR,
            kind,
            id: padded(id),
            version: padded(version),
        })
    }
}

const fn is_id(id: &str) -> bool {
    let bytes = id.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !(bytes[at].is_ascii_lowercase() || bytes[at].is_ascii_digit() || bytes[at] == b'-') {
            return false;
        }
        at += 1;
    }
    !bytes.is_empty()
}

/// `text`, padded with at least one NUL.
const fn padded<const N: usize>(text: &str) -> [c_char; N] {
    let bytes = text.as_bytes();
    assert!(bytes.len() < N, "too long for its field in the note");
    let mut field = [0; N];
    let mut at = 0;
    while at < bytes.len() {
        field[at] = bytes[at] as c_char;
        at += 1;
    }
    field
}
