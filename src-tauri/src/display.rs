//! Whether there is a display to show a window on. The toolkit itself would end the program without a word for a person.

/// The sentence for a person if there is none.
#[cfg(target_os = "linux")]
pub fn require() -> Result<(), String> {
    let no_display = "There is no display here to show a window on. `holdfast serve` does the same work without one.";
    gtk::init().map_err(|_| no_display.to_owned())
}

#[cfg(not(target_os = "linux"))]
pub fn require() -> Result<(), String> {
    Ok(())
}
