//! The interface's typed view of the commands: one TypeScript file, made from their Rust signatures.

use std::path::Path;

use specta_typescript::Typescript;

/// Why the bindings could not be written, or that they are not what they should be.
#[derive(Debug, thiserror::Error)]
pub enum BindingsError {
    #[error("{0} cannot be read or written: {1}")]
    File(String, std::io::Error),
    #[error("the bindings cannot be made: {0}")]
    Export(#[from] specta_typescript::Error),
    #[error("{0} is stale; `cargo xtask bindings` writes it")]
    Stale(String),
}

/// Writes the bindings to `path`.
pub fn write(path: &Path) -> Result<(), BindingsError> {
    let made = crate::commands::interface();
    Ok(made.export(Typescript::default(), path)?)
}

/// Writes nothing; fails when `path` is not what would be written.
pub fn check(path: &Path) -> Result<(), BindingsError> {
    let name = path.display().to_string();
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|error| BindingsError::File(name.clone(), error))
    };
    let fresh = std::env::temp_dir().join(format!("holdfast-bindings-{}.ts", std::process::id()));
    write(&fresh)?;
    let made = read(&fresh);
    let removed = std::fs::remove_file(&fresh);
    removed.map_err(|error| BindingsError::File(fresh.display().to_string(), error))?;
    if made? == read(path)? {
        Ok(())
    } else {
        Err(BindingsError::Stale(name))
    }
}
