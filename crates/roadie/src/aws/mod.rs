//! The `aws` command as a child process, and what is known about the objects it makes.
//!
//! - `command`: one call, as a process and as a line a person could paste;
//! - `runner`: runs calls, and reads their answers;
//! - `object`: what a step of a plan makes; `look`: how to find it; `labels`: whether it is ours;
//! - `change`: how to make an object that is there what its file says;
//! - `delete`: how to take it away;
//! - `difference`: whether an object is what its file says.

pub(crate) mod change;
pub(crate) mod command;
pub(crate) mod delete;
pub(crate) mod difference;
pub(crate) mod labels;
pub(crate) mod look;
pub(crate) mod object;
pub(crate) mod runner;

pub(crate) use command::Command;
pub(crate) use object::Object;
pub(crate) use runner::Runner;
