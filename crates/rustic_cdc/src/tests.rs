use super::*;

/// Where some text is cut into pieces of about 16 KiB, and the hash of its end. From the crate that this one takes the place
/// of, version 0.3.1.
const CUTS: [(Polynom64, &[usize], Polynom64); 3] = [
    (
        0x003D_A335_8B4D_C173,
        &[
            8574, 19509, 38447, 47184, 56414, 72451, 80664, 102_824, 103_055, 129_422, 142_138,
            163_683, 185_627, 196_106,
        ],
        0x0014_E5DA_C8F5_F8CF,
    ),
    (
        0x0030_45E7_BCB8_1F15,
        &[
            23371, 48769, 48932, 66763, 73895, 99892, 126_730, 157_206, 175_722, 178_491, 197_340,
            199_664,
        ],
        0x0000_821B_9CE3_8696,
    ),
    (
        0x002F_7A32_2D57_4DD1,
        &[
            22486, 72165, 72289, 100_726, 111_358, 129_586, 138_651, 155_661,
        ],
        0x0016_1C52_EDE5_71D1,
    ),
];

fn text() -> impl Iterator<Item = u8> {
    let number = |n: u32| n.wrapping_mul(n).wrapping_mul(2_654_435_761);
    (0..200_000).map(move |n| (number(n) >> 24) as u8)
}

fn cuts(hash: &mut Rabin64) -> Vec<usize> {
    let mut text = text();
    let begun = hash.reset_and_prefill_window(&mut text);
    let mut cuts = Vec::new();
    for (at, byte) in text.enumerate() {
        hash.slide(byte);
        if hash.hash & 0x3FFF == 0 {
            cuts.push(begun + at + 1);
        }
    }
    cuts
}

#[test]
fn cuts_where_the_original_does() {
    for (polynom, expected, end) in CUTS {
        let mut hash = Rabin64::new_with_polynom(6, &polynom);
        // Once more with what the first time left behind.
        for _ in 0..2 {
            assert_eq!(cuts(&mut hash), expected);
            assert_eq!(hash.hash, end);
        }
    }
}

#[test]
fn depends_on_the_window_alone() {
    let (polynom, ..) = CUTS[0];
    let mut long = Rabin64::new_with_polynom(6, &polynom);
    let mut short = Rabin64::new_with_polynom(6, &polynom);
    let bytes: Vec<u8> = text().take(5000).collect();
    bytes.iter().for_each(|byte| long.slide(*byte));
    bytes[5000 - 64..]
        .iter()
        .for_each(|byte| short.slide(*byte));
    assert_eq!(long.hash, short.hash);
}

#[test]
fn computes_the_tables_of_a_polynomial_once() {
    // One that no other test asks for.
    let polynom = 0x0031_5A0B_29C4_77A5;
    let tables = || Rabin64::new_with_polynom(6, &polynom).tables;
    let first = tables();
    assert!(Arc::ptr_eq(&first, &tables()));
    // Others come between, as many as are kept, and some more.
    for other in 1..10 {
        let _ = Rabin64::new_with_polynom(6, &(polynom + 2 * other));
    }
    assert!(KNOWN.lock().unwrap().len() <= KEPT);
    let again = tables();
    assert!(!Arc::ptr_eq(&first, &again));
    assert_eq!(first.out, again.out);
    let wider = Rabin64::new_with_polynom(7, &polynom).tables;
    assert_ne!(wider.out, again.out);
}

#[test]
fn divides_polynomials() {
    // (x^3 + x + 1) is x times (x^2 + 1), and 1 is left.
    assert_eq!(0b1011.modulo(&0b101), 0b1);
    assert_eq!(0b1010.modulo(&0b101), 0);
    assert_eq!(
        [0, 1, 2, 255, 256].map(|p: Polynom64| p.degree()),
        [-1, 0, 1, 7, 8]
    );
}
