//! What holds for every deployment, whatever its shape: a thousand of them, drawn at random.

use ecs::scheduler::Rollout;

use crate::world::{Behaviour, World, breaker, limits, seconds};

/// Numbers that look random and are the same every time (xorshift).
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn behaviour(&mut self) -> Behaviour {
        match self.below(6) {
            0 | 1 => self.good(),
            2 => Behaviour::NeverStarts {
                ends_in: self.below(20),
            },
            3 => Behaviour::Crashes {
                ends_in: self.below(20),
            },
            4 => Behaviour::Unhealthy {
                after: self.below(100),
            },
            _ => {
                let unhealthy_at = 1 + self.below(60);
                Behaviour::Slow {
                    unhealthy_at,
                    healthy_at: unhealthy_at + self.below(60),
                }
            }
        }
    }

    fn good(&mut self) -> Behaviour {
        Behaviour::Good {
            starts_in: self.below(30),
            healthy_in: self.below(30),
        }
    }
}

#[test]
fn a_thousand_deployments_never_leave_their_limits_and_always_end() {
    let mut draw = Draw(0x2545_f491_4f6c_dd1d);
    let (mut completed, mut rolled_back) = (0, 0);
    for round in 0..1_000 {
        let desired = 1 + u32::try_from(draw.below(12)).unwrap();
        let minimum = 25 * u32::try_from(draw.below(5)).unwrap();
        let maximum = 100 + 25 * u32::try_from(1 + draw.below(4)).unwrap();
        let mut settings = breaker(limits(minimum, maximum));
        settings.grace_period = seconds(draw.below(3) * 30);
        settings.deregistration_delay = seconds(draw.below(3) * 30);
        settings.zones = 1 + usize::try_from(draw.below(3)).unwrap();
        settings.rebalances = draw.below(2) == 0;
        let zones = settings.zones;
        let deployment = settings.deployment.clone();
        let (fewest, most) = (
            deployment.fewest_tasks(desired),
            deployment.most_tasks(desired),
        );
        let good = draw.good();
        let mut world = World::settled(settings, desired, good);
        let bad = draw.behaviour();
        world.deploy(bad);
        world.settle();

        let shape = format!("round {round}: {desired} × {minimum}/{maximum} in {zones}, {bad:?}");
        if most == desired && fewest == desired {
            // Rounded to where nothing can move.
            assert_eq!(world.rollout(), Rollout::InProgress, "{shape}");
            continue;
        }
        assert_eq!(world.rollout(), Rollout::Completed, "{shape}");
        assert!(
            world.fewest_healthy >= fewest,
            "{shape}: {}",
            world.fewest_healthy
        );
        assert!(world.most_active <= most, "{shape}: {}", world.most_active);
        assert_eq!(world.scheduler.healthy(), desired, "{shape}");
        assert_eq!(world.scheduler.tasks().len(), desired as usize, "{shape}");
        let spread = world.spread(zones);
        let (fullest, emptiest) = (spread.iter().max(), spread.iter().min());
        assert!(
            fullest.unwrap() - emptiest.unwrap() <= 1,
            "{shape}: {spread:?}"
        );
        let back = world.scheduler.primary().is_rollback();
        let revision = if back { 1 } else { 2 };
        assert!(
            world.revisions().iter().all(|is| *is == revision),
            "{shape}"
        );
        match back {
            true => rolled_back += 1,
            false => completed += 1,
        }
        if matches!(bad, Behaviour::Good { .. }) {
            assert!(!back, "{shape}");
        }
    }
    // The draw is worth something only when both ends are seen often.
    assert!(
        completed > 200 && rolled_back > 200,
        "{completed} {rolled_back}"
    );
}

#[test]
fn tasks_that_turn_bad_after_completion_are_replaced_for_ever_without_a_rollback() {
    let turns_bad = Behaviour::TurnsBad {
        healthy_at: 1,
        unhealthy_at: 100,
    };
    let good = Behaviour::Good {
        starts_in: 1,
        healthy_in: 1,
    };
    let mut world = World::settled(breaker(limits(100, 200)), 2, good);
    world.deploy(turns_bad);
    world.run_until(world.now + seconds(3600));
    // The circuit breaker looks at deployments; this one had completed. An alarm is what catches it.
    assert_eq!(world.rollout(), Rollout::Completed);
    assert!(!world.scheduler.primary().is_rollback());
    assert!(world.started > 20, "{}", world.started);
}

#[test]
fn scaling_during_a_deployment_ends_at_the_new_count() {
    let mut draw = Draw(42);
    for round in 0..200 {
        let good = draw.good();
        let settings = breaker(limits(50, 200));
        let mut world = World::settled(settings, 4, good);
        let next = draw.good();
        world.deploy(next);
        world.run_until(world.now + seconds(draw.below(60)));
        let desired = u32::try_from(draw.below(9)).unwrap();
        world.scale(desired);
        world.settle();
        assert_eq!(world.rollout(), Rollout::Completed, "round {round}");
        assert_eq!(
            world.revisions(),
            vec![2; desired as usize],
            "round {round}"
        );
    }
}

#[test]
fn whatever_befalls_a_deployment_the_maximum_holds_and_all_is_well_in_the_end() {
    let mut draw = Draw(0x9e37_79b9_7f4a_7c15);
    for round in 0..1_000 {
        let desired = 2 + u32::try_from(draw.below(8)).unwrap();
        let mut settings = breaker(limits(50 + 50 * u32::try_from(draw.below(2)).unwrap(), 200));
        settings.zones = 2 + usize::try_from(draw.below(2)).unwrap();
        settings.rebalances = draw.below(2) == 0;
        settings.grace_period = seconds(draw.below(2) * 30);
        let zones = settings.zones;
        let deployment = settings.deployment.clone();
        let mut most = deployment.most_tasks(desired);
        let good = draw.good();
        let mut world = World::settled(settings, desired, good);
        let next = draw.behaviour();
        world.deploy(next);
        let mut wanted = desired;
        let mut lost = false;
        let mut told = Vec::new();
        for _ in 0..6 {
            world.run_until(world.now + seconds(draw.below(40)));
            let tasks = world.task_ids();
            let any = usize::try_from(draw.below(tasks.len().max(1) as u64)).unwrap();
            let befalls = draw.below(5);
            told.push(befalls);
            match befalls {
                0 => tasks.get(any).iter().for_each(|task| world.kill(**task)),
                1 => world.sicken(&tasks[..any.min(tasks.len())]),
                2 if !lost => {
                    lost = true;
                    world.lose_zone(1);
                }
                3 => {
                    wanted = 1 + u32::try_from(draw.below(10)).unwrap();
                    most = most.max(deployment.most_tasks(wanted));
                    world.scale(wanted);
                }
                _ => {
                    lost = false;
                    world.restore_zone(1);
                }
            }
            assert!(world.most_active <= most, "round {round}: {told:?}");
        }
        world.restore_zone(1);
        world.settle();
        let shape = format!("round {round}: {desired} in {zones}, {next:?}, {told:?}");
        assert_eq!(world.rollout(), Rollout::Completed, "{shape}");
        assert_eq!(world.scheduler.healthy(), wanted, "{shape}");
        assert_eq!(world.scheduler.tasks().len(), wanted as usize, "{shape}");
        let all = world.revisions();
        assert!(all.iter().all(|is| is == &all[0]), "{shape}: {all:?}");
        let back = world.scheduler.primary().is_rollback();
        assert_eq!(all[0], if back { 1 } else { 2 }, "{shape}");
    }
}
