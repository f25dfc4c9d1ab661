use idempotent::{Error, idempotent};

struct Robot;

#[idempotent(key = id)]
impl Robot {
    fn book(&self, id: u32) -> Result<u32, Error> {
        Ok(id)
    }
}

fn main() {
    let _ = Robot.book(1);
}
