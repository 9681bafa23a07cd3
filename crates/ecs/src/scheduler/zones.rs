//! The Availability Zones that a service's tasks are spread over.

use super::Scheduler;
use super::deployment::Deployment;
use super::task::{Task, TaskId};

/// A zone, by its place in the driver's list.
pub type Zone = usize;

/// Which zones can take tasks.
#[derive(Debug, Clone)]
pub(super) struct Zones(Vec<bool>);

impl Zones {
    /// `count` zones, all open; one where there would be none.
    pub(super) fn new(count: usize) -> Self {
        Self(vec![true; count.max(1)])
    }

    fn open(&self) -> impl Iterator<Item = Zone> {
        let zones = self.0.iter().enumerate();
        zones.filter_map(|(zone, open)| open.then_some(zone))
    }

    pub(super) fn set(&mut self, zone: Zone, open: bool) {
        if let Some(known) = self.0.get_mut(zone) {
            *known = open;
        }
    }
}

impl Scheduler {
    /// No task is placed in `zone` any more. Those that were there are for the driver to report as
    /// [`Lost`](super::Observation::Lost).
    pub fn lose_zone(&mut self, zone: Zone) {
        self.zones.set(zone, false);
    }

    /// Tasks are placed in `zone` again.
    pub fn restore_zone(&mut self, zone: Zone) {
        self.zones.set(zone, true);
    }

    /// Where the next task of `deployment` goes: the open zone with the fewest of its tasks, and then
    /// of the service. None while all zones are lost.
    pub(super) fn emptiest_zone(&self, deployment: &Deployment) -> Option<Zone> {
        let own = self.active_by_zone(|task| task.deployment == deployment.id);
        let all = self.active_by_zone(|_| true);
        let open = self.zones.open();
        open.min_by_key(|zone| (own.get(*zone), all.get(*zone), *zone))
    }

    /// Whether the newest deployment's tasks are so uneven that moving one helps.
    pub(super) fn is_uneven(&self) -> bool {
        let own = self.active_by_zone(|task| self.is_own(task));
        let tasks = || self.zones.open().filter_map(|zone| own.get(zone).copied());
        tasks().max().unwrap_or(0) > tasks().min().unwrap_or(0) + 1
    }

    /// The task that is given up first: one that does not serve yet, else one of the fullest zone,
    /// and the youngest of those.
    pub(super) fn least_needed(&self) -> Option<TaskId> {
        let in_zone = self.active_by_zone(|task| self.is_own(task));
        let own = self.tasks.iter();
        let own = own.filter(|task| self.is_own(task) && !task.is_unhealthy());
        own.max_by_key(|task| (!task.is_steady(), in_zone.get(task.zone()), task.id()))
            .map(Task::id)
    }

    /// How many active tasks of `which` each zone has. Counted once for all zones: there can be thousands
    /// of tasks, and whoever asks does so for each.
    fn active_by_zone(&self, which: impl Fn(&Task) -> bool) -> Vec<usize> {
        let mut counts = vec![0; self.zones.0.len()];
        for task in self
            .tasks
            .iter()
            .filter(|task| task.is_active() && which(task))
        {
            if let Some(count) = counts.get_mut(task.zone()) {
                *count += 1;
            }
        }
        counts
    }
}
