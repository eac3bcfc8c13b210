use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

/// `data` is the server's own folder; `data/sources` and `shared` are allowed; `outside` and `shared-too` are
/// not.
struct Machine {
    root: TempDir,
}

impl Machine {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["data/sources/deep", "shared", "shared-too", "outside"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        for file in
            ["data/system.db", "data/sources/deep/a.db", "shared/b.db", "shared-too/c.db", "outside/d.db"]
        {
            fs::write(root.path().join(file), "x").unwrap();
        }
        Self { root }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn folders(&self) -> AllowedFolders {
        AllowedFolders::below(vec![self.at("data/sources"), self.at("shared")], vec![self.at("data")])
    }

    fn check(&self, path: &str) -> Result<PathBuf, SourceError> {
        self.folders().check(&self.at(path))
    }
}

#[test]
fn files_below_an_allowed_folder_pass_and_come_back_as_real_paths() {
    let machine = Machine::new();
    symlink(machine.at("data/sources/deep/a.db"), machine.at("shared/link.db")).unwrap();
    let real = fs::canonicalize(machine.at("data/sources/deep/a.db")).unwrap();
    assert_eq!(machine.check("data/sources/deep/a.db"), Ok(real.clone()));
    assert_eq!(machine.check("data/sources/../sources/./deep/a.db"), Ok(real.clone()));
    assert_eq!(machine.check("shared/link.db"), Ok(real.clone()));
    assert_eq!(machine.folders().check(Path::new("deep/a.db")), Ok(real));
    assert!(machine.folders().check(Path::new("b.db")).is_ok());
}

#[test]
fn dot_dot_does_not_lead_out() {
    let machine = Machine::new();
    assert_eq!(machine.check("shared/../outside/d.db"), Err(SourceError::NotAllowed));
    assert_eq!(machine.check("data/sources/../system.db"), Err(SourceError::NotAllowed));
    assert_eq!(machine.folders().check(Path::new("../system.db")), Err(SourceError::NotAllowed));
    assert_eq!(machine.folders().check(Path::new("../outside/d.db")), Err(SourceError::NotAllowed));
}

#[test]
fn a_link_to_a_file_or_folder_outside_does_not_lead_out() {
    let machine = Machine::new();
    symlink(machine.at("outside/d.db"), machine.at("shared/file.db")).unwrap();
    symlink(machine.at("outside"), machine.at("shared/folder")).unwrap();
    symlink(machine.at("data/system.db"), machine.at("data/sources/system.db")).unwrap();
    assert_eq!(machine.check("shared/file.db"), Err(SourceError::NotAllowed));
    assert_eq!(machine.check("shared/folder/d.db"), Err(SourceError::NotAllowed));
    assert_eq!(machine.check("data/sources/system.db"), Err(SourceError::NotAllowed));
}

#[test]
fn a_hard_link_to_the_servers_own_database_is_refused() {
    let machine = Machine::new();
    fs::hard_link(machine.at("data/system.db"), machine.at("shared/innocent.db")).unwrap();
    assert_eq!(machine.check("shared/innocent.db"), Err(SourceError::NotAllowed));
    let anywhere = machine.folders().or_anywhere();
    assert_eq!(anywhere.check(&machine.at("shared/innocent.db")), Err(SourceError::ServersOwn));
}

#[test]
fn a_folder_whose_name_merely_begins_alike_is_outside() {
    let machine = Machine::new();
    assert_eq!(machine.check("shared-too/c.db"), Err(SourceError::NotAllowed));
}

#[test]
fn the_answer_does_not_tell_which_files_exist_outside() {
    let machine = Machine::new();
    symlink(machine.at("outside/none.db"), machine.at("outside/dangling")).unwrap();
    for path in [
        "outside/d.db",
        "outside/none.db",
        "outside/none/none.db",
        "outside",
        "data/master.key",
        "outside/dangling",
    ] {
        assert_eq!(machine.check(path), Err(SourceError::NotAllowed), "{path}");
    }
    assert_eq!(machine.check("shared/none.db"), Err(SourceError::Missing));
}

#[test]
fn only_files_are_files() {
    let machine = Machine::new();
    assert_eq!(machine.check("shared"), Err(SourceError::NotAFile));
    assert_eq!(machine.check("data/sources/deep"), Err(SourceError::NotAFile));
}

#[test]
fn malformed_paths_are_refused() {
    let machine = Machine::new();
    for path in ["", "\0", "a\0b", "/", "file:b.db?mode=rw", ":memory:"] {
        machine.folders().check(Path::new(path)).unwrap_err();
    }
}

#[test]
fn an_administrator_may_name_any_file_but_the_servers_own() {
    let machine = Machine::new();
    let folders = machine.folders().or_anywhere();
    assert!(folders.check(&machine.at("outside/d.db")).is_ok());
    assert!(folders.check(&machine.at("data/sources/deep/a.db")).is_ok());
    for own in ["data/system.db", "data/none.db", "data/none/none.db", "data"] {
        assert_eq!(folders.check(&machine.at(own)), Err(SourceError::ServersOwn), "{own}");
    }
    for missing in ["outside/none.db", "outside/none/none.db", "none/deep/none.db"] {
        assert_eq!(folders.check(&machine.at(missing)), Err(SourceError::Missing), "{missing}");
    }
}

#[test]
fn a_folder_both_allowed_and_forbidden_is_forbidden() {
    let machine = Machine::new();
    let folders = AllowedFolders::below(vec![machine.at("shared")], vec![machine.at("shared")]);
    assert_eq!(folders.check(&machine.at("shared/b.db")), Err(SourceError::NotAllowed));
}
