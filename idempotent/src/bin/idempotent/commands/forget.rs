//! `forget`: removes a recorded ending.

use super::act::{Act, Plan};
use crate::args::Forget;
use crate::failure::Failure;
use crate::records::Records;

pub(crate) fn forget(records: &Records, asked: &Forget) -> Result<Plan, Failure> {
    Plan::on_key(records, Act::Forget, &asked.key, &asked.act)
}
