//! An attack that attacks its host. Each mode is one misdeed; what became of it is told by the tests.
//!
//! | file | misdeeds |
//! |---|---|
//! | `die` | ends its process |
//! | `consume` | takes more time, memory, threads, output than it may |
//! | `escape` | reaches for files, sockets, processes, the host's memory |
//! | `forge` | writes false messages into its channel |
//! | `cheat` | lies within the rules of the channel |
// Every block here breaks a contract on purpose; a safety comment on each would be a lie.
#![allow(clippy::undocumented_unsafe_blocks, clippy::missing_safety_doc)]

mod cheat;
mod consume;
mod die;
mod escape;
mod forge;

use seraph_sys::*;
use std::ffi::{CStr, c_char, c_void};
use std::sync::OnceLock;

/// A misdeed: gets the task, gives the status that `run` returns.
pub type Misdeed = unsafe fn(&Scene) -> seraph_status;

/// Every mode, by name. An enum parameter of the attack, so that the tests can list them.
pub const MODES: &[(&str, Misdeed)] = &[
    ("behave", cheat::behave),
    // die
    ("null-write", die::null_write),
    ("abort", die::abort),
    ("stack-overflow", die::stack_overflow),
    ("jump-nowhere", die::jump_nowhere),
    ("write-task", die::write_task),
    ("past-region", die::past_region),
    ("exit-0", die::exit_0),
    ("raw-exit-0", die::raw_exit_0),
    ("exit-after-commit", die::exit_after_commit),
    ("foreign-syscall", die::foreign_syscall),
    // consume
    ("spin", consume::spin),
    ("sleep", consume::sleep),
    ("stop-itself", consume::stop_itself),
    ("ignore-cancel", consume::sleep),
    ("spin-threads", consume::spin_threads),
    ("memory-bomb", consume::memory_bomb),
    ("thread-bomb", consume::thread_bomb),
    ("commit-forever", cheat::commit_forever),
    ("fork-bomb", consume::fork_bomb),
    ("print-flood", consume::print_flood),
    ("log-flood", consume::log_flood),
    // escape
    ("open-files", escape::open_files),
    ("change-files", escape::change_files),
    ("open-sockets", escape::open_sockets),
    ("run-programs", escape::run_programs),
    ("reach-host", escape::reach_host),
    ("raise-rights", escape::raise_rights),
    ("kernel-surface", escape::kernel_surface),
    ("break-seals", escape::break_seals),
    ("list-descriptors", escape::list_descriptors),
    // forge
    ("forge-done", forge::done),
    ("forge-victim-answer", forge::victim_answer),
    ("stale-sequence", forge::stale_sequence),
    ("future-sequence", forge::future_sequence),
    ("huge-span", forge::huge_span),
    ("huge-body", forge::huge_body),
    ("huge-count", forge::huge_count),
    ("unknown-opcode", forge::unknown_opcode),
    ("garbage-header", forge::garbage_header),
    ("ring-for-nothing", forge::ring_for_nothing),
    ("fill-bells", forge::fill_bells),
    // cheat
    ("commit-nan", cheat::commit_nan),
    ("commit-infinity", cheat::commit_infinity),
    ("commit-then-nan", cheat::commit_then_nan),
    ("commit-outside", cheat::commit_outside),
    ("commit-in-padding", cheat::commit_in_padding),
    ("query-nan", cheat::query_nan),
    ("overspend", cheat::overspend),
    ("ask-ungranted", cheat::ask_ungranted),
    ("forge-context", cheat::forge_context),
    ("wrong-thread", cheat::wrong_thread),
    ("strange-tensors", cheat::strange_tensors),
    ("flip-while-asking", cheat::flip_while_asking),
];

/// What a misdeed has at hand.
pub struct Scene {
    ctx: *mut seraph_ctx,
    task: *const seraph_task,
    host_pid: i32,
}

impl Scene {
    unsafe fn task(&self) -> &seraph_task {
        unsafe { &*self.task }
    }

    unsafe fn oracle(&self) -> &seraph_oracle {
        unsafe { &*(*self.task).oracle }
    }

    /// Ends the call with words for the test.
    unsafe fn say(&self, status: seraph_status, words: &str) -> seraph_status {
        unsafe { (host().set_error)(self.ctx, status, words.as_ptr().cast(), words.len() as u64) };
        status
    }

    /// `SERAPH_OK` if nothing succeeded that must not, else a failure that names what did.
    unsafe fn verdict(&self, succeeded: &[&str]) -> seraph_status {
        if succeeded.is_empty() {
            SERAPH_OK
        } else {
            unsafe { self.say(SERAPH_E_FAIL, &succeeded.join(", ")) }
        }
    }
}

struct Host(*const seraph_host);
unsafe impl Send for Host {}
unsafe impl Sync for Host {}
static HOST: OnceLock<Host> = OnceLock::new();

pub(crate) unsafe fn host() -> &'static seraph_host {
    unsafe { &*HOST.get().expect("the entry was called").0 }
}

// ---- the plugin's tables --------------------------------------------------------------------------------

const fn text(text: &'static str) -> seraph_str {
    seraph_str { ptr: text.as_ptr().cast(), len: text.len() as u64 }
}

struct Shared<T>(T);
unsafe impl<T> Sync for Shared<T> {}

const MODE: u32 = 1;
const HOST_PID: u32 = 2;
const IN_CREATE: u32 = 3;

const fn parameter(id: u32, kind: i32, name: &'static str, max: f64) -> seraph_param_info {
    seraph_param_info {
        struct_size: size_of::<seraph_param_info>() as u32,
        id,
        kind,
        flags: 0,
        name: text(name),
        unit: text(""),
        doc: text("for the tests"),
        min_value: 0.0,
        max_value: max,
        default_value: 0.0,
        choices: std::ptr::null(),
        n_choices: 0,
    }
}

static CHOICES: Shared<[seraph_str; MODES.len()]> = Shared({
    let mut names = [text(""); MODES.len()];
    let mut at = 0;
    while at < MODES.len() {
        names[at] = text(MODES[at].0);
        at += 1;
    }
    names
});
static MODE_INFO: Shared<seraph_param_info> = Shared(seraph_param_info {
    choices: CHOICES.0.as_ptr(),
    n_choices: MODES.len() as u64,
    ..parameter(MODE, SERAPH_PARAM_ENUM, "mode", 0.0)
});
static HOST_PID_INFO: Shared<seraph_param_info> =
    Shared(parameter(HOST_PID, SERAPH_PARAM_I64, "host_pid", 1e9));
static IN_CREATE_INFO: Shared<seraph_param_info> =
    Shared(parameter(IN_CREATE, SERAPH_PARAM_BOOL, "in_create", 1.0));
static PARAMS: Shared<[*const seraph_param_info; 3]> =
    Shared([&raw const MODE_INFO.0, &raw const HOST_PID_INFO.0, &raw const IN_CREATE_INFO.0]);

static INFO: Shared<seraph_attack_info> = Shared(seraph_attack_info {
    struct_size: size_of::<seraph_attack_info>() as u32,
    access_required: 0,
    access_optional: SERAPH_ACCESS_LOGITS | SERAPH_ACCESS_DECISION | SERAPH_ACCESS_GRADIENT,
    norms: SERAPH_NORM_LINF,
    goals: SERAPH_GOAL_UNTARGETED,
    max_items: 0,
    id: text("hostile"),
    name: text("Attack on the host"),
    version: text("1.0.0"),
    author: text("the tests"),
    citation: text(""),
    license: text("MIT"),
    doc: text("Each mode is one misdeed."),
    params: PARAMS.0.as_ptr(),
    n_params: 3,
    presets: std::ptr::null(),
    n_presets: 0,
});

struct Instance {
    mode: usize,
    host_pid: i32,
}

unsafe extern "C" fn info(_index: u32) -> *const seraph_attack_info {
    &raw const INFO.0
}

unsafe extern "C" fn create(
    _host: *const seraph_host,
    ctx: *mut seraph_ctx,
    _id: *const c_char,
    config: *const seraph_config,
    out: *mut *mut seraph_self,
) -> seraph_status {
    unsafe {
        let params = std::slice::from_raw_parts((*config).params, (*config).n_params as usize);
        let value = |id: u32| params.iter().find(|param| param.id == id).map_or(0, |param| param.i64);
        let instance = Instance { mode: value(MODE) as usize, host_pid: value(HOST_PID) as i32 };
        if value(IN_CREATE) != 0 {
            let scene = Scene { ctx, task: std::ptr::null(), host_pid: instance.host_pid };
            return (MODES[instance.mode].1)(&scene);
        }
        *out = Box::into_raw(Box::new(instance)).cast();
        SERAPH_OK
    }
}

unsafe extern "C" fn run(
    this: *mut seraph_self,
    ctx: *mut seraph_ctx,
    task: *const seraph_task,
) -> seraph_status {
    unsafe {
        let instance = &*this.cast::<Instance>();
        (MODES[instance.mode].1)(&Scene { ctx, task, host_pid: instance.host_pid })
    }
}

unsafe extern "C" fn destroy(this: *mut seraph_self) {
    drop(unsafe { Box::from_raw(this.cast::<Instance>()) });
}

static FACTORY: Shared<seraph_attack_factory> = Shared(seraph_attack_factory {
    struct_size: size_of::<seraph_attack_factory>() as u32,
    count: 1,
    info,
    create,
    run,
    destroy,
});

unsafe extern "C" fn get_factory(id: *const c_char) -> *const c_void {
    let id = unsafe { CStr::from_ptr(id) };
    if id.to_bytes() == SERAPH_FACTORY_ATTACK.as_bytes() {
        (&raw const FACTORY.0).cast()
    } else {
        std::ptr::null()
    }
}

unsafe extern "C" fn shutdown() {}

static PLUGIN: Shared<seraph_plugin> = Shared(seraph_plugin {
    struct_size: size_of::<seraph_plugin>() as u32,
    abi_major: SERAPH_ABI_MAJOR,
    abi_minor: SERAPH_ABI_MINOR,
    get_factory,
    shutdown,
});

/// The one symbol.
///
/// # Safety
/// As in `seraph/plugin.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn seraph_plugin_entry_v1(host: *const seraph_host) -> *const seraph_plugin {
    let _ = HOST.set(Host(host));
    &raw const PLUGIN.0
}

const fn padded<const N: usize>(text: &str) -> [c_char; N] {
    let mut out = [0; N];
    let mut at = 0;
    while at < text.len() {
        out[at] = text.as_bytes()[at] as c_char;
        at += 1;
    }
    out
}

#[used]
#[unsafe(link_section = ".note.seraph")]
static NOTE: seraph_note = seraph_note {
    namesz: 7,
    descsz: SERAPH_NOTE_DESC_SIZE,
    note_type: SERAPH_NOTE_TYPE,
    name: padded("SERAPH"),
    abi_major: SERAPH_ABI_MAJOR,
    abi_minor_min: 0,
    abi_minor_built: SERAPH_ABI_MINOR,
    kind: SERAPH_KIND_ATTACK,
    id: padded("hostile"),
    version: padded("1.0.0"),
};

/// Runs before the entry, when the library is loaded: what the environment asks for.
#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = {
    extern "C" fn construct() {
        unsafe { die::in_constructor() }
    }
    construct
};
