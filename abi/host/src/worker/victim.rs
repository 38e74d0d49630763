//! A worker that answers for one victim. The model reads the host's memory and writes into its own region: no
//! sample is copied here.

use super::link::Link;
use crate::loaded::{Library, Victim};
use crate::victim::LossGradOut;
use seraph_sys::SERAPH_OK;
use seraph_wire::{Answered, Area, Down, Ended, Query, Span, Start, Up};

/// Loads the victim, then answers until the host has had enough.
pub fn serve(link: &mut Link, library: &Library, start: &Start) -> Result<(), String> {
    let (mut victim, desc) =
        match Victim::create(library, &start.id, &start.config, super::context(link, start)) {
            Ok(created) => created,
            Err(why) => return link.send(&why.into()),
        };
    let n_classes = desc.n_classes as usize;
    link.send(&Up::Loaded(desc))?;
    loop {
        match link.receive()? {
            Down::Query(query) => {
                let answer = answer(link, &mut victim, &query, n_classes)?;
                link.send(&Up::Answered(answer))?;
            }
            Down::Quit(_) => return Ok(()),
            _ => return Err("a message that belongs to another time".to_owned()),
        }
    }
}

fn answer(link: &Link, victim: &mut Victim, query: &Query, n_classes: usize) -> Result<Answered, String> {
    let (n, n_samples) = (query.n_rows as usize, query.n_samples as usize);
    let x = link.numbers(Area::Talk, query.rows, n * n_samples)?;
    let behind = |span: Span| span.end() - seraph_wire::MAX_BODY_BYTES;
    // SAFETY: each room begins behind the one before.
    let ((loss_at, loss), (logits_at, logits), grad_room) = unsafe {
        let loss = link.room(0, n)?;
        let logits = link.room(behind(loss.0), n * n_classes)?;
        let after = behind(logits.0);
        (loss, logits, move || link.room(after, n * n_samples))
    };
    let mut answer = Answered {
        status: SERAPH_OK,
        message: String::new(),
        logits: logits_at,
        loss: Span::default(),
        grad: Span::default(),
    };
    let asked = match &query.loss {
        None => victim.logits(x, n, logits),
        Some(question) => {
            let (grad_at, grad) = grad_room()?;
            (answer.loss, answer.grad) = (loss_at, grad_at);
            victim.loss_grad(x, n, question, LossGradOut { loss, grad, logits })
        }
    };
    if let Err(Ended { status, message }) = asked {
        (answer.status, answer.message) = (status, message);
    }
    Ok(answer)
}
