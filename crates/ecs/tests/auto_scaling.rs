//! Target tracking on virtual time, held against what AWS documents.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use ecs::auto_scaling::{AutoScaler, PERIOD, Policy};
use serde_json::json;

const TARGET: f64 = 60.0;

/// A policy with a target of 60 and cooldowns of one and two minutes.
fn policy(name: &str, disable_scale_in: bool) -> Policy {
    let file = serde_json::from_value(json!({
        "PolicyName": name,
        "ServiceNamespace": "ecs",
        "ResourceId": "service/cluster/web",
        "ScalableDimension": "ecs:service:DesiredCount",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": TARGET,
            "ScaleOutCooldown": 60,
            "ScaleInCooldown": 120,
            "DisableScaleIn": disable_scale_in,
        }
    }));
    Policy::read(&file.unwrap()).unwrap()
}

struct World {
    scaler: AutoScaler,
    now: Duration,
    desired: u32,
    deploying: bool,
}

impl World {
    fn new(policies: Vec<Policy>, desired: u32) -> Self {
        Self {
            scaler: AutoScaler::new(1..=10, policies),
            now: Duration::ZERO,
            desired,
            deploying: false,
        }
    }

    fn one(desired: u32) -> Self {
        Self::new(vec![policy("cpu", false)], desired)
    }

    /// The desired count after another minute with these figures.
    fn minute(&mut self, figures: &[Option<f64>]) -> u32 {
        self.now += PERIOD;
        let decision = self
            .scaler
            .minute(figures, self.desired, self.deploying, self.now);
        self.desired = decision.map_or(self.desired, |decision| decision.desired);
        self.desired
    }

    /// The desired count after each of so many minutes.
    fn minutes(&mut self, count: usize, figures: &[f64]) -> Vec<u32> {
        let figures: Vec<_> = figures.iter().copied().map(Some).collect();
        (0..count).map(|_| self.minute(&figures)).collect()
    }
}

#[test]
fn three_minutes_above_the_target_add_what_brings_it_back() {
    let mut world = World::one(2);
    assert_eq!(world.minutes(3, &[90.0]), [2, 2, 3]);
    // ceil(2 × 150 / 60) is 5.
    let mut world = World::one(2);
    assert_eq!(world.minutes(3, &[150.0]), [2, 2, 5]);
    // At the target nothing happens, however long.
    let mut world = World::one(2);
    assert_eq!(world.minutes(60, &[60.0]), [2; 60]);
}

#[test]
fn a_minute_in_between_that_is_not_high_begins_the_count_again() {
    let mut world = World::one(1);
    world.minutes(2, &[90.0]);
    world.minutes(1, &[60.0]);
    assert_eq!(world.minutes(3, &[90.0]), [1, 1, 2]);
}

#[test]
fn during_the_cooldown_only_a_larger_wish_adds_the_difference() {
    let mut policy = policy("cpu", false);
    policy.scale_out_cooldown = Duration::from_mins(5);
    let mut world = World::new(vec![policy], 2);
    assert_eq!(world.minutes(3, &[90.0]), [2, 2, 3]);
    // Still high, but the new task counts: 2 × 90 / 60 is 3, which are there already.
    assert_eq!(world.minutes(2, &[90.0]), [3, 3]);
    assert_eq!(world.minutes(1, &[120.0]), [4]);
    // Over, and still high: from what is there now.
    assert_eq!(world.minutes(5, &[90.0]), [4, 4, 4, 4, 6]);
}

#[test]
fn fifteen_minutes_well_below_the_target_remove_what_the_highest_of_them_does_not_need() {
    let mut world = World::one(6);
    world.minutes(1, &[30.0]);
    let then = world.minutes(15, &[10.0]);
    assert_eq!(then[13], 3, "6 × 30 / 60, for the minute with 30");
    assert_eq!(
        world.minutes(2, &[10.0]),
        [1, 1],
        "3 × 10 / 60, after the cooldown"
    );
    // 54 is nine tenths of the target: not low.
    let mut world = World::one(6);
    assert_eq!(world.minutes(30, &[54.0]), [6; 30]);
}

#[test]
fn a_step_down_waits_for_its_cooldown_and_a_step_up_does_not() {
    let mut world = World::one(8);
    assert_eq!(world.minutes(15, &[40.0])[14], 6);
    assert_eq!(world.minutes(1, &[40.0]), [6]);
    assert_eq!(world.minutes(1, &[40.0]), [4]);
    assert_eq!(world.minutes(3, &[90.0]), [4, 4, 6]);
}

#[test]
fn of_several_policies_the_largest_wins_and_all_must_agree_to_remove() {
    let policies = || vec![policy("cpu", false), policy("requests", false)];
    let mut world = World::new(policies(), 2);
    assert_eq!(world.minutes(3, &[90.0, 150.0]), [2, 2, 5]);
    let mut world = World::new(policies(), 6);
    assert_eq!(world.minutes(20, &[10.0, 60.0]), [6; 20]);
    let mut world = World::new(policies(), 6);
    assert_eq!(world.minutes(15, &[10.0, 30.0])[14], 3);
    // One that never removes is not asked.
    let mut world = World::new(vec![policy("cpu", false), policy("requests", true)], 6);
    assert_eq!(world.minutes(15, &[30.0, 60.0])[14], 3);
}

#[test]
fn minimum_and_maximum_hold() {
    let mut world = World::one(8);
    assert_eq!(world.minutes(3, &[600.0])[2], 10);
    assert_eq!(world.minutes(40, &[0.0])[39], 1);
    assert_eq!(world.scaler.within(0), 1);
    assert_eq!(world.scaler.within(99), 10);
}

#[test]
fn without_data_and_at_zero_nothing_is_decided() {
    let mut world = World::one(4);
    for _ in 0..30 {
        assert_eq!(world.minute(&[None]), 4);
    }
    let mut world = World::one(0);
    assert_eq!(world.minutes(30, &[90.0]), [0; 30]);
}

#[test]
fn a_deployment_holds_up_steps_down_but_not_steps_up() {
    let mut world = World::one(4);
    world.deploying = true;
    assert_eq!(world.minutes(20, &[10.0]), [4; 20]);
    assert_eq!(world.minutes(3, &[90.0]), [4, 4, 6]);
    world.deploying = false;
    assert_eq!(world.minutes(15, &[10.0])[14], 1);
}

#[test]
fn under_a_steady_load_the_count_settles_and_stays() {
    // A load that is worth 200 % of one task: four tasks are at 50 %, which is neither high nor, at
    // nine tenths of 60 %, well below.
    for start in 1..=10 {
        let mut world = World::one(start);
        for _ in 0..120 {
            let figure = 220.0 / f64::from(world.desired);
            world.minute(&[Some(figure)]);
        }
        assert_eq!(world.desired, 4, "from {start}");
        let before = world.desired;
        for _ in 0..60 {
            assert_eq!(world.minute(&[Some(220.0 / f64::from(before))]), before);
        }
    }
}

#[test]
fn no_figures_whatever_leave_the_capacity_or_shrink_a_deployment() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut draw = move |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    let (mut more, mut fewer) = (0, 0);
    for _ in 0..1_000 {
        let policies = (0..=draw(3)).map(|number| policy(&number.to_string(), draw(4) == 0));
        let policies: Vec<_> = policies.collect();
        let count = policies.len();
        let start = 1 + u32::try_from(draw(10)).unwrap();
        let mut world = World::new(policies, start);
        let calm = draw(2) == 0;
        for _ in 0..60 {
            world.deploying = draw(10) == 0;
            let figure = |draw: &mut dyn FnMut(u64) -> u64| match draw(20) {
                0 => None,
                _ => Some(f64::from(
                    u32::try_from(draw(if calm { 50 } else { 200 })).unwrap(),
                )),
            };
            let figures: Vec<_> = (0..count).map(|_| figure(&mut draw)).collect();
            let before = world.desired;
            let after = world.minute(&figures);
            assert!((1..=10).contains(&after), "{after}");
            assert!(!world.deploying || after >= before, "{before} to {after}");
            more += u32::from(after > before);
            fewer += u32::from(after < before);
        }
    }
    assert!(more > 100 && fewer > 100, "{more} {fewer}");
}
