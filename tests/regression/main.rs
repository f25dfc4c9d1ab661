//! A file for each bug that was found: its head tells the story.

mod generic_method_of_a_generic_impl;
mod key_through_deref;
mod methods_of_one_macro;
mod outage_without_end;
mod renewals_that_hang;
mod sqlite_opened_at_once;
mod store_dropped_by_its_own_thread;
mod wakes_for_nothing;
