//! What an error of a data source means for the person who sets it up.

use super::{CertificateFault, SourceError};

/// A stable code for programs, and what to do.
type Explained = (&'static str, &'static str);

impl SourceError {
    /// A stable code for programs.
    pub fn code(&self) -> &'static str {
        self.explained().0
    }

    /// What to do about it, in a sentence for the person who sets the data source up.
    pub fn advice(&self) -> &'static str {
        self.explained().1
    }

    fn explained(&self) -> Explained {
        match self {
            Self::HostNotAllowed
            | Self::Unresolved { .. }
            | Self::ConnectionRefused { .. }
            | Self::NoAnswer { .. }
            | Self::Unreachable { .. } => self.explained_on_the_way(),
            Self::NoTls => (
                "NoTls",
                "Turn TLS on at the database server, or turn encryption off for this data source if its network is trusted.",
            ),
            Self::CertificateRefused { fault, .. } => explained_certificate(*fault),
            Self::NotEncrypted { .. } => (
                "TlsFailed",
                "Check that the database server speaks TLS 1.2 or 1.3, and that the authorities of the data source are \
                 certificates.",
            ),
            Self::SignInRefused { .. }
            | Self::NoDatabase { .. }
            | Self::NotPermitted { .. }
            | Self::NoDatabaseRole
            | Self::NoLogin
            | Self::LoginRefused
            | Self::LoginLacksRight
            | Self::OldServer { .. }
            | Self::UnknownCharacters => self.explained_at_the_server(),
            Self::Missing
            | Self::NotAFile
            | Self::NotAllowed
            | Self::ServersOwn
            | Self::Unreadable { .. }
            | Self::NotADatabase
            | Self::OwnFile
            | Self::Damaged { .. } => self.explained_in_files(),
            _ => self.explained_while_reading(),
        }
    }

    fn explained_on_the_way(&self) -> Explained {
        match self {
            Self::HostNotAllowed => (
                "HostNotAllowed",
                "Ask the operator of this server to list the host in data_sources.allowed_hosts; addresses of the \
                 server's own machine must be listed as addresses.",
            ),
            Self::Unresolved { .. } => {
                ("NameNotResolved", "Check the spelling of the host, or give its IP address.")
            }
            Self::ConnectionRefused { .. } => (
                "ConnectionRefused",
                "Check the port, and that the database server runs and listens at an address that other machines reach.",
            ),
            Self::NoAnswer { .. } => (
                "NoAnswer",
                "Check the host and the port, and whether a firewall stands in between or the database server is \
                 overloaded.",
            ),
            _ => (
                "Unreachable",
                "Check that the host and the port are those of a database server of this kind, and that the network \
                 leads there.",
            ),
        }
    }

    fn explained_at_the_server(&self) -> Explained {
        match self {
            Self::SignInRefused { .. } => (
                "SignInRefused",
                "Check the user name and the password; the database server may also refuse this machine, or connections \
                 without TLS.",
            ),
            Self::NoDatabase { .. } => ("NoSuchDatabase", "Check the spelling of the database name."),
            Self::NoDatabaseRole => (
                "DatabaseRoleMissing",
                "Name a role for the user in the option UserRoles of the data source.",
            ),
            Self::NoLogin => (
                "DatabaseLoginMissing",
                "Send the name and the password with the request, or store them, as UserCredentials of the data source says.",
            ),
            Self::LoginRefused => {
                ("DatabaseLoginRefused", "Check your name and your password for the database.")
            }
            Self::LoginLacksRight => ("DatabaseForbids", "Ask the owner of the database for the right."),
            Self::OldServer { .. } => ("ServerTooOld", "Upgrade the database server."),
            Self::UnknownCharacters => {
                ("UnknownCharacters", "Copy the database into one whose encoding is UTF8.")
            }
            _ => (
                "RightMissing",
                "Let the user of the data source connect to the database and read its tables.",
            ),
        }
    }

    fn explained_in_files(&self) -> Explained {
        match self {
            Self::Missing => ("FileMissing", "Check the path; it is one of the machine of this server."),
            Self::NotAFile => ("NotAFile", "Give the path of the database file itself."),
            Self::NotAllowed => (
                "PathNotAllowed",
                "Move the file, or ask the operator of this server to list its folder in data_sources.sqlite_folders.",
            ),
            Self::Unreadable { .. } => (
                "FileUnreadable",
                "Let the user of the server process read the file and its folder; a program that wrote to the file may \
                 have to open it once.",
            ),
            Self::NotADatabase => ("NotADatabase", "Check the path; an encrypted database cannot be read."),
            Self::Damaged { .. } => ("Damaged", "Check the database with the tools of its product."),
            _ => ("NeverServed", "Use another database."),
        }
    }

    fn explained_while_reading(&self) -> Explained {
        match self {
            Self::StructureChanged { .. } => ("StructureChanged", "Try again."),
            Self::Unsupported { .. } => (
                "Unsupported",
                "Use a database engine with what the structure needs, or leave the tables out that need it.",
            ),
            Self::Exhausted { .. } => {
                ("Exhausted", "Try again later, or give the database more memory or disk space.")
            }
            Self::Busy => ("Busy", "Try again later, or allow the database server more connections."),
            Self::TooManyLogins { .. } => ("TooManyRequests", "Try again later, with the right password."),
            Self::Locked => ("Locked", "Try again when the other program has finished."),
            Self::TimedOut => (
                "TimedOut",
                "Try again, or serve fewer tables; the operator of this server may raise data_sources.timeout_secs.",
            ),
            _ => (
                "Failed",
                "Ask the operator of this server; its log has the cause, with the id in X-Request-Id.",
            ),
        }
    }
}

fn explained_certificate(fault: CertificateFault) -> Explained {
    match fault {
        CertificateFault::Expired => ("CertificateExpired", "Renew the certificate of the database server."),
        CertificateFault::NotYetValid => (
            "CertificateNotYetValid",
            "Check the clocks of both machines, or wait until the certificate is valid.",
        ),
        CertificateFault::UnknownAuthority => (
            "CertificateUnknownAuthority",
            "Add the certificate of the authority that signed it to the authorities of the data source.",
        ),
        CertificateFault::OtherName => (
            "CertificateOtherName",
            "Use the name of the certificate as the host, or give it as the name in the certificate.",
        ),
        CertificateFault::Invalid => (
            "CertificateInvalid",
            "Use a certificate for servers, of version 3, with a key that current programs accept.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_code_and_advice() {
        let detail = String::new;
        let refused = |fault| SourceError::CertificateRefused { fault, detail: detail() };
        for (error, code) in [
            (SourceError::HostNotAllowed, "HostNotAllowed"),
            (SourceError::Unresolved { detail: detail() }, "NameNotResolved"),
            (SourceError::ConnectionRefused { detail: detail() }, "ConnectionRefused"),
            (SourceError::NoAnswer { detail: detail() }, "NoAnswer"),
            (SourceError::Unreachable { detail: detail() }, "Unreachable"),
            (SourceError::NoTls, "NoTls"),
            (refused(CertificateFault::Expired), "CertificateExpired"),
            (refused(CertificateFault::NotYetValid), "CertificateNotYetValid"),
            (refused(CertificateFault::UnknownAuthority), "CertificateUnknownAuthority"),
            (refused(CertificateFault::OtherName), "CertificateOtherName"),
            (refused(CertificateFault::Invalid), "CertificateInvalid"),
            (SourceError::NotEncrypted { detail: detail() }, "TlsFailed"),
            (SourceError::SignInRefused { detail: detail() }, "SignInRefused"),
            (SourceError::NoDatabase { detail: detail() }, "NoSuchDatabase"),
            (SourceError::NotPermitted { detail: detail() }, "RightMissing"),
            (SourceError::NoDatabaseRole, "DatabaseRoleMissing"),
            (SourceError::NoLogin, "DatabaseLoginMissing"),
            (SourceError::LoginRefused, "DatabaseLoginRefused"),
            (SourceError::LoginLacksRight, "DatabaseForbids"),
            (SourceError::TooManyLogins { seconds: 3 }, "TooManyRequests"),
            (SourceError::OldServer { oldest: "X 1" }, "ServerTooOld"),
            (SourceError::UnknownCharacters, "UnknownCharacters"),
            (SourceError::Missing, "FileMissing"),
            (SourceError::NotAFile, "NotAFile"),
            (SourceError::NotAllowed, "PathNotAllowed"),
            (SourceError::ServersOwn, "NeverServed"),
            (SourceError::OwnFile, "NeverServed"),
            (SourceError::Unreadable { detail: detail() }, "FileUnreadable"),
            (SourceError::NotADatabase, "NotADatabase"),
            (SourceError::Damaged { detail: detail() }, "Damaged"),
            (SourceError::StructureChanged { detail: detail() }, "StructureChanged"),
            (SourceError::Unsupported { detail: detail() }, "Unsupported"),
            (SourceError::Exhausted { detail: detail() }, "Exhausted"),
            (SourceError::Busy, "Busy"),
            (SourceError::Locked, "Locked"),
            (SourceError::TimedOut, "TimedOut"),
            (SourceError::Failed { detail: detail() }, "Failed"),
        ] {
            assert_eq!(error.code(), code);
            assert!(error.advice().ends_with('.'), "{code}");
            assert!(!error.to_string().ends_with('.'), "{code}: whoever shows the sentence ends it");
        }
    }
}
