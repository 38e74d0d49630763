//! What a library holds, said by its own code, in a worker.

use crate::fault::Fault;
use crate::loaded::describe_here;
use crate::options::WorkerOptions;
use crate::plugin_file::{Kind, PluginFile};
use crate::supervise::{Worker, escape};
use seraph_sys::SERAPH_OK;
use seraph_wire::{Description, Role, Up};

/// Loads a library in a worker and asks it for the descriptions of its attacks and victims. They must be those
/// of its notes.
pub fn describe(plugin: &PluginFile, options: &WorkerOptions) -> Result<Description, Fault> {
    let description = if options.in_process {
        describe_here(plugin)?
    } else {
        match Worker::start(plugin, Role::Describe, "", &[], options)? {
            (worker, Up::Described(description)) => {
                worker.finish();
                description
            }
            (_, other) => return Err(not_created(other)),
        }
    };
    agree(plugin, &description)?;
    Ok(description)
}

/// The answer to the creation of an attack.
pub(crate) fn created(answer: Up) -> Result<(), Fault> {
    match answer {
        Up::Created(ended) if ended.status == SERAPH_OK => Ok(()),
        other => Err(not_created(other)),
    }
}

/// Why an instance is not there.
pub(crate) fn not_created(answer: Up) -> Fault {
    match answer {
        Up::NotLoaded(ended) => Fault::NotLoaded { reason: escape(ended.message.as_bytes()) },
        Up::Created(ended) => Fault::Refused {
            call: "create".to_owned(),
            status: ended.status,
            message: escape(ended.message.as_bytes()),
        },
        _ => Fault::protocol("a message that belongs to another time"),
    }
}

fn agree(plugin: &PluginFile, description: &Description) -> Result<(), Fault> {
    let attacks = description.attacks.iter().map(|info| (Kind::Attack, &info.id, &info.version));
    let victims = description.victims.iter().map(|info| (Kind::Victim, &info.id, &info.version));
    let mut said: Vec<_> =
        attacks.chain(victims).map(|(kind, id, version)| format!("{kind} {id} {version}")).collect();
    let mut noted: Vec<_> =
        plugin.notes.iter().map(|note| format!("{} {} {}", note.kind, note.id, note.version)).collect();
    said.sort();
    noted.sort();
    if said == noted {
        return Ok(());
    }
    Err(Fault::Misdescribed {
        what: format!("notes [{}], descriptions [{}]", noted.join(", "), said.join(", ")),
    })
}
