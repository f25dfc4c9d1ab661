//! Only its tests matter: `tests/macros`, compiled in the edition of 2021.
