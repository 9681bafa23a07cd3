//! A container of the rehearsal: a process of its own, held on a leash.

pub(crate) mod leash;
mod process;

pub(crate) use leash::Port;
pub(crate) use process::{Container, Program, Spec, check};
