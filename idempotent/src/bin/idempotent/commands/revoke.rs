//! `revoke`: takes the claim from an attempt that hangs.

use super::act::{Act, Plan};
use crate::args::Revoke;
use crate::failure::Failure;
use crate::records::Records;

pub(crate) fn revoke(records: &Records, asked: &Revoke) -> Result<Plan, Failure> {
    Plan::on_key(records, Act::Revoke, &asked.key, &asked.act)
}
