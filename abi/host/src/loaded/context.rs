//! What a plugin reaches the host with: the host table, and the context behind `seraph_ctx`.

use super::oracle::Call;
use crate::supervise::{LOG_MARK, MAX_LOG_BYTES, PROGRESS_MARK, escape};
use crate::task::LogLine;
use seraph_sys::*;
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Instant;

const COOKIE: u64 = 0x5e7a_f00d_c0de_1eaf;
/// Messages per second, and how many may come at once.
const LOG_RATE: f64 = 200.0;
const PROGRESS_RATE: f64 = 10.0;
const MAX_ALIGN: u64 = 4096;

/// Behind `seraph_ctx`: one instance, and the call into it that is in progress.
pub(crate) struct Context {
    cookie: u64,
    error: Mutex<(i32, Vec<u8>)>,
    arena: Mutex<Arena>,
    log: LogSink,
    logged: Mutex<Bucket>,
    progressed: Mutex<Bucket>,
    cancel: *const AtomicU32,
    thread: Cell<ThreadId>,
    call: Cell<Option<Call>>,
}

/// Where log messages go.
pub(crate) enum LogSink {
    /// Marked lines on the worker's standard error, which the host reads.
    Stderr,
    /// In-process.
    Memory(Arc<Mutex<Vec<LogLine>>>),
}

impl Context {
    /// A context whose plugin may allocate `memory_bytes`. `cancel` lives as long as the context.
    pub fn new(log: LogSink, cancel: *const AtomicU32, memory_bytes: u64) -> Box<Self> {
        let mut context = Box::new(Self {
            cookie: 0,
            error: Mutex::new((SERAPH_OK, Vec::new())),
            arena: Mutex::new(Arena { blocks: Vec::new(), left: memory_bytes, limit: memory_bytes }),
            log,
            logged: Mutex::new(Bucket::new(LOG_RATE)),
            progressed: Mutex::new(Bucket::new(PROGRESS_RATE)),
            cancel,
            thread: Cell::new(std::thread::current().id()),
            call: Cell::new(None),
        });
        context.cookie = COOKIE ^ (&raw const *context) as u64;
        context
    }

    /// What the plugin gets.
    pub fn raw(&self) -> *mut seraph_ctx {
        (&raw const *self).cast_mut().cast()
    }

    /// Makes a call into the plugin: its arena and error are its own, its thread is the worker's.
    pub fn enter<R>(&self, oracle: Option<Call>, call: impl FnOnce() -> R) -> R {
        self.thread.set(std::thread::current().id());
        self.call.set(oracle);
        *lock(&self.error) = (SERAPH_OK, Vec::new());
        let result = call();
        self.call.set(None);
        lock(&self.arena).free();
        result
    }

    /// What the last call said through `set_error`.
    pub fn error_message(&self) -> String {
        String::from_utf8_lossy(&lock(&self.error).1).into_owned()
    }

    /// Says why an argument was refused, unless the plugin says something itself later.
    pub fn complain(&self, message: &str) {
        *lock(&self.error) = (SERAPH_E_ARG, message.as_bytes().to_vec());
    }

    /// Whether the calling thread may ask the oracle.
    pub fn on_worker_thread(&self) -> bool {
        self.thread.get() == std::thread::current().id()
    }

    /// Whether the task is cancelled.
    pub fn cancelled(&self) -> bool {
        // SAFETY: lives as long as the context, see `new`.
        unsafe { &*self.cancel }.load(Ordering::Acquire) != 0
    }

    /// The call in progress, if it may ask the oracle.
    pub fn call(&self) -> Option<Call> {
        self.call.get()
    }

    /// The context behind what a plugin passes, if it is one.
    ///
    /// # Safety
    /// `raw` is what [`raw`](Self::raw) gave and its context is alive, or it points to 8 readable bytes, or is null.
    pub unsafe fn of<'a>(raw: *mut seraph_ctx) -> Option<&'a Self> {
        let context = raw.cast::<Self>();
        if context.is_null() || !context.is_aligned() {
            return None;
        }
        // SAFETY: readable, by the caller's promise; the cookie is the context's address and a constant.
        let cookie = unsafe { (&raw const (*context).cookie).read() };
        // SAFETY: no other memory holds this number by accident.
        (cookie == COOKIE ^ context as u64).then(|| unsafe { &*context })
    }
}

/// The table that every plugin gets.
pub(crate) fn host_table() -> *const seraph_host {
    struct Table(seraph_host);
    // SAFETY: constants and functions; its strings are static.
    unsafe impl Sync for Table {}
    const fn text(text: &'static str) -> seraph_str {
        seraph_str { ptr: text.as_ptr().cast(), len: text.len() as u64 }
    }
    static TABLE: Table = Table(seraph_host {
        struct_size: size_of::<seraph_host>() as u32,
        abi_major: SERAPH_ABI_MAJOR,
        abi_minor: SERAPH_ABI_MINOR,
        name: text("seraph"),
        version: text(env!("CARGO_PKG_VERSION")),
        get_extension,
        log,
        set_error,
        progress,
        cancelled,
        alloc,
    });
    &raw const TABLE.0
}

unsafe extern "C" fn get_extension(_host: *const seraph_host, _id: *const c_char) -> *const c_void {
    std::ptr::null()
}

/// Before there is a context, in the entry, a plugin may log with none.
unsafe extern "C" fn log(ctx: *mut seraph_ctx, level: i32, utf8: *const c_char, len: u64) {
    // SAFETY: the contract of the slot.
    let (context, message) = unsafe { (Context::of(ctx), message(utf8, len)) };
    let level = level.clamp(SERAPH_LOG_DEBUG, SERAPH_LOG_HOST_MISBEHAVING);
    match context {
        Some(context) if !lock(&context.logged).take() => {}
        Some(Context { log: LogSink::Memory(lines), .. }) => {
            lock(lines).push(LogLine { level, text: escape(message) });
        }
        _ => {
            let text = escape(message);
            write_line(&[&[LOG_MARK, b'0' + level as u8, b' '], text.as_bytes()]);
        }
    }
}

unsafe extern "C" fn set_error(ctx: *mut seraph_ctx, status: seraph_status, utf8: *const c_char, len: u64) {
    // SAFETY: the contract of the slot.
    let (context, message) = unsafe { (Context::of(ctx), message(utf8, len)) };
    if let Some(context) = context {
        *lock(&context.error) = (status, message.to_vec());
    }
}

unsafe extern "C" fn progress(ctx: *mut seraph_ctx, item: u32, step: u64, steps: u64, loss: f64) {
    // SAFETY: the contract of the slot.
    let Some(context) = (unsafe { Context::of(ctx) }) else { return };
    if matches!(context.log, LogSink::Stderr) && lock(&context.progressed).take() {
        write_line(&[&[PROGRESS_MARK], format!("{item} {step} {steps} {loss}").as_bytes()]);
    }
}

unsafe extern "C" fn cancelled(ctx: *mut seraph_ctx) -> i32 {
    // SAFETY: the contract of the slot.
    i32::from(unsafe { Context::of(ctx) }.is_none_or(Context::cancelled))
}

unsafe extern "C" fn alloc(ctx: *mut seraph_ctx, bytes: u64, align: u64) -> *mut c_void {
    // SAFETY: the contract of the slot.
    match unsafe { Context::of(ctx) } {
        Some(context) if context.on_worker_thread() => lock(&context.arena).alloc(bytes, align),
        _ => std::ptr::null_mut(),
    }
}

/// # Safety
/// `utf8` is null or points to `len` readable bytes that outlive the call.
unsafe fn message<'a>(utf8: *const c_char, len: u64) -> &'a [u8] {
    if utf8.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise, for fewer bytes.
    unsafe { std::slice::from_raw_parts(utf8.cast(), len.min(MAX_LOG_BYTES as u64) as usize) }
}

/// One write, so that lines of several threads do not mix. A full or closed pipe is not the plugin's concern.
fn write_line(parts: &[&[u8]]) {
    let mut line = parts.concat();
    line.push(b'\n');
    let _ = std::io::stderr().write_all(&line);
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Memory of the call in progress.
struct Arena {
    blocks: Vec<(*mut u8, Layout)>,
    left: u64,
    limit: u64,
}

impl Arena {
    fn alloc(&mut self, bytes: u64, align: u64) -> *mut c_void {
        let fits = align.is_power_of_two() && align <= MAX_ALIGN && bytes > 0 && bytes <= self.left;
        let layout = Layout::from_size_align(bytes as usize, align as usize);
        let (true, Ok(layout)) = (fits, layout) else { return std::ptr::null_mut() };
        // SAFETY: the layout is of at least one byte.
        let block = unsafe { alloc_zeroed(layout) };
        if !block.is_null() {
            self.left -= bytes;
            self.blocks.push((block, layout));
        }
        block.cast()
    }

    fn free(&mut self) {
        for (block, layout) in self.blocks.drain(..) {
            // SAFETY: allocated above with this layout; the call that it was for has returned.
            unsafe { dealloc(block, layout) };
        }
        self.left = self.limit;
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        self.free();
    }
}

/// A token bucket: `rate` per second, as many at once.
struct Bucket {
    rate: f64,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn new(rate: f64) -> Self {
        Self { rate, tokens: rate, filled: Instant::now() }
    }

    fn take(&mut self) -> bool {
        let now = Instant::now();
        self.tokens = (self.tokens + self.rate * (now - self.filled).as_secs_f64()).min(self.rate);
        self.filled = now;
        let there = self.tokens >= 1.0;
        if there {
            self.tokens -= 1.0;
        }
        there
    }
}
