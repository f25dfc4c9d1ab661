//! What a subscriber of `tracing` and a recorder of `metrics` are told, and that they can break nothing.

mod calls;
mod loud;
mod numbers;
mod recorder;
mod spans;
mod subscriber;
