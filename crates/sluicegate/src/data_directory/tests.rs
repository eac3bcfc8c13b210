use super::*;

#[test]
fn an_incomplete_installation_is_reported_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let data_directory = DataDirectory::at(folder.path());
    let nothing = Environment::default();
    let message = || data_directory.is_empty(&nothing).unwrap_err().to_string();
    assert!(data_directory.is_empty(&nothing).unwrap());
    fs::create_dir(data_directory.staging()).unwrap();
    assert!(message().contains("half initialised"));
    fs::remove_dir(data_directory.staging()).unwrap();
    fs::write(data_directory.key_file(), "").unwrap();
    assert!(message().contains("a master key but no database"));
    fs::rename(data_directory.key_file(), data_directory.database()).unwrap();
    assert!(message().contains("a database but not its master key"));
    let with_key = Environment::sample(&[("SLUICEGATE_MASTER_KEY", "k")]);
    assert!(!data_directory.is_empty(&with_key).unwrap());
}

#[test]
fn an_abandoned_installation_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let data_directory = DataDirectory::at(&folder.path().join("new"));
    let unfinished = data_directory.begin(&Environment::default()).unwrap();
    fs::write(unfinished.database(), "half").unwrap();
    drop(unfinished);
    assert!(data_directory.is_empty(&Environment::default()).unwrap());
    let unfinished = data_directory.begin(&Environment::default()).unwrap();
    fs::write(unfinished.database(), "whole").unwrap();
    unfinished.finish().unwrap();
    assert!(!data_directory.is_empty(&Environment::default()).unwrap());
    assert!(
        data_directory
            .begin(&Environment::default())
            .unwrap_err()
            .to_string()
            .contains("nothing was changed")
    );
}

#[test]
fn an_unreadable_folder_does_not_count_as_empty() {
    let place = tempfile::tempdir().unwrap();
    let message =
        |folder: &Path| DataDirectory::at(folder).is_empty(&Environment::default()).unwrap_err().to_string();
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(message(&file).contains("is a file, not a folder"), "{}", message(&file));
    let circle = place.path().join("circle");
    std::os::unix::fs::symlink(&circle, &circle).unwrap();
    assert!(message(&circle).contains("cannot be read"), "{}", message(&circle));
    let closed = place.path().join("closed");
    DirBuilder::new().mode(0o000).create(&closed).unwrap();
    // Root can read everything.
    if fs::read_dir(&closed).is_err() {
        assert!(message(&closed).contains("this user may not"), "{}", message(&closed));
    }
}
