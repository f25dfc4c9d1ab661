//! All that expanded code may name. Not part of the public API.

pub use crate::operation::{
    Asking, Call, Claim, Claimed, ErrorCodec, FromError, KeyPart, Next, Operation, Parts, Probe, Ran,
    Recordable, Returns, ViaDisplay, ViaName, ViaNothing, ViaSerde,
};
