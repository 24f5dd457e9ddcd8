//! The arrows of ARCHITECTURE.md, read from the manifests: who may name which crate, and who may lean on whom.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde::Deserialize;

/// Crates that only one package may name, by how their names begin.
const RESERVED: [(&str, &str); 5] = [
    ("tauri", "holdfast-app"),
    ("wry", "holdfast-app"),
    ("axum", "backup-service"),
    ("rustic", "backup-engine"),
    ("rusqlite", "backup-engine"),
];

/// Which packages of this workspace each of them may name: its neighbours, and for the programs what they put together.
const NEIGHBOURS: [(&str, &[&str]); 8] = [
    ("rustic_cdc", &[]),
    ("backup-api", &[]),
    ("backup-engine", &[]),
    ("backup-client", &["backup-api"]),
    ("backup-service", &["backup-api", "backup-engine"]),
    ("backup-manager", &["backup-api", "backup-client"]),
    (
        "holdfast-cli",
        &[
            "backup-api",
            "backup-client",
            "backup-engine",
            "backup-service",
        ],
    ),
    (
        "holdfast-app",
        &[
            "backup-api",
            "backup-client",
            "backup-engine",
            "backup-manager",
            "backup-service",
        ],
    ),
];

/// The engine is synchronous and knows no network; the wire types do no I/O.
const UNKNOWN_TO: [(&str, &[&str]); 3] = [
    ("backup-api", &["tokio", "reqwest", "hyper", "axum"]),
    ("backup-engine", &["tokio", "reqwest", "hyper", "axum"]),
    ("backup-manager", &["axum", "hyper", "reqwest"]),
];

/// They are not part of the product: tests may look behind every wall, and xtask builds before anything else is there.
const NOT_PRODUCT: [&str; 3] = ["holdfast-tests", "holdfast-torture", "xtask"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    license: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Absent for a normal dependency, else `dev` or `build`.
    kind: Option<String>,
}

impl Package {
    /// What ends up in the product: everything but dependencies of tests.
    fn shipped(&self) -> BTreeSet<&str> {
        self.dependencies
            .iter()
            .filter(|dependency| dependency.kind.as_deref() != Some("dev"))
            .map(|dependency| dependency.name.as_str())
            .collect()
    }
}

fn packages() -> BTreeMap<String, Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Metadata = serde_json::from_slice(&output.stdout).unwrap();
    let named = |package: Package| (package.name.clone(), package);
    metadata.packages.into_iter().map(named).collect()
}

fn product() -> impl Iterator<Item = Package> {
    packages()
        .into_values()
        .filter(|package| !NOT_PRODUCT.contains(&package.name.as_str()))
}

#[test]
fn only_its_owner_names_a_reserved_crate() {
    for package in product() {
        for (prefix, owner) in RESERVED {
            let named: Vec<_> = package
                .shipped()
                .into_iter()
                .filter(|name| name.starts_with(prefix))
                .collect();
            assert!(
                package.name == owner || named.is_empty(),
                "{} names {named:?}, which only {owner} may",
                package.name
            );
        }
    }
}

#[test]
fn no_layer_skips_its_neighbour_and_no_arrow_points_back() {
    let packages = packages();
    let allowed: BTreeMap<_, _> = NEIGHBOURS.into_iter().collect();
    for package in product() {
        let neighbours = allowed
            .get(package.name.as_str())
            .unwrap_or_else(|| panic!("say in NEIGHBOURS what {} may lean on", package.name));
        for name in package.shipped() {
            assert!(
                !packages.contains_key(name) || neighbours.contains(&name),
                "{} leans on {name}, which is not its neighbour",
                package.name
            );
        }
    }
}

#[test]
fn lower_layers_know_neither_http_nor_a_runtime() {
    let packages = packages();
    for (package, unknown) in UNKNOWN_TO {
        let shipped = packages[package].shipped();
        let named: Vec<_> = unknown
            .iter()
            .filter(|name| shipped.contains(*name))
            .collect();
        assert!(named.is_empty(), "{package} names {named:?}");
    }
}

#[test]
fn every_package_carries_the_licence_of_the_project() {
    for package in packages().into_values() {
        assert_eq!(
            package.license.as_deref(),
            Some("MIT OR Apache-2.0"),
            "{}",
            package.name
        );
    }
}
