//! The live view: what the rehearsal is doing, in a few lines at the bottom of the terminal.

mod line;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::MissedTickBehavior;

use self::line::{Line, Look};
use super::console::Console;
use super::control::{Control, Status};
use super::figures::Millis;
use super::screen::{self, Screen, Size};
use super::status::{DeploymentStatus, ServiceStatus, TaskStatus, age};

/// The rehearsal at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    /// The load balancer's.
    pub(crate) url: String,
    pub(crate) status: Status,
}

/// How often the view is drawn.
const BEAT: Duration = Duration::from_millis(100);

/// Letters of a deployment's progress bar.
const BAR: u32 = 12;

/// The most events that are shown.
const EVENTS: usize = 4;

/// The view takes at most half of the terminal, and leaves these lines to the log.
const LOG_LINES: usize = 6;

/// Draws the view for a terminal of this size: at most half as many lines, none of them longer than it is
/// wide. Nothing where there is no room.
pub(crate) fn render(snapshot: &Snapshot, size: Size, colour: bool) -> String {
    let room = (size.height / 2).min(size.height.saturating_sub(LOG_LINES));
    let page = Page {
        width: size.width,
        colour,
    };
    let services = &snapshot.status.services;
    let all = || services.iter().flat_map(|service| &service.tasks);
    let needed = 1 + services.iter().map(|s| 1 + open(s).count()).sum::<usize>();
    let rest = room.saturating_sub(needed);
    let (shown, hidden) = match all().count() <= rest {
        true => (rest, 0),
        // One line says how many are missing.
        false => (
            rest.saturating_sub(1),
            all().count().saturating_sub(rest.saturating_sub(1)),
        ),
    };
    // Those that serve are the least interesting.
    let serving = all().filter(|task| is_healthy(task)).count();
    let mut serving_shown = shown.saturating_sub(all().count() - serving).min(serving);
    let mut others_shown = shown.min(all().count() - serving);

    let mut lines = vec![page.head(&snapshot.url, &snapshot.status)];
    for service in services {
        lines.push(page.service(service));
        lines.extend(open(service).map(|deployment| page.deployment(deployment, service)));
        for task in &service.tasks {
            let left = match is_healthy(task) {
                true => &mut serving_shown,
                false => &mut others_shown,
            };
            if *left > 0 {
                *left -= 1;
                lines.push(page.task(task));
            }
        }
    }
    if hidden > 0 && rest > 0 {
        lines.push(
            page.line()
                .put(Look::Faint, &format!("  and {hidden} tasks more")),
        );
    }
    let free = room.saturating_sub(lines.len()).min(EVENTS);
    lines.extend(page.events(services, free));
    lines.truncate(room);
    lines.into_iter().map(Line::end).collect()
}

/// Keeps the view up to date until what is returned is dropped, which takes it away. None where the output
/// is no terminal.
pub(crate) fn show(console: &Console, url: &str, control: &Arc<Control>) -> Option<Shown> {
    screen::size()?;
    let (screen, colour) = (console.screen().clone(), console.colour());
    let (url, control) = (url.to_owned(), Arc::clone(control));
    let drawing = tokio::spawn(async move {
        let mut beat = tokio::time::interval(BEAT);
        // A terminal that was held up is not owed the pictures it has missed.
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while let Some(size) = screen::size() {
            let snapshot = Snapshot {
                url: url.clone(),
                status: control.status().await,
            };
            screen.show(render(&snapshot, size, colour));
            beat.tick().await;
        }
    });
    Some(Shown {
        screen: console.screen().clone(),
        drawing: drawing.abort_handle(),
    })
}

/// A view on the terminal.
pub(crate) struct Shown {
    screen: Screen,
    drawing: AbortHandle,
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.drawing.abort();
        self.screen.close();
    }
}

/// What a line is drawn on.
#[derive(Clone, Copy)]
struct Page {
    width: usize,
    colour: bool,
}

impl Page {
    fn line(self) -> Line {
        Line::new(self.width, self.colour)
    }

    fn head(self, url: &str, status: &Status) -> Line {
        let edge = &status.load_balancer;
        let (recent, total) = (&edge.recent, &edge.total);
        let line = self.line();
        let line = line.put(Look::Faint, "-- ").put(Look::Strong, url);
        let line = line.put(Look::Faint, " -- ");
        let mut line = line.put(
            Look::Plain,
            &format!("{:.0} requests/s", recent.requests_per_second),
        );
        if let Some(p99) = recent.p99_us {
            line = line.put(Look::Plain, &format!(", p99 {} ms", Millis(p99)));
        }
        let now = recent.counts.elb_5xx + recent.counts.target_5xx;
        let ever = total.elb_5xx + total.target_5xx;
        line = match (now, ever) {
            (_, 0) => line.put(Look::Good, ", no errors"),
            (0, ever) => line.put(Look::Plain, &format!(", {ever} errors in all")),
            (now, ever) => line.put(Look::Bad, &format!(", {now} errors, {ever} in all")),
        };
        for zone in status.zones.iter().filter(|zone| zone.lost) {
            line = line.put(Look::Bad, &format!(", {} lost", zone.name));
        }
        line.put(Look::Faint, " ").fill(Look::Faint, '-')
    }

    fn service(self, service: &ServiceStatus) -> Line {
        let ServiceStatus {
            desired,
            running,
            healthy,
            ..
        } = service;
        let look = match healthy >= desired {
            true => Look::Good,
            false => Look::Waiting,
        };
        let mut line = self.line();
        line = line.put(look, &format!("{healthy}/{desired} healthy"));
        line = line.put(Look::Plain, &format!(" {}", service.name));
        if running != desired {
            line = line.put(Look::Plain, &format!(", {running} running"));
        }
        match service.deployments.first() {
            Some(newest) if is_complete(newest) => {
                line.put(Look::Faint, &format!(", release {}", newest.release))
            }
            _ => line,
        }
    }

    fn deployment(self, deployment: &DeploymentStatus, service: &ServiceStatus) -> Line {
        let healthy = deployment.healthy.min(service.desired);
        let done = (healthy * BAR).checked_div(service.desired).unwrap_or(BAR);
        let bar: String = (0..BAR).map(|n| if n < done { '#' } else { '.' }).collect();
        let look = match &*deployment.rollout {
            "FAILED" => Look::Bad,
            "COMPLETED" => Look::Faint,
            _ => Look::Waiting,
        };
        let back = if deployment.rollback {
            "rollback to"
        } else {
            "release"
        };
        let mut line = self
            .line()
            .put(Look::Plain, "  ")
            .put(look, &format!("[{bar}]"));
        line = line.put(Look::Plain, &format!(" {back} {}: ", deployment.release));
        line = line.put(look, &deployment.rollout);
        line = line.put(Look::Plain, &format!(", {healthy} of {}", service.desired));
        match deployment.failed_tasks {
            0 => line,
            failed => line.put(Look::Bad, &format!(", {failed} failed tasks")),
        }
    }

    fn task(self, task: &TaskStatus) -> Line {
        let look = match &*task.state {
            "healthy" => Look::Good,
            _ => Look::Waiting,
        };
        let port = task
            .port
            .map_or_else(String::new, |port| format!(":{port}"));
        let line = self
            .line()
            .put(Look::Plain, &format!("  task {:<3} ", task.id));
        let line = line.put(look, &format!("{:9}", task.state));
        let line = line.put(
            Look::Plain,
            &format!(" {:10} {port:6} {}", task.release, task.zone),
        );
        let age = age(Duration::from_millis(task.age_ms));
        line.put(Look::Faint, &format!("  {age}"))
    }

    /// The newest last.
    fn events(self, services: &[ServiceStatus], most: usize) -> Vec<Line> {
        let mut events: Vec<_> = services
            .iter()
            .flat_map(|service| {
                service
                    .events
                    .iter()
                    .map(move |event| (&*service.name, event))
            })
            .collect();
        events.sort_by_key(|(_, event)| event.at_ms);
        let newest = events.split_off(events.len().saturating_sub(most));
        newest
            .into_iter()
            .map(|(service, event)| {
                let at = Duration::from_millis(event.at_ms).as_secs_f64();
                let text = format!("{at:9.1} s  {service}: {}", event.message);
                self.line().put(Look::Faint, &text)
            })
            .collect()
    }
}

/// Deployments that are worth a line of their own.
fn open(service: &ServiceStatus) -> impl Iterator<Item = &DeploymentStatus> {
    let mut deployments = service.deployments.iter();
    let complete = service.deployments.first().is_some_and(is_complete);
    if complete {
        deployments.next();
    }
    deployments
}

fn is_complete(deployment: &DeploymentStatus) -> bool {
    deployment.rollout == "COMPLETED"
}

fn is_healthy(task: &TaskStatus) -> bool {
    task.state == "healthy"
}

#[cfg(test)]
mod tests;
