//! Zones: where tasks go, what happens when a zone goes dark and when it comes back.

use ecs::scheduler::Rollout;

use crate::world::{Behaviour, World, breaker, limits};

const GOOD: Behaviour = Behaviour::Good {
    starts_in: 2,
    healthy_in: 3,
};

fn three_zones(rebalances: bool) -> World {
    let mut settings = breaker(limits(100, 200));
    (settings.zones, settings.rebalances) = (3, rebalances);
    World::settled(settings, 7, GOOD)
}

#[test]
fn tasks_are_spread_over_the_zones_through_deployments_and_scaling() {
    let mut world = three_zones(false);
    assert_eq!(world.spread(3), [3, 2, 2]);
    world.deploy(GOOD);
    world.settle();
    assert_eq!(spread(&world), [2, 2, 3]);
    world.scale(3);
    world.settle();
    assert_eq!(world.spread(3), [1, 1, 1]);
    world.scale(8);
    world.settle();
    assert_eq!(spread(&world), [2, 3, 3]);
}

#[test]
fn when_a_zone_goes_dark_its_tasks_come_up_in_the_others_at_once() {
    let mut world = three_zones(false);
    let failed = world.scheduler.primary().failed_tasks();
    world.lose_zone(0);
    // Nothing of that was the tasks' fault: no pause, no count.
    assert_eq!(world.scheduler.active(), 7);
    assert_eq!(world.scheduler.primary().failed_tasks(), failed);
    world.settle();
    assert_eq!(world.spread(3)[0], 0);
    assert_eq!(spread(&world), [0, 3, 4]);
}

#[test]
fn a_zone_that_comes_back_gets_its_share_only_where_the_service_rebalances() {
    for (rebalances, expected) in [(false, [0, 3, 4]), (true, [2, 2, 3])] {
        let mut world = three_zones(rebalances);
        world.lose_zone(0);
        world.settle();
        world.restore_zone(0);
        world.settle();
        assert_eq!(spread(&world), expected, "{rebalances}");
        assert_eq!(world.fewest_healthy, 7, "nobody notices");
        assert!(world.most_active <= 8, "one at a time");
        assert_eq!(world.scheduler.tasks().len(), 7);
    }
}

#[test]
fn without_any_zone_nothing_runs_and_all_comes_back_with_the_first() {
    let mut world = three_zones(true);
    (0..3).for_each(|zone| world.lose_zone(zone));
    world.settle();
    assert_eq!(world.scheduler.tasks().len(), 0);
    world.restore_zone(1);
    world.settle();
    assert_eq!(world.spread(3), [0, 7, 0]);
}

#[test]
fn a_deployment_during_the_loss_of_a_zone_still_completes() {
    let mut world = three_zones(true);
    world.deploy(GOOD);
    world.lose_zone(2);
    world.settle();
    assert_eq!(world.rollout(), Rollout::Completed);
    assert!(!world.scheduler.primary().is_rollback());
    assert_eq!(world.revisions(), [2; 7]);
    assert_eq!(spread(&world), [0, 3, 4]);
}

fn spread(world: &World) -> Vec<usize> {
    let mut spread = world.spread(3);
    spread.sort_unstable();
    spread
}
