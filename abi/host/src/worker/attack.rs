//! A worker that runs one attack: its questions go to the host.

use super::link::Link;
use crate::loaded::{Attack, Library, Oracle};
use crate::victim::{Loss, LossGradOut};
use seraph_sys::{SERAPH_E_STATE, SERAPH_OK};
use seraph_wire::{Area, Ask, Asked, BudgetState, Down, Ended, Replied, Span, Start, Up};

/// Creates the attack, then runs tasks until the host has had enough.
pub fn serve(link: &mut Link, library: &Library, start: &Start) -> Result<(), String> {
    let mut attack = match Attack::create(library, &start.id, &start.config, super::context(link, start)) {
        Ok(attack) => attack,
        Err(why) => return link.send(&why.into()),
    };
    link.send(&Up::Created(Ended { status: SERAPH_OK, message: String::new() }))?;
    loop {
        let task = match link.receive()? {
            Down::Run(task) => task,
            Down::Quit(_) => return Ok(()),
            _ => return Err("a message that belongs to another time".to_owned()),
        };
        let n_numbers = task.n_items as usize * task.n_samples as usize;
        let audio = link.numbers(Area::Task, task.audio, n_numbers)?;
        let ended = attack.run(&task, audio, &mut Remote { link, n_classes: task.n_classes as usize });
        link.send(&Up::Done(ended))?;
    }
}

/// Asks the host.
struct Remote<'l> {
    link: &'l mut Link,
    n_classes: usize,
}

impl Remote<'_> {
    /// A channel that breaks ends the worker: nobody is left to report to.
    fn ask(&mut self, ask: Ask, x: &[f32], items: &[u32], loss: Option<Loss>) -> Replied {
        self.exchange(ask, x, items, loss).unwrap_or_else(|error| {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "{error}");
            std::process::exit(71)
        })
    }

    fn exchange(
        &mut self,
        ask: Ask,
        x: &[f32],
        items: &[u32],
        loss: Option<Loss>,
    ) -> Result<Replied, String> {
        let rows = if x.is_empty() {
            Span::default()
        } else {
            // SAFETY: the only room in use.
            let (span, room) = unsafe { self.link.room(0, x.len()) }?;
            room.copy_from_slice(x);
            span
        };
        self.link.send(&Up::Asked(Asked { ask, items: items.to_vec(), rows, loss }))?;
        match self.link.receive()? {
            Down::Replied(reply) => Ok(reply),
            _ => Err("a message that belongs to another time".to_owned()),
        }
    }

    fn copy(&self, span: Span, out: &mut [f32]) -> i32 {
        match self.link.numbers(Area::Talk, span, out.len()) {
            Ok(numbers) => {
                out.copy_from_slice(numbers);
                SERAPH_OK
            }
            Err(_) => SERAPH_E_STATE,
        }
    }
}

impl Oracle for Remote<'_> {
    fn decision(&mut self, x: &[f32], items: &[u32], out: &mut [i32]) -> i32 {
        let reply = self.ask(Ask::Decision, x, items, None);
        if reply.status == SERAPH_OK && reply.classes.len() == out.len() {
            out.copy_from_slice(&reply.classes);
        }
        reply.status
    }

    fn logits(&mut self, x: &[f32], items: &[u32], out: &mut [f32]) -> i32 {
        let reply = self.ask(Ask::Logits, x, items, None);
        if reply.status == SERAPH_OK { self.copy(reply.logits, out) } else { reply.status }
    }

    fn loss_grad(&mut self, x: &[f32], items: &[u32], loss: Loss, out: LossGradOut<'_>) -> i32 {
        let reply = self.ask(Ask::LossGrad, x, items, Some(loss));
        if reply.status != SERAPH_OK {
            return reply.status;
        }
        debug_assert!(out.logits.is_empty() || out.logits.len() == items.len() * self.n_classes);
        let logits = if out.logits.is_empty() { SERAPH_OK } else { self.copy(reply.logits, out.logits) };
        let copied = [self.copy(reply.loss, out.loss), self.copy(reply.grad, out.grad), logits];
        copied.into_iter().find(|&status| status != SERAPH_OK).unwrap_or(SERAPH_OK)
    }

    fn budget(&mut self, item: u32) -> Result<BudgetState, i32> {
        let reply = self.ask(Ask::Budget, &[], &[item], None);
        if reply.status == SERAPH_OK { Ok(reply.budget) } else { Err(reply.status) }
    }

    fn commit(&mut self, item: u32, x: &[f32]) -> i32 {
        self.ask(Ask::Commit, x, &[item], None).status
    }
}
