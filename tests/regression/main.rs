//! A file for each bug that was found: its head tells the story.

mod sqlite_opened_at_once;
