//! Writes `ui/src/lib/bindings.ts`; with `--check` it writes nothing and fails when the committed file is another.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/src/lib/bindings.ts");
    let check = std::env::args().any(|argument| argument == "--check");
    let done = if check {
        holdfast_app::bindings::check(&committed)
    } else {
        holdfast_app::bindings::write(&committed)
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
