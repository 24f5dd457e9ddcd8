//! A library of real text: source files, cut into snippets.

use crate::corpus;

pub struct Asset {
    pub id: String,
    pub json: String,
}

/// That many assets of about that much text each, always the same ones.
pub fn collect(count: usize, bytes: usize) -> Vec<Asset> {
    let snippets = corpus::snippets(bytes).take(count).enumerate();
    let assets: Vec<Asset> = snippets
        .map(|(number, (name, text))| asset(number, &name, &text))
        .collect();
    assert_eq!(
        assets.len(),
        count,
        "there are not enough source files on this machine"
    );
    assets
}

/// Some of them, spread over all, edited as a person would.
pub fn changed(assets: &[Asset], count: usize, round: u32) -> Vec<Asset> {
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
        .skip(round as usize % step)
        .step_by(step)
        .take(count)
        .map(edit)
        .collect()
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
