use idempotent::idempotent;

#[idempotent(key = id)]
fn book(id: u32) {
    drop(id.to_string());
}

fn main() {
    book(1);
}
