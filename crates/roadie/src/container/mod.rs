//! A container of the rehearsal: a process of its own, held on a leash.

pub(crate) mod leash;
mod process;
mod usage;

pub(crate) use leash::Port;
pub(crate) use process::{Container, Gauge, Program, Spec, check};
pub(crate) use usage::Usage;
