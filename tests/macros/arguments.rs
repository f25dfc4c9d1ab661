//! Each argument of the attribute does what its page says.

use idempotent::{Error, Handle, How, OnErr, effect, idempotent, observe, observe_async};

use crate::world::{Fault, Told, World, once, ran};

struct Order {
    id: u32,
    note: String,
}

#[derive(serde::Serialize)]
struct Line {
    sku: String,
    count: u32,
}

#[idempotent(key = (order.id, &line.sku), skip(world, order), store = world.handle)]
fn parts(world: &World, order: &Order, line: Line) -> Result<u32, Fault> {
    world.act(&order.note);
    Ok(line.count)
}

// Fails when a part of an argument (`line.sku`) takes the whole of it out of the fingerprint.
#[test]
fn only_a_whole_argument_in_the_key_leaves_the_fingerprint() {
    let world = World::new();
    let order = |note: &str| Order { id: 1, note: note.to_owned() };
    let line = |count| Line { sku: "a".to_owned(), count };
    once!(world, parts(&world, &order("first"), line(2)), 2);
    assert_eq!(parts(&world, &order("other"), line(2)).unwrap(), 2, "a skipped argument may differ");
    assert!(matches!(parts(&world, &order("first"), line(3)), Err(Fault::Ours(Error::KeyReused(_)))));
    assert_eq!(world.runs(), 1);
}

#[idempotent(key = all, skip(world), store = world.handle)]
fn all(world: &World, a: &str, b: u8) -> Result<u8, Fault> {
    world.act(a);
    Ok(b)
}

// Fails when `all` takes less than all, or takes what is skipped.
#[test]
fn key_all_takes_every_argument_that_is_not_skipped() {
    let world = World::new();
    once!(world, all(&world, "x", 1), 1);
    once!(world, all(&world, "x", 2), 2);
    once!(world, all(&world, "y", 2), 2);
}

#[idempotent(key = (a, b), skip(world), store = world.handle)]
fn tuple(world: &World, a: &str, b: &str) -> Result<String, Fault> {
    world.act(a);
    Ok(format!("{a}-{b}"))
}

// Fails when a tuple is one part of text, or its parts are glued together.
#[test]
fn a_tuple_is_split_into_its_parts() {
    let world = World::new();
    once!(world, tuple(&world, "a", "bc"), "a-bc".to_owned());
    once!(world, tuple(&world, "ab", "c"), "ab-c".to_owned());
}

#[idempotent(key = n, name = "arguments.pinned", skip(world), store = world.handle)]
fn before_the_move(world: &World, n: u8) -> Result<u8, Fault> {
    world.act(n);
    Ok(n)
}

// Fails when the name is not the operation's, or not part of the key.
#[test]
fn a_name_pins_the_operation() {
    static OPERATION: idempotent::Operation = idempotent::Operation::new("arguments.key_only");
    let world = World::new();
    let pinned = idempotent::inspect(|| before_the_move(&world, 1)).unwrap();
    let again = idempotent::inspect(|| before_the_move(&world, 1)).unwrap();
    assert_eq!(pinned, again);
    let other = idempotent::inspect(|| {
        OPERATION
            .call()
            .key("n", &1_u8)
            .store(&world.handle)
            .returns::<Result<u8, Fault>>()
            .run_blocking(|_| Ok(1))
    })
    .unwrap();
    assert_ne!(pinned, other);
    assert_eq!(world.runs(), 0);
}

async fn find(world: &World, id: u32, (left, right): (u8, String)) -> Result<Option<String>, Told> {
    match world.done().last() {
        Some(last) if last == "booked" => Ok(Some(format!("found {id} {left} {right}"))),
        Some(last) if last == "unclear" => Err(Told("the portal is down".to_owned())),
        _ => Ok(None),
    }
}

#[idempotent(key = id, skip(world), store = world.handle, check(find, after = "0s"), wait = "0s")]
async fn checked(world: &World, id: u32, (left, right): (u8, String)) -> Result<String, Fault> {
    let what = if world.runs() == 0 && left == 1 { "booked" } else { "unclear" };
    effect!(world.act(what));
    if left == 1 { Err(Fault::own("no answer")) } else { Ok(right) }
}

// Fails when `check` is not asked, gets other arguments, or its answer does not count.
#[tokio::test]
async fn check_gets_the_same_arguments() {
    let world = World::new();
    let call = || checked(&world, 5, (1, "r".to_owned()));
    assert!(matches!(call().await, Err(Fault::Own(_))));
    let seen = observe_async(call()).await;
    assert_eq!(seen.result.unwrap(), "found 5 1 r");
    assert_eq!(seen.outcome.unwrap().how, How::Recovered);
    assert_eq!(world.runs(), 1);
    assert!(checked(&world, 6, (1, "r".to_owned())).await.is_err());
    let refused = checked(&world, 6, (1, "r".to_owned())).await;
    let Err(Fault::Ours(doubt @ Error::InDoubt(_))) = refused else { panic!("{refused:?}") };
    assert!(doubt.to_string().contains("the portal is down"), "{doubt}");
}

fn find_sync(world: &World, n: u8, list: &mut Vec<u8>, text: String) -> Result<Option<u8>, Told> {
    list.push(1);
    Ok((world.runs() > 0).then(|| n + u8::try_from(text.len()).unwrap()))
}

#[idempotent(key = n, skip(world, list), store = world.handle, check(find_sync, after = "0s"))]
fn checked_sync(world: &World, n: u8, list: &mut Vec<u8>, text: String) -> Result<u8, Fault> {
    list.push(9);
    effect!(world.act(text));
    Err(Fault::own("no answer"))
}

// Fails when `check` of a synchronous function is not asked, or a `&mut` argument is moved into it.
#[test]
fn check_of_a_synchronous_function() {
    let world = World::new();
    let mut list = Vec::new();
    assert!(checked_sync(&world, 5, &mut list, "abc".to_owned()).is_err());
    assert_eq!(checked_sync(&world, 5, &mut list, "abc".to_owned()).unwrap(), 8);
    assert_eq!(list, [9, 1]);
}

#[derive(Clone)]
struct Desk {
    open: bool,
}

impl Desk {
    async fn look(&self, world: &World, n: u8) -> Result<Option<u8>, Told> {
        Ok((world.runs() > 0 && self.open).then_some(n + 100))
    }

    #[idempotent(key = n, name = "desk.book", skip(world), store = world.handle, check(Self::look, after = "0s"))]
    async fn book(&self, world: &World, n: u8) -> Result<u8, Fault> {
        effect!(world.act(n));
        Err(Fault::own("no answer"))
    }

    async fn look_mut(&mut self, world: &World, n: u8) -> Result<Option<u8>, Told> {
        self.open = true;
        self.look(world, n).await
    }

    #[idempotent(key = n, name = "desk.book_mut", skip(world), store = world.handle, check(Desk::look_mut, after = "0s"))]
    async fn book_mut(&mut self, world: &World, n: u8) -> Result<u8, Fault> {
        effect!(world.act(n));
        Err(Fault::own("no answer"))
    }
}

// Fails when the receiver is not passed to `check`.
#[tokio::test]
async fn check_of_a_method_gets_the_receiver() {
    let world = World::new();
    let desk = Desk { open: true };
    assert!(desk.book(&world, 1).await.is_err());
    assert_eq!(desk.book(&world, 1).await.unwrap(), 101);
    let mut desk = Desk { open: false };
    assert!(desk.book_mut(&world, 1).await.is_err());
    assert_eq!(desk.book_mut(&world, 1).await.unwrap(), 101);
}

#[idempotent(key = n, skip(world), store = world.handle, rerun)]
fn again(world: &World, n: u8) -> Result<u8, Fault> {
    effect!(world.act(n));
    if world.runs() == 1 { Err(Fault::own("no answer")) } else { Ok(n) }
}

// Fails when `rerun` does not reach the operation.
#[test]
fn rerun_runs_again_after_doubt() {
    let world = World::new();
    assert!(again(&world, 1).is_err());
    assert_eq!(again(&world, 1).unwrap(), 1);
    assert_eq!(world.runs(), 2);
}

#[idempotent(key = n, skip(world), store = world.handle, on_err = release)]
fn released(world: &World, n: u8) -> Result<u8, Fault> {
    effect!(world.act(n));
    if world.runs() == 1 { Err(Fault::own("full")) } else { Ok(n) }
}

#[idempotent(key = n, skip(world), store = world.handle, on_err = store, map_err = told)]
fn stored(world: &World, n: u8) -> Result<u8, Told> {
    effect!(world.act(n));
    Err(Told("declined".to_owned()))
}

fn told(error: Error) -> Told {
    Told(error.to_string())
}

fn judge(error: &Fault) -> OnErr {
    match error {
        Fault::Own(text) if text == "full" => OnErr::Release,
        _ => OnErr::Doubt,
    }
}

#[idempotent(key = n, skip(world), store = world.handle, on_err = judge)]
fn judged(world: &World, n: u8) -> Result<u8, Fault> {
    effect!(world.act(n));
    match world.runs() {
        1 => Err(Fault::own("full")),
        _ => Err(Fault::own("no answer")),
    }
}

fn always_store(_: &Told) -> OnErr {
    OnErr::Store
}

#[idempotent(key = n, skip(world), store = world.handle, on_err = self::always_store, map_err = told)]
fn judged_stored(world: &World, n: u8) -> Result<u8, Told> {
    effect!(world.act(n));
    Err(Told("declined".to_owned()))
}

// Fails when a form of `on_err` is lost, or a path cannot store an error that serde could.
#[test]
fn on_err_says_what_an_error_means() {
    let world = World::new();
    assert!(released(&world, 1).is_err());
    assert_eq!(released(&world, 1).unwrap(), 1);

    let world = World::new();
    assert_eq!(stored(&world, 1), Err(Told("declined".to_owned())));
    assert_eq!(stored(&world, 1), Err(Told("declined".to_owned())));
    assert_eq!(world.runs(), 1);

    let world = World::new();
    assert!(judged(&world, 1).is_err());
    assert!(judged(&world, 1).is_err(), "released, so it ran again");
    assert_eq!(world.runs(), 2);
    assert!(matches!(judged(&world, 1), Err(Fault::Ours(Error::InDoubt(_)))));

    let world = World::new();
    assert_eq!(judged_stored(&world, 1), Err(Told("declined".to_owned())));
    assert_eq!(judged_stored(&world, 1), Err(Told("declined".to_owned())));
    assert_eq!(world.runs(), 1);
}

#[idempotent(key = n, skip(world), store = world.handle, map_err = told)]
fn mapped(world: &World, n: u8, text: &str) -> Result<u8, Told> {
    world.act(text);
    Ok(n)
}

// Fails when `map_err` is not used for our errors.
#[test]
fn map_err_makes_the_callers_error() {
    let world = World::new();
    once!(world, mapped(&world, 1, "a"), 1);
    let Err(Told(text)) = mapped(&world, 1, "b") else { panic!("another payload") };
    assert!(text.contains("mapped"), "the operation's name: {text}");
}

#[idempotent(key = n, skip(handle), store = handle, keep = forever, wait = "500ms")]
fn kept(handle: &Handle, n: u8) -> Result<u8, Fault> {
    let _ = handle;
    Ok(n)
}

#[idempotent(key = n, skip(world), store = world.handle, keep = "30d", wait = "1h",)]
fn kept_for_days(world: &World, n: u8) -> Result<u8, Fault> {
    world.act(n);
    Ok(n)
}

// Fails when a form of `keep` or `wait`, or a comma at the end, is not taken.
#[test]
fn keep_and_wait_are_taken() {
    let world = World::new();
    ran(observe(|| kept(&world.handle, 1)), 1);
    once!(world, kept_for_days(&world, 1), 1);
}

#[idempotent(key = n, skip(world))]
fn nowhere(world: &World, n: u8) -> Result<u8, Fault> {
    world.act(n);
    Ok(n)
}

// Fails when a call without a store runs.
#[test]
fn without_a_store_nothing_runs() {
    let world = World::new();
    assert!(matches!(nowhere(&world, 1), Err(Fault::Ours(Error::NotInstalled(_)))));
    assert_eq!(world.runs(), 0);
}
