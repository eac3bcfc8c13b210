//! The commands of [the protocol](https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase.html) that
//! a reader needs, and their answers.

use odata::cell::Value;

use super::cells::RowReader;
use super::failure::Refusal;
use super::fields::Fields;
use super::parameters;
use super::prepared::PreparedStatement;
use super::wire::Wire;
use crate::SourceError;
use crate::server::broken;

mod code {
    pub(super) const QUIT: u8 = 1;
    pub(super) const QUERY: u8 = 3;
    pub(super) const PREPARE: u8 = 22;
    pub(super) const EXECUTE: u8 = 23;
    pub(super) const CLOSE: u8 = 25;
}

/// What the first byte of an answer says.
pub(super) mod first {
    pub(in crate::mysql) const OK: u8 = 0x00;
    pub(in crate::mysql) const END: u8 = 0xfe;
    pub(in crate::mysql) const ERROR: u8 = 0xff;
    /// The server asks for a file of the client.
    pub(in crate::mysql) const FILE: u8 = 0xfb;
}

/// The end of rows is shorter than this; a row cannot start with the same byte.
const LONGEST_END: usize = 0xff_ffff;

/// What comes next of the rows of a statement.
pub(super) enum Next<'w> {
    Row(&'w [u8]),
    End,
    Refused(Refusal),
}

/// Why a command has no result.
pub(super) enum Fault {
    /// The server has refused it, and is ready for the next one.
    Refused(Refusal),
    /// The connection cannot be used any more.
    Broken(SourceError),
}

impl From<SourceError> for Fault {
    fn from(error: SourceError) -> Self {
        Self::Broken(error)
    }
}

/// Runs a statement without rows.
pub(super) async fn ask(wire: &mut Wire, sql: &str) -> Result<(), Fault> {
    wire.command(|out| {
        out.push(code::QUERY);
        out.extend_from_slice(sql.as_bytes());
    })?;
    wire.flush().await?;
    answered(wire.packet().await?).map(drop)
}

/// The packet after its first byte, if it says that all is well.
fn answered(packet: &[u8]) -> Result<&[u8], Fault> {
    match packet.split_first() {
        Some((&first::OK, rest)) => Ok(rest),
        Some((&first::ERROR, _)) => Err(Fault::Refused(Refusal::read(packet))),
        _ => Err(unexpected().into()),
    }
}

fn unexpected() -> SourceError {
    broken("an answer of the server is none to what it was asked")
}

/// Prepares a statement.
pub(super) async fn prepare(wire: &mut Wire, sql: &str) -> Result<PreparedStatement, Fault> {
    wire.command(|out| {
        out.push(code::PREPARE);
        out.extend_from_slice(sql.as_bytes());
    })?;
    wire.flush().await?;
    let mut fields = Fields::of(answered(wire.packet().await?)?);
    let mut read = || Some((fields.u32()?, fields.u16()?, fields.u16()?));
    let (id, columns, parameters) = read().ok_or_else(unexpected)?;
    // Descriptions of the parameters and of the columns; those of the columns come again with the rows.
    for _ in 0..u32::from(columns) + u32::from(parameters) {
        wire.packet().await?;
    }
    Ok(PreparedStatement { id, parameters: parameters.into(), columns: columns.into() })
}

/// Writes that a statement is not needed any more, which has no answer.
pub(super) fn close(wire: &mut Wire, id: u32) -> Result<(), SourceError> {
    wire.command(|out| {
        out.push(code::CLOSE);
        out.extend_from_slice(&id.to_le_bytes());
    })
}

/// Starts a prepared statement, and reads the description of its columns. Returns their number; zero for a statement
/// without rows.
pub(super) async fn execute(
    wire: &mut Wire,
    prepared: &PreparedStatement,
    values: &[Value],
    reader: &mut RowReader,
) -> Result<usize, Fault> {
    wire.command(|out| {
        out.push(code::EXECUTE);
        out.extend_from_slice(&prepared.id.to_le_bytes());
        // Without a cursor, once.
        out.extend_from_slice(&[0, 1, 0, 0, 0]);
        parameters::write(out, values);
    })?;
    wire.flush().await?;
    let packet = wire.packet().await?;
    let columns = match packet.first() {
        Some(&first::OK) => return Ok(0),
        Some(&first::ERROR) => return Err(Fault::Refused(Refusal::read(packet))),
        Some(&first::FILE) => {
            // The connection is closed; no byte of a file is sent.
            let detail = "the server asks for a file of this machine".to_owned();
            return Err(Fault::Broken(SourceError::Failed { detail }));
        }
        _ => Fields::of(packet).number().ok_or_else(unexpected)?,
    };
    let columns = usize::try_from(columns).unwrap_or(usize::MAX);
    if columns > usize::from(u16::MAX) {
        return Err(unexpected().into());
    }
    reader.clear();
    for _ in 0..columns {
        reader.describe(wire.packet().await?)?;
    }
    Ok(columns)
}

/// The next row.
pub(super) async fn next(wire: &mut Wire) -> Result<Next<'_>, SourceError> {
    let packet = wire.row().await?;
    Ok(match packet.first() {
        Some(&first::OK) => Next::Row(packet),
        Some(&first::END) if packet.len() < LONGEST_END => Next::End,
        Some(&first::ERROR) => Next::Refused(Refusal::read(packet)),
        _ => return Err(unexpected()),
    })
}

/// Ends the connection in order.
pub(super) async fn quit(wire: &mut Wire) {
    if wire.command(|out| out.push(code::QUIT)).is_ok() {
        wire.shut_down().await;
    }
}
