//! The socket: the rights on its file say who may use it.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream as BlockingStream};
use std::path::Path;

use tokio::net::UnixStream;

use crate::SignerError;

/// The rights of others than the owner and the group.
const OTHERS: u32 = 0o007;
/// The right of everybody to write.
const OTHERS_WRITE: u32 = 0o002;

/// Connects to the signer, if nobody but the owner and the group of its socket can stand in for it.
///
/// # Errors
/// [`SignerError::Unreachable`] or [`SignerError::Untrusted`].
pub(crate) async fn connect(socket: &Path) -> Result<UnixStream, SignerError> {
    let unreachable = |cause| SignerError::Unreachable { socket: socket.to_owned(), cause };
    let untrusted = |why| SignerError::Untrusted { socket: socket.to_owned(), why };
    let owner = owner(socket).map_err(unreachable)?.map_err(untrusted)?;
    let stream = UnixStream::connect(socket).await.map_err(unreachable)?;
    let peer = stream.peer_cred().map_err(unreachable)?.uid();
    // Whoever owns the file has created it; root may run the signer for another user.
    if peer != owner && peer != 0 {
        return Err(untrusted("another user than the owner of the socket answers"));
    }
    Ok(stream)
}

/// The owner of the socket, or why others could stand in for the signer.
fn owner(socket: &Path) -> io::Result<Result<u32, &'static str>> {
    let found = fs::metadata(socket)?;
    if !found.file_type().is_socket() {
        return Ok(Err("it is no socket"));
    }
    if found.mode() & OTHERS != 0 {
        return Ok(Err("every user has rights on it"));
    }
    let folder = fs::metadata(folder_of(socket))?;
    if folder.mode() & OTHERS_WRITE != 0 {
        return Ok(Err("every user can write to its folder"));
    }
    Ok(Ok(found.uid()))
}

fn folder_of(socket: &Path) -> &Path {
    match socket.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Listens at a socket with these rights. It replaces one at which nobody listens any more.
///
/// # Errors
/// If there is another file, if another signer listens, or if the folder cannot be written.
pub(crate) fn bind(socket: &Path, mode: u32) -> io::Result<UnixListener> {
    match fs::symlink_metadata(socket) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(ErrorKind::AlreadyExists, "there is a file that is no socket"));
        }
        Ok(_) if BlockingStream::connect(socket).is_ok() => {
            return Err(io::Error::new(ErrorKind::AddrInUse, "another signer listens there"));
        }
        Ok(_) => {}
    }
    // In a folder of its own, so that nobody can connect before the rights are set.
    let private = folder_of(socket).join(format!(".signer-{}", std::process::id()));
    DirBuilder::new().mode(0o700).create(&private)?;
    let listening = listen_in(&private, socket, mode);
    let removed = fs::remove_dir_all(&private);
    let listener = listening?;
    removed?;
    Ok(listener)
}

fn listen_in(private: &Path, socket: &Path, mode: u32) -> io::Result<UnixListener> {
    let new = private.join("s");
    let listener = UnixListener::bind(&new)?;
    fs::set_permissions(&new, Permissions::from_mode(mode))?;
    fs::rename(&new, socket)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_socket_has_the_rights_that_were_asked_for_and_replaces_an_abandoned_one() {
        let folder = folder();
        let socket = folder.path().join("signer");
        for mode in [0o600, 0o660] {
            drop(bind(&socket, mode).unwrap());
            assert_eq!(fs::metadata(&socket).unwrap().mode() & 0o777, mode);
            assert!(owner(&socket).unwrap().is_ok());
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn a_socket_in_use_and_another_file_are_kept() {
        let folder = folder();
        let (socket, file) = (folder.path().join("signer"), folder.path().join("file"));
        let _listening = bind(&socket, 0o600).unwrap();
        assert_eq!(bind(&socket, 0o600).unwrap_err().kind(), ErrorKind::AddrInUse);
        fs::write(&file, "mine").unwrap();
        assert_eq!(bind(&file, 0o600).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    }

    #[tokio::test]
    async fn a_signer_is_trusted_only_if_no_other_user_can_stand_in_for_it() {
        let folder = folder();
        let socket = folder.path().join("signer");
        let why = async || match connect(&socket).await {
            Err(SignerError::Untrusted { why, .. }) => Some(why),
            Err(error) => panic!("{error}"),
            Ok(_) => None,
        };
        let _listening = bind(&socket, 0o600).unwrap();
        assert_eq!(why().await, None);
        fs::set_permissions(&socket, Permissions::from_mode(0o666)).unwrap();
        assert_eq!(why().await, Some("every user has rights on it"));
        fs::set_permissions(&socket, Permissions::from_mode(0o660)).unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        assert_eq!(why().await, Some("every user can write to its folder"));
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        fs::remove_file(&socket).unwrap();
        fs::write(&socket, "").unwrap();
        assert_eq!(why().await, Some("it is no socket"));
    }
}
