//! What one data source may take of the server.

use std::time::Duration;

/// Limits of one source. The defaults suit a server with a handful of busy sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections for reads on the caller's own thread. With as many as the server has request threads, none waits.
    pub inline_connections: usize,
    /// Worker threads for streams, each with a connection of its own; started when needed, ended when idle.
    pub workers: usize,
    /// Streams that may wait for a worker; one more is [`SourceError::Busy`](crate::SourceError::Busy).
    pub queued: usize,
    /// How long the receiver of a stream may take nothing before its answer is ended.
    pub stall: Duration,
    /// How long a read waits for another program's lock on the database.
    pub lock_wait: Duration,
    /// Page cache per connection, in KiB.
    pub cache_kib: u32,
    /// How much of the file is read through a memory map, in bytes; 0 for none. A map is faster for scans of large
    /// files, but counts as resident memory, and the whole process dies if another program truncates the file.
    pub mmap_bytes: u64,
    /// What the values of one row may have together, in bytes. As long as a row is being computed, nobody can tell what
    /// the rest of it will take, so each value may have an equal share.
    pub max_row_bytes: u32,
    /// Prepared statements kept per connection.
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
