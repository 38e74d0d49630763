//! Lies within the rules of the channel: what it commits, asks and passes.

use crate::Scene;
use seraph_sys::*;
use std::sync::atomic::{AtomicBool, Ordering};

/// A row of `n` samples.
pub fn row(data: &mut [f32]) -> seraph_tensor {
    rows(data, 1)
}

fn rows(data: &mut [f32], n: usize) -> seraph_tensor {
    let width = (data.len() / n) as i64;
    seraph_tensor {
        data: data.as_mut_ptr().cast(),
        byte_len: 4 * data.len() as u64,
        byte_offset: 0,
        device_type: SERAPH_DEVICE_CPU,
        device_id: 0,
        dtype_code: SERAPH_DTYPE_FLOAT,
        dtype_bits: 32,
        dtype_lanes: 1,
        flags: 0,
        rank: 2,
        reserved0: 0,
        shape: [n as i64, width, 0, 0, 0, 0],
        stride: [width, 1, 0, 0, 0, 0],
        reserved: [0; 2],
    }
}

unsafe fn clean(scene: &Scene, item: usize) -> Vec<f32> {
    unsafe {
        let audio = &scene.task().audio;
        let n = audio.shape[1] as usize;
        std::slice::from_raw_parts(audio.data.cast::<f32>().add(item * n), n).to_vec()
    }
}

unsafe fn commit(scene: &Scene, item: u32, x: &mut [f32]) -> seraph_status {
    unsafe { (scene.oracle().commit)(scene.ctx, item, &row(x)) }
}

/// Commits the clean audio of every item.
pub unsafe fn behave(scene: &Scene) -> seraph_status {
    for item in 0..unsafe { scene.task().n_items } {
        let status = unsafe { commit(scene, item, &mut clean(scene, item as usize)) };
        if status != SERAPH_OK {
            return status;
        }
    }
    SERAPH_OK
}

/// Commits are free; time is not.
pub unsafe fn commit_forever(scene: &Scene) -> seraph_status {
    while unsafe { behave(scene) } == SERAPH_OK {}
    SERAPH_E_FAIL
}

unsafe fn commit_with(scene: &Scene, value: f32) -> seraph_status {
    unsafe {
        let mut x = clean(scene, 0);
        x[1] = value;
        commit(scene, 0, &mut x)
    }
}

pub unsafe fn commit_nan(scene: &Scene) -> seraph_status {
    unsafe { commit_with(scene, f32::NAN) }
}

pub unsafe fn commit_infinity(scene: &Scene) -> seraph_status {
    unsafe { commit_with(scene, f32::INFINITY) }
}

pub unsafe fn commit_then_nan(scene: &Scene) -> seraph_status {
    unsafe {
        behave(scene);
        commit_nan(scene)
    }
}

/// Two units in the last place beyond the ball: the judge's concern, so it must arrive as it is.
pub unsafe fn commit_outside(scene: &Scene) -> seraph_status {
    unsafe {
        let edge = clean(scene, 0)[1] + *scene.task().radius;
        commit_with(scene, f32::from_bits(edge.to_bits() + 2))
    }
}

pub unsafe fn commit_in_padding(scene: &Scene) -> seraph_status {
    unsafe {
        let mut x = clean(scene, 0);
        let last = x.len() - 1;
        x[last] = 0.9;
        commit(scene, 0, &mut x)
    }
}

unsafe fn ask_logits(scene: &Scene, x: &mut [f32]) -> seraph_status {
    unsafe {
        let mut logits = vec![0.0; scene.oracle().n_classes as usize];
        (scene.oracle().logits)(scene.ctx, &row(x), &0, 1, &mut row(&mut logits))
    }
}

pub unsafe fn query_nan(scene: &Scene) -> seraph_status {
    unsafe {
        let mut x = clean(scene, 0);
        x[0] = f32::NAN;
        ask_logits(scene, &mut x)
    }
}

/// Asks until it is refused; says how often it was answered.
pub unsafe fn overspend(scene: &Scene) -> seraph_status {
    let mut answered = 0;
    while unsafe { ask_logits(scene, &mut clean(scene, 0)) } == SERAPH_OK {
        answered += 1;
    }
    unsafe { scene.say(SERAPH_E_BUDGET, &answered.to_string()) }
}

pub unsafe fn ask_ungranted(scene: &Scene) -> seraph_status {
    unsafe {
        let mut x = clean(scene, 0);
        let (mut grad, mut value) = (x.clone(), 0.0);
        let loss = seraph_loss {
            struct_size: size_of::<seraph_loss>() as u32,
            kind: SERAPH_LOSS_CE,
            kappa: 0.0,
            reserved: 0,
            classes: std::ptr::null(),
            targets: std::ptr::null(),
            cotangent: std::ptr::null(),
        };
        let ask = scene.oracle().loss_grad;
        ask(scene.ctx, &row(&mut x), &0, 1, &loss, &mut value, &mut row(&mut grad), std::ptr::null_mut())
    }
}

pub unsafe fn forge_context(scene: &Scene) -> seraph_status {
    let mut fake = [0u64; 64];
    unsafe {
        let mut x = clean(scene, 0);
        let (null, fake) = (std::ptr::null_mut(), fake.as_mut_ptr().cast());
        let refused = [null, fake].map(|ctx| (scene.oracle().commit)(ctx, 0, &row(&mut x)) == SERAPH_E_ARG);
        scene.verdict(if refused == [true, true] { &[] } else { &["commit with a forged context"] })
    }
}

pub unsafe fn wrong_thread(scene: &Scene) -> seraph_status {
    unsafe {
        let mut x = clean(scene, 0);
        let (ctx, commit, tensor) = (scene.ctx as usize, scene.oracle().commit, row(&mut x));
        let tensor = &raw const tensor as usize;
        let other = std::thread::spawn(move || commit(ctx as *mut _, 0, tensor as *const _)).join();
        scene.verdict(if other.is_ok_and(|status| status == SERAPH_E_STATE) {
            &[]
        } else {
            &["another thread"]
        })
    }
}

/// Tensors that are not what they should be; each must be refused.
pub unsafe fn strange_tensors(scene: &Scene) -> seraph_status {
    unsafe {
        let mut x = clean(scene, 0);
        let good = row(&mut x);
        let mut bad = [good; 12];
        bad[0].data = std::ptr::null_mut();
        bad[1].byte_len -= 4;
        bad[2].byte_offset = 4;
        bad[3].byte_offset = u64::MAX;
        bad[4].dtype_bits = 64;
        bad[5].dtype_code = SERAPH_DTYPE_INT;
        bad[6].device_type = SERAPH_DEVICE_CUDA;
        bad[7].rank = 7;
        bad[8].rank = -1;
        bad[9].shape[1] = i64::MAX;
        bad[10].stride[1] = 2;
        bad[11].data = bad[11].data.cast::<u8>().wrapping_add(1).cast();
        let taken =
            bad.iter().filter(|bad| (scene.oracle().commit)(scene.ctx, 0, *bad) != SERAPH_E_ARG).count();
        let null = (scene.oracle().commit)(scene.ctx, 0, std::ptr::null()) != SERAPH_E_ARG;
        let item = (scene.oracle().commit)(scene.ctx, 99, &good) != SERAPH_E_ARG;
        scene.verdict(if taken == 0 && !null && !item { &[] } else { &["a strange tensor"] })
    }
}

/// Flips a sample of the region between a number and NaN while the host looks at it.
pub unsafe fn flip_while_asking(scene: &Scene) -> seraph_status {
    static STOP: AtomicBool = AtomicBool::new(false);
    let sample = unsafe {
        let write = libc::PROT_READ | libc::PROT_WRITE;
        let at = (seraph_wire::CONTROL_BYTES + seraph_wire::MAX_BODY_BYTES) as i64;
        libc::mmap(std::ptr::null_mut(), 4096, write, libc::MAP_SHARED, 3, at) as usize
    };
    let flipper = std::thread::spawn(move || {
        while !STOP.load(Ordering::Relaxed) {
            for value in [f32::NAN, 0.25] {
                unsafe { (sample as *mut f32).write_volatile(value) };
            }
        }
    });
    for _ in 0..300 {
        let status = unsafe { ask_logits(scene, &mut clean(scene, 0)) };
        if status != SERAPH_OK && status != SERAPH_E_NONFINITE {
            break;
        }
    }
    STOP.store(true, Ordering::Relaxed);
    let _ = flipper.join();
    SERAPH_OK
}
