//! Functions and methods, synchronous and not.
//!
//! Each test fails when `expand` or `function` in the macro crate loses its form: the code does not compile,
//! the body runs twice, or it sees other values than the caller gave.

use std::sync::Arc;

use idempotent::{Error, effect, idempotent};

use crate::world::{Fault, World, once};

/// Booked for a patient.
#[idempotent(key = patient, skip(world), store = world.handle)]
#[must_use]
pub(crate) fn plain(world: &World, patient: &str) -> Result<String, Fault> {
    effect!(world.act(patient));
    Ok(format!("booked {patient}"))
}

#[test]
fn a_synchronous_function() {
    let world = World::new();
    once!(world, plain(&world, "ann"), "booked ann".to_owned());
    once!(world, plain(&world, "bob"), "booked bob".to_owned());
}

#[idempotent(key = (patient, day), skip(world), store = world.handle)]
async fn asynchronous(world: &World, patient: &str, day: u8) -> Result<String, Fault> {
    tokio::task::yield_now().await;
    effect!(world.act(patient));
    Ok(format!("{patient} {day}"))
}

#[tokio::test]
async fn an_async_function_and_its_future_is_send() {
    fn send<F: std::future::Future + Send>(future: F) -> F {
        future
    }
    let world = World::new();
    once!(async world, send(asynchronous(&world, "ann", 1)), "ann 1".to_owned());
    once!(async world, send(asynchronous(&world, "ann", 2)), "ann 2".to_owned());
}

#[idempotent(key = n, skip(world), store = world.handle)]
fn early(world: &World, n: i32) -> Result<i32, Fault> {
    world.act(n);
    if n < 0 {
        return Ok(-1);
    }
    for digit in "1 2".split(' ') {
        let digit: i32 = digit.parse::<i32>().map_err(|_| Fault::own("not a number"))?;
        if digit == n {
            return Ok(digit * 100);
        }
    }
    Ok(0)
}

#[idempotent(key = n, skip(world), store = world.handle)]
async fn early_async(world: &World, n: i32) -> Result<i32, Fault> {
    world.act(n);
    if n < 0 {
        return Ok(-1);
    }
    let two = async { Ok::<_, Fault>(2) }.await?;
    if two == n {
        return Ok(200);
    }
    Ok(0)
}

#[tokio::test]
async fn a_body_may_use_return_and_the_question_mark() {
    let world = World::new();
    once!(world, early(&world, -3), -1);
    once!(world, early(&world, 2), 200);
    once!(world, early(&world, 7), 0);
    once!(async world, early_async(&world, -3), -1);
    once!(async world, early_async(&world, 2), 200);
    once!(async world, early_async(&world, 7), 0);
}

#[idempotent(key = n, skip(world), store = world.handle)]
fn mutable(world: &World, mut n: u8, mut list: Vec<u8>) -> Result<Vec<u8>, Fault> {
    world.act(n);
    n += 1;
    list.push(n);
    Ok(list)
}

#[idempotent(key = n, skip(world), store = world.handle)]
async fn mutable_async(world: &World, mut n: u8, mut list: Vec<u8>) -> Result<Vec<u8>, Fault> {
    world.act(n);
    n += 1;
    list.push(n);
    Ok(list)
}

#[tokio::test]
async fn arguments_may_be_mut_and_the_key_is_from_before_the_body() {
    let world = World::new();
    once!(world, mutable(&world, 1, vec![9]), vec![9, 2]);
    once!(async world, mutable_async(&world, 1, vec![9]), vec![9, 2]);
}

struct Point {
    x: u8,
    y: u8,
}

#[idempotent(key = (a, x), skip(world), store = world.handle)]
fn patterns(
    world: &World,
    (a, mut b): (u8, String),
    Point { x, y: mut down }: Point,
    [first, .., last]: [u8; 3],
    &seen: &bool,
    _: f64,
) -> Result<String, Fault> {
    world.act(a);
    b.push('!');
    down += 1;
    Ok(format!("{a} {b} {x} {down} {first} {last} {seen}"))
}

#[idempotent(key = (a, x), skip(world), store = world.handle)]
async fn patterns_async(
    world: &World,
    (a, mut b): (u8, String),
    Point { x, y: mut down }: Point,
) -> Result<String, Fault> {
    world.act(a);
    b.push('!');
    down += 1;
    Ok(format!("{a} {b} {x} {down}"))
}

#[tokio::test]
async fn the_bindings_of_a_pattern_count_as_arguments() {
    let world = World::new();
    let call = |b: &str| patterns(&world, (1, b.to_owned()), Point { x: 2, y: 3 }, [4, 5, 6], &true, 0.5);
    once!(world, call("b"), "1 b! 2 4 4 6 true".to_owned());
    assert!(matches!(call("other"), Err(Fault::Ours(Error::KeyReused(_)))), "`b` is in the fingerprint");
    let call = |b: &str| patterns_async(&world, (1, b.to_owned()), Point { x: 2, y: 3 });
    once!(async world, call("b"), "1 b! 2 4".to_owned());
    assert!(
        matches!(call("other").await, Err(Fault::Ours(Error::KeyReused(_)))),
        "`b` is in the fingerprint"
    );
}

/// A robot with a number.
struct Robot {
    id: u32,
    world: World,
}

impl Robot {
    fn new(id: u32) -> Robot {
        Robot { id, world: World::new() }
    }

    #[idempotent(key = (self.id, n), name = "robot.by_ref", store = self.world.handle)]
    fn by_ref(&self, n: u8) -> Result<u8, Fault> {
        effect!(self.world.act(n));
        Ok(n)
    }

    #[idempotent(key = (self.id, n), name = "robot.by_mut", store = self.world.handle)]
    fn by_mut(&mut self, n: u8) -> Result<u8, Fault> {
        self.world.act(n);
        self.id += 1;
        self.id -= 1;
        Ok(n)
    }

    #[idempotent(key = self.id, name = "robot.by_value", store = self.world.handle)]
    fn by_value(self) -> Result<u32, Fault> {
        self.world.act(self.id);
        Ok(self.id)
    }

    #[idempotent(key = self.id, name = "robot.by_arc", store = self.world.handle)]
    fn by_arc(self: Arc<Self>, n: u8) -> Result<u8, Fault> {
        self.world.act(self.id);
        Ok(n)
    }

    #[idempotent(key = n, name = "robot.by_ref_async", store = self.world.handle)]
    async fn by_ref_async(&self, n: u8) -> Result<u8, Fault> {
        effect!(self.world.act(n));
        Ok(n)
    }

    #[idempotent(key = n, name = "robot.by_mut_async", store = self.world.handle)]
    async fn by_mut_async(&mut self, n: u8) -> Result<u8, Fault> {
        self.world.act(n);
        self.id += 1;
        Ok(n)
    }

    #[idempotent(key = n, name = "robot.by_value_async", store = self.world.handle)]
    async fn by_value_async(self, n: u8) -> Result<u8, Fault> {
        self.world.act(n);
        Ok(n)
    }

    #[idempotent(key = n, name = "robot.by_arc_async", store = self.world.handle)]
    async fn by_arc_async(self: Arc<Self>, n: u8) -> Result<u8, Fault> {
        self.world.act(n);
        Ok(n)
    }

    #[idempotent(key = n, name = "robot.made", skip(world), store = world.handle)]
    fn made(world: &World, n: u8) -> Result<Option<u8>, Fault>
    where
        Self: Sized,
    {
        world.act(n);
        Ok(Some(n))
    }
}

#[tokio::test]
async fn methods_with_every_receiver() {
    let mut robot = Robot::new(1);
    once!(robot.world, robot.by_ref(1), 1);
    assert_eq!(robot.by_mut(1).unwrap(), 1);
    assert_eq!(robot.by_mut(1).unwrap(), 1);
    assert_eq!(robot.world.runs(), 2, "`by_mut` ran once");
    once!(async robot.world, robot.by_ref_async(1), 1);
    assert_eq!(robot.by_mut_async(1).await.unwrap(), 1);
    assert_eq!(robot.by_mut_async(1).await.unwrap(), 1);
    assert_eq!(robot.world.runs(), 4, "`by_mut_async` ran once");
    let robot = Arc::new(robot);
    once!(robot.world, Arc::clone(&robot).by_arc(1), 1);
    once!(async robot.world, Arc::clone(&robot).by_arc_async(1), 1);
    once!(robot.world, Robot::made(&robot.world, 1), Some(1));
    assert_eq!(Robot::new(7).by_value().unwrap(), 7);
    assert_eq!(Robot::new(7).by_value_async(3).await.unwrap(), 3);
}

trait Act {
    fn world(&self) -> &World;

    fn act(&self, n: u8) -> Result<u8, Fault>;

    async fn act_async(&self, n: u8) -> Result<u8, Fault>;

    #[idempotent(key = n, name = "act.default", store = self.world().handle)]
    fn default(&self, n: u8) -> Result<u8, Fault> {
        self.world().act(n);
        Ok(n)
    }

    #[idempotent(key = n, name = "act.default_async", store = self.world().handle)]
    async fn default_async(&self, n: u8) -> Result<u8, Fault> {
        effect!(self.world().act(n));
        Ok(n)
    }
}

impl Act for Robot {
    fn world(&self) -> &World {
        &self.world
    }

    #[idempotent(key = n, name = "robot.act", store = self.world.handle)]
    fn act(&self, n: u8) -> Result<u8, Fault> {
        self.world.act(n);
        Ok(n)
    }

    #[idempotent(key = n, name = "robot.act_async", store = self.world.handle)]
    async fn act_async(&self, n: u8) -> Result<u8, Fault> {
        effect!(self.world.act(n));
        Ok(n)
    }
}

#[tokio::test]
async fn trait_methods_and_default_methods() {
    let robot = Robot::new(1);
    once!(robot.world, robot.act(1), 1);
    once!(async robot.world, robot.act_async(1), 1);
    once!(robot.world, robot.default(1), 1);
    once!(async robot.world, robot.default_async(1), 1);
}

#[test]
fn a_function_inside_a_function() {
    #[idempotent(key = n, skip(world), store = world.handle)]
    fn inner(world: &World, n: u8) -> Result<u8, Fault> {
        world.act(n);
        Ok(n)
    }
    let world = World::new();
    once!(world, inner(&world, 1), 1);
}

#[idempotent(key = n, skip(world), store = world.handle)]
fn r#raw(world: &World, r#n: u8) -> Result<u8, Fault> {
    #![allow(clippy::let_and_return)]
    world.act(n);
    let same = n;
    same.checked_add(1).ok_or_else(|| Fault::own("too many"))
}

#[test]
fn raw_names_and_inner_attributes() {
    let world = World::new();
    once!(world, raw(&world, 1), 2);
}
