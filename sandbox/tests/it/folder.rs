//! A folder for a test, and programs in it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder that is deleted when the test ends.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("sandbox-{:016x}", fastrand::u64(..)));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Creates an executable file with this text.
    ///
    /// Another process writes it. Otherwise a child that another test forks at this moment would inherit our
    /// descriptor, and a file that is open for writing cannot be executed.
    pub(crate) fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        let mut sh = Command::new("/bin/sh")
            .args(["-c", r#"cat > "$1" && chmod 755 "$1""#, "sh"])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        sh.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(sh.wait().unwrap().success());
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Returns the state of a process as the kernel states it: `T` is stopped, `Z` has ended, and `None` does not exist.
#[cfg(target_os = "linux")]
pub(crate) fn state(process: i32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn state(process: i32) -> Option<char> {
    ps(&["-o", "state=", "-p", &process.to_string()]).trim().chars().next()
}

/// Returns the arguments of every process, one line each.
#[cfg(target_os = "linux")]
pub(crate) fn commands() -> String {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let spaced = |line: Vec<u8>| String::from_utf8_lossy(&line).replace('\0', " ") + "\n";
    lines.map(spaced).collect()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn commands() -> String {
    ps(&["-axww", "-o", "command="])
}

/// Returns nothing on systems whose kernel lists no processes in files.
#[cfg(not(target_os = "linux"))]
fn ps(arguments: &[&str]) -> String {
    let output = std::process::Command::new("ps").args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Waits until a condition holds, and fails the test if it does not.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let come = async {
        while !is_so() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    let patience = std::time::Duration::from_secs(20);
    assert!(tokio::time::timeout(patience, come).await.is_ok(), "still not so: {what}");
}
