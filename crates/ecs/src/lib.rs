//! The files in `ecs/` as types: read, render, and the AWS rules that govern them.
//!
//! Every file is one exact `--cli-input-json` body for the `aws` command. `plan.json` beside them
//! says which file goes to which call, in which order, and what the answers are called.
//!
//! A tour, from the folder to the single request:
//!
//! - [`layout`]: [`Layout::read`] takes a folder, checks every file, and hands out [`Step`]s and
//!   typed bodies; [`Layout::render`] puts values in place of `${NAME}`.
//! - [`body`]: which AWS calls a plan may name, and the type of each one's body.
//! - The bodies themselves. For ECS: [`task_definition`], [`container`], [`service`],
//!   [`service_connect`], [`capacity`], [`scaling`]. For the load balancer: [`load_balancer`],
//!   [`target_group`], [`listener`], [`attribute`]. They accept every top-level field AWS knows and
//!   refuse every other one; where AWS has a default, a method answers with it.
//! - [`deployment`]: how many tasks a rolling deployment may run, and when its circuit breaks.
//! - [`scheduler`]: what ECS does with the tasks of a service, as a state machine.
//! - [`auto_scaling`]: how many tasks target tracking wants, as another.
//! - [`alb`]: which target group a request's path leads to.
//! - [`lint`]: what AWS would refuse or break, found in anyone's files, not only ours.
//! - [`name`]: which names AWS accepts. [`printable`]: what of other people's text may be shown.
//! - [`mod@file`]: which files are read at all.
//! - [`Error`]: what can be wrong with the files, by file and field.
//!
//! Nothing here opens a socket or starts a process; the only I/O is reading files.

pub mod alb;
pub mod attribute;
pub mod auto_scaling;
pub mod body;
pub mod capacity;
pub mod container;
pub mod deployment;
mod error;
pub mod file;
pub mod layout;
pub mod lint;
pub mod listener;
pub mod load_balancer;
pub mod name;
mod plan;
pub mod printable;
pub mod scaling;
pub mod scheduler;
pub mod service;
pub mod service_connect;
pub mod step;
pub mod target_group;
pub mod task_definition;
mod template;

pub use alb::Router;
pub use body::{Body, Call};
pub use error::{Error, Missing};
pub use layout::Layout;
pub use step::{Entry, Output, Step};
