//! What this machine can hold: how many containers there may be, and how many start at a time.
//!
//! The measure is simple. A container takes some open files of `roadie` (its leash, its output, its end, its
//! checks and connections) and some memory of the machine. What is claimed for each service is what a
//! deployment of it may come to, so that one that begins also finds room to end. Whatever is claimed, no more
//! containers are started than there is room for: the next one waits until another has ended.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use ecs::service::MAX_TASKS;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Open files of `roadie` for a container: four that it always has, the rest for checks and requests.
const FILES: u64 = 8;

/// Open files that are not for containers: at most these, and at most a quarter of all.
const OTHER_FILES: u64 = 256;

/// Open files that are asked for, as far as the hard limit allows it: enough for thirty thousand containers,
/// or what macOS gives at most.
const MORE_FILES: [u64; 2] = [1 << 18, 10_240];

/// Memory for a container: three times what a program of the suite takes when it is idle.
const MIB: u64 = 16;

/// Containers that start at a time, for each processor: more would only start more slowly.
const STARTING: usize = 2;

/// What this machine can hold; handles to it are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Machine(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    room: Room,
    claims: Mutex<BTreeMap<String, u64>>,
    containers: Arc<Semaphore>,
    starting: Arc<Semaphore>,
}

/// For how many containers there is room, and what says so.
#[derive(Debug)]
struct Room {
    containers: u64,
    because: String,
}

/// How many tasks a service shall have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Want {
    pub(crate) desired: u32,
    /// Tasks that may be active while it is deployed.
    pub(crate) most: u32,
    /// Of one task.
    pub(crate) containers: usize,
}

/// A container's place on the machine, until dropped.
#[derive(Debug)]
pub(crate) struct Place(#[expect(dead_code, reason = "held, not used")] OwnedSemaphorePermit);

impl Machine {
    /// Measures this machine, and lets this process open as many files as it may.
    pub(crate) fn measure() -> Self {
        Self::with(Room::measure())
    }

    fn with(room: Room) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let containers = usize::try_from(room.containers).unwrap_or(usize::MAX);
        Self(Arc::new(Shared {
            room,
            claims: Mutex::default(),
            containers: Arc::new(Semaphore::new(containers.min(Semaphore::MAX_PERMITS))),
            starting: Arc::new(Semaphore::new(STARTING * processors)),
        }))
    }

    /// Claims room for a service, in place of what it had claimed.
    ///
    /// # Errors
    /// AWS does not allow so many tasks, or there is no room here; what was claimed before stays.
    pub(crate) fn claim(&self, service: &str, want: Want) -> Result<(), String> {
        let Want { desired, .. } = want;
        if desired > MAX_TASKS {
            return Err(format!(
                "{service}: {desired} tasks are too many: AWS's quota for a service is {MAX_TASKS} tasks"
            ));
        }
        let mut claims = self.0.claims.lock().unwrap_or_else(PoisonError::into_inner);
        let others = claims.iter().filter(|(name, _)| *name != service);
        let others: u64 = others.map(|(_, claimed)| *claimed).sum();
        let claimed = want.all_containers();
        let Room {
            containers,
            because,
        } = &self.0.room;
        if others + claimed > *containers {
            return Err(format!(
                "{service}: {want} are too many: with {others} for other services, this machine holds \
                 {containers} ({because})"
            ));
        }
        claims.insert(service.to_owned(), claimed);
        Ok(())
    }

    /// Whether a container finds room at once.
    pub(crate) fn has_room(&self) -> bool {
        self.0.containers.available_permits() > 0
    }

    /// Waits until there is room for a container.
    pub(crate) async fn place(&self) -> Option<Place> {
        let permit = Arc::clone(&self.0.containers).acquire_owned().await;
        permit.ok().map(Place)
    }

    /// Waits for the turn to start a container; the next one is due when what is returned is dropped.
    pub(crate) async fn turn(&self) -> Option<Place> {
        let permit = Arc::clone(&self.0.starting).acquire_owned().await;
        permit.ok().map(Place)
    }
}

impl Want {
    /// Of all tasks that there may be at one time: those of a deployment are at most twice the desired ones.
    fn all_containers(self) -> u64 {
        let twice = self.desired.saturating_mul(2);
        let tasks = self.most.min(twice).max(self.desired);
        u64::from(tasks).saturating_mul(self.containers as u64)
    }
}

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} tasks, with a deployment {} containers,",
            self.desired,
            self.all_containers()
        )
    }
}

impl Room {
    fn measure() -> Self {
        let files = open_files().map(|files| Self {
            containers: files.saturating_sub(OTHER_FILES.min(files / 4)) / FILES,
            because: format!("{files} open files, {FILES} for each; `ulimit -n` sets it"),
        });
        let memory = available_mib().map(|mib| Self {
            containers: mib / MIB,
            because: format!("{mib} MiB of memory were free at the start, {MIB} for each"),
        });
        let least = [files, memory].into_iter().flatten();
        let least = least.min_by_key(|room| room.containers);
        least.unwrap_or(Self {
            containers: u64::from(MAX_TASKS),
            because: "nothing limits it but AWS's quota".to_owned(),
        })
    }
}

/// How many files this process may open, after it has asked for more; none where there is no limit.
fn open_files() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let now = current?;
    for wanted in MORE_FILES {
        let wanted = maximum.map_or(wanted, |maximum| maximum.min(wanted));
        let raised = Rlimit {
            current: Some(wanted),
            maximum,
        };
        if now < wanted && setrlimit(Resource::Nofile, raised).is_ok() {
            return Some(wanted);
        }
    }
    Some(now)
}

/// What new programs can use without swapping, as Linux estimates it; none elsewhere.
fn available_mib() -> Option<u64> {
    let all = std::fs::read_to_string("/proc/meminfo").ok()?;
    let mut lines = all.lines();
    let line = lines.find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want(desired: u32, most: u32, containers: usize) -> Want {
        Want {
            desired,
            most,
            containers,
        }
    }

    #[test]
    fn a_claim_counts_what_a_deployment_may_come_to() {
        assert_eq!(want(3, 6, 4).all_containers(), 24);
        assert_eq!(want(3, 3, 4).all_containers(), 12);
        // Whatever the percentage, no more than the old ones and the new ones.
        assert_eq!(want(3, u32::MAX, 4).all_containers(), 24);
        assert_eq!(want(3, 0, 1).all_containers(), 3);
    }

    #[test]
    fn claims_of_all_services_have_to_fit_and_replace_each_other() {
        let machine = Machine::with(Room {
            containers: 10,
            because: "of this test".to_owned(),
        });
        machine.claim("a", want(3, 6, 1)).unwrap();
        machine.claim("b", want(2, 4, 1)).unwrap();
        let message = machine.claim("b", want(3, 6, 1)).unwrap_err();
        assert!(message.contains("with 6 for other services"), "{message}");
        assert!(message.contains("holds 10 (of this test)"), "{message}");
        machine.claim("a", want(1, 2, 1)).unwrap();
        machine.claim("b", want(3, 6, 1)).unwrap();
        let message = machine.claim("a", want(5001, 5001, 0)).unwrap_err();
        assert!(message.contains("is 5000 tasks"), "{message}");
    }

    #[test]
    fn this_machine_has_room() {
        assert!(Room::measure().containers > 0);
    }
}
