//! Makes a repository's key cheap to derive: the cost that keeps others from guessing a password would be most of the time
//! of a trial, which opens repositories again and again.

use std::fs;
use std::path::Path;

use aes256ctr_poly1305aes::aead::Aead;
use aes256ctr_poly1305aes::{Aes256CtrPoly1305Aes, Key};
use serde_json::Value;

use crate::content::hex_of;

/// Binary logarithm.
const COST: u8 = 4;

pub fn make_cheap(repository: &Path, password: &str) {
    for entry in fs::read_dir(repository.join("keys")).unwrap() {
        let path = entry.unwrap().path();
        let mut file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let (salt, data) = (decode(&file["salt"]), decode(&file["data"]));
        let dear = (file["N"].as_u64().unwrap().ilog2()) as u8;
        let nonce = aes256ctr_poly1305aes::aead::Nonce::<Aes256CtrPoly1305Aes>::clone_from_slice(
            &data[..16],
        );
        let master = cipher(password, &salt, dear)
            .decrypt(&nonce, &data[16..])
            .unwrap();
        let mut cheap = data[..16].to_vec();
        cheap.extend(
            cipher(password, &salt, COST)
                .encrypt(&nonce, &master[..])
                .unwrap(),
        );
        file["N"] = (1_u64 << COST).into();
        file["data"] = encode(&cheap).into();
        let text = serde_json::to_vec(&file).unwrap();
        fs::write(path.with_file_name(hex_of(&text)), text).unwrap();
        fs::remove_file(path).unwrap();
    }
}

fn cipher(password: &str, salt: &[u8], cost: u8) -> Aes256CtrPoly1305Aes {
    let mut key = Key::default();
    let cost = scrypt::Params::new(cost, 8, 1).unwrap();
    scrypt::scrypt(password.as_bytes(), salt, &cost, &mut key).unwrap();
    Aes256CtrPoly1305Aes::new(&key)
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn decode(text: &Value) -> Vec<u8> {
    let digits = text
        .as_str()
        .unwrap()
        .bytes()
        .filter(|digit| *digit != b'=');
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in digits {
        let value = DIGITS.iter().position(|known| *known == digit).unwrap() as u32;
        (bits, count) = (bits << 6 | value, count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let all = three
            .iter()
            .fold(0_u32, |all, byte| all << 8 | u32::from(*byte))
            << (8 * (3 - three.len()));
        for at in 0..4 {
            let digit = DIGITS[(all >> (18 - 6 * at) & 63) as usize] as char;
            text.push(if at <= three.len() { digit } else { '=' });
        }
    }
    text
}
