//! How much is tried: the everyday size, or with `HOLDFAST_TORTURE=long` the one of `cargo xtask torture`.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    Everyday,
    Long,
}

pub fn size() -> Size {
    match std::env::var("HOLDFAST_TORTURE").as_deref() {
        Ok("long") => Size::Long,
        _ => Size::Everyday,
    }
}

impl Size {
    pub fn choose<T>(self, everyday: T, long: T) -> T {
        match self {
            Self::Everyday => everyday,
            Self::Long => long,
        }
    }
}

/// Where random trials begin. Another one is tried with `HOLDFAST_TORTURE_SEED`.
pub fn seed() -> u64 {
    let text = std::env::var("HOLDFAST_TORTURE_SEED").ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(1)
}
