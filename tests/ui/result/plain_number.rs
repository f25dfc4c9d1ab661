use idempotent::idempotent;

#[idempotent(key = id)]
fn book(id: u32) -> u32 {
    id
}

fn main() {
    book(1);
}
