//! The service scheduler on virtual time, held against what AWS documents.

mod properties;
mod replacement;
mod scaling;
mod world;
mod zones;

use std::time::Duration;

use ecs::scheduler::{Action, Rollout, TaskState};

use world::{Behaviour, World, breaker, limits, seconds};

const GOOD: Behaviour = Behaviour::Good {
    starts_in: 2,
    healthy_in: 3,
};

#[test]
fn the_first_deployment_starts_all_tasks_and_completes_when_they_are_healthy() {
    let mut world = World::new(limits(100, 200), 3, GOOD);
    assert_eq!(world.scheduler.active(), 3);
    world.run_until(seconds(4));
    assert_eq!(world.rollout(), Rollout::InProgress);
    world.run_until(seconds(5));
    assert_eq!(world.rollout(), Rollout::Completed);
}

#[test]
fn a_rolling_deployment_at_100_and_200_percent_doubles_and_never_dips() {
    let mut world = World::settled(limits(100, 200), 3, GOOD);
    world.deploy(GOOD);
    assert_eq!(world.scheduler.active(), 6);
    world.settle();
    assert_eq!(world.rollout(), Rollout::Completed);
    assert_eq!((world.fewest_healthy, world.most_active), (3, 6));
    assert_eq!(world.revisions(), [2, 2, 2]);
}

#[test]
fn at_50_and_100_percent_old_tasks_make_room_first() {
    let mut world = World::settled(limits(50, 100), 4, GOOD);
    world.deploy(GOOD);
    assert_eq!(world.scheduler.healthy(), 2);
    world.settle();
    assert_eq!(world.rollout(), Rollout::Completed);
    assert_eq!((world.fewest_healthy, world.most_active), (2, 4));
}

#[test]
fn percentages_are_rounded_up_below_and_down_above() {
    // 3 × 50 % is 1.5: two must stay. 3 × 150 % is 4.5: four may run.
    let mut world = World::settled(limits(50, 150), 3, GOOD);
    world.deploy(GOOD);
    world.settle();
    assert_eq!((world.fewest_healthy, world.most_active), (2, 4));
    let mut world = World::settled(limits(50, 100), 3, GOOD);
    world.deploy(GOOD);
    world.settle();
    assert_eq!((world.fewest_healthy, world.most_active), (2, 3));
}

#[test]
fn at_100_and_100_percent_nothing_can_move() {
    let mut world = World::settled(limits(100, 100), 2, GOOD);
    world.deploy(GOOD);
    world.run_until(seconds(10_000));
    assert_eq!(world.rollout(), Rollout::InProgress);
    assert_eq!(world.revisions(), [1, 1]);
}

#[test]
fn without_any_check_a_task_counts_after_40_seconds() {
    let mut settings = limits(100, 200);
    settings.checked = false;
    let mut world = World::new(settings, 1, GOOD);
    world.run_until(Duration::from_millis(41_999));
    assert_eq!(world.rollout(), Rollout::InProgress);
    world.run_until(seconds(2 + 40));
    assert_eq!(world.rollout(), Rollout::Completed);
}

#[test]
fn a_revision_that_crashes_or_is_never_healthy_is_rolled_back_and_the_old_one_stays() {
    for bad in [
        Behaviour::NeverStarts { ends_in: 1 },
        Behaviour::Crashes { ends_in: 5 },
        Behaviour::Unhealthy { after: 4 },
    ] {
        let mut world = World::settled(breaker(limits(100, 200)), 3, GOOD);
        let old = world.task_ids();
        world.deploy(bad);
        world.settle();
        assert_eq!(world.rollout(), Rollout::Completed, "{bad:?}");
        assert!(world.scheduler.primary().is_rollback(), "{bad:?}");
        assert_eq!(
            world.task_ids(),
            old,
            "the old tasks were not touched: {bad:?}"
        );
        assert_eq!(world.fewest_healthy, 3, "{bad:?}");
    }
}

#[test]
fn the_circuit_breaks_after_half_the_desired_count_but_not_before_three() {
    for (desired, failures) in [(1, 3), (6, 3), (7, 4), (20, 10), (1000, 200)] {
        let mut world = World::settled(breaker(limits(100, 200)), desired, GOOD);
        world.deploy(Behaviour::NeverStarts { ends_in: 1 });
        while world.rollout() == Rollout::InProgress && !world.scheduler.primary().is_rollback() {
            assert!(world.failed < failures, "{desired}: {}", world.failed);
            world.step();
        }
        // Tasks that were started together fail together.
        assert!(world.failed >= failures, "{desired}: {}", world.failed);
    }
}

#[test]
fn without_a_circuit_breaker_it_is_tried_for_ever_with_longer_and_longer_pauses() {
    let mut world = World::settled(limits(100, 200), 1, GOOD);
    let before = world.started;
    world.deploy(Behaviour::NeverStarts { ends_in: 1 });
    world.run_until(world.now + seconds(600));
    assert_eq!(world.rollout(), Rollout::InProgress);
    assert_eq!(world.revisions(), [1]);
    let tries = world.started - before;
    assert!((5..=12).contains(&tries), "{tries}");
}

#[test]
fn a_first_deployment_that_fails_has_nothing_to_go_back_to() {
    let mut world = World::new(
        breaker(limits(100, 200)),
        2,
        Behaviour::Crashes { ends_in: 1 },
    );
    world.settle();
    assert_eq!(world.rollout(), Rollout::Failed);
    assert_eq!(world.scheduler.active(), 0);
}

#[test]
fn a_task_drains_before_it_is_stopped() {
    let mut settings = limits(100, 200);
    settings.deregistration_delay = seconds(30);
    let mut world = World::settled(settings, 1, GOOD);
    let old = world.task_ids()[0];
    world.deploy(GOOD);
    world.run_until_action(Action::Deregister { task: old });
    let since = world.now;
    let drains = |task: &&ecs::scheduler::Task| task.id() == old;
    let state = world.scheduler.tasks().iter().find(drains).unwrap().state();
    assert_eq!(
        state,
        TaskState::Draining {
            until: since + seconds(30)
        }
    );
    world.run_until_action(Action::Stop { task: old });
    assert_eq!(world.now, since + seconds(30));
}

#[test]
fn bad_health_within_the_grace_period_is_not_held_against_a_task() {
    let slow = Behaviour::Slow {
        unhealthy_at: 5,
        healthy_at: 50,
    };
    let mut settings = breaker(limits(100, 200));
    settings.grace_period = seconds(60);
    let mut world = World::settled(settings, 1, GOOD);
    world.deploy(slow);
    world.settle();
    assert_eq!(world.rollout(), Rollout::Completed);
    assert_eq!(world.scheduler.primary().failed_tasks(), 0);
    assert!(!world.scheduler.primary().is_rollback());

    let mut settings = breaker(limits(100, 200));
    settings.grace_period = seconds(10);
    let mut world = World::settled(settings, 1, GOOD);
    world.deploy(slow);
    world.settle();
    assert!(world.scheduler.primary().is_rollback());
}

#[test]
fn a_task_that_dies_is_replaced() {
    let mut world = World::settled(limits(100, 200), 3, GOOD);
    let first = world.task_ids()[0];
    world.kill(first);
    assert_eq!(world.scheduler.healthy(), 2);
    world.settle();
    assert_eq!(world.scheduler.healthy(), 3);
    assert!(!world.task_ids().contains(&first));
}

#[test]
fn scaling_adds_tasks_and_takes_the_youngest_away() {
    let mut world = World::settled(limits(100, 200), 2, GOOD);
    let old = world.task_ids();
    world.scale(5);
    world.settle();
    assert_eq!(world.scheduler.healthy(), 5);
    world.scale(2);
    world.settle();
    assert_eq!(world.task_ids(), old);
    world.scale(0);
    world.settle();
    assert!(world.scheduler.tasks().is_empty());
}

#[test]
fn a_deployment_on_top_of_one_that_is_stuck_replaces_both() {
    let mut world = World::settled(limits(100, 200), 2, GOOD);
    world.deploy(Behaviour::Unhealthy { after: 3600 });
    world.run_until(world.now + seconds(60));
    world.deploy(GOOD);
    world.settle();
    assert_eq!(world.rollout(), Rollout::Completed);
    assert_eq!(world.revisions(), [3, 3]);
    assert_eq!(world.fewest_healthy, 2);
}
