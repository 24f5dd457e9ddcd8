//! A library of real text: the source files of the crates this workspace was built from, cut into snippets.

use std::fs;
use std::path::{Path, PathBuf};

/// What counts as a source file.
const KINDS: [&str; 8] = ["rs", "c", "h", "cc", "md", "js", "toml", "py"];

pub struct Asset {
    pub id: String,
    pub json: String,
}

/// That many assets of about that much text each, always the same ones on one machine.
pub fn collect(count: usize, bytes: usize) -> Vec<Asset> {
    let mut files = Vec::new();
    sources(&registry(), &mut files);
    files.sort();
    let mut assets = Vec::with_capacity(count);
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let mut rest = text.as_str();
        while !rest.is_empty() && assets.len() < count {
            let (snippet, after) = rest.split_at(rest.floor_char_boundary(bytes.min(rest.len())));
            rest = after;
            if snippet.len() * 4 > bytes {
                assets.push(asset(assets.len(), &name, snippet));
            }
        }
    }
    assert_eq!(
        assets.len(),
        count,
        "there are not enough source files on this machine"
    );
    assets
}

/// Some of them, spread over all, edited as a person would.
pub fn changed(assets: &[Asset], count: usize, round: usize) -> Vec<Asset> {
    let step = assets.len() / count;
    let edit = |asset: &Asset| {
        let json = asset.json.replacen(
            "\"text\":\"",
            &format!("\"text\":\"// edited in round {round}\\n"),
            1,
        );
        Asset {
            id: asset.id.clone(),
            json,
        }
    };
    assets
        .iter()
        .skip(round % step)
        .step_by(step)
        .take(count)
        .map(edit)
        .collect()
}

pub fn bytes(assets: &[Asset]) -> u64 {
    assets.iter().map(|asset| asset.json.len() as u64).sum()
}

fn asset(number: usize, name: &str, text: &str) -> Asset {
    // Spread over the key space, as the random ids of real clients are.
    let id = format!(
        "{:08x}-{number:06}",
        (number as u32).wrapping_mul(0x9e37_79b9)
    );
    let time = serde_json::json!({"value": "2026-01-02T03:04:05Z"});
    let json = serde_json::json!({
        "id": id, "name": name, "created": time, "updated": time, "creator": "bench", "formats": {"iterable": []},
        "mechanism": "MANUAL", "original": "fragment", "preview": {"base": "fragment"}, "text": text,
    });
    Asset {
        id,
        json: json.to_string(),
    }
}

fn registry() -> PathBuf {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    home.expect("a home folder").join("registry/src")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            sources(&path, found);
        } else if path
            .extension()
            .is_some_and(|kind| KINDS.iter().any(|known| kind == *known))
        {
            found.push(path);
        }
    }
}
