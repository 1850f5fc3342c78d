//! How much memory the store's pages may take. Use alone fills it.

/// How many bytes of pages redb keeps in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheSize(usize);

impl CacheSize {
    /// What a phone can live with.
    pub const SMALL: Self = Self(8 * 1024 * 1024);

    /// So many MiB.
    pub fn of_mib(mib: u64) -> Self {
        Self(usize::try_from(mib.saturating_mul(1024 * 1024)).unwrap_or(usize::MAX))
    }

    /// In bytes.
    pub const fn bytes(self) -> usize {
        self.0
    }
}
