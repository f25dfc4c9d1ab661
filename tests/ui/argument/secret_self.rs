use idempotent::{Error, idempotent};

struct Robot;

impl Robot {
    #[idempotent(key = id, name = "robot.book", secret(self))]
    fn book(&self, id: u32) -> Result<u32, Error> {
        Ok(id)
    }
}

fn main() {}
