//! `value(..)` and `check(.., first)` on functions of every shape: what they name is called with what it asks for.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use idempotent::{Error, How, attempt, effect, idempotent, inspect, inspect_async, observe, observe_async};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::world::{Fault, Told, World};

/// A record that code of version 1 has left under this key: an operator's hand plays that code. The call is made once,
/// and must be interrupted.
fn recorded_before<T: Serialize>(world: &World, key: idempotent::Key, value: &T) {
    world.handle.drain(Duration::from_secs(20)).wait();
    let seen = world.handle.show(&key).wait().unwrap().entry.unwrap().record.unwrap().seen();
    world.handle.operator("ada", "plays version 1").resolve_done(&key, seen, value).wait().unwrap();
}

/// Interrupts a body once it may have acted.
fn interrupted(world: &World, dies: &AtomicBool) {
    world.act("acts");
    if dies.swap(false, Ordering::SeqCst) {
        std::panic::resume_unwind(Box::new("interrupted"));
    }
}

fn older<T: DeserializeOwned>(from: u32, stored: &[u8]) -> Result<Vec<T>, serde_json::Error> {
    assert_eq!(from, 1);
    serde_json::from_slice(stored).map(|one| vec![one])
}

#[idempotent(
    key = id,
    skip(world, dies),
    store = world.handle,
    value(version = 2, upgrade = older::<T>)
)]
fn generic<T>(world: &World, id: u32, like: T, dies: &AtomicBool) -> Result<Vec<T>, Error>
where
    T: Serialize + DeserializeOwned + Clone,
{
    interrupted(world, dies);
    Ok(vec![like])
}

// Fails when `upgrade` is not handed on, or a generic one is not called with the type of the call.
#[test]
fn upgrade_of_a_generic_function() {
    let world = World::new();
    let dies = AtomicBool::new(true);
    let call = |dies: &AtomicBool| generic(&world, 1, "text".to_owned(), dies);
    catch_unwind(AssertUnwindSafe(|| call(&dies))).unwrap_err();
    recorded_before(&world, inspect(|| call(&dies)).unwrap(), &"old");
    assert_eq!(call(&dies).unwrap(), ["old"]);
    assert_eq!(generic(&world, 2, 7_u8, &dies).unwrap(), [7]);
}

struct Desk {
    number: u32,
}

impl Desk {
    fn older(from: u32, stored: &[u8]) -> Result<String, Told> {
        Ok(format!("version {from}: {}", String::from_utf8_lossy(stored)))
    }

    async fn look(&self, world: &World, id: u32, _: &AtomicBool) -> Result<Option<String>, Told> {
        world.act(format!("asked {}", attempt().number()));
        Ok((id == 2).then(|| format!("found at desk {}", self.number)))
    }

    #[idempotent(
        key = (self.number, id),
        name = "results.desk",
        skip(world, dies),
        store = world.handle,
        check(Self::look, first, after = "0s"),
        value(upgrade = Self::older, version = 2)
    )]
    async fn book(&self, world: &World, id: u32, dies: &AtomicBool) -> Result<String, Fault> {
        effect!(interrupted(world, dies));
        Ok("booked".to_owned())
    }
}

// Fails when a method's own functions are not called, or `first` does not reach the asynchronous check.
#[tokio::test]
async fn a_methods_own_upgrade_and_first_check() {
    let world = World::new();
    let desk = Desk { number: 4 };
    let dies = AtomicBool::new(true);
    let found = observe_async(desk.book(&world, 2, &dies)).await;
    assert_eq!(
        (found.result.unwrap().as_str(), found.outcome.unwrap().how),
        ("found at desk 4", How::Recovered)
    );
    assert_eq!(world.done(), ["asked 1"]);
    let polled = catch_unwind(AssertUnwindSafe(|| {
        let (world, desk, dies) = (&world, &desk, &dies);
        let alone = || tokio::runtime::Builder::new_current_thread().build().unwrap();
        std::thread::scope(|scope| scope.spawn(move || alone().block_on(desk.book(world, 1, dies))).join())
    }));
    assert!(polled.unwrap().is_err(), "interrupted");
    let key = inspect_async(desk.book(&world, 1, &dies)).await.unwrap();
    recorded_before(&world, key, &5);
    assert_eq!(desk.book(&world, 1, &dies).await.unwrap(), "version 1: 5");
    assert_eq!(world.done(), ["asked 1", "asked 1", "acts"]);
}

#[async_trait]
trait Act {
    async fn act(&self, n: u8) -> Result<u8, Fault>;
}

struct Robot {
    world: World,
}

impl Robot {
    async fn find(&self, n: u8) -> Result<Option<u8>, Told> {
        tokio::task::yield_now().await;
        self.world.act(attempt().request_id());
        Ok((n == 1).then_some(100))
    }
}

#[async_trait]
impl Act for Robot {
    #[idempotent(
        key = n,
        name = "results.act",
        store = self.world.handle,
        check(Self::find, after = "0s", first),
        value(version = 3)
    )]
    async fn act(&self, n: u8) -> Result<u8, Fault> {
        effect!(self.world.act(attempt().request_id()));
        Ok(n)
    }
}

// Fails when the check in a boxed future runs outside of its attempt, or the future is not `Send` any more.
#[tokio::test]
async fn a_first_check_under_async_trait() {
    let robot = Robot { world: World::new() };
    assert_eq!(robot.act(1).await.unwrap(), 100);
    let robot: std::sync::Arc<Robot> = robot.into();
    let spawned = std::sync::Arc::clone(&robot);
    assert_eq!(tokio::spawn(async move { spawned.act(2).await }).await.unwrap().unwrap(), 2);
    let done = robot.world.done();
    assert_eq!((done.len(), &done[1]), (3, &done[2]), "the check and the body have one request id");
    assert_ne!(done[0], done[1]);
}

/// A check whose future is made by a plain function: what it does before the first poll is inside of the attempt, too.
fn eager(world: &World, id: u32) -> impl Future<Output = Result<Option<u32>, Told>> + use<> {
    let number = attempt().number();
    world.act("asked");
    async move { Ok((id == 1).then_some(number)) }
}

#[idempotent(key = id, skip(world), store = world.handle, check(eager, after = "0s", first))]
async fn eagerly(world: &World, id: u32) -> Result<u32, Error> {
    effect!(world.act("acts"));
    Ok(id)
}

// Fails when the call of the check, and not only its future, is outside of the attempt.
#[tokio::test]
async fn a_check_that_begins_before_it_is_polled() {
    let world = World::new();
    assert_eq!(eagerly(&world, 1).await.unwrap(), 1);
    assert_eq!(eagerly(&world, 2).await.unwrap(), 2);
    assert_eq!(world.done(), ["asked", "asked", "acts"]);
}

fn not_there(world: &World, n: &mut u32, text: String) -> Result<Option<u32>, Told> {
    world.act(text);
    *n += 1;
    Ok(None)
}

#[idempotent(key = text, skip(world, n), store = world.handle, check(not_there, after = "0s", first))]
fn in_turn(world: &World, n: &mut u32, text: String) -> Result<u32, Error> {
    world.act(&text);
    *n += 10;
    Ok(*n)
}

// Fails when arguments by value or by `&mut` are spent on a first check.
#[test]
fn a_first_check_leaves_the_arguments_to_the_body() {
    let world = World::new();
    let mut n = 0;
    let seen = observe(|| in_turn(&world, &mut n, "x".to_owned()));
    assert_eq!((seen.result.unwrap(), seen.outcome.unwrap().how), (11, How::Executed));
    assert_eq!((n, world.done()), (11, vec!["x".to_owned(); 2]));
}
