use idempotent::{Error, idempotent};

struct Robot;

impl Robot {
    #[idempotent(key = id)]
    fn book(&self, id: u32) -> Result<u32, Error> {
        Ok(id)
    }
}

fn main() {
    let _ = Robot.book(1);
}
