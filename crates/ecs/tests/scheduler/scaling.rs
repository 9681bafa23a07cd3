//! The scheduler together with auto scaling: under a steady load, both come to rest.

use ecs::auto_scaling::{AutoScaler, PERIOD, Policy};
use ecs::scheduler::Rollout;
use serde_json::json;

use crate::world::{Behaviour, World, breaker, limits};

const GOOD: Behaviour = Behaviour::Good {
    starts_in: 20,
    healthy_in: 15,
};

#[expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
fn policy() -> Policy {
    let file = serde_json::from_value(json!({
        "PolicyName": "cpu",
        "ServiceNamespace": "ecs",
        "ResourceId": "service/cluster/web",
        "ScalableDimension": "ecs:service:DesiredCount",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": 60.0, "ScaleOutCooldown": 60, "ScaleInCooldown": 120,
        }
    }));
    Policy::read(&file.unwrap()).unwrap()
}

/// Lets so many minutes pass under a load that is worth `load` percent of one task.
fn minutes(world: &mut World, scaler: &mut AutoScaler, count: u64, load: f64) {
    for _ in 0..count {
        world.run_until(world.now + PERIOD);
        let healthy = world.scheduler.healthy().max(1);
        // No processor is busier than busy.
        let figure = (load / f64::from(healthy)).min(100.0);
        let deploying = world.rollout() == Rollout::InProgress;
        let desired = world.scheduler.desired();
        let decision = scaler.minute(&[Some(figure)], desired, deploying, world.now);
        if let Some(decision) = decision {
            world.scale(decision.desired);
        }
    }
}

#[test]
fn under_a_steady_load_both_come_to_rest_whatever_is_deployed_meanwhile() {
    let bad = Behaviour::Unhealthy { after: 30 };
    for (start, load) in [(1, 400.0), (8, 400.0), (2, 55.0), (10, 55.0)] {
        for deployed in [GOOD, bad] {
            let mut world = World::settled(breaker(limits(100, 200)), start, GOOD);
            let mut scaler = AutoScaler::new(1..=10, vec![policy()]);
            minutes(&mut world, &mut scaler, 2, load);
            world.deploy(deployed);
            minutes(&mut world, &mut scaler, 180, load);
            let rested = world.scheduler.desired();
            // Not above the target, and not so far below that one fewer would do.
            let figure = load / f64::from(rested);
            let shape = format!("{start} at {load}, {deployed:?}: {rested} at {figure}");
            assert!(figure <= 60.0, "{shape}");
            assert!(
                figure >= 54.0 || rested == 1 || load / f64::from(rested - 1) > 54.0,
                "{shape}"
            );
            assert_eq!(world.scheduler.healthy(), rested, "{shape}");
            assert_eq!(world.rollout(), Rollout::Completed, "{shape}");
            let revision = if world.scheduler.primary().is_rollback() {
                1
            } else {
                2
            };
            assert_eq!(
                world.revisions(),
                vec![revision; rested as usize],
                "{shape}"
            );
        }
    }
}

#[test]
fn scaling_out_helps_the_revision_that_serves_while_a_new_one_fails() {
    let mut world = World::settled(breaker(limits(100, 200)), 2, GOOD);
    let mut scaler = AutoScaler::new(1..=10, vec![policy()]);
    // Neither up nor failed for two hours.
    world.deploy(Behaviour::Unhealthy { after: 7200 });
    minutes(&mut world, &mut scaler, 30, 400.0);
    assert_eq!(world.rollout(), Rollout::InProgress);
    let serving = world.revisions();
    assert!(
        serving.len() >= 7 && serving.iter().all(|is| *is == 1),
        "{serving:?}"
    );
}
