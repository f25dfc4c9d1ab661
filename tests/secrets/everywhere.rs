//! Every way in which a call can end, with a secret in its key, in its payload and in everything that it says.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use idempotent::{Error, OnErr, effect, idempotent};
use idempotent_tests::World;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::hidden::{heard, listen};
use crate::{Hidden, SECRET, refused, told};

/// An error that tells the secret.
pub(crate) enum Fault {
    Own,
    Ours(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault::Ours(error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&told())
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Own => f.write_str("Own"),
            Fault::Ours(error) => error.fmt(f),
        }
    }
}

/// How a body ends.
#[derive(Clone, Copy, Serialize)]
enum End {
    Ok,
    ErrBefore,
    ErrAfter,
    Panic,
}

impl End {
    fn before(self) -> Result<(), Fault> {
        if matches!(self, End::ErrBefore) { Err(Fault::Own) } else { Ok(()) }
    }

    fn after(self) -> Result<u32, Fault> {
        match self {
            End::Ok => Ok(7),
            End::ErrBefore | End::ErrAfter => Err(Fault::Own),
            End::Panic => resume_unwind(Box::new(told())),
        }
    }
}

#[idempotent(key = (id, ssn), secret(ssn, note), name = "secrets.in_key", skip(world, end), store = world.handle)]
fn in_key(world: &World, id: u32, ssn: &str, note: &str, end: End) -> Result<u32, Fault> {
    end.before()?;
    effect!(world.ledger.act("acts"));
    end.after()
}

#[idempotent(
    key = "{id}:{ssn}",
    secret(ssn),
    name = "secrets.checked",
    skip(world, end),
    store = world.handle,
    check(cannot_tell, after = "0s")
)]
fn checked(world: &World, id: u32, ssn: &str, end: End) -> Result<u32, Fault> {
    effect!(world.ledger.act("acts"));
    end.after()
}

fn cannot_tell(_: &World, _: u32, _: &str, _: End) -> Result<Option<u32>, Fault> {
    Err(Fault::Own)
}

#[idempotent(key = id, secret(ssn), name = "secrets.in_rest", skip(world), store = world.handle)]
fn in_rest(world: &World, id: u32, ssn: &str) -> Result<u32, Fault> {
    world.ledger.act("acts");
    Ok(id)
}

/// Fails with a text that tells the secret, as a value, as a result and when it is read.
#[derive(Clone, Copy, Debug)]
struct Telling {
    writes: bool,
}

impl Serialize for Telling {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.writes { serializer.serialize_u8(1) } else { Err(ser::Error::custom(told())) }
    }
}

impl<'de> Deserialize<'de> for Telling {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(de::Error::custom(told()))
    }
}

#[idempotent(key = (id, card), secret(card), name = "secrets.bad_key", skip(world), store = world.handle)]
fn bad_key(world: &World, id: u32, card: Telling) -> Result<u32, Fault> {
    world.ledger.act("acts");
    Ok(id)
}

#[idempotent(key = id, secret(ssn), name = "secrets.bad_value", skip(world, writes), store = world.handle)]
fn bad_value(world: &World, id: u32, ssn: &str, writes: bool) -> Result<Telling, Fault> {
    world.ledger.act("acts");
    Ok(Telling { writes })
}

/// Is recorded, without the secret that its text tells.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Declined;

impl From<Error> for Declined {
    fn from(_: Error) -> Declined {
        Declined
    }
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&told())
    }
}

#[idempotent(key = ssn, secret(ssn), name = "secrets.final", skip(world), store = world.handle, on_err = store)]
fn final_failure(world: &World, ssn: &str) -> Result<u32, Declined> {
    effect!(world.ledger.act("acts"));
    Err(Declined)
}

fn store_it(_: &Fault) -> OnErr {
    OnErr::Store
}

#[idempotent(key = ssn, secret(ssn), name = "secrets.judged", skip(world), store = world.handle, on_err = store_it)]
fn judged(world: &World, ssn: &str) -> Result<u32, Fault> {
    effect!(world.ledger.act("acts"));
    Err(Fault::Own)
}

/// Loses its claim to an operator while it runs, and ends with a result or an error that tell the secret.
#[idempotent(key = (ssn, ok), secret(ssn), name = "secrets.late", skip(world), store = world.handle)]
fn late(world: &World, ssn: &str, ok: bool) -> Result<String, Fault> {
    effect!(world.ledger.act("acts"));
    let key = idempotent::inspect(|| late(world, ssn, ok)).map_err(Fault::Ours)?;
    let entry = world.handle.show(&key).wait().unwrap().entry.unwrap();
    let seen = entry.record.unwrap().seen();
    let operator = world.handle.operator("ada", "it hangs");
    operator.revoke(&key, seen).wait().unwrap();
    let entry = world.handle.show(&key).wait().unwrap().entry.unwrap();
    let seen = entry.record.unwrap().seen();
    operator.resolve_not_done(&key, seen).wait().unwrap();
    if ok { Ok(told()) } else { Err(Fault::Own) }
}

#[idempotent(key = ssn, secret(ssn), name = "secrets.cut", skip(world), store = world.handle)]
fn cut(world: &World, ssn: &str) -> Result<String, Fault> {
    effect!(world.ledger.act("acts"));
    world.faults.down();
    Ok(told())
}

pub(crate) fn nothing_tells_a_secret(world: &World) {
    listen();
    let hidden = Hidden(world);

    assert_eq!(in_key(world, 1, SECRET, SECRET, End::Ok).unwrap(), 7);
    assert_eq!(in_key(world, 1, SECRET, SECRET, End::Ok).unwrap(), 7);
    hidden.in_error(&refused(in_key(world, 1, SECRET, "another note", End::Ok)));
    hidden.in_all("a call that is done");

    assert!(matches!(in_key(world, 2, SECRET, SECRET, End::ErrBefore), Err(Fault::Own)), "as it was");
    hidden.in_all("an error before the effect");
    assert!(matches!(in_key(world, 2, SECRET, SECRET, End::ErrAfter), Err(Fault::Own)));
    let doubt = refused(in_key(world, 2, SECRET, SECRET, End::Ok));
    let Error::InDoubt(inner) = &doubt else { panic!("{doubt}") };
    let said = inner.last_error.as_deref().unwrap();
    assert!(said.contains("everywhere::Fault") && said.contains("withheld"), "{said}");
    hidden.in_error(&doubt);
    hidden.in_all("an error after the effect");

    let unwound = catch_unwind(AssertUnwindSafe(|| in_key(world, 3, SECRET, SECRET, End::Panic)));
    assert!(unwound.is_err());
    world.drain();
    hidden.in_error(&refused(in_key(world, 3, SECRET, SECRET, End::Ok)));
    hidden.in_all("a panic");

    checked(world, 1, SECRET, End::ErrAfter).unwrap_err();
    let doubt = refused(checked(world, 1, SECRET, End::Ok));
    assert!(doubt.to_string().contains("the check cannot tell"), "{doubt}");
    hidden.in_error(&doubt);
    hidden.in_all("a check that cannot tell");

    assert_eq!(in_rest(world, 1, SECRET).unwrap(), 1);
    hidden.in_error(&refused(in_rest(world, 1, "another")));
    hidden.in_all("another payload");

    let bad = refused(bad_key(world, 1, Telling { writes: false }));
    assert_eq!(bad.code(), "key");
    hidden.in_error(&bad);
    for (id, writes) in [(1, false), (2, true)] {
        bad_value(world, id, SECRET, writes).unwrap();
        let stored = refused(bad_value(world, id, SECRET, writes));
        assert_eq!(stored.code(), "stored_value");
        hidden.in_error(&stored);
    }
    hidden.in_all("a value that cannot be recorded");

    assert_eq!(final_failure(world, SECRET), Err(Declined));
    assert_eq!(final_failure(world, SECRET), Err(Declined));
    judged(world, SECRET).unwrap_err();
    hidden.in_error(&refused(judged(world, SECRET)));
    hidden.in_all("a final failure");

    for ok in [true, false] {
        hidden.in_error(&refused(late(world, SECRET, ok)));
    }
    hidden.in_all("a result and an error that come too late");

    let failed = refused(cut(world, SECRET));
    let Error::Store(inner) = &failed else { panic!("{failed}") };
    assert!(inner.unrecorded.as_deref().unwrap().contains("withheld"), "{failed}");
    hidden.in_error(&failed);
    world.faults.up();
    assert!(heard() > 20, "the subscriber was told little");
}
