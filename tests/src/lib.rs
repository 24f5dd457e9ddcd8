//! Empty on purpose: this package holds tests of the whole product, which live beside this folder.
