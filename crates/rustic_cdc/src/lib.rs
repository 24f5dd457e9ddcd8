//! The rolling hash with which rustic_core cuts files where their content says so: a Rabin fingerprint, the remainder of the
//! last bytes, read as a polynomial over the field of two elements, divided by an irreducible one.
//!
//! It cuts as the crate that it takes the place of does, and as restic does, so that what they stored is found again. Unlike
//! that crate it computes its tables once for each polynomial and not for each file, which took a third of the time of a
//! backup of many small files.

use std::sync::{Arc, Mutex, PoisonError};

/// A polynomial: each bit is a coefficient, the lowest that of the constant.
pub type Polynom64 = u64;

pub trait Polynom {
    /// The highest power of x in it; of zero, which has none, -1.
    fn degree(&self) -> i32;

    /// The remainder of a division.
    #[must_use]
    fn modulo(&self, divisor: &Self) -> Self;
}

impl Polynom for Polynom64 {
    fn degree(&self) -> i32 {
        self.checked_ilog2().map_or(-1, |power| power as i32)
    }

    fn modulo(&self, divisor: &Self) -> Self {
        let (mut rest, degree) = (*self, divisor.degree());
        while rest.degree() >= degree {
            rest ^= divisor << (rest.degree() - degree);
        }
        rest
    }
}

/// A hash of the last bytes of a stream.
pub trait RollingHash64 {
    /// Begins anew with one byte less than the window holds, or with what there is.
    fn reset_and_prefill_window(&mut self, bytes: &mut impl Iterator<Item = u8>) -> usize;

    /// Takes the next byte in, and the oldest out.
    fn slide(&mut self, byte: u8);
}

/// What a byte does to the hash, for each of the 256.
#[derive(Debug)]
struct Tables {
    window: usize,
    polynom: Polynom64,
    /// The remainder of a byte that all others of the window have followed.
    out: [Polynom64; 256],
    /// Turns the byte that grew out at the top into its remainder below.
    reduce: [Polynom64; 256],
}

/// How many polynomials' tables are kept: each repository has its own.
const KEPT: usize = 4;

/// Those used last, the newest at the end.
static KNOWN: Mutex<Vec<Arc<Tables>>> = Mutex::new(Vec::new());

impl Tables {
    fn of(window: usize, polynom: Polynom64) -> Arc<Self> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |tables: &Arc<Self>| tables.window == window && tables.polynom == polynom;
        let tables = match known.iter().position(same) {
            Some(at) => known.remove(at),
            None => Arc::new(Self::new(window, polynom)),
        };
        if known.len() == KEPT {
            known.remove(0);
        }
        known.push(tables.clone());
        tables
    }

    fn new(window: usize, polynom: Polynom64) -> Self {
        let after_the_others = |byte: usize| {
            let first = (byte as Polynom64).modulo(&polynom);
            (1..window).fold(first, |hash, _| (hash << 8).modulo(&polynom))
        };
        let reduced = |byte: usize| {
            let grown = (byte as Polynom64) << polynom.degree();
            grown | grown.modulo(&polynom)
        };
        Self {
            window,
            polynom,
            out: std::array::from_fn(after_the_others),
            reduce: std::array::from_fn(reduced),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Rabin64 {
    pub hash: Polynom64,
    tables: Arc<Tables>,
    /// How far the byte that grows out lies from the lowest bit.
    top: i32,
    /// A ring of the bytes in the window.
    bytes: Vec<u8>,
    oldest: usize,
}

impl Rabin64 {
    /// With a window of 2 to the power of `window_bits` bytes, and a polynomial of a degree from 8 to 55.
    #[must_use]
    pub fn new_with_polynom(window_bits: u32, polynom: &Polynom64) -> Self {
        let window = 1 << window_bits;
        Self {
            hash: 0,
            tables: Tables::of(window, *polynom),
            top: polynom.degree() - 8,
            bytes: vec![0; window],
            oldest: 0,
        }
    }
}

impl RollingHash64 for Rabin64 {
    fn reset_and_prefill_window(&mut self, bytes: &mut impl Iterator<Item = u8>) -> usize {
        self.bytes.fill(0);
        (self.hash, self.oldest) = (0, 0);
        let room = self.bytes.len() - 1;
        bytes.take(room).map(|byte| self.slide(byte)).count()
    }

    #[inline]
    fn slide(&mut self, byte: u8) {
        let oldest = std::mem::replace(&mut self.bytes[self.oldest], byte);
        self.oldest = (self.oldest + 1) & (self.bytes.len() - 1);
        self.hash ^= self.tables.out[usize::from(oldest)];
        let grows_out = (self.hash >> self.top) & 255;
        self.hash =
            (self.hash << 8 | Polynom64::from(byte)) ^ self.tables.reduce[grows_out as usize];
    }
}

#[cfg(test)]
mod tests;
