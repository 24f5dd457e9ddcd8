//! Making a pack of folders and chunks that lie in another one. They are copied as they are, encrypted; only the header,
//! which names them at the end of the pack, is encrypted anew. The repository library makes packs of plain content alone.

use aes256ctr_poly1305aes::aead::{Aead, Nonce};
use aes256ctr_poly1305aes::{Aes256CtrPoly1305Aes, Key};
use rand::Rng;
use rustic_core::Id;
use rustic_core::repofile::{BlobType, IndexBlob, MasterKey};

/// `None`: `from` is too short, or the key is none.
pub(super) fn assemble(blobs: &[IndexBlob], from: &[u8], key: &MasterKey) -> Option<Vec<u8>> {
    let (mut pack, mut header) = (Vec::new(), Vec::new());
    for blob in blobs {
        let start = usize::try_from(blob.location.offset).ok()?;
        let end = start.checked_add(usize::try_from(blob.location.length).ok()?)?;
        pack.extend_from_slice(from.get(start..end)?);
        enter(blob, &mut header)?;
    }
    let header = encrypt(&header, key)?;
    pack.extend_from_slice(&header);
    pack.extend_from_slice(&u32::try_from(header.len()).ok()?.to_le_bytes());
    Some(pack)
}

/// Its kind, its length in the pack, its length where it is compressed, and its id.
fn enter(blob: &IndexBlob, header: &mut Vec<u8>) -> Option<()> {
    let plain = blob.location.uncompressed_length;
    header.push(match (blob.tpe, plain) {
        (BlobType::Data, None) => 0,
        (BlobType::Tree, None) => 1,
        (BlobType::Data, Some(_)) => 2,
        (BlobType::Tree, Some(_)) => 3,
    });
    header.extend_from_slice(&blob.location.length.to_le_bytes());
    if let Some(plain) = plain {
        header.extend_from_slice(&plain.get().to_le_bytes());
    }
    header.extend_from_slice(&bytes_of(&blob.id)?);
    Some(())
}

fn bytes_of(id: &Id) -> Option<Vec<u8>> {
    let hex = id.to_hex();
    let byte = |at: usize| u8::from_str_radix(hex.as_str().get(at..at + 2)?, 16).ok();
    (0..hex.as_str().len()).step_by(2).map(byte).collect()
}

/// A random nonce, what it encrypts, and the proof of both.
fn encrypt(plain: &[u8], key: &MasterKey) -> Option<Vec<u8>> {
    let parts = [&key.encrypt, &key.mac.k, &key.mac.r].map(Vec::as_slice);
    let key: [u8; 64] = parts.concat().try_into().ok()?;
    let mut nonce = Nonce::<Aes256CtrPoly1305Aes>::default();
    rand::rng().fill_bytes(&mut nonce);
    let cipher = Aes256CtrPoly1305Aes::new(&Key::from(key));
    let mut encrypted = nonce.to_vec();
    encrypted.extend(cipher.encrypt(&nonce, plain).ok()?);
    Some(encrypted)
}
