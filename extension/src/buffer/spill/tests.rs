use super::adopt::Adopted;
use super::*;
use crate::pack::Span;

fn folder() -> PathBuf {
    let path = std::env::temp_dir().join(format!("spill-{}", crate::base::random::new_instance()));
    fs::create_dir(&path).unwrap();
    path
}

fn record(first: u64, data: &[u8]) -> Record {
    let span = Span { instance: "i".into(), first, last: first + 2 };
    Record { key: "k-2".into(), events: 3, span, ..Record::sample(data, "k") }
}

/// Leaves a file of two records, as a killed process does.
fn left_behind(folder: &Path) -> PathBuf {
    let mut spill = Spill::create(folder, "a", 10_000).unwrap();
    assert!(spill.append(&record(1, b"one\n")).unwrap());
    assert!(spill.append(&record(4, &[0; 300])).unwrap());
    spill.path.clone()
}

fn read_all(adopted: Adopted) -> Vec<u64> {
    let mut firsts = Vec::new();
    for mut spill in adopted.spills {
        while let Some(Read::Record(record)) = spill.read(Instant::now()) {
            firsts.push(record.span.first);
        }
    }
    firsts
}

#[test]
fn a_record_is_read_back_as_it_was_written() {
    let folder = folder();
    let mut spill = Spill::create(&folder, "a", 10_000).unwrap();
    let written = record(7, b"\0\n\xff binary");
    spill.append(&written).unwrap();
    let now = Instant::now();
    let Some((at, Read::Record(read))) = spill.read_frame(now) else { panic!("it was written") };
    assert_eq!(read, Record { oldest: read.oldest, released: read.released, ..written });
    assert!(spill.done(at), "it holds nothing else");
    assert!(spill.read(now).is_none());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_record_keeps_its_age_in_a_file() {
    let folder = folder();
    let mut spill = Spill::create(&folder, "a", 10_000).unwrap();
    let minute = std::time::Duration::from_mins(1);
    let oldest = Instant::now().checked_sub(minute).unwrap();
    spill.append(&Record { oldest, ..record(1, b"old") }).unwrap();
    drop(spill);
    let mut adopted = adopt(&folder, "b");
    let now = Instant::now();
    let Some(Read::Record(read)) = adopted.spills[0].read(now) else { panic!("it was written") };
    let age = now - read.oldest;
    assert!(age >= minute && age < minute * 2, "{age:?}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn only_the_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let path = left_behind(&folder);
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_full_file_rejects_records_and_keeps_its_own() {
    let folder = folder();
    let mut spill = Spill::create(&folder, "a", 400).unwrap();
    assert!(spill.append(&record(1, &[b'x'; 100])).unwrap());
    assert!(!spill.append(&record(4, &[b'x'; 200])).unwrap());
    assert_eq!(spill.events(), 3);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_truncated_file_yields_whole_records_and_a_problem() {
    let folder = folder();
    let path = left_behind(&folder);
    let whole = fs::read(&path).unwrap();
    for cut in [1, 8, 200, 299] {
        fs::write(&path, &whole[..whole.len() - cut]).unwrap();
        let adopted = adopt(&folder, "b");
        assert_eq!(adopted.problems.len(), 1, "{:?}", adopted.problems);
        assert!(adopted.problems[0].contains("bytes are broken"), "{:?}", adopted.problems);
        assert_eq!(read_all(adopted), [1]);
        for entry in fs::read_dir(&folder).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_flipped_byte_loses_only_its_record() {
    let folder = folder();
    let path = left_behind(&folder);
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(4).position(|it| it == b"one\n").unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let mut adopted = adopt(&folder, "b");
    let read = |spill: &mut Spill| spill.read(Instant::now()).unwrap();
    assert!(matches!(read(&mut adopted.spills[0]), Read::Lost { events: 3, .. }));
    assert!(matches!(read(&mut adopted.spills[0]), Read::Record(_)));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_foreign_file_under_our_name_is_reported_and_kept() {
    let folder = folder();
    let foreign = path(&folder, "foreign");
    fs::write(&foreign, "not ours").unwrap();
    fs::create_dir(path(&folder, "a-folder")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", path(&folder, "link")).unwrap();
    fs::write(folder.join("other.spill"), "another's").unwrap();
    let adopted = adopt(&folder, "b");
    assert_eq!((adopted.spills.len(), adopted.problems.len()), (0, 3), "{:?}", adopted.problems);
    assert_eq!(fs::read_to_string(foreign).unwrap(), "not ours");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn spill_file_survives_a_crash_during_adoption() {
    let folder = folder();
    left_behind(&folder);
    let first = adopt(&folder, "b");
    assert_eq!(read_all(first), [1, 4], "read, but never acknowledged");
    assert_eq!(read_all(adopt(&folder, "c")), [1, 4]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_folder_that_is_missing_holds_nothing() {
    let adopted = adopt(Path::new("/nowhere"), "b");
    assert!(adopted.spills.is_empty() && adopted.problems.is_empty());
}

#[test]
fn an_empty_file_from_a_full_disk_is_deleted_silently() {
    let folder = folder();
    for len in [0, 1, frame::MAGIC.len() - 1] {
        fs::write(path(&folder, "empty"), &frame::MAGIC[..len]).unwrap();
        let adopted = adopt(&folder, "b");
        assert_eq!(adopted.problems, [""; 0]);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "{len} bytes");
    }
    let held = File::create(path(&folder, "held")).unwrap();
    held.lock().unwrap();
    assert_eq!(adopt(&folder, "b").problems, [""; 0]);
    assert_eq!(
        fs::read_dir(&folder).unwrap().count(),
        1,
        "its process may be about to write to it"
    );
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn creating_a_file_never_waits_for_a_lock() {
    let folder = folder();
    let path = path(&folder, "contended");
    let held = File::create(&path).unwrap();
    held.lock().unwrap();
    let error = begin(&mut File::options().write(true).open(&path).unwrap()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_new_file_deleted_before_its_lock_is_not_used() {
    let folder = folder();
    let path = path(&folder, "new");
    let mut new = File::create(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(begin(&mut new).is_err());
    fs::remove_dir_all(folder).unwrap();
}
