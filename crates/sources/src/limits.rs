//! The resources that one data source may use.

use std::time::Duration;

/// The limits of one source. The defaults suit a server with a handful of busy sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The number of connections for reads on the caller's thread. If there are as many as request threads,
    /// no read waits.
    pub inline_connections: usize,
    /// The number of worker threads for streams, each with its own connection; started on demand, ended when
    /// idle.
    pub workers: usize,
    /// The number of streams that may wait for a worker; one more is refused with
    /// [`SourceError::Busy`](crate::SourceError::Busy).
    pub queued: usize,
    /// How long the receiver of a stream may take nothing before its response is ended.
    pub stall: Duration,
    /// How long a read waits for another program's lock on the database.
    pub lock_wait: Duration,
    /// The page cache of each connection in KiB.
    pub cache_kib: u32,
    /// The number of bytes of the file that are read through a memory map; 0 for none. A map is faster for
    /// scans of large files, but counts as resident memory, and the whole process is killed if another
    /// program truncates the file.
    pub mmap_bytes: u64,
    /// The maximum total size of the values in one row, in bytes. While a row is being computed, the size of
    /// the rest is unknown, so each value may have an equal share.
    pub max_row_bytes: u32,
    /// The number of prepared statements cached for each connection.
    pub prepared_statements: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            inline_connections: cores.clamp(2, 16),
            workers: cores.clamp(2, 8),
            queued: 64,
            stall: Duration::from_secs(30),
            lock_wait: Duration::from_millis(250),
            cache_kib: 16 * 1024,
            mmap_bytes: 0,
            max_row_bytes: 64 * 1024 * 1024,
            prepared_statements: 64,
        }
    }
}
