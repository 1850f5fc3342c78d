//! Pictures that somebody asked to see. Nothing is loaded from strangers' addresses before that.

use crate::sorted_map::SortedMap;

/// Most pictures that are held; beyond it an earlier one goes.
const MAX_PICTURES: usize = 40;

/// One picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Picture {
    /// It is being loaded.
    Loading,
    /// It is here, under this address of the browser's own.
    Here(String),
    /// It could not be loaded.
    Failed,
}

/// Pictures by their address.
#[derive(Debug, Clone, Default)]
pub struct Pictures {
    pictures: SortedMap<String, Picture>,
    /// Counts the changes, so that what is drawn from them knows when they change.
    pub version: u32,
}

impl Pictures {
    /// Puts a picture in its present state; returns the browser's address of one that had to go.
    pub fn put(&mut self, address: String, picture: Picture) -> Option<String> {
        self.version = self.version.wrapping_add(1);
        self.pictures.insert(address, picture);
        match (self.pictures.len() > MAX_PICTURES).then(|| self.pictures.pop_first()).flatten() {
            Some((_, Picture::Here(own))) => Some(own),
            _ => None,
        }
    }

    /// How many are being loaded.
    pub fn loading(&self) -> usize {
        self.pictures.values().filter(|picture| **picture == Picture::Loading).count()
    }

    /// The picture of this address, if somebody asked for it.
    pub fn get(&self, address: &str) -> Option<&Picture> {
        self.pictures.iter().find(|(other, _)| *other == address).map(|(_, picture)| picture)
    }
}
