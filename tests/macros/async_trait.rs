//! Under `#[async_trait]` the attribute sees `Box::pin(async move { .. })` and wraps inside.
//!
//! Each test fails when `function::boxed_body` does not recognise the expansion: the return type is no
//! `Result` then, or arguments are missing.

use std::sync::Arc;

use async_trait::async_trait;
use idempotent::{Error, effect, idempotent};

use crate::world::{Fault, Told, World, once};

struct Robot {
    id: u32,
    world: World,
}

#[async_trait]
trait Act: Send + Sync {
    fn world(&self) -> &World;

    async fn book(&self, patient: &str, mut day: u8, pair: (u8, String)) -> Result<String, Fault>;

    async fn by_mut(&mut self, n: u8) -> Result<u8, Fault>;

    async fn by_arc(self: Arc<Self>, n: u8) -> Result<u8, Fault>;

    async fn generic<T: Send + Sync + serde::Serialize>(&self, value: T) -> Result<u8, Fault>
    where
        Self: Sized;

    #[idempotent(key = n, name = "async_trait.default", store = self.world().handle)]
    async fn default(&self, mut n: u8) -> Result<u8, Fault> {
        n += 1;
        effect!(self.world().act(n));
        Ok(n)
    }
}

impl Robot {
    async fn find(&self, patient: &str, _day: u8, _pair: (u8, String)) -> Result<Option<String>, Told> {
        Ok((self.world.runs() > 0 && patient == "lost").then(|| "found".to_owned()))
    }
}

#[async_trait]
impl Act for Robot {
    fn world(&self) -> &World {
        &self.world
    }

    #[idempotent(
        key = (self.id, patient, day, left),
        name = "async_trait.book",
        store = self.world.handle,
        check(Self::find, after = "0s")
    )]
    async fn book(
        &self,
        patient: &str,
        mut day: u8,
        (left, mut right): (u8, String),
    ) -> Result<String, Fault> {
        tokio::task::yield_now().await;
        day += 1;
        right.push('!');
        effect!(self.world.act(patient));
        if patient == "lost" {
            return Err(Fault::own("no answer"));
        }
        Ok(format!("{} {patient} {day} {left} {right}", self.id))
    }

    #[idempotent(key = n, name = "async_trait.by_mut", store = self.world.handle)]
    async fn by_mut(&mut self, n: u8) -> Result<u8, Fault> {
        self.id += 1;
        self.world.act(n);
        Ok(n)
    }

    #[idempotent(key = n, name = "async_trait.by_arc", store = self.world.handle)]
    async fn by_arc(self: Arc<Self>, n: u8) -> Result<u8, Fault> {
        self.world.act(n);
        Ok(n)
    }

    #[idempotent(key = value, name = "async_trait.generic", store = self.world.handle)]
    async fn generic<T: Send + Sync + serde::Serialize>(&self, value: T) -> Result<u8, Fault> {
        let _ = value;
        self.world.act("generic");
        Ok(1)
    }
}

#[tokio::test]
async fn s66_methods_under_async_trait() {
    let mut robot = Robot { id: 7, world: World::new() };
    let pair = || (2, "r".to_owned());
    once!(async robot.world, robot.book("ann", 1, pair()), "7 ann 2 2 r!".to_owned());
    assert!(matches!(
        robot.book("ann", 1, (2, "other".to_owned())).await,
        Err(Fault::Ours(Error::KeyReused(_)))
    ));
    assert!(matches!(robot.book("lost", 1, pair()).await, Err(Fault::Own(_))));
    assert_eq!(robot.book("lost", 1, pair()).await.unwrap(), "found");
    once!(async robot.world, robot.default(4), 5);
    once!(async robot.world, robot.generic("text"), 1);
    assert_eq!(robot.by_mut(1).await.unwrap(), 1);
    assert_eq!(robot.by_mut(1).await.unwrap(), 1);
    assert_eq!(robot.id, 8, "`by_mut` ran once");
    let robot = Arc::new(robot);
    once!(async robot.world, Arc::clone(&robot).by_arc(1), 1);
    let dynamic: Arc<dyn Send + Sync> = robot;
    drop(dynamic);
}

type Boxed<'a, T> = std::pin::Pin<Box<dyn std::future::Future<Output = T> + Send + 'a>>;

#[idempotent(key = n, skip(world), store = world.handle)]
fn by_hand<'a>(
    world: &'a World,
    n: u8,
) -> std::pin::Pin<Box<dyn std::future::Future<Output = Result<u8, Fault>> + Send + 'a>> {
    Box::pin(async move {
        tokio::task::yield_now().await;
        effect!(world.act(n));
        Ok(n)
    })
}

#[tokio::test]
async fn a_boxed_future_written_by_hand() {
    let world = World::new();
    let boxed: Boxed<'_, Result<u8, Fault>> = by_hand(&world, 3);
    drop(boxed);
    assert_eq!(world.runs(), 0, "nothing runs before the first poll");
    once!(async world, by_hand(&world, 3), 3);
}
