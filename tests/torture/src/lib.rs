//! The tests are in `main.rs` and its modules; a package needs a library.
