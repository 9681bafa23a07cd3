//! What takes the place of tasks that fall ill or die, also in the middle of a deployment.

use ecs::scheduler::Rollout;

use crate::world::{Behaviour, World, breaker, limits, seconds};

const GOOD: Behaviour = Behaviour::Good {
    starts_in: 2,
    healthy_in: 3,
};

#[test]
fn ill_tasks_stay_until_others_serve_in_their_place() {
    let mut world = World::settled(breaker(limits(100, 200)), 3, GOOD);
    let old = world.task_ids();
    world.sicken(&old);
    // All of them: a load balancer fails open, and has somebody to open to.
    assert_eq!(
        (world.scheduler.healthy(), world.scheduler.active()),
        (0, 6)
    );
    world.settle();
    assert_eq!((world.fewest_active, world.most_active), (3, 6));
    assert!(world.task_ids().iter().all(|task| !old.contains(task)));
    assert_eq!(world.scheduler.healthy(), 3);

    let one = world.task_ids()[0];
    world.sicken(&[one]);
    world.settle();
    assert_eq!((world.fewest_healthy, world.most_active), (2, 4));
}

#[test]
fn without_room_ill_tasks_leave_one_by_one() {
    let mut world = World::settled(breaker(limits(100, 100)), 3, GOOD);
    let old = world.task_ids();
    world.sicken(&old);
    world.settle();
    assert_eq!((world.fewest_active, world.most_active), (3, 3));
    assert_eq!(world.scheduler.healthy(), 3);
    assert!(world.task_ids().iter().all(|task| !old.contains(task)));
}

#[test]
fn an_ill_task_that_recovers_keeps_its_place() {
    let mut world = World::settled(limits(100, 200), 2, GOOD);
    let both = world.task_ids();
    world.sicken(&both[..1]);
    assert_eq!(world.scheduler.active(), 3);
    world.run_until(world.now + seconds(1));
    world.heal(both[0]);
    world.settle();
    assert_eq!(world.task_ids(), both);
}

#[test]
fn a_task_that_dies_during_a_deployment_is_replaced_by_its_own_revision() {
    let mut world = World::settled(breaker(limits(100, 200)), 3, GOOD);
    // One that neither comes up nor fails for an hour.
    world.deploy(Behaviour::Unhealthy { after: 3600 });
    world.run_until(world.now + seconds(60));
    assert_eq!(world.revisions(), [1, 1, 1]);
    let oldest = world.task_ids()[0];
    world.kill(oldest);
    world.run_until(world.now + seconds(60));
    assert_eq!(world.revisions(), [1, 1, 1], "not one of the new");
    world.settle();
    assert!(world.scheduler.primary().is_rollback());
    assert_eq!(world.revisions(), [1, 1, 1]);
}

#[test]
fn more_tasks_during_a_deployment_are_of_both_revisions() {
    let mut world = World::settled(breaker(limits(100, 200)), 2, GOOD);
    world.deploy(Behaviour::Unhealthy { after: 3600 });
    world.scale(4);
    world.run_until(world.now + seconds(60));
    assert_eq!(world.revisions(), [1, 1, 1, 1]);
    assert_eq!(world.scheduler.active(), 8);
    world.deploy(GOOD);
    world.settle();
    assert_eq!(world.revisions(), [3, 3, 3, 3]);
}

#[test]
fn those_that_made_way_do_not_come_back() {
    let mut world = World::settled(breaker(limits(50, 100)), 4, GOOD);
    world.deploy(GOOD);
    world.settle();
    assert_eq!(world.rollout(), Rollout::Completed);
    // Four in all, and no more.
    assert_eq!(world.started, 8);
}
