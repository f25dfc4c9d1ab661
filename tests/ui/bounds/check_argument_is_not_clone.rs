use idempotent::{Error, idempotent};

struct Ticket;

#[idempotent(key = id, skip(ticket), check(find, after = "2s"))]
fn book(id: u32, ticket: Ticket) -> Result<u32, Error> {
    Ok(id)
}

fn find(id: u32, _: Ticket) -> Result<Option<u32>, Error> {
    Ok(Some(id))
}

fn main() {}
